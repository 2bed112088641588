"""The walk through one trail: steps 1 to 8 of docs/format.md, "Verification".

Seals and batches are walked in step, in order of sequence. After damage the walk goes on from what the next
good seal states, so that one broken place does not hide what lies behind it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from sealtrail_auditor.archive import BatchNames, other_names
from sealtrail_auditor.batches import NOWHERE, BatchCheck, BatchResult, after_seal, at_start
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog, Span
from sealtrail_auditor.locks import ObjectPlace, check_locks, format_time
from sealtrail_auditor.own_entries import OwnEntries
from sealtrail_auditor.seal_walk import SealWalk
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.versions import report_stray, report_versions
from sealtrail_schemas.layout import SEALS
from sealtrail_schemas.merkle import EMPTY_ROOT
from sealtrail_transport.errors import ObjectMissingError
from sealtrail_transport.store import LockKnowledge

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.seal_walk import SealStep
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.leaf import Kind
    from sealtrail_schemas.seal import OpenedSeal, Seal
    from sealtrail_transport.store import Store


@dataclass(slots=True)
class TrailResult:
    """What the walk through one trail came to, before it is held against pinned heads and other trails.

    Attributes:
        folder: The trail's folder, ending in a slash.
        verifier: The key of the policy by which it was judged.
        findings: What is wrong.
        own_entries: What the trail's own entries say.
        head: The newest valid seal.
        seals_rejected: How many names under `seals/` hold something that is no valid seal.
        entries: How many entries were verified.
        batches: How many batches were verified.
        length: Bytes of batches read.
        kinds: How many of the verified entries are of each kind.
        first_time_ms: Chained-at of the first entry that a valid seal covers.
        roots: The Merkle root at the sizes asked for, and at 0.
        expired: Entries that are gone since their retention has passed.
        unsealed_in_gaps: Batches whose seals are missing or damaged; they were not read.
        bridged: Entries for which the Merkle tree was taken from a seal instead of being computed.
        in_flight: Batches that wait for their seal: the first one's key and how many.
        has_schemas: Whether a seal names schemas of archived events.
        not_checked: What else could not be checked, in sentences.
        heads_uncompared: Sizes of pinned heads that could not be compared.
    """

    folder: str
    verifier: Verifier
    findings: FindingLog
    own_entries: OwnEntries
    head: PlacedSeal | None = None
    seals_rejected: int = 0
    entries: int = 0
    batches: int = 0
    length: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    first_time_ms: int | None = None
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})
    expired: SpanList = field(default_factory=SpanList)
    unsealed_in_gaps: int = 0
    bridged: SpanList = field(default_factory=SpanList)
    in_flight: tuple[str, int] | None = None
    has_schemas: bool = False
    not_checked: list[str] = field(default_factory=list)
    heads_uncompared: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The size of the trail by its newest valid seal."""
        return 0 if self.head is None else self.head.opened.checkpoint.size

    @property
    def last_time_ms(self) -> int | None:
        """Chained-at of the newest entry that a valid seal covers."""
        return None if self.head is None else self.head.opened.seal.time.last_ms


class TrailWalk:
    """Walks through one trail, once."""

    def __init__(
        self,
        store: Store,
        folder: str,
        verifier: Verifier,
        *,
        now: datetime,
        root_sizes: frozenset[int] = frozenset(),
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
    ) -> None:
        """Prepare a walk.

        Args:
            store: The archive.
            folder: The trail's folder, ending in a slash.
            verifier: The trail's key.
            now: The time by which retention is judged.
            root_sizes: Sizes at which to take the Merkle root.
            on_progress: Called now and then with the entries and bytes of this trail so far.
        """
        self._findings = FindingLog(verifier.name)
        self._result = TrailResult(folder, verifier, self._findings, OwnEntries(verifier, self._findings.add))
        self._store = store
        self._folder = folder
        self._now = now
        self._root_sizes = root_sizes
        self._on_progress = on_progress
        self._standing = NOWHERE
        self._seals = SealWalk(store, folder, verifier, now=now, findings=self._findings)
        self._batch_names = BatchNames(store, folder, self._report_stray)

    def run(self) -> TrailResult:
        """Walk from the first seal to the last and say what was found."""
        result = self._result
        for step in self._seals:
            self._enter(step)
            key, version_id, opened = step.placed
            batch = self._check_batch(opened)
            for finding in check_locks(self._store, opened.seal, ObjectPlace(key, version_id), batch):
                self._findings.add(finding)
            self._standing = after_seal(opened)
            if opened.checkpoint.size in self._root_sizes:
                result.roots[opened.checkpoint.size] = opened.checkpoint.root
            if result.first_time_ms is None:
                result.first_time_ms = opened.seal.time.first_ms
            result.has_schemas = result.has_schemas or bool(opened.seal.schemas)
        result.head, result.seals_rejected = self._seals.head, self._seals.rejected
        self._check_tail()
        for name in other_names(self._store, self._folder):
            self._report_stray(name)
        return result

    def _enter(self, step: SealStep) -> None:
        """Come to the seal's batch over what lies before it."""
        first = step.placed.opened.seal.first.sequence
        if step.gap is not None:
            self._standing = NOWHERE
            if step.gap_expired:
                self._result.expired.add(step.gap)
        elif first == 0:
            self._standing = at_start(step.placed.opened.seal.trail_id)
        for sequence, name in self._batch_names.before(first):
            if step.gap is not None and step.gap.first <= sequence:
                self._result.unsealed_in_gaps += 1
            else:
                self._report_stray(name)

    # Steps 4 to 7: the batch

    def _check_batch(self, opened: OpenedSeal) -> ObjectPlace | None:
        """Check the batch of a seal; returns the version that was read, if there is one."""
        seal = opened.seal
        span = Span(seal.first.sequence, seal.last.sequence)
        key, sealed_version = self._folder + seal.batch.key, seal.batch.version_id
        name = self._sealed_name(key, span)
        found = self._open_batch(seal, key, name)
        if found is None:
            self._report_missing(seal, span, name)
            self._result.bridged.add(span)
            return None
        version_id, stream = found
        self._result.own_entries.key, self._result.own_entries.version_id = key, version_id
        with stream:
            result = self._read_batch(stream, opened)
        self._count(result, span)
        is_other_version = (
            version_id != sealed_version and self._store.lock_knowledge is not LockKnowledge.NONE
        )
        if result.damage is not None and is_other_version:  # so it never was the batch
            self._report_missing(seal, span, name)
            return None
        if result.damage is not None:
            self._add(result.damage.code, key, version_id, *result.damage[1:])
        elif is_other_version:
            expected, instead = f"version {sealed_version}", f"version {version_id}"
            self._add(FindingCode.BATCH_VERSION, key, version_id, span, expected, instead)
        return ObjectPlace(key, version_id)

    def _sealed_name(self, key: str, span: Span) -> Name | None:
        """The listed name of the sealed batch. Other names for the same sequence were gone around: strays."""
        sealed = None
        for name in self._batch_names.at(span.first):
            if name.key == key:
                sealed = name
                report_versions(name, span, self._findings)
            else:
                self._report_stray(name)
        return sealed

    def _open_batch(self, seal: Seal, key: str, name: Name | None) -> tuple[str, BinaryIO] | None:
        """Open the version that the seal names, or else the oldest that may have its bytes.

        Copies that were not made by `sealtrail fetch` have lost their version ids, so what is there is held
        against the sealed SHA-256.
        """
        listed = name.versions if name else ()
        candidates = [version for version in listed if version.size == seal.batch.length]
        if self._store.lock_knowledge is LockKnowledge.NONE:
            candidates = candidates or list(listed)
        for version_id in (seal.batch.version_id, *(version.version_id for version in candidates)):
            try:
                return version_id, self._store.open(key, version_id)
            except ObjectMissingError:
                continue
        return None

    def _read_batch(self, stream: BinaryIO, opened: OpenedSeal) -> BatchResult:
        result, seal = self._result, opened.seal
        entries, length = result.entries, result.length
        check = BatchCheck(
            opened,
            self._standing,
            root_sizes=sorted(size for size in self._root_sizes if seal.first.sequence < size < seal.size),
            on_own_entry=result.own_entries.read,
            on_piece=lambda more, read: self._on_progress(entries + more, length + read),
        )
        return check.run(stream)

    def _count(self, batch: BatchResult, span: Span) -> None:
        result = self._result
        result.length += batch.length
        result.roots.update(batch.roots)
        if batch.damage is None:
            result.batches += 1
            result.entries += batch.entries
            result.kinds.update(batch.kinds)
        if batch.damage is not None or self._standing.tree is None:
            result.bridged.add(span)
        self._on_progress(result.entries, result.length)

    def _report_missing(self, seal: Seal, span: Span, name: Name | None) -> None:
        until = seal.retention.until
        if until is not None and until <= self._now:
            self._result.expired.add(span)
            return
        others = name.count if name else 0
        self._add(
            FindingCode.BATCH_MISSING,
            self._folder + seal.batch.key,
            seal.batch.version_id,
            span,
            f"a batch of {seal.batch.length} bytes, kept until {format_time(until) if until else 'no date'}",
            f"{others} version(s) of other content" if others else "no object",
        )

    # What no seal leads to

    def _check_tail(self) -> None:
        """Judge the batches behind the newest valid seal: one may be waiting for its seal."""
        result, accounted = self._result, max(self._result.size, self._seals.rejected_to)
        ahead: list[Name] = []  # the first one that lies too far ahead
        too_far = 0
        for first_sequence, name in self._batch_names.rest():
            if first_sequence < result.size or not name.count:
                self._report_stray(name)
            elif first_sequence < accounted:
                result.unsealed_in_gaps += 1
            elif first_sequence == accounted:
                report_versions(name, None, self._findings)
                first_key, count = result.in_flight or (name.key, 0)
                result.in_flight = (first_key, count + 1)
            else:
                ahead, too_far = ahead or [name], too_far + 1
        if ahead and self._has_grown():
            result.not_checked.append(
                "The trail grew while it was verified; what was sealed since was not read."
            )
        elif ahead:
            key, version_id = ahead[0].key, ahead[0].versions[0].version_id
            expected = f"no batch behind the one that begins at entry {accounted}"
            found = f"{too_far} batch(es), the first of which is named here"
            self._findings.add(
                Finding(FindingCode.TAIL_UNSEALED, None, key, version_id, None, expected, found, too_far)
            )
        if result.head is None and not self._seals.rejected:
            waiting = "batches that wait for their seal" if result.in_flight else "no seal"
            self._add(FindingCode.TRAIL_UNSEALED, self._folder, None, None, "a valid seal", waiting)

    def _has_grown(self) -> bool:
        """Whether there are seals behind those that were listed: a live archive grows meanwhile."""
        lines = self._store.versions(self._folder + SEALS, after=self._seals.last_key, limit=1)
        return next(lines, None) is not None

    def _report_stray(self, name: Name) -> None:
        report_stray(name, self._findings)

    def _add(  # noqa: PLR0917  # the order is that of a finding's fields
        self,
        code: FindingCode,
        key: str,
        version_id: str | None,
        span: Span | None,
        expected: str,
        found: str,
    ) -> None:
        self._findings.add(Finding(code, None, key, version_id, span, expected, found))
