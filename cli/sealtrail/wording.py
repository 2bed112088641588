"""What several commands say in the same words."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from sealtrail.data_folder import EMBEDDED, FOLDER
from sealtrail.durations import format_duration

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sealtrail.data_folder import Deployment

NO_LOCK = "NO LOCK: whoever may write to this folder may delete from it. For trying only"
NOT_WORM = "for trying, not WORM: its files lie on this machine"


def describe_archive(deployment: Deployment) -> str:
    """Where the archive is and what protects it, in one line."""
    lock = f"objects are locked for {format_duration(deployment.retention)}" if deployment.retention else ""
    match deployment.archive:
        case str(archive) if archive == EMBEDDED:
            return f"embedded store, {lock} ({NOT_WORM})"
        case str(archive) if archive == FOLDER:
            return f"plain folder, {NO_LOCK}"
        case address:
            return f"{address}, {lock}"


def plural(count: int, thing: str, things: str | None = None) -> str:
    """`1 entry`, `2 entries`: a number with its noun."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def utc(moment: datetime) -> str:
    """A moment in UTC to the second, as `2026-11-23T09:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(duration: timedelta) -> str:
    """A duration in one unit, as `4 s`, `12 min`, `3 h`, `9 days`. Never below zero: clocks differ."""
    seconds = max(0, int(duration.total_seconds()))
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
