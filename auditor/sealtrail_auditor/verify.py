"""Verification of an archive, as docs/format.md, "Verification", numbers it.

    trail.py          steps 1 to 8: the walk through one trail's seals and batches
      trail_plan.py     steps 1 to 3, with seal_walk.py
      batch_task.py     steps 4 to 8 for one batch, with batches.py, entries.py, own_entries.py, locks.py
      workers.py        where batches are checked: here, or in other processes
    comparison.py     steps 9 to 11, with heads.py and histories.py
    scope.py          how much of the archive: all of it, a part, or a sample (sample.py)
    visit.py          going on from the last time

It reads through the store port and believes nothing but the policy and, in a visit, the state of the last.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import total_batch_bytes
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.comparison import compare_trails
from sealtrail_auditor.errors import PinnedHeadError, ScopeError, TrailSelectionError
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.folders import find_owners, lead_forward
from sealtrail_auditor.heads import open_heads
from sealtrail_auditor.histories import tie_trails
from sealtrail_auditor.producers import add_findings
from sealtrail_auditor.progress import Progress, ProgressMeter
from sealtrail_auditor.report import Report
from sealtrail_auditor.sample import draw_batches
from sealtrail_auditor.scope import WHOLE
from sealtrail_auditor.trail import TrailWalk
from sealtrail_auditor.trail_reports import trail_report, unnamed_report
from sealtrail_auditor.trail_start import start_trail
from sealtrail_auditor.unchecked import unchecked_in_archive
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.workers import InlineChecker, Workers
from sealtrail_transport.store import Reopenable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from sealtrail_auditor.folders import FolderOwner
    from sealtrail_auditor.report import TrailReport
    from sealtrail_auditor.sample import Sample
    from sealtrail_auditor.scope import Scope
    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_auditor.trail_start import TrailStart
    from sealtrail_auditor.visit import Visit
    from sealtrail_auditor.workers import Checker
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.policy import Policy
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store

__all__ = ["Progress", "select_trails", "verify_archive"]


def verify_archive(
    store: Store,
    policy: Policy,
    *,
    trails: Collection[str] | None = None,
    pinned: Sequence[bytes] = (),
    now: datetime,
    max_age: timedelta | None = None,
    progress: Callable[[Progress], None] | None = None,
    scope: Scope = WHOLE,
    visit: Visit | None = None,
    jobs: int = 1,
    complete_producers: bool = False,
) -> Report:
    """Verify an archive, or as much of it as `scope` says.

    Memory does not grow with the archive: what is held is one block of one batch for each job, and findings
    up to a limit. The report is the same for any number of jobs.

    Args:
        store: The archive; only read.
        policy: The keys to trust. Nothing else is believed.
        trails: Origins to verify; None for all of the policy, and then a trail that it does not name is a
            finding.
        pinned: Checkpoints that were kept from before, as signed notes.
        now: The time by which retention and age are judged, aware of its zone.
        max_age: The greatest age that the newest entry may have.
        progress: Called now and then; asking for it costs one more listing of the batches to be read.
        scope: How much to verify.
        visit: What visits before have verified, to go on from there. It takes down how far this one comes,
            so that it can be asked even when this call is interrupted, and moves on where the verdict on a
            trail is good.
        jobs: How many processes check batches. They begin once there is enough to do, and if the store is
            one that they can open (`sealtrail_transport.store.Reopenable`).
        complete_producers: Whether what producers' numbers show to be missing or repeated is a finding.

    Raises:
        UnknownFormatError: the policy asks for cosignatures, which this version can't check.
        TrailSelectionError: `trails` names one that the policy does not.
        StateError: the visits before were under keys to which those of the policy do not lead.
        PinnedHeadError: a pinned head is not a checkpoint that a key of the policy signed.
        ScopeError: no entry lies in the scope, or a visit is to be partial.
        ListingOrderError: the store lists names out of order.
        WorkerLostError: a process that checked batches was killed.
        StoreError: the store can't be read.
    """
    policy.require_supported()
    selected = select_trails(policy, trails)
    owners = find_owners(store, policy.logs.values())
    try:
        heads = open_heads(pinned, policy, _lines(owners))
    except PinnedHeadError:  # by a newer key, perhaps, to which no note leads
        owners = [lead_forward(store, owner) for owner in owners]
        heads = open_heads(pinned, policy, _lines(owners))
    reached: list[Checkpoint] = []  # by a visit that was interrupted: nobody has kept them from before
    if visit is not None:
        if not scope.is_whole:
            raise ScopeError("a visit goes through all that is new: it can't be of a part or a sample")
        visit.check_keys(policy, _lines(owners))
        visit.begin(pinned)
        heads += visit.heads(selected)
        reached = visit.interrupted_heads(selected)
    case = _Case(store, policy, scope, selected, tuple(heads), tuple(owners), now)

    starts = [
        start_trail(store, owner, now=now, heads=heads + reached, scope=scope, visit=visit)
        for owner in case.wanted
    ]
    sample = draw_batches(scope.sampling, store, [settings for settings, _ in starts])
    results = case.walk(starts, sample, visit, progress, _checker(store, jobs))
    tie_trails(results)
    for origin in selected:
        of_origin = [result for result in results if result.origin == origin]
        of_heads = [head for head in heads + reached if head.origin == origin]
        compare_trails(of_origin, of_heads, now, max_age)
    if complete_producers:
        for result in results:
            add_findings(result)
    reports = case.trail_reports(results, has_max_age=max_age is not None)
    if visit is not None:
        visit.end({report.folder: report.verdict for report in reports}, now)
    return case.report(reports, sample, is_selection=trails is not None)


def select_trails(policy: Policy, trails: Collection[str] | None) -> dict[str, Verifier]:
    """The keys of the selected trails, or of all that the policy names.

    Raises:
        TrailSelectionError: a selected trail is not in the policy.
    """
    if trails is None:
        return dict(policy.logs)
    unknown = [origin for origin in trails if origin not in policy.logs]
    if unknown:
        named = ", ".join(policy.logs) or "no trail"
        raise TrailSelectionError(f"the policy does not name the trail {unknown[0]!a} (it names {named})")
    return {origin: policy.logs[origin] for origin in policy.logs if origin in trails}


def _lines(owners: Sequence[FolderOwner]) -> list[TrailKeys]:
    return [owner.keys.keys for owner in owners if owner.keys is not None]


def _checker(store: Store, jobs: int) -> AbstractContextManager[Checker]:
    opener = store.opener if isinstance(store, Reopenable) else None
    if jobs <= 1 or opener is None:
        return nullcontext(InlineChecker(store))
    return Workers(store, opener, jobs)


def _bytes_to_read(store: Store, starts: Sequence[TrailStart], sample: Sample | None) -> int:
    """The bytes of all batches to be read, about, and those that an interrupted visit has read."""
    listed = sum(
        total_batch_bytes(store, settings.folder, after=settings.listed_to, last=settings.part.last)
        for settings, _ in starts
        if not settings.part.is_empty
    )
    if sample is not None and sample.population:
        listed = listed * len(sample.seals) // sample.population
    return listed + sum(begun.length for _, begun in starts)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is to be verified, by what and when."""

    store: Store
    policy: Policy
    scope: Scope
    selected: Mapping[str, Verifier]
    heads: tuple[Checkpoint, ...]
    owners: tuple[FolderOwner, ...]
    now: datetime

    @property
    def wanted(self) -> list[FolderOwner]:
        """The folders of the selected trails."""
        return [
            owner
            for owner in self.owners
            if owner.keys is not None and owner.keys.keys.origin in self.selected
        ]

    def walk(
        self,
        starts: Sequence[TrailStart],
        sample: Sample | None,
        visit: Visit | None,
        progress: Callable[[Progress], None] | None,
        checkers: AbstractContextManager[Checker],
    ) -> list[TrailResult]:
        """Walk through the trails, one after the other."""
        meter = ProgressMeter(progress, _bytes_to_read(self.store, starts, sample) if progress else 0)
        results = []
        with checkers as checker:
            for settings, begun in starts:
                walk = TrailWalk(
                    self.store,
                    replace(settings, sample=sample),
                    begun,
                    checker=checker,
                    on_progress=meter.begin(settings.keys.origin),
                    on_bookmark=partial(visit.note, settings.folder) if visit else lambda _bookmark: None,
                )
                results.append(walk.run())
        if self.scope.is_part and not any(result.has_met_anything for result in results):
            raise ScopeError(
                "no sealed entry of the selected trails lies in the range, so nothing was verified"
            )
        return results

    def trail_reports(self, results: Sequence[TrailResult], *, has_max_age: bool) -> list[TrailReport]:
        """The reports on the trails that were walked through."""
        with_head = {head.origin for head in self.heads}
        return [
            trail_report(result, has_head=result.origin in with_head, has_max_age=has_max_age)
            for result in results
        ]

    def report(self, reports: Sequence[TrailReport], sample: Sample | None, *, is_selection: bool) -> Report:
        """The report on the archive; `is_selection`: other trails than the selected ones do not matter."""
        aside = len(self.owners) - len(self.wanted) if is_selection else 0
        unnamed = [] if is_selection else [owner for owner in self.owners if owner.keys is None]
        trails = [*reports, *(unnamed_report(owner, self.policy) for owner in unnamed)]
        findings = tuple(_absent(self.store, self.selected, self.owners, self.heads))
        verdicts = [trail.verdict for trail in trails] + [finding.code.verdict for finding in findings]
        return Report(
            verdict=Verdict.worst(verdicts),
            archive=self.store.url,
            verified_at=self.now,
            lock_knowledge=self.store.lock_knowledge,
            trails=tuple(sorted(trails, key=lambda trail: trail.folder)),
            findings=findings,
            not_checked=(
                *unchecked_in_archive(self.store.lock_knowledge),
                *_passed_over(self.selected, self.heads, aside),
            ),
            scope=self.scope,
            sample=sample,
        )


def _passed_over(selected: Collection[str], heads: Sequence[Checkpoint], folders: int) -> Iterator[str]:
    """What was left aside since it was not selected, in sentences."""
    if folders:
        yield f"{folders} other trail folder(s) of the archive were not looked at."
    for head in heads:
        if head.origin not in selected:
            yield f"A pinned head of {head.origin} was not used: that trail was not selected."


def _absent(
    store: Store, selected: Collection[str], owners: Sequence[FolderOwner], heads: Sequence[Checkpoint]
) -> Iterator[Finding]:
    """The selected trails that the archive does not hold."""
    if not owners:
        expected = ", ".join(selected) or "a trail"
        yield Finding(FindingCode.ARCHIVE_EMPTY, expected=expected, found=f"no trail folder in {store.url}")
        return
    held = {owner.keys.keys.origin for owner in owners if owner.keys is not None}
    there = ", ".join(owner.folder for owner in owners[:10]) + (" and others" if len(owners) > 10 else "")
    for origin in selected:
        if origin not in held:
            size = max((head.size for head in heads if head.origin == origin), default=0)
            pinned = f"; the pinned head has {size} entries" if size else ""
            yield Finding(
                FindingCode.TRAIL_ABSENT,
                origin,
                expected=f"the trail {origin}{pinned}",
                found=f"only {there}",
            )
