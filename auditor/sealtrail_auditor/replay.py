"""Replay: the events of a trail as the records that they were, in order, for whatever takes them.

Key, headers, value and timestamp are those of the record that was published. Entries that sealtrail made
itself are not replayed. The replay ends at the first batch that does not verify, so that a later one, when
the batch is whole again, can go on there without a hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.choice import Choice
from sealtrail_auditor.findings import Span
from sealtrail_auditor.provenance import UNVERIFIED, Provenance
from sealtrail_auditor.reading import DamagedBatch, Reading
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.unverified import read_unverified
from sealtrail_schemas.leaf import Kind
from sealtrail_transport.log import NewRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.record import Header
    from sealtrail_transport.store import Store


class ReplayRecord(NamedTuple):
    """One record to be put.

    Attributes:
        trail: where it comes from.
        sequence: its entry's.
        record: the record, with the headers that the replay adds.
        timestamp_type: TIMESTAMP_…, of the record that was published. No log can be given it.
    """

    trail: TrailFolder
    sequence: int
    record: NewRecord
    timestamp_type: int


class Replay:
    """Replays a part of one trail, once: an iterator over its records, in order.

    Attributes:
        findings: What was found wrong so far.
        stopped: The batch that does not verify and ended the replay; None if it went to the end.
        rejected: How many rejected records were passed: their bytes never were in the archive.
        unverified: Entries of batches that do not verify and were replayed all the same.
        lost: Entries that should have been replayed unverified, and of which no bytes were found.
        expired: Entries that are gone since their retention has passed.
    """

    findings: FindingLog

    def __init__(
        self,
        store: Store,
        trail: TrailFolder,
        query: Query,
        *,
        recognisers: Sequence[Recogniser],
        provenance: Provenance | None = None,
        unverified: bool = False,
        now: datetime,
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
    ) -> None:
        """Prepare a replay.

        Args:
            store: The archive; only read.
            trail: The trail.
            query: Which events are wanted.
            recognisers: Who reads the columns that the query looks at.
            provenance: What each record says of where it comes from; None: it is as it was published.
            unverified: Go on through batches that do not verify. Each record of them says so in a header.
            now: The time by which retention is judged.
            on_progress: Called now and then with the entries and the bytes read so far.
        """
        self.stopped: DamagedBatch | None = None
        self.rejected = 0
        self.unverified = SpanList()
        self.lost = SpanList()
        self.expired = SpanList()
        self._reading = Reading(
            store, trail, span=query.span, chained=query.chained, now=now, on_progress=on_progress
        )
        self.findings = self._reading.findings
        self._store = store
        self._trail = trail
        self._query = query
        self._choice = Choice(query, recognisers)
        self._provenance = provenance
        self._goes_on = unverified

    def __iter__(self) -> Iterator[ReplayRecord]:
        """Read. What the attributes say is complete when the iteration has ended."""
        for batch in self._reading:
            if not isinstance(batch, DamagedBatch):
                for read in batch.entries():
                    yield from self._restore(read.sequence, read.leaf, read.payload, read.entry.leaf)
            elif batch.finding is None:
                self.expired.add(batch.span)
            elif self._goes_on:
                yield from self._unverified(batch)
            else:
                self.stopped = batch
                return

    def _restore(
        self, sequence: int, leaf: Leaf, payload: Payload, leaf_bytes: bytes, *, doubt: str = ""
    ) -> Iterator[ReplayRecord]:
        """The record of one entry, if it has one and is wanted."""
        if leaf.kind is not Kind.EVENT:
            self.rejected += leaf.kind is Kind.REJECTED
            return
        if not self._choice.takes(leaf, payload):
            return
        headers: tuple[Header, ...] = payload.headers
        if self._provenance is not None:
            headers += self._provenance.headers(sequence, leaf_bytes)
        if doubt:
            headers += ((UNVERIFIED, doubt.encode()),)
        record = NewRecord(payload.key, payload.value, headers, leaf.source_timestamp_ms)
        yield ReplayRecord(self._trail, sequence, record, leaf.source_timestamp_type)

    def _unverified(self, batch: DamagedBatch) -> Iterator[ReplayRecord]:
        assert batch.finding is not None  # noqa: S101 - for the type checker
        doubt = batch.finding.code.code
        wanted, chained = self._query.span or batch.span, self._query.chained
        expected, last = max(batch.span.first, wanted.first), min(batch.span.last, wanted.last)
        for found in read_unverified(self._store, batch):
            if not expected <= found.sequence <= last:
                continue
            if found.sequence > expected:
                self.lost.add(Span(expected, found.sequence - 1))
            expected = found.sequence + 1
            if chained is None or found.leaf.chained_at_ms in chained:
                self.unverified.add(Span(found.sequence, found.sequence))
                yield from self._restore(
                    found.sequence, found.leaf, found.payload, found.entry.leaf, doubt=doubt
                )
        if expected <= last:
            self.lost.add(Span(expected, last))
