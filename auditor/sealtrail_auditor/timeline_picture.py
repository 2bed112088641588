"""The picture of a timeline: SVG, one lane for each session, and in it one row for each sort of step.

The shape of a mark says what its colour says. Marks that would lie on each other are one, which says how many
it stands for, so that the picture of a hundred thousand steps is no larger than that of a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.notable import Mark
from sealtrail_auditor.pages.markup import Markup, element
from sealtrail_auditor.timeline_runs import Plain, sort_of
from sealtrail_auditor.timeline_words import (
    TrailNames,
    actions,
    between,
    clock_time,
    day,
    moment,
    outcomes,
    session_words,
    shorten,
    why_unread,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sealtrail_auditor.timeline import Session, Step, Timeline, Unread
    from sealtrail_auditor.timeline_runs import Sort

MOST_LANES: Final = 10
"""The sessions with the most marks and steps have a lane each; the others share the last one."""

WIDTH: Final = 1000
_LEFT: Final = 14
_TOP: Final = 10
_LABEL: Final = 18
_ROW: Final = 17
_STROKES: Final = 24
_AXIS: Final = 48
_SHAPE_BIN: Final = 8
_STROKE_BIN: Final = 2
_TICKS: Final = 8
_STEPS_S: Final = (
    *(1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200),
    *(86_400, 604_800, 2_592_000, 31_536_000),
)
_DAY_MS: Final = 86_400_000

SHAPES: Final[dict[Sort, str]] = {
    Mark.WATCHING: "M0 -7 L7 6 L-7 6 Z",
    Mark.RIGHTS: "M-5.5 -5.5 H5.5 V5.5 H-5.5 Z",
    Mark.SECRETS: "M0 -6 A6 6 0 1 1 -0.01 -6 Z",
    Mark.REMOVED: "M-6 -3 L-3 -6 L0 -3 L3 -6 L6 -3 L3 0 L6 3 L3 6 L0 3 L-3 6 L-6 3 L-3 0 Z",
    Plain.DENIED: "M0 -7 L7 0 L0 7 L-7 0 Z",
}
"""Outlines around (0, 0); every other step is a stroke below its lane."""


def timeline_picture(timeline: Timeline, run_of: Mapping[tuple[str, int], int]) -> Markup | None:
    """The picture; None where no step has a time.

    Args:
        timeline: what to draw.
        run_of: for a step (origin, sequence) the number of the run to which a mark leads, as `#run-7`.
    """
    if timeline.span_ms is None:
        return None
    first_ms, last_ms = timeline.span_ms
    room = max((last_ms - first_ms) // 50, 500)
    lanes = [_Lane(sessions) for sessions in _lanes(timeline)]
    bottom = _TOP + sum(lane.height for lane in lanes)
    names = TrailNames(timeline.origins)
    drawing = _Drawing(first_ms - room, last_ms + room, bottom, names, run_of)
    pieces = [element("title", f"{len(timeline.steps):,} steps over time; the list below has the same")]
    pieces += [drawing.unread(missing) for missing in timeline.unread]
    pieces += drawing.axis()
    top = _TOP
    for lane in lanes:
        pieces += drawing.lane(lane, top)
        top += lane.height
    view = f"0 0 {WIDTH} {bottom + _AXIS}"
    return element("svg", *pieces, viewBox=view, role="img", xmlns="http://www.w3.org/2000/svg")


def legend(sort: Sort, *, failed: bool = False) -> Markup:
    """The mark of a sort of step, for a legend."""
    shape = _shape(sort, failed=failed)
    return element("svg", shape, viewBox="-9 -9 18 18", class_="key", aria_hidden="true")


@dataclass(frozen=True, slots=True)
class _Lane:
    """Sessions that are drawn together."""

    sessions: tuple[Session, ...]

    @property
    def name(self) -> str:
        first, *more = self.sessions
        if more:
            return f"{len(self.sessions):,} more sessions"
        return f"s{first.number}  {session_words(first)}"

    @property
    def count(self) -> int:
        return sum(len(session.steps) for session in self.sessions)

    @property
    def rows(self) -> list[Sort]:
        """The sorts of steps that have a row of their own, from the top."""
        there = {sort_of(step) for session in self.sessions for step in session.steps}
        return [sort for sort in SHAPES if sort in there]

    @property
    def height(self) -> int:
        return _LABEL + len(self.rows) * _ROW + _STROKES


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Makes the pieces of one picture. `bottom` is where its lanes end."""

    first_ms: int
    last_ms: int
    bottom: int
    names: TrailNames
    run_of: Mapping[tuple[str, int], int]

    def x(self, time_ms: int) -> float:
        """Where a time lies."""
        share = (time_ms - self.first_ms) / (self.last_ms - self.first_ms)
        return round(_LEFT + share * (WIDTH - 2 * _LEFT), 1)

    def axis(self) -> list[Markup]:
        length = self.last_ms - self.first_ms
        step_ms = next((1000 * s for s in _STEPS_S if length // (1000 * s) <= _TICKS), length // _TICKS)
        pieces: list[Markup] = []
        for tick in range(-(-self.first_ms // step_ms) * step_ms, self.last_ms + 1, step_ms):
            x = self.x(tick)
            anchor = "start" if x < 60 else "end" if x > WIDTH - 60 else "middle"
            words = [clock_time(tick)] if step_ms < _DAY_MS else []
            words += [day(tick)] if not words or not pieces or tick % _DAY_MS == 0 else []
            pieces.append(element("line", x1=x, x2=x, y1=_TOP, y2=self.bottom + 6, class_="tick"))
            for number, text in enumerate(words):
                y = self.bottom + 22 + 15 * number
                pieces.append(element("text", text, x=x, y=y, class_="tick", text_anchor=anchor))
        return pieces

    def lane(self, lane: _Lane, top: int) -> list[Markup]:
        rows = lane.rows
        y_of: dict[Sort, int] = {sort: top + _LABEL + _ROW * row + _ROW // 2 for row, sort in enumerate(rows)}
        ground = top + _LABEL + _ROW * len(rows) + 2
        bins: dict[tuple[Sort, bool, int], list[Step]] = {}
        for session in lane.sessions:
            for step in session.steps:
                if step.time_ms is not None:
                    sort = sort_of(step)
                    place = int(self.x(step.time_ms)) // (_SHAPE_BIN if sort in SHAPES else _STROKE_BIN)
                    bins.setdefault((sort, step.failed, place), []).append(step)
        count = element("tspan", f"  {lane.count:,}", class_="count")
        return [
            element("text", shorten(lane.name, 100), count, x=_LEFT, y=top + 13, class_="lane"),
            element("line", x1=_LEFT, x2=WIDTH - _LEFT, y1=ground, y2=ground, class_="lane"),
            *(self.mark(steps, sort, y_of.get(sort, ground)) for (sort, _, _), steps in bins.items()),
        ]

    def mark(self, steps: Sequence[Step], sort: Sort, y: int) -> Markup:
        """The mark of steps of one sort that lie close together; steps of a bin all failed, or none did."""
        first = steps[0]
        assert first.time_ms is not None  # noqa: S101 - others are not drawn
        x, many = self.x(first.time_ms), len(steps).bit_length() - 1
        if sort in SHAPES:
            place = f"translate({x} {y}) scale({min(0.85 + 0.08 * many, 1.2):.2f})"
            drawn = _shape(sort, failed=first.failed, transform=place)
        else:
            end, class_ = y + min(8 + 2 * many, 18), "step failed" if first.failed else "step"
            drawn = element("line", x1=x, x2=x, y1=y + 2, y2=end, class_=class_)
        words = (actions(steps), outcomes(steps), self.names.entries(steps), moment(first.time_ms))
        title = "\n".join(word for word in words if word)
        return element(
            "a", element("title", title), drawn, href=f"#run-{self.run_of[first.origin, first.sequence]}"
        )

    def unread(self, missing: Unread) -> Markup:
        """A band over all lanes where steps may be missing."""
        after = self.first_ms if missing.after_ms is None else missing.after_ms
        before = self.last_ms if missing.before_ms is None else missing.before_ms
        left, right = (min(max(self.x(time_ms), 0), WIDTH) for time_ms in (after, max(after, before)))
        width = max(round(right - left, 1), 3)
        class_ = "expired" if missing.finding is None else "unread"
        box = element(
            "rect", x=min(left, WIDTH - width), y=0, width=width, height=self.bottom + 6, class_=class_
        )
        words = f"{self.names.unread(missing)} {why_unread(missing)}; {between(missing)}"
        return element("g", element("title", words.removesuffix("; ")), box)


def _lanes(timeline: Timeline) -> list[tuple[Session, ...]]:
    sessions = timeline.sessions
    if len(sessions) <= MOST_LANES:
        return [(session,) for session in sessions]
    kept = sorted(sessions, key=_weight, reverse=True)[: MOST_LANES - 1]
    numbers = {session.number for session in kept}
    lanes = [(session,) for session in sessions if session.number in numbers]
    return [*lanes, tuple(session for session in sessions if session.number not in numbers)]


def _weight(session: Session) -> tuple[int, int]:
    return sum(step.mark is not None for step in session.steps), len(session.steps)


def _shape(sort: Sort, *, failed: bool, transform: str | None = None) -> Markup:
    class_ = f"shape {sort.name.lower()}{' failed' if failed and sort is not Plain.DENIED else ''}"
    return element("path", d=SHAPES.get(sort, "M0 -6 V6"), class_=class_, transform=transform)
