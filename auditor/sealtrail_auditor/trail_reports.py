"""From what a walk came to, to the report on a trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.moments import time_of_ms
from sealtrail_auditor.producers import ProducersReport
from sealtrail_auditor.report import TrailReport
from sealtrail_auditor.unchecked import unchecked_in_trail

if TYPE_CHECKING:
    from sealtrail_auditor.folders import FolderOwner
    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.policy import Policy


def trail_report(result: TrailResult, *, has_head: bool, has_max_age: bool) -> TrailReport:
    """The report on a trail; `has_head` and `has_max_age` say what it was held against."""
    head = None if result.head is None else result.head.opened
    unchecked = unchecked_in_trail(result, has_head=has_head, has_max_age=has_max_age)
    first = result.first_sequence
    return TrailReport(
        origin=result.origin,
        folder=result.folder,
        verdict=result.findings.verdict,
        size=result.size,
        root=None if head is None else head.checkpoint.root,
        head=None if head is None else head.seal.checkpoint,
        looked_at=None if first is None else Span(first, result.size - 1),
        since=result.since,
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
        predecessor=None if result.genesis is None else result.genesis.predecessor,
        predecessor_folder=result.predecessor,
        successor_folder=result.successor,
        statements=tuple(statement.control for statement in result.statements),
        statements_left_out=result.statements.left_out,
        expired=tuple(result.expired),
        in_flight=result.in_flight[1] if result.in_flight else 0,
        producers=ProducersReport.of(result),
        not_checked=(*result.not_checked, *unchecked),
    )


def unnamed_report(owner: FolderOwner, policy: Policy) -> TrailReport:
    """The report on a folder whose trail the policy does not name."""
    claimed = ", ".join(ascii(origin[:300]) for origin in sorted(owner.claimed)[:3])
    finding = Finding(
        FindingCode.TRAIL_UNNAMED,
        key=owner.folder,
        expected=f"a trail of the policy, which names {', '.join(policy.logs) or 'none'}",
        found=f"seals that name {claimed}" if claimed else "no seal that names a trail",
    )
    return TrailReport(None, owner.folder, finding.code.verdict, findings=(finding,))
