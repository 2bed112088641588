"""The way to entries that are verified: by trail, by sequence, by the time when they were chained.

Whatever shows, exports or replays entries reads them here. A batch is held against its seal and the seals
before it while it is spooled to a temporary file; only then are its entries handed out, from that file, so
that nobody sees what was not verified and an archive can't give other bytes the second time.

Locks and further versions are not looked at: `sealtrail_auditor.verify` does that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.archive import name_at
from sealtrail_auditor.batches import NOWHERE, BatchCheck, after_seal, at_start
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog, Span
from sealtrail_auditor.folders import find_owners
from sealtrail_auditor.seal_range import seals_of
from sealtrail_auditor.sealed_batch import lost_batch, open_sealed_batch
from sealtrail_auditor.verify import select_trails
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.layout import SEALS
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import Payload, decode_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from sealtrail_auditor.batches import BatchResult, Standing
    from sealtrail_auditor.sealed_batch import FoundBatch
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.batch_reader import ByteStream
    from sealtrail_schemas.entry import Entry
    from sealtrail_schemas.policy import Policy
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import ObjectVersion, Store

_SPOOL_BYTES: Final = 8 << 20
"""Batches up to this size are held in memory instead of a file."""


class TrailFolder(NamedTuple):
    """One trail of an archive: the folder where it lies, ending in a slash, and the keys to judge it by."""

    folder: str
    keys: TrailKeys

    @property
    def origin(self) -> str:
        """The trail's name."""
        return self.keys.origin


class TimeRange(NamedTuple):
    """From a moment (included) to another (not included), in ms since the Unix epoch; None: no bound."""

    from_ms: int | None
    to_ms: int | None

    def __contains__(self, time_ms: object) -> bool:
        """Whether a time in milliseconds lies in it."""
        return (
            isinstance(time_ms, int)
            and (self.from_ms is None or time_ms >= self.from_ms)
            and (self.to_ms is None or time_ms < self.to_ms)
        )


class ReadEntry(NamedTuple):
    """A verified entry; `entry` are its bytes, `leaf` and `payload` what they say."""

    sequence: int
    leaf: Leaf
    payload: Payload
    entry: Entry


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """A batch that verifies. To be used before the next one is asked for.

    Attributes:
        trail: The trail.
        placed: The batch's seal, and where that lies.
        before: The seal before it; None for the first batch, and behind a gap.
        span: All entries of the batch.
        covered: The size of the trail up to which batches before hold them.
    """

    trail: TrailFolder
    placed: PlacedSeal
    before: PlacedSeal | None
    span: Span
    covered: int
    _wanted: Span
    _chained: TimeRange
    _file: IO[bytes]

    @property
    def key(self) -> str:
        """The batch's key, relative to the archive."""
        return self.trail.folder + self.placed.opened.seal.batch.key

    def entries(self) -> Iterator[ReadEntry]:
        """The entries that were asked for and that no batch before has held, in order."""
        first = max(self._wanted.first, self.covered)
        for entry in self.all_entries():
            if first <= entry.sequence <= self._wanted.last and entry.leaf.chained_at_ms in self._chained:
                yield entry

    def all_entries(self) -> Iterator[ReadEntry]:
        """All entries of the batch, in order."""
        self._file.seek(0)
        for sequence, entry in enumerate(BatchReader(self._file), start=self.span.first):
            yield ReadEntry(sequence, Leaf.parse(entry.leaf), decode_payload(entry.payload), entry)


class DamagedBatch(NamedTuple):
    """Entries that can't be shown, and why. `finding` is None where their sealed retention has passed."""

    trail: TrailFolder
    span: Span
    finding: Finding | None


class Reading:
    """Reads a part of one trail, once: an iterator over its batches, in order.

    The part is widened to whole batches, and nothing else is read but the seal before it. A trail that grows
    meanwhile is read up to the seals that were there when the reading came to them.

    Attributes:
        findings: What was found wrong so far, that of damaged batches included.
        length: Bytes of batches read so far.
    """

    def __init__(
        self,
        store: Store,
        trail: TrailFolder,
        *,
        span: Span | None = None,
        chained: TimeRange | None = None,
        now: datetime,
        as_viewed: bool = False,
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
    ) -> None:
        """Prepare a reading.

        Args:
            store: The archive; only read.
            trail: The trail.
            span: The entries to read; None: all.
            chained: When they were chained; None: at any time. Where both are given, both hold.
            now: The time by which retention is judged.
            as_viewed: As for `seals_of`.
            on_progress: Called now and then with the entries and the bytes read so far.
        """
        self.findings = FindingLog(trail.origin)
        self.length = 0
        self._store = store
        self._trail = trail
        self._span = span or Span(0, (1 << 64) - 1)
        self._chained = chained or TimeRange(None, None)
        self._now = now
        self._as_viewed = as_viewed
        self._on_progress = on_progress
        self._entries = 0

    def __iter__(self) -> Iterator[VerifiedBatch | DamagedBatch]:
        """Read. A batch can be used until the next one is asked for."""
        steps = seals_of(
            self._store,
            self._trail,
            span=self._span,
            chained=self._chained,
            now=self._now,
            findings=self.findings,
            as_viewed=self._as_viewed,
        )
        for step in steps:
            if step.missing is not None and step.gap is not None:
                finding = None if step.gap_expired else self._why(step.gap)
                yield DamagedBatch(self._trail, step.missing, finding)
            if step.placed is not None:
                for batch in self._read(step.placed, step.before, step.covered):
                    if isinstance(batch, DamagedBatch):
                        yield batch._replace(span=Span(step.covered, batch.span.last))
                    else:
                        yield batch

    def _why(self, gap: Span) -> Finding:
        """The finding on a gap between seals; one of its own where there were too many to keep."""
        of_gap = [found for found in self.findings.kept if found.span and found.span.last == gap.last]
        key = self._trail.folder + SEALS
        return of_gap[-1] if of_gap else Finding(FindingCode.SEAL_MISSING, self._trail.origin, key, span=gap)

    def _read(
        self, placed: PlacedSeal, before: PlacedSeal | None, covered: int
    ) -> Iterator[VerifiedBatch | DamagedBatch]:
        seal = placed.opened.seal
        span, key = Span(seal.first.sequence, seal.last.sequence), self._trail.folder + seal.batch.key
        versions = _versions(self._store, key)
        found = open_sealed_batch(self._store, seal, key, versions)
        if found is None:
            yield self._missing(placed, span, key, has_others=bool(versions))
            return
        with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file, found.stream as stream:
            result = self._check(placed, _standing(placed, before), covered, _Tee(stream, file))
            damage = self._judge(result, found, placed, span, key)
            if damage is not None:
                yield damage
            else:
                yield VerifiedBatch(
                    self._trail, placed, before, span, covered, self._span, self._chained, file
                )

    def _check(self, placed: PlacedSeal, standing: Standing, covered: int, stream: ByteStream) -> BatchResult:
        entries, length = self._entries, self.length
        check = BatchCheck(
            placed.opened,
            standing,
            covered=covered,
            on_piece=lambda more, read: self._on_progress(entries + more, length + read),
        )
        result = check.run(stream)
        self._entries += result.entries
        self.length += result.length
        self._on_progress(self._entries, self.length)
        return result

    def _judge(
        self, result: BatchResult, found: FoundBatch, placed: PlacedSeal, span: Span, key: str
    ) -> DamagedBatch | None:
        damage = result.damage
        if damage is None:
            return None
        if found.is_other:  # it never was the batch
            return self._missing(placed, span, key, has_others=True)
        return self._damaged(
            span,
            Finding(
                damage.code,
                self._trail.origin,
                key,
                found.version_id,
                damage.span,
                damage.expected,
                damage.found,
            ),
        )

    def _missing(self, placed: PlacedSeal, span: Span, key: str, *, has_others: bool) -> DamagedBatch:
        until = placed.opened.seal.retention.until
        if until is not None and until <= self._now:
            return DamagedBatch(self._trail, span, None)
        finding = lost_batch(placed.opened.seal, key, has_others=has_others)
        return self._damaged(span, replace(finding, origin=self._trail.origin))

    def _damaged(self, span: Span, finding: Finding) -> DamagedBatch:
        self.findings.add(finding)
        return DamagedBatch(self._trail, span, finding)


def find_trails(store: Store, policy: Policy, trails: Collection[str] | None = None) -> list[TrailFolder]:
    """The folders of the selected trails, in order; None selects all that the policy names.

    Raises:
        TrailSelectionError: a selected trail is not in the policy.
        ListingOrderError: the store lists names out of order.
    """
    selected = select_trails(policy, trails)
    return [
        TrailFolder(owner.folder, owner.keys.keys)
        for owner in find_owners(store, policy.logs.values())
        if owner.keys is not None and owner.keys.keys.origin in selected
    ]


def _versions(store: Store, key: str) -> tuple[ObjectVersion, ...]:
    name = name_at(store, key)
    return () if name is None else name.versions


def _standing(placed: PlacedSeal, before: PlacedSeal | None) -> Standing:
    if before is not None:
        return after_seal(before.opened)
    return NOWHERE if placed.opened.seal.first.sequence else at_start(placed.opened.seal.trail_id)


class _Tee:
    """A stream that keeps a copy of what is read from it."""

    def __init__(self, stream: ByteStream, copy: IO[bytes]) -> None:
        self._stream = stream
        self._copy = copy

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        data = self._stream.read(size)
        self._copy.write(data)
        return data
