"""Runs of entries, gathered in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_auditor.findings import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SPANS: Final = 1_000


class SpanList:
    """Spans in rising order; those that follow on each other are joined.

    Beyond `MAX_SPANS` the last one is stretched, so that the list stays bounded and leaves nothing out.
    """

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, span: Span) -> None:
        """Add a span that begins behind all others."""
        if self._spans and (self._spans[-1].last + 1 == span.first or len(self._spans) == MAX_SPANS):
            self._spans[-1] = Span(self._spans[-1].first, span.last)
        else:
            self._spans.append(span)

    def copy(self) -> SpanList:
        """An independent list of the same spans."""
        copy = SpanList()
        copy._spans = list(self._spans)
        return copy

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def __str__(self) -> str:
        shown = ", ".join(f"{span.first}-{span.last}" for span in self._spans[:5])
        return shown + (f" and {len(self._spans) - 5} more runs" if len(self._spans) > 5 else "")
