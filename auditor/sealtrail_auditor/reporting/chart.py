"""The picture of events over time, as SVG that needs no script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.pages.markup import Markup, element
from sealtrail_auditor.reporting.page_text import number, when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDTH: Final = 960
_HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 44
_TICKS: Final = 6
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_MONDAY_MS: Final = 4 * _DAY_MS
_STEPS_MS: Final = (
    *(1_000, 2_000, 5_000, 10_000, 30_000),
    *(minutes * _MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_MS for days in (1, 2, 4, 7, 14, 28, 56, 91, 182, 364, 728, 3640)),
)
_LEAST_HEIGHT: Final = 2.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def draw_over_time(over_time: Mapping[str, Any]) -> Markup:
    """Bars of events, what failed or was denied on top in another colour."""
    from_ms, to_ms, width_ms = _ms(over_time["from"]), _ms(over_time["to"]), int(over_time["width_ms"])
    bars = [(_ms(bar["from"]), int(bar["events"]), int(bar["failed"])) for bar in over_time["bars"]]
    most = _round_up(max((events for _, events, _ in bars), default=1))
    across = (_WIDTH - _LEFT - _RIGHT) / max(to_ms - from_ms, 1)
    up = (_HEIGHT - _TOP - _BOTTOM) / most
    drawn = [
        element(
            "g",
            _title(start, width_ms, events, failed),
            *_bar(_LEFT + (start - from_ms) * across, width_ms * across, events * up, failed * up),
        )
        for start, events, failed in bars
    ]
    total, wrong = (sum(bar[position] for bar in bars) for position in (1, 2))
    label = (
        f"{total:,} events between {when(over_time['from'])} and {when(over_time['to'])}, {wrong:,} failed"
    )
    return element(
        "svg",
        *_grid(most, up),
        *_times(from_ms, to_ms, across),
        *drawn,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=label,
    )


def _bar(left: float, width: float, events: float, failed: float) -> Iterator[Markup]:
    """One bar or two, by their heights; none is too small to be seen."""
    base = _HEIGHT - _BOTTOM
    whole = max(events, _LEAST_HEIGHT)
    wrong = min(max(failed, _LEAST_HEIGHT), whole) if failed else 0.0
    inner = max(width - min(width * 0.15, 2), 0.5)
    if whole > wrong:
        yield _rect(left, base - whole + wrong, inner, whole - wrong, "done")
    if wrong:
        yield _rect(left, base - whole, inner, wrong, "failed")


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    return element(
        "rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.2f}", height=f"{height:.1f}", class_=f"bar {kind}"
    )


def _title(start: int, width_ms: int, events: int, failed: int) -> Markup:
    until = _label(start + width_ms, "%Y-%m-%d %H:%M:%S")
    wrong = f", {failed:,} failed or denied" if failed else ""
    return element("title", f"{_label(start, '%Y-%m-%d %H:%M:%S')} to {until}: {events:,} events{wrong}")


def _grid(most: int, up: float) -> list[Markup]:
    lines = []
    for part in (0, most // 2, most) if most > 1 else (0, 1):
        y = f"{_HEIGHT - _BOTTOM - part * up:.1f}"
        lines += [
            element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y),
            element("text", number(str(part)), x=_LEFT - 8, y=y, class_="value", dominant_baseline="middle"),
        ]
    return lines


def _times(from_ms: int, to_ms: int, across: float) -> list[Markup]:
    """Labels under the picture: the day, and above it the time where they are less than a day apart."""
    span_ms = to_ms - from_ms
    step = next((step for step in _STEPS_MS if span_ms <= step * _TICKS), _STEPS_MS[-1])
    marks: list[Markup] = []
    base, day = _HEIGHT - _BOTTOM, ""
    for time_ms in range(from_ms + (_MONDAY_MS - from_ms) % step, to_ms, step):
        x = f"{_LEFT + (time_ms - from_ms) * across:.1f}"
        marks.append(element("line", x1=x, x2=x, y1=base, y2=base + 5))
        here = _label(time_ms, "%Y-%m-%d")
        if step < _DAY_MS:
            clock = _label(time_ms, "%H:%M:%S" if step < _MINUTE_MS else "%H:%M")
            marks.append(element("text", clock, x=x, y=base + 19, class_="time"))
        if here != day:
            marks.append(element("text", here, x=x, y=base + (35 if step < _DAY_MS else 19), class_="time"))
            day = here
    return marks


def _round_up(most: int) -> int:
    """The next number from which a scale can be read: 1, 2, 3, 4, 5, 6, 8, 10, 20 and so on."""
    size = 1
    while True:
        for step in (1, 2, 3, 4, 5, 6, 8):
            if most <= step * size:
                return step * size
        size *= 10


def _ms(time: str) -> int:
    return (datetime.fromisoformat(time) - _EPOCH) // timedelta(milliseconds=1)


def _label(time_ms: int, form: str) -> str:
    return (_EPOCH + timedelta(milliseconds=time_ms)).strftime(form)
