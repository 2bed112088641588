"""Verification of a whole archive, as docs/format.md, "Verification", numbers it.

    trail.py        steps 1 to 8: the walk through one trail's seals and batches
      seal_walk.py    steps 1 to 3
      batches.py      steps 4 to 6, with entries.py for step 5
      own_entries.py  step 7
      locks.py        step 8
    heads.py        step 9
    this module     step 10
    histories.py    step 11

It reads through the store port and believes nothing but the policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import total_batch_bytes, trail_folders
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import TrailSelectionError
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.folders import find_owner
from sealtrail_auditor.heads import hold_heads, open_heads
from sealtrail_auditor.histories import ends, find_forks
from sealtrail_auditor.locks import format_time
from sealtrail_auditor.report import Report, TrailReport, time_of_ms
from sealtrail_auditor.trail import TrailResult, TrailWalk
from sealtrail_auditor.unchecked import unchecked_in_archive, unchecked_in_trail
from sealtrail_auditor.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime, timedelta

    from sealtrail_auditor.folders import FolderOwner
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification has come.

    Attributes:
        origin: The trail that is being read.
        entries: Entries followed so far, in all trails.
        bytes_done: Bytes of batches read so far, in all trails.
        bytes_total: Bytes of all batches by the store's listing: what `bytes_done` will come to, about.
    """

    origin: str
    entries: int
    bytes_done: int
    bytes_total: int


def verify_archive(
    store: Store,
    policy: Policy,
    *,
    trails: Collection[str] | None = None,
    pinned: Sequence[bytes] = (),
    now: datetime,
    max_age: timedelta | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Verify an archive.

    Memory does not grow with the archive: what is held is one block of one batch, and findings up to a limit.

    Args:
        store: The archive; only read.
        policy: The keys to trust. Nothing else is believed.
        trails: Origins to verify; None for all of the policy, and then a trail that it does not name is a
            finding.
        pinned: Checkpoints that were kept from before, as signed notes.
        now: The time by which retention and age are judged, aware of its zone.
        max_age: The greatest age that the newest entry may have.
        progress: Called now and then; asking for it costs one more listing of the batches.

    Raises:
        UnknownFormatError: the policy asks for cosignatures, which this version can't check.
        TrailSelectionError: `trails` names one that the policy does not.
        PinnedHeadError: a pinned head is not a checkpoint that a key of the policy signed.
        ListingOrderError: the store lists names out of order.
        StoreError: the store can't be read.
    """
    policy.require_supported()
    selected = select_trails(policy, trails)
    heads = open_heads(pinned, policy)
    owners = [find_owner(store, folder, policy.logs.values()) for folder in trail_folders(store)]
    wanted = [owner for owner in owners if owner.verifier is not None and owner.verifier.name in selected]
    meter = _Meter(
        progress, sum(total_batch_bytes(store, owner.folder) for owner in wanted) if progress else 0
    )

    results = [_walk(store, owner, heads, now, meter) for owner in wanted]
    for origin in selected:
        of_origin = [result for result in results if result.verifier.name == origin]
        _compare(of_origin, [head for head in heads if head.origin == origin], now, max_age)

    reports = [
        _trail_report(
            result,
            has_head=any(head.origin == result.verifier.name for head in heads),
            has_max_age=max_age is not None,
        )
        for result in results
    ]
    if trails is None:
        reports += [_unnamed_report(owner, policy) for owner in owners if owner.verifier is None]
    findings = tuple(_absent(store, selected, owners, heads))
    verdicts = [report.verdict for report in reports] + [finding.code.verdict for finding in findings]
    return Report(
        verdict=Verdict.worst(verdicts),
        archive=store.url,
        verified_at=now,
        lock_knowledge=store.lock_knowledge,
        trails=tuple(sorted(reports, key=lambda report: report.folder)),
        findings=findings,
        not_checked=(
            *unchecked_in_archive(store.lock_knowledge),
            *_passed_over(selected, heads, 0 if trails is None else len(owners) - len(wanted)),
        ),
    )


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


class _Meter:
    """Adds up the progress of one trail after the other."""

    def __init__(self, progress: Callable[[Progress], None] | None, bytes_total: int) -> None:
        self._progress = progress
        self._bytes_total = bytes_total
        self._entries = 0
        self._bytes = 0

    def begin(self, origin: str) -> Callable[[int, int], None]:
        """The callback for the walk through the next trail."""
        entries_before, bytes_before = self._entries, self._bytes

        def on_progress(entries: int, length: int) -> None:
            self._entries, self._bytes = entries_before + entries, bytes_before + length
            if self._progress is not None:
                self._progress(Progress(origin, self._entries, self._bytes, self._bytes_total))

        return on_progress


def _walk(
    store: Store, owner: FolderOwner, heads: Sequence[Checkpoint], now: datetime, meter: _Meter
) -> TrailResult:
    verifier = owner.verifier
    if verifier is None:
        raise ValueError(f"no key of the policy is that of {owner.folder}")
    walk = TrailWalk(
        store,
        owner.folder,
        verifier,
        now=now,
        root_sizes=frozenset(head.size for head in heads if head.origin == verifier.name),
        on_progress=meter.begin(verifier.name),
    )
    return walk.run()


def _compare(
    trails: Sequence[TrailResult], heads: Sequence[Checkpoint], now: datetime, max_age: timedelta | None
) -> None:
    """Steps 9 to 11: hold the trails of one origin against pinned heads, the clock and each other."""
    for trail, outcome in hold_heads(heads, trails):
        if outcome.finding is not None:
            trail.findings.add(outcome.finding)
        if outcome.not_checked is not None:
            trail.not_checked.append(outcome.not_checked)
        if outcome.uncompared is not None:
            trail.heads_uncompared.append(outcome.uncompared)
    if max_age is not None:
        for trail in ends(trails):
            _check_age(trail, now - max_age)
    for trail, finding in find_forks(trails):
        trail.findings.add(finding)


def _check_age(trail: TrailResult, oldest: datetime) -> None:
    """Step 10: the newest entry is not older than allowed."""
    newest = time_of_ms(trail.last_time_ms)
    if trail.head is not None and (newest is None or newest < oldest):
        trail.findings.add(
            Finding(
                FindingCode.TRAIL_STALE,
                key=trail.head.key,
                expected=f"an entry chained since {format_time(oldest)}",
                found=f"the newest was chained {format_time(newest) if newest else 'at no time'}",
            )
        )


def _trail_report(result: TrailResult, *, has_head: bool, has_max_age: bool) -> TrailReport:
    head = None if result.head is None else result.head.opened
    unchecked = unchecked_in_trail(result, has_head=has_head, has_max_age=has_max_age)
    return TrailReport(
        origin=result.verifier.name,
        folder=result.folder,
        verdict=result.findings.verdict,
        size=result.size,
        root=None if head is None else head.checkpoint.root,
        head=None if head is None else head.seal.checkpoint,
        entries_verified=result.entries,
        batches_verified=result.batches,
        bytes_read=result.length,
        kinds={kind.name.lower(): count for kind, count in result.kinds.items() if count},
        first_time=time_of_ms(result.first_time_ms),
        last_time=time_of_ms(result.last_time_ms),
        retention=None if head is None else head.seal.retention,
        heads_uncompared=tuple(result.heads_uncompared),
        findings=result.findings.kept,
        findings_left_out=result.findings.left_out,
        expired=tuple(result.expired),
        in_flight=result.in_flight[1] if result.in_flight else 0,
        not_checked=(*result.not_checked, *unchecked),
    )


def _unnamed_report(owner: FolderOwner, policy: Policy) -> TrailReport:
    """The report on a folder whose trail the policy does not name."""
    claimed = ", ".join(ascii(origin[:300]) for origin in sorted(owner.claimed)[:3])
    finding = Finding(
        FindingCode.TRAIL_UNNAMED,
        key=owner.folder,
        expected=f"a trail of the policy, which names {', '.join(policy.logs) or 'none'}",
        found=f"seals that name {claimed}" if claimed else "no seal that names a trail",
    )
    return TrailReport(None, owner.folder, finding.code.verdict, findings=(finding,))


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
    held = {owner.verifier.name for owner in owners if owner.verifier is not None}
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
