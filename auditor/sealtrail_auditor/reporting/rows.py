"""Rows of report.json: tables of names, gaps, pauses, places of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.notable import mark_of
from sealtrail_auditor.reporting.wording import shown_text, shown_time, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sealtrail_auditor.findings import Finding, Span
    from sealtrail_auditor.report import TrailReport
    from sealtrail_auditor.reporting.activity import TrailActivity
    from sealtrail_auditor.reporting.pauses import Pause
    from sealtrail_auditor.reporting.tally import Count, Tally

TOP_NAMES: Final = 20
"""So many names a table has."""


def gaps_of(trail: TrailReport, counted: TrailActivity | None) -> list[tuple[str, Iterable[Span]]]:
    """What of a trail could not be read: what is wrong with it, and the entries."""
    found: list[tuple[str, Iterable[Span]]] = []
    if counted is not None:
        found += [("missing", counted.missing), ("damaged", counted.damaged)]
    return [*found, ("expired", trail.expired)]


def pauses_row(counted: TrailActivity | None) -> dict[str, Any]:
    """The pauses of a trail."""
    pauses = counted and counted.pauses
    return {
        "longest_quiet": _pause(pauses.longest_quiet) if pauses else None,
        "longest_silence": _pause(pauses.longest_silence) if pauses else None,
        "stops": str(pauses.stops if pauses else 0),
        "longest_stops": [_pause(stop) for stop in pauses.longest_stops] if pauses else [],
    }


def _pause(pause: Pause | None) -> dict[str, Any] | None:
    return pause and {
        "from": shown_time(pause.from_ms),
        "to": shown_time(pause.to_ms),
        "length_ms": str(pause.length_ms),
        "after": str(pause.after),
        "before": str(pause.before),
    }


def names_table(
    tally: Tally[Any],
    names: Callable[[Any], dict[str, Any]],
    *,
    fits: Callable[[Any], bool] = lambda _name: True,
) -> dict[str, Any]:
    """The names with the most events; `names` makes the members that name them."""
    top = tally.top(TOP_NAMES, fits=fits)
    return {
        "rows": [{**names(name), **_counts(count, names(name))} for name, count in top.rows],
        "more_names": str(top.more_names),
        "more_events": str(top.more_events),
        "is_exact": tally.is_exact,
        "may_miss": str(tally.may_miss),
    }


def action_row(action: str) -> dict[str, Any]:
    """The members that name an action."""
    mark = mark_of(action)
    return {"action": action or None, "mark": mark and mark.value}


def _counts(count: Count, names: dict[str, Any]) -> dict[str, Any]:
    counts = {
        "events": str(count.events),
        "failed": str(count.failed),
        "first_time": shown_time(count.first_ms),
        "last_time": shown_time(count.last_ms),
    }
    if "outcome" in names:  # then all of them failed
        del counts["failed"]
    return counts


def place_row(finding: Finding) -> dict[str, Any]:
    """Where a finding is."""
    span = finding.span
    return {
        "origin": finding.origin and shown_text(finding.origin),
        "key": finding.key and shown_text(finding.key),
        "version_id": finding.version_id and shown_text(finding.version_id, 100),
        "first_sequence": number_text(span and span.first),
        "last_sequence": number_text(span and span.last),
        "objects": str(finding.objects),
        "expected": shown_text(finding.expected),
        "found": shown_text(finding.found),
    }


def span_row(span: Span) -> dict[str, str]:
    """A run of entries."""
    return {"first": str(span.first), "last": str(span.last)}


def number_text(number: int | None) -> str | None:
    """A number of up to 64 bits as text."""
    return None if number is None else str(number)


def time_text(time: datetime | None) -> str | None:
    """A time as text."""
    return None if time is None else shown_time(to_ms(time))
