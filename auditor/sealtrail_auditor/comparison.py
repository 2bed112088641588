"""Steps 9 to 11 of docs/format.md, "Verification": trails against pinned heads, the clock and each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.heads import hold_heads
from sealtrail_auditor.histories import ends, find_forks
from sealtrail_auditor.locks import format_time
from sealtrail_auditor.report import time_of_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.checkpoint import Checkpoint


def compare_trails(
    trails: Sequence[TrailResult], heads: Sequence[Checkpoint], now: datetime, max_age: timedelta | None
) -> None:
    """Hold the trails of one origin against its pinned heads, the clock and each other.

    What is wrong goes into their findings. Where only a part was looked at, two histories can't be told from
    one that goes on from another; and a trail is too old or not only where its end was looked at.
    """
    for trail, outcome in hold_heads(heads, trails):
        if outcome.finding is not None:
            trail.findings.add(outcome.finding)
        if outcome.not_checked is not None:
            trail.not_checked.append(outcome.not_checked)
        if outcome.uncompared is not None:
            trail.heads_uncompared.append(outcome.uncompared)
    are_whole = all(trail.covers_whole for trail in trails)
    if max_age is not None:
        for trail in ends(trails) if are_whole else _newest(trails):
            _check_age(trail, now - max_age)
    if are_whole:
        for trail, finding in find_forks(trails):
            trail.findings.add(finding)
        _say_unjudged(trails)


def _say_unjudged(trails: Sequence[TrailResult]) -> None:
    """Say of which of several trails it can't be known whether it is a second history."""
    signed = [trail for trail in trails if trail.head is not None]
    for trail in signed if len(signed) > 1 else ():
        if trail.genesis is None:
            trail.not_checked.append(
                "Whether it is a second history under the same key can't be told: its first entry, which "
                "would name the trail before it, was not read."
            )


def _newest(trails: Sequence[TrailResult]) -> list[TrailResult]:
    """The trail that was chained last, if its end was looked at."""
    newest = max(trails, key=lambda trail: trail.last_time_ms or 0, default=None)
    return [] if newest is None or not newest.to_end else [newest]


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
