"""Steps 9 to 11 of docs/format.md, "Verification": trails against pinned heads, the clock and each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.heads import hold_heads
from sealtrail_auditor.histories import ends, find_forks
from sealtrail_auditor.locks import format_time
from sealtrail_auditor.report import time_of_ms
from sealtrail_auditor.verdict import Verdict

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
    _check_compared(trails)
    are_whole = all(trail.covers_whole for trail in trails)
    if max_age is not None:
        for trail in ends(trails) if are_whole else _newest(trails):
            _check_age(trail, now - max_age)
    if are_whole:
        for trail, finding in find_forks(trails):
            trail.findings.add(finding)
        _say_unjudged(trails)


def _check_compared(trails: Sequence[TrailResult]) -> None:
    """Report heads that could not be compared where all else would let them pass for compared.

    Whoever asks for a part does not ask for what lies outside of it; there it is enough that it is said.
    """
    has_cause = any(trail.findings.verdict not in (Verdict.INTACT, Verdict.UNPROTECTED) for trail in trails)
    for trail in trails if not has_cause else ():
        if trail.heads_uncompared and trail.covers_whole:
            sizes = ", ".join(str(size) for size in trail.heads_uncompared)
            trail.findings.add(
                Finding(
                    FindingCode.HEAD_UNCOMPARED,
                    key=trail.folder,
                    expected=f"the root at size {sizes}",
                    found="a trail whose root there can't be computed from what was read",
                    objects=len(trail.heads_uncompared),
                )
            )


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
