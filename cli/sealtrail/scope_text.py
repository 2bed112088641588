"""How much of an archive a report is about, for people: never less plain than the verdict itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail.times import format_time_ms
from sealtrail.wording import plural, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.report import Report, TrailReport
    from sealtrail_auditor.scope import Scope


def where(report: Report) -> str:
    """What stands behind the verdict's name: nothing, `in entries 100 to 199`, `as sampled`."""
    parts = [_entries(report.scope), _times(report.scope)]
    named = " ".join(f"in {part}" for part in parts if part)
    return f"{named} as sampled".strip() if report.sample is not None else named


def nothing_wrong(report: Report) -> str:
    """What an intact verdict rests on, in one line."""
    entries = plural(sum(trail.entries_verified for trail in report.trails), "entry", "entries")
    batches = sum(trail.batches_verified for trail in report.trails)
    trails = plural(len(report.trails), "trail")
    before = sum(trail.since.size for trail in report.trails if trail.since is not None)
    if report.sample is not None:
        return (
            f"{entries} in {plural(batches, 'batch', 'batches')} read of {trails}, nothing wrong; "
            "the other batches were not read"
        )
    if report.scope.is_part:
        return f"{entries} of {trails} verified, nothing wrong; the rest was not looked at"
    if before:
        return f"{entries} of {trails} verified, nothing wrong; {before:,} were verified by visits before"
    return f"{entries} of {trails} verified, nothing wrong"


def scope_rows(report: Report) -> Iterator[tuple[str, str]]:
    """Labels and texts that say the scope of a report; none where it is the whole archive."""
    parts = [part for part in (_entries(report.scope), _times(report.scope)) if part]
    if parts:
        yield "scope", f"{', '.join(parts)}; in whole batches"
    sample = report.sample
    if sample is None:
        return
    drawn, population = len(sample.seals), plural(sample.population, "batch", "batches")
    yield "sample", f"{drawn:,} of {population}, and the first of each trail; seed {sample.seed}"
    chances = ", ".join(f"{damaged} with {_percent(chance)}" for damaged, chance in sample.chances())
    if chances:
        yield "detection", f"of so many damaged batches, at least one is among those read: {chances}"


def trail_rows(trail: TrailReport) -> Iterator[tuple[str, str]]:
    """Labels and texts that say what of a trail was looked at, where that is not all of it."""
    if trail.since is not None:
        visited = utc(trail.since.visited_at)
        yield "before", f"{plural(trail.since.size, 'entry', 'entries')}, by visits up to {visited}"
    span = trail.looked_at
    if span is not None and span.first and trail.since is None:
        yield "looked at", f"{span}"


def _entries(scope: Scope) -> str:
    if scope.first is None and scope.last is None:
        return ""
    if scope.last is None:
        return f"entries from {scope.first} on"
    if scope.first == scope.last:
        return f"entry {scope.last}"
    return f"entries {scope.first or 0} to {scope.last}"


def _times(scope: Scope) -> str:
    from_ms, to_ms = scope.chained or (None, None)
    bounds = (
        "" if from_ms is None else f" from {format_time_ms(from_ms)}",
        "" if to_ms is None else f" before {format_time_ms(to_ms)}",
    )
    return f"what was chained{''.join(bounds)}" if any(bounds) else ""


def _percent(chance: float) -> str:
    """A probability, never rounded up to certainty."""
    if chance < 1 and chance > 0.9999:
        return "more than 99.99 %"
    return f"{100 * chance:.4g} %"
