"""The seals of a part of a trail, without reading a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.seal_walk import SealWalk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail_auditor.findings import FindingLog, Span
    from sealtrail_auditor.reading import TimeRange, TrailFolder
    from sealtrail_auditor.seal_walk import SealStep
    from sealtrail_transport.store import Store


def seals_of(
    store: Store,
    trail: TrailFolder,
    *,
    span: Span | None,
    chained: TimeRange | None,
    now: datetime,
    findings: FindingLog,
) -> Iterator[SealStep]:
    """The valid seals of all batches that hold some of the entries asked for, in order.

    Args:
        store: The archive; only read.
        trail: The trail.
        span: The entries that are asked for; None: all.
        chained: When they were chained; None: at any time.
        now: The time by which retention is judged.
        findings: Gets what is wrong with the seals.
    """
    search = SealSearch(store, trail.folder, trail.verifier)
    first = 0 if span is None else span.first
    if chained is not None and chained.from_ms is not None:
        placed = search.since(chained.from_ms)
        if placed is None:
            return
        first = max(first, placed.opened.seal.first.sequence)
    last = None if span is None else span.last
    base = search.before(first) if first else None
    walk = SealWalk(store, trail.folder, trail.verifier, now=now, findings=findings, base=base, last=last)
    for step in walk:
        seal = step.placed.opened.seal
        if last is not None and seal.first.sequence > last:
            return
        if chained is not None and chained.to_ms is not None and seal.time.first_ms >= chained.to_ms:
            return
        yield step
