"""What a query asks for, as one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail.times import format_time_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TimeRange


def describe_query(query: Query, origins: Sequence[str]) -> str:
    """Which entries of these trails a query asks for."""
    asked = "; ".join(_parts(query)) or "all entries"
    return f"{asked}; of {', '.join(origins)}"


def _parts(query: Query) -> Iterator[str]:
    for column, patterns in query.patterns.items():
        yield f"{column.replace('_', ' ')} {' or '.join(pattern.text for pattern in patterns)}"
    if query.text:
        yield f"text {' or '.join(query.text)}"
    for path, texts in query.where.items():
        yield f"{path} = {' or '.join(texts)}"
    if query.time is not None:
        yield _range("happened", query.time)
    if query.chained is not None:
        yield _range("chained", query.chained)
    if query.span is not None:
        yield str(query.span)


def _range(what: str, times: TimeRange) -> str:
    from_text = "" if times.from_ms is None else f" from {format_time_ms(times.from_ms)}"
    to_text = "" if times.to_ms is None else f" before {format_time_ms(times.to_ms)}"
    return what + from_text + to_text
