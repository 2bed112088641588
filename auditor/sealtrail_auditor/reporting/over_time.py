"""Events over time, in bounded memory: bars that get wider as the range of times grows."""

from __future__ import annotations

from typing import Final, NamedTuple

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

WIDTHS_MS: Final = (
    _SECOND,
    10 * _SECOND,
    _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
    _DAY,
    7 * _DAY,
    28 * _DAY,
    364 * _DAY,
)
"""Each is a multiple of the one before, so that bars can be joined."""

MAX_BARS: Final = 100
_MIN_BARS: Final = 24
_MAX_BUCKETS: Final = 4_096
_MONDAY_MS: Final = 4 * _DAY
"""Bars are counted from Monday, 5 January 1970, so that weeks begin as ISO 8601 has them."""

_EARLIEST_MS: Final = 631_152_000_000
"""1990: no event log is older, but a clock that was never set is."""

_TRIMMED: Final = 200
"""One in so many events, those at the ends, may stay out of the picture if it becomes a quarter as wide."""


class Bar(NamedTuple):
    """Events from a moment on, for the width of a bar."""

    from_ms: int
    events: int
    failed: int


class Bars(NamedTuple):
    """A picture of events over time.

    Attributes:
        width_ms: Of each bar.
        from_ms: Where the picture begins.
        to_ms: Where it ends; not included.
        bars: Those with events, in order.
        earlier: Events that lie before the picture.
        later: Events that lie behind it.
    """

    width_ms: int
    from_ms: int
    to_ms: int
    bars: tuple[Bar, ...]
    earlier: int
    later: int


class OverTime:
    """Counts events by time."""

    def __init__(self, latest_ms: int) -> None:
        """`latest_ms`: later events are out of all reason and stay out of the picture."""
        self._latest_ms = latest_ms
        self._width = 0  # index into WIDTHS_MS
        self._counts: dict[int, tuple[int, int]] = {}
        self._outside = [0, 0]

    def add(self, time_ms: int, *, failed: bool) -> None:
        """Count one event."""
        if not _EARLIEST_MS <= time_ms <= self._latest_ms:
            self._outside[time_ms > self._latest_ms] += 1
            return
        bucket = (time_ms - _MONDAY_MS) // WIDTHS_MS[self._width]
        events, failures = self._counts.get(bucket, (0, 0))
        self._counts[bucket] = (events + 1, failures + failed)
        while len(self._counts) > _MAX_BUCKETS:
            self._counts = _joined(self._counts, WIDTHS_MS[self._width + 1] // WIDTHS_MS[self._width])
            self._width += 1

    def bars(self, from_ms: int | None = None, to_ms: int | None = None) -> Bars | None:
        """The picture of a range, or of all events where it has no bounds; None where there are none."""
        if not self._counts:
            return None
        counts, (earlier, later) = self._counts, self._outside
        if from_ms is None and to_ms is None:
            counts, before, behind = _trimmed(counts)
            earlier, later = earlier + before, later + behind
        width_ms = WIDTHS_MS[self._width]
        first_ms = min(counts) * width_ms + _MONDAY_MS if from_ms is None else max(from_ms, _EARLIEST_MS)
        last_ms = (max(counts) + 1) * width_ms + _MONDAY_MS if to_ms is None else min(to_ms, self._latest_ms)
        wider = next(
            (w for w in WIDTHS_MS[self._width :] if (last_ms - first_ms) <= w * MAX_BARS), WIDTHS_MS[-1]
        )
        joined = _joined(counts, wider // width_ms)
        bars = tuple(Bar(bucket * wider + _MONDAY_MS, *joined[bucket]) for bucket in sorted(joined))
        begin = min((first_ms - _MONDAY_MS) // wider * wider + _MONDAY_MS, bars[0].from_ms)
        end = max(-((_MONDAY_MS - last_ms) // wider) * wider + _MONDAY_MS, bars[-1].from_ms + wider)
        if from_ms is None and to_ms is None:  # a frame around what happened at once
            missing = max(_MIN_BARS - (end - begin) // wider, 0)
            begin, end = begin - missing // 2 * wider, end + (missing - missing // 2) * wider
        return Bars(wider, begin, end, bars, earlier, later)


def _joined(counts: dict[int, tuple[int, int]], factor: int) -> dict[int, tuple[int, int]]:
    joined: dict[int, tuple[int, int]] = {}
    for bucket, (events, failed) in counts.items():
        before = joined.get(bucket // factor, (0, 0))
        joined[bucket // factor] = (before[0] + events, before[1] + failed)
    return joined


def _trimmed(counts: dict[int, tuple[int, int]]) -> tuple[dict[int, tuple[int, int]], int, int]:
    """Without stragglers at the ends, and how many they are: one wrong clock must not flatten the picture.

    Stragglers are further away from the bulk of the events than that is long.
    """
    buckets = sorted(counts)
    low, high = _bulk(counts, buckets)
    reach = high - low + 1
    kept = {bucket: counts[bucket] for bucket in buckets if low - reach <= bucket <= high + reach}
    if (max(kept) - min(kept) + 1) * 4 > buckets[-1] - buckets[0] + 1:
        return counts, 0, 0
    earlier = sum(counts[bucket][0] for bucket in buckets if bucket < low - reach)
    later = sum(counts[bucket][0] for bucket in buckets if bucket > high + reach)
    return kept, earlier, later


def _bulk(counts: dict[int, tuple[int, int]], buckets: list[int]) -> tuple[int, int]:
    """The first and the last bucket that remain when those at the ends are left out, as far as may be."""
    spare = sum(events for events, _ in counts.values()) // _TRIMMED
    first, last = 0, len(buckets) - 1
    while first < last:
        from_front = buckets[first + 1] - buckets[first] >= buckets[last] - buckets[last - 1]
        events = counts[buckets[first if from_front else last]][0]
        if events > spare:
            break
        spare -= events
        first, last = (first + 1, last) if from_front else (first, last - 1)
    return buckets[first], buckets[last]
