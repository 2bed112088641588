"""How far a verification has come, trail after trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification has come.

    Attributes:
        origin: The trail that is being read.
        entries: Entries followed so far, in all trails.
        bytes_done: Bytes of batches read so far, in all trails.
        bytes_total: Bytes of all batches to be read, by the store's listing: what `bytes_done` will come to,
            about.
    """

    origin: str
    entries: int
    bytes_done: int
    bytes_total: int


class ProgressMeter:
    """Adds up the progress of one trail after the other."""

    def __init__(self, progress: Callable[[Progress], None] | None, bytes_total: int) -> None:
        """Prepare to tell `progress`, if there is one."""
        self._progress = progress
        self._bytes_total = bytes_total
        self._entries = 0
        self._bytes = 0

    def begin(self, origin: str) -> Callable[[int, int], None]:
        """The callback for the walk through the next trail."""
        entries_before, bytes_before = self._entries, self._bytes

        def on_progress(entries: int, length: int) -> None:
            self._entries, self._bytes = entries_before + entries, bytes_before + length
            if self._progress is not None:
                self._progress(Progress(origin, self._entries, self._bytes, self._bytes_total))

        return on_progress
