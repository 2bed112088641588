"""Pauses in a trail, by the time when entries were chained: quiet is not the same as stopped.

A chainer that has nothing to chain writes a heartbeat now and then (after five minutes, unless it is set
otherwise). So a pause between events with heartbeats in it was quiet; one without any was a silence, in which
nothing was recorded, whatever happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_schemas.leaf import Kind

if TYPE_CHECKING:
    from sealtrail_auditor.reading import TimeRange
    from sealtrail_schemas.leaf import Leaf

SILENCE_MS: Final = 15 * 60 * 1000
"""A longer pause without a heartbeat counts as a stop: heartbeats usually come in a third of that time."""

MAX_STOPS: Final = 20
"""So many of them are listed for each trail: the longest."""


class Pause(NamedTuple):
    """The time between two entries, the sequence of the first of them, and that of the second."""

    from_ms: int
    to_ms: int
    after: int
    before: int

    @property
    def length_ms(self) -> int:
        """How long it was."""
        return self.to_ms - self.from_ms


class Pauses:
    """Finds the pauses of one trail, from its entries in order.

    Attributes:
        longest_quiet: The longest time without an event; None: there are not two events in a row.
        longest_silence: The longest time without any entry.
        stops: How many silences are longer than `SILENCE_MS`.
        longest_stops: The longest of them, in order of time.
    """

    def __init__(self, period: TimeRange) -> None:
        """Only pauses that reach into the period count."""
        self.longest_quiet: Pause | None = None
        self.longest_silence: Pause | None = None
        self.stops = 0
        self._period = period
        self._stops: list[Pause] = []
        self._entry: tuple[int, int] | None = None
        self._event: tuple[int, int] | None = None

    @property
    def longest_stops(self) -> tuple[Pause, ...]:
        """The longest stops, in order of time."""
        return tuple(sorted(self._stops))

    def add(self, leaf: Leaf) -> None:
        """Go on to the next entry."""
        here = (leaf.chained_at_ms, leaf.sequence)
        if self._entry is not None and (silence := self._pause(self._entry, here)):
            self.longest_silence = _longer(self.longest_silence, silence)
            if silence.length_ms > SILENCE_MS:
                self._stop(silence)
        self._entry = here
        if leaf.kind in {Kind.EVENT, Kind.REJECTED}:
            if self._event is not None and (quiet := self._pause(self._event, here)):
                self.longest_quiet = _longer(self.longest_quiet, quiet)
            self._event = here

    def gap(self) -> None:
        """Entries are missing or were not read: nothing is known of the pauses between them."""
        self._entry = self._event = None

    def _pause(self, before: tuple[int, int], after: tuple[int, int]) -> Pause | None:
        from_ms, to_ms = self._period
        is_outside = (to_ms is not None and before[0] >= to_ms) or (
            from_ms is not None and after[0] < from_ms
        )
        return None if is_outside else Pause(before[0], after[0], before[1], after[1])

    def _stop(self, silence: Pause) -> None:
        self.stops += 1
        self._stops.append(silence)
        if len(self._stops) > MAX_STOPS:
            self._stops.remove(min(self._stops, key=lambda stop: stop.length_ms))


def _longer(best: Pause | None, other: Pause) -> Pause:
    return other if best is None or other.length_ms > best.length_ms else best
