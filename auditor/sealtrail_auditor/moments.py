"""Moments in reports: RFC 3339 in UTC, in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def time_of_ms(milliseconds: int | None) -> datetime | None:
    """A time from milliseconds since the Unix epoch; None for None, and for what no calendar has."""
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def format_moment(time: datetime | None) -> str | None:
    """`2026-11-23T09:30:00.000Z`; None for None."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
