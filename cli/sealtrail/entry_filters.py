"""The options that say which entries are meant, in the same words for every command that shows some.

@click.command
@archive_options
@filter_options
def command(archive: ArchiveChoice, filters: EntryFilters) -> None: ...
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail.times import TIME, format_time_ms
from sealtrail_auditor.findings import Span
from sealtrail_auditor.reading import TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SEQUENCE: Final = (1 << 63) - 2
"""The greatest sequence; as the end of a span: that it has none."""


@dataclass(frozen=True, slots=True)
class EntryFilters:
    """Which entries the user means. What is None was not said; all that was said must hold.

    Attributes:
        time: when it happened, by the event's own word.
        chained: when it was chained.
        span: its sequence.
    """

    time: TimeRange | None
    chained: TimeRange | None
    span: Span | None


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --from, --to, --chained-from, --chained-to, --first, --last; the command gets one `filters`."""

    @functools.wraps(command)
    def with_filters(
        *args: Any,
        from_ms: int | None,
        to_ms: int | None,
        chained_from_ms: int | None,
        chained_to_ms: int | None,
        first: int | None,
        last: int | None,
        **others: Any,
    ) -> Any:
        filters = EntryFilters(
            time=_range("--from", "--to", from_ms, to_ms),
            chained=_range("--chained-from", "--chained-to", chained_from_ms, chained_to_ms),
            span=_span(first, last),
        )
        return command(*args, filters=filters, **others)

    for decorator in reversed(_DECORATORS):
        with_filters = decorator(with_filters)
    return with_filters


def _range(from_name: str, to_name: str, from_ms: int | None, to_ms: int | None) -> TimeRange | None:
    if from_ms is None and to_ms is None:
        return None
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise click.UsageError(
            f"{to_name} {format_time_ms(to_ms)} is not behind {from_name} {format_time_ms(from_ms)}: "
            "the range is empty"
        )
    return TimeRange(from_ms, to_ms)


def _span(first: int | None, last: int | None) -> Span | None:
    if first is None and last is None:
        return None
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--last {last} lies before --first {first}: the range is empty")
    return Span(first or 0, MAX_SEQUENCE if last is None else last)


_SEQUENCE: Final = click.IntRange(0, MAX_SEQUENCE)
_DECORATORS: Final = (
    click.option(
        "--from",
        "from_ms",
        metavar="TIME",
        type=TIME,
        help="What happened at this time or later, by the event's own word: 2026-11-23T09:30:00Z, or a date.",
    ),
    click.option("--to", "to_ms", metavar="TIME", type=TIME, help="What happened before this time."),
    click.option(
        "--chained-from", "chained_from_ms", metavar="TIME", type=TIME, help="What was chained then or later."
    ),
    click.option("--chained-to", "chained_to_ms", metavar="TIME", type=TIME, help="What was chained before."),
    click.option("--first", metavar="SEQ", type=_SEQUENCE, help="Entries from this one on."),
    click.option("--last", metavar="SEQ", type=_SEQUENCE, help="Entries up to this one, which is included."),
)
