"""The work behind `sealtrail report`: the archive is verified, then its entries are counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sealtrail.console import current_output
from sealtrail.entry_filters import MAX_SEQUENCE
from sealtrail.progress import Meter
from sealtrail.recognise_setting import current_recognisers
from sealtrail.trail_choice import choose_one_trail, choose_trails
from sealtrail_auditor.findings import Span
from sealtrail_auditor.progress import ProgressMeter
from sealtrail_auditor.reading import Reading, TimeRange, TrailFolder, find_trails
from sealtrail_auditor.reporting.activity import Activity
from sealtrail_auditor.reporting.members import make_report
from sealtrail_auditor.reporting.wording import to_ms
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.verify import verify_archive
from sealtrail_auditor.workers import processors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sealtrail.entry_filters import EntryFilters
    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.report import Report
    from sealtrail_auditor.reporting.members import About
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store

_DAY_MS: Final = 86_400_000


def audit(
    store: Store,
    about: About,
    pinned: list[bytes],
    filters: EntryFilters,
    wanted: Sequence[str],
    *,
    jobs: int | None,
) -> tuple[Report, dict[str, Any]]:
    """Verify and count; returns the verification and the members of the report.

    Raises:
        CommandError: `wanted` names no trail of the policy, or sequences were given without one trail.
        AuditError, StoreError: as `verify_archive`.
    """
    policy, now = about.policy, datetime.now(UTC)
    scope = _scope(filters)
    if filters.span is not None:
        trails: list[str] | None = [choose_one_trail(policy, wanted)]
    else:
        trails = choose_trails(policy, wanted)
    with Meter(current_output(), "verifying") as meter:
        report = verify_archive(
            store,
            policy,
            trails=trails,
            pinned=pinned,
            now=now,
            max_age=about.max_age,
            progress=lambda at: meter.show(at.bytes_done, at.bytes_total, at.entries),
            scope=scope,
            jobs=jobs or processors(),
        )
    activity = Activity(
        filters.time or TimeRange(None, None),
        latest_ms=to_ms(now) + _DAY_MS,
        recognisers=current_recognisers(),
    )
    readings = _count(store, policy, report, activity, filters)
    return report, make_report(about, report, activity, readings)


def _scope(filters: EntryFilters) -> Scope:
    span = filters.span
    return Scope(
        first=None if span is None else span.first,
        last=None if span is None or span.last == MAX_SEQUENCE else span.last,
        chained=filters.chained,
    )


def _count(
    store: Store, policy: Policy, report: Report, activity: Activity, filters: EntryFilters
) -> list[FindingLog]:
    """Read what was verified once more, trail by trail; returns what that found wrong."""
    findings = []
    with Meter(current_output(), "counting") as meter:
        total = sum(trail.bytes_read for trail in report.trails)
        progress = ProgressMeter(lambda at: meter.show(at.bytes_done, at.bytes_total, at.entries), total)
        for trail, span in _parts(find_trails(store, policy), report, filters):
            reading = Reading(
                store,
                trail,
                span=span,
                chained=filters.chained,
                now=report.verified_at,
                on_progress=progress.begin(trail.origin),
            )
            activity.read(trail.folder, reading)
            findings.append(reading.findings)
    return findings


def _parts(
    found: Iterable[TrailFolder], report: Report, filters: EntryFilters
) -> Iterator[tuple[TrailFolder, Span]]:
    """What is to be counted of each trail: nothing beyond what was verified, however the trail has grown."""
    folders = {trail.folder: trail for trail in found}
    for trail in report.trails:
        if trail.looked_at is None or trail.folder not in folders:
            continue
        first, last = 0, trail.looked_at.last
        if filters.span is not None:
            first, last = filters.span.first, min(last, filters.span.last)
        if first <= last:
            yield folders[trail.folder], Span(first, last)
