"""The seals of a part of a trail, without reading a batch: one walk for searches and for whoever reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.findings import Span
from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.seal_walk import SealWalk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.reading import TimeRange, TrailFolder
    from sealtrail_auditor.seal_walk import SealStep
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_transport.store import Store


class RangeStep(NamedTuple):
    """A valid seal of the part, or the one that ends it, and what is missing before it.

    Attributes:
        placed: The seal; None where it lies behind the part, and only shows what is missing before it.
        before: The seal before it; None for the first of a trail, and behind a gap.
        covered: The size up to which seals before cover its entries.
        gap: All entries before it that no valid seal covers.
        missing: Those of them that are asked for; None where there are none.
        gap_expired: Whether their retention has passed.
    """

    placed: PlacedSeal | None
    before: PlacedSeal | None
    covered: int
    gap: Span | None
    missing: Span | None
    gap_expired: bool

    @property
    def overlaps(self) -> bool:
        """Whether its batch begins with entries of batches before it."""
        return self.placed is not None and self.placed.opened.seal.first.sequence < self.covered


def seals_of(
    store: Store,
    trail: TrailFolder,
    *,
    span: Span | None,
    chained: TimeRange | None,
    now: datetime,
    findings: FindingLog,
    as_viewed: bool = False,
) -> Iterator[RangeStep]:
    """The valid seals of all batches that hold some of the entries asked for, in order, and what is missing.

    Args:
        store: The archive; only read.
        trail: The trail.
        span: The entries that are asked for; None: all.
        chained: When they were chained; None: at any time.
        now: The time by which retention is judged.
        findings: Gets what is wrong with the seals.
        as_viewed: Pass over a batch whose entries the next one has as well, from the same place on: views
            are named by where their batches begin.
    """
    search = SealSearch(store, trail.folder, trail.keys)
    first = 0 if span is None else span.first
    if chained is not None and chained.from_ms is not None:
        placed = search.since(chained.from_ms)
        if placed is None:
            return
        first = max(first, placed.opened.seal.first.sequence)
    last = None if span is None else span.last
    base = search.before(first) if first else None
    walk = SealWalk(store, trail.folder, trail.keys, now=now, findings=findings, base=base, last=last)
    for step in _longest(walk) if as_viewed else walk:
        if step.placed.opened.seal.size <= first:  # behind the base only where seals overlap
            continue
        is_past = _is_past(step.placed, last, chained)
        missing = None if step.gap is None else _common(step.gap, span)
        if not is_past or missing is not None:
            placed = None if is_past else step.placed
            yield RangeStep(placed, step.before, step.covered, step.gap, missing, step.gap_expired)
        if is_past:
            return


def _longest(steps: Iterable[SealStep]) -> Iterator[SealStep]:
    """The steps without those whose entries the next one's batch holds as well, from the same place on."""
    held: SealStep | None = None
    for step in steps:
        if held is not None:
            if _holds(step, held):
                step = step._replace(before=held.before, covered=held.covered)  # noqa: PLW2901 - instead
            else:
                yield held
        held = step
    if held is not None:
        yield held


def _holds(step: SealStep, held: SealStep) -> bool:
    after, before = step.placed.opened.seal, held.placed.opened.seal
    overlaps = after.first.sequence < step.covered == before.size
    return overlaps and after.first.sequence == before.first.sequence and held.gap is None


def _is_past(placed: PlacedSeal, last: int | None, chained: TimeRange | None) -> bool:
    """Whether a seal's batch lies behind all that is asked for."""
    seal, to_ms = placed.opened.seal, None if chained is None else chained.to_ms
    behind = last is not None and seal.first.sequence > last
    return behind or (to_ms is not None and seal.time.first_ms >= to_ms)


def _common(gap: Span, asked: Span | None) -> Span | None:
    if asked is None:
        return gap
    part = Span(max(gap.first, asked.first), min(gap.last, asked.last))
    return part if part.first <= part.last else None
