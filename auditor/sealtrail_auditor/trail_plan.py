"""The way through one trail: its seals and the names of its batches, walked in step in order of sequence.

Nothing of a batch is read here. Each step says what seals and listings show up to one seal, and what is to be
checked of its batch; `sealtrail_auditor.trail` puts together what comes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import BatchNames, name_at
from sealtrail_auditor.batch_task import BatchTask
from sealtrail_auditor.batches import NOWHERE, after_seal, at_start
from sealtrail_auditor.findings import FindingLog, Span
from sealtrail_auditor.scope import WHOLE_TRAIL
from sealtrail_auditor.seal_walk import SealWalk
from sealtrail_auditor.sealed_batch import is_listed
from sealtrail_auditor.versions import report_stray, report_versions
from sealtrail_schemas.layout import batch_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.batches import Standing
    from sealtrail_auditor.sample import Sample
    from sealtrail_auditor.scope import Part
    from sealtrail_auditor.seal_walk import SealStep
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.key_shelf import PlacedChange
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class TrailSettings:
    """What a walk through one trail is to do.

    Attributes:
        folder: The trail's folder, ending in a slash.
        keys: The trail's keys.
        changes: The key changes under `keys/`, whether they are followed or not.
        now: The time by which retention is judged.
        part: The entries to look at.
        base: A valid seal to begin behind; None: begin at the first.
        passed: The last name under `batches/` that a walk up to `base` has passed; None: there was none.
        root_sizes: Sizes at which to take the Merkle root.
        sample: The batches to read; None: all.
    """

    folder: str
    keys: TrailKeys
    now: datetime
    changes: tuple[PlacedChange, ...] = ()
    part: Part = WHOLE_TRAIL
    base: PlacedSeal | None = None
    passed: str | None = None
    root_sizes: frozenset[int] = frozenset()
    sample: Sample | None = None

    @property
    def listed_to(self) -> str | None:
        """The name under `batches/` behind which the walk lists them; None: from the first one on."""
        if self.passed is not None:
            return self.passed
        size = 0 if self.base is None else self.base.opened.checkpoint.size
        return self.folder + batch_key(size - 1) if size else None


@dataclass(frozen=True, slots=True)
class Step:
    """The way from one valid seal to the next.

    Attributes:
        placed: The seal; None where it lies behind the part and only ends it.
        findings: What is wrong with it, and with what lies before it.
        expired: The entries before it that no seal covers, where their retention has passed.
        unsealed: How many batches lie in a gap before it.
        task: The check of its batch; None where `placed` is.
        is_read: Whether it is to be done; else the batch was not drawn for the sample.
        passed: The last name under `batches/` that was passed.
    """

    placed: PlacedSeal | None
    findings: FindingLog
    expired: Span | None
    unsealed: int
    passed: str | None
    task: BatchTask | None = None
    is_read: bool = False


class TrailPlan:
    """Walks the seals and names of one trail, once.

    Attributes:
        seals: The walk through the seals.
        batch_names: The names of batches that were not passed yet.
        findings: What was found since the last step.
    """

    def __init__(self, store: Store, settings: TrailSettings) -> None:
        """Prepare the walk."""
        self.findings = FindingLog(settings.keys.origin)
        self._store = store
        self._settings = settings
        self.seals = SealWalk(
            store,
            settings.folder,
            settings.keys,
            now=settings.now,
            findings=self.findings,
            base=settings.base,
            last=settings.part.last,
        )
        self.batch_names = BatchNames(store, settings.folder, self._report_stray, after=settings.listed_to)

    @property
    def at_end(self) -> bool:
        """Whether the walk has come to the newest seal; to be asked after the last step."""
        last = self._settings.part.last
        return last is None or self.seals.size <= last

    def steps(self) -> Iterator[Step]:
        """Yield a step for each valid seal of the part, and for what ends it."""
        part, size = self._settings.part, 0
        for seal_step in self.seals:
            seal = seal_step.placed.opened.seal
            if part.meets(_span(seal_step)):
                yield self._step(seal_step)
                size = seal.size
            elif seal.first.sequence >= part.first:  # behind the part: it shows what is missing before it
                unsealed = self._pass_names(seal_step)
                passed = self.batch_names.last_key
                yield Step(None, self.take_findings(), self._expired(seal_step), unsealed, passed)
            else:
                for _ in self.batch_names.before(seal.size):
                    pass
                self.take_findings()
        if not self.at_end:
            for _, name in self.batch_names.before(size):
                report_stray(name, self.findings, is_batch=True)

    def take_findings(self, batch: Span | None = None) -> FindingLog:
        """What was found since the last step, as far as it concerns the part or `batch`, which meets it."""
        found, part = self.findings.take(), self._settings.part
        if part.is_whole:
            return found
        concerned = FindingLog(self._settings.keys.origin)
        for finding in found.kept:
            if finding.span is None or part.meets(finding.span) or (batch and _overlap(finding.span, batch)):
                concerned.add(finding)
        concerned.leave_out(found.left_out)
        return concerned

    def _step(self, seal_step: SealStep) -> Step:
        unsealed = self._pass_names(seal_step)
        task = self._task(seal_step)
        return Step(
            seal_step.placed,
            self.take_findings(task.span),
            self._expired(seal_step),
            unsealed,
            self.batch_names.last_key,
            task,
            is_read=self._is_read(task),
        )

    def _expired(self, seal_step: SealStep) -> Span | None:
        gap = seal_step.gap
        return gap if gap and seal_step.gap_expired and self._settings.part.meets(gap) else None

    def _pass_names(self, seal_step: SealStep) -> int:
        """Pass the names of batches up to a seal's own; returns how many lie in the gap before it."""
        unsealed = 0
        for sequence, name in self.batch_names.before(seal_step.placed.opened.seal.first.sequence):
            if seal_step.gap is not None and seal_step.gap.first <= sequence:
                unsealed += 1
            else:
                report_stray(name, self.findings, is_batch=True)
        return unsealed

    def _task(self, seal_step: SealStep) -> BatchTask:
        settings, seal = self._settings, seal_step.placed.opened.seal
        name = self._sealed_name(settings.folder + seal.batch.key, seal_step)
        return BatchTask(
            settings.folder,
            self.seals.keys,
            seal_step.placed,
            seal_step.covered,
            _standing(seal_step),
            name.versions if name else (),
            tuple(sorted(size for size in settings.root_sizes if seal.first.sequence < size < seal.size)),
            settings.now,
            self._change_at(seal.size),
        )

    def _change_at(self, size: int) -> PlacedChange | None:
        """The key change under `keys/` that takes place at that size."""
        followed = self.seals.keys.changes
        at_size = (one for one in self._settings.changes if one.size == size and one.control in followed)
        return next(at_size, None)

    def _sealed_name(self, key: str, seal_step: SealStep) -> Name | None:
        """The listed name of the sealed batch. Other names for the same sequence were gone around: strays."""
        span, sealed = _span(seal_step), None
        if span.first < seal_step.covered:  # an overlapping seal: the names have been passed
            sealed = name_at(self._store, key)
            if sealed is not None:
                report_versions(sealed, span, self.findings)
            return sealed
        for name in self.batch_names.at(span.first):
            if name.key == key:
                sealed = name
                report_versions(name, span, self.findings)
            else:
                report_stray(name, self.findings, is_batch=True)
        return sealed

    def _is_read(self, task: BatchTask) -> bool:
        """Whether a batch is to be read: always the first one, and where the listing shows another one."""
        sample, seal = self._settings.sample, task.placed.opened.seal
        return (
            sample is None
            or task.placed.key in sample.seals
            or bool(task.root_sizes)
            or not seal.first.sequence
            or seal.first.sequence < task.covered  # it has to agree with batches before it
            or not is_listed(self._store, seal, task.versions)
        )

    def _report_stray(self, name: Name) -> None:
        report_stray(name, self.findings)


def _span(seal_step: SealStep) -> Span:
    seal = seal_step.placed.opened.seal
    return Span(seal.first.sequence, seal.last.sequence)


def _standing(seal_step: SealStep) -> Standing:
    """The chain and the tree before a seal's batch, by the seal before it."""
    if seal_step.gap is not None:
        return NOWHERE
    before = seal_step.before
    return at_start(seal_step.placed.opened.seal.trail_id) if before is None else after_seal(before.opened)


def _overlap(one: Span, other: Span) -> bool:
    return one.first <= other.last and other.first <= one.last
