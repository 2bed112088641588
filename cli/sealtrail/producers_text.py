"""The section of a report for people that says what came of producers' numbers; a line for each producer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from rich.text import Text

from sealtrail.terminal_text import hanging
from sealtrail.wording import plural
from sealtrail_auditor.producers import describe_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail_auditor.producers import ProducerReport
    from sealtrail_auditor.report import TrailReport

MAX_PRODUCERS: Final = 10
"""So many producers are shown, those first of which something is missing or repeated."""

_MAX_PLACES: Final = 3
_NAME_WIDTH: Final = 16

_Part = tuple[str, "ProducerReport"]


def section(trails: Sequence[TrailReport], width: int | None) -> Iterator[Text]:
    """The lines of the section; none where no event has a stamp."""
    producers: dict[str, list[_Part]] = defaultdict(list)
    for trail in trails:
        if trail.producers is not None:
            for producer in trail.producers.producers:
                producers[producer.producer].append((trail.origin or trail.folder, producer))
    if not producers:
        return
    yield Text("Producers", style="bold")
    in_order = sorted(producers, key=lambda name: (_is_good(producers[name]), name))
    for name in in_order[:MAX_PRODUCERS]:
        yield from map(Text, hanging(f"  {name:<{_NAME_WIDTH}}  ", _describe(producers[name]), width))
    if (more := len(in_order) - MAX_PRODUCERS) > 0:
        yield Text(f"  and {plural(more, 'more producer')}; --json has them all")
    yield Text("")


def _is_good(parts: Sequence[_Part]) -> bool:
    return not any(part.missing or part.repeated for _, part in parts)


def _describe(parts: Sequence[_Part]) -> str:
    events, missing, repeated, void = (
        sum(getattr(part, name) for _, part in parts) for name in ("events", "missing", "repeated", "void")
    )
    said = [plural(events, "event")]
    places = [
        f"{origin} {part.incarnation}{describe_runs(part.missing_runs)}"
        for origin, part in parts
        if part.missing_runs
    ]
    more = len(places) - _MAX_PLACES
    named = "; ".join(places[:_MAX_PLACES]) + (f"; and {more} more" if more > 0 else "")
    said.append((f"{missing:,} missing" + (f" ({named})" if named else "")) if missing else "none missing")
    said.append(f"{repeated:,} repeated" if repeated else "none repeated")
    if void:
        said.append(f"{void:,} void")
    return ", ".join(said)
