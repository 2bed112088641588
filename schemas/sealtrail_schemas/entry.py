"""The entry: an event with its place in the trail, as two byte strings (docs/format.md, "Overview")."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A leaf and the payload that it commits to, both as they are archived."""

    leaf: bytes
    payload: bytes
