"""How much of an archive a verification looks at: all of it, a part, or a sample of its batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.errors import ScopeError

if TYPE_CHECKING:
    from sealtrail_auditor.findings import Span
    from sealtrail_auditor.reading import TimeRange
    from sealtrail_auditor.sample import Sampling
    from sealtrail_auditor.seal_search import SealSearch
    from sealtrail_auditor.seals import PlacedSeal


class Part(NamedTuple):
    """A run of entries of one trail: the first one, and the last one; None: up to the newest.

    It is empty where the last one lies before the first.
    """

    first: int
    last: int | None

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the trail."""
        return self.first == 0 and self.last is None

    @property
    def is_empty(self) -> bool:
        """Whether it holds no entry."""
        return self.last is not None and self.last < self.first

    def meets(self, span: Span) -> bool:
        """Whether some of these entries lie in it."""
        return span.last >= self.first and (self.last is None or span.first <= self.last)


WHOLE_TRAIL: Final = Part(0, None)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be verified. Where several bounds are given, all of them hold.

    A part is widened to whole batches. With a sample, all seals of the part are verified and some of its
    batches are read.

    Attributes:
        first: The first entry; None: the first of the trail.
        last: The last entry, included; None: the newest.
        chained: When the entries were chained; None: at any time.
        sampling: How to choose the batches that are read; None: all.

    Raises:
        ScopeError: it can hold no entry.
    """

    first: int | None = None
    last: int | None = None
    chained: TimeRange | None = None
    sampling: Sampling | None = None

    def __post_init__(self) -> None:
        if min(self.first or 0, self.last or 0) < 0:
            raise ScopeError("entries are counted from 0")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ScopeError(f"the first entry, {self.first}, lies behind the last, {self.last}")
        from_ms, to_ms = self.chained or (None, None)
        if from_ms is not None and to_ms is not None and from_ms >= to_ms:
            raise ScopeError("the range of time ends before it begins: its end is not included")

    @property
    def is_part(self) -> bool:
        """Whether it leaves out entries at either end."""
        return (self.first, self.last, self.chained) != (None, None, None)

    @property
    def is_whole(self) -> bool:
        """Whether every batch is read."""
        return not self.is_part and self.sampling is None

    def part_of(self, search: SealSearch) -> Part:
        """The entries of one trail that are meant; the part is empty where there can be none.

        Times are found by bisection in what the seals state, so what the search meets is believed here; the
        walk then verifies it.
        """
        first, last = self.first or 0, self.last
        from_ms, to_ms = self.chained or (None, None)
        if from_ms is not None:
            first = max(first, _first_since(search, from_ms))
        if to_ms is not None and (end := _last_before(search, to_ms)) is not None:
            last = end if last is None else min(last, end)
        return Part(first, last)


def _first_since(search: SealSearch, time_ms: int) -> int:
    """The first entry of the batch that was being made at that time, or of a gap before it."""
    found = search.since(time_ms)
    if found is None:  # all that seals cover is older: what lies behind them is not known
        newest = search.newest()
        return 0 if newest is None else newest.opened.checkpoint.size
    seal = found.opened.seal
    if seal.time.first_ms < time_ms or not seal.first.sequence:
        return seal.first.sequence
    before = search.before(seal.first.sequence)
    return _size(before)


def _last_before(search: SealSearch, time_ms: int) -> int | None:
    """The last entry of the batch that was being made just before that time; None: the trail's newest."""
    found = search.since(time_ms)
    if found is None:
        return None
    seal = found.opened.seal
    return seal.first.sequence - 1 if seal.time.first_ms >= time_ms else seal.last.sequence


def _size(placed: PlacedSeal | None) -> int:
    return 0 if placed is None else placed.opened.checkpoint.size


WHOLE: Final = Scope()
"""All of an archive."""
