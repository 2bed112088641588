"""What keeps an archiver from signing, though nothing is wrong with the trail."""

from __future__ import annotations


class KeyChangedError(Exception):
    """The archiver's key is not the one that signs for the trail from here on: another one took its place."""
