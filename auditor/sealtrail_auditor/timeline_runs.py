"""Condensing steps into runs, so that a thousand steps can be told in a screen or two.

What stands out, and what was refused, begins a run of its own; what lies between is summed up. The steps
stay in order, and each is in exactly one run.
"""

from __future__ import annotations

from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sealtrail_auditor.notable import Mark, only_looks

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from sealtrail_auditor.timeline import Step, Unread

MOST_RUNS: Final = 80
"""A timeline is condensed to at most so many runs."""

TOGETHER_MS: Final = 60_000
"""Steps that stand out alike are one run only if no more than this lies between one and the next."""

_QUIET: Final = "quiet"
_BUSY: Final = "busy"
_SLICES_S: Final = (
    *(1, 5, 15, 30, 60, 300, 900, 1800),
    *(3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000),
)


class Plain(Enum):
    """What steps are that bear no mark."""

    DENIED = "denied"
    DONE = "done"
    LOOKED = "looked up"
    BY_SERVICES = "by services in their name"


Sort: TypeAlias = Mark | Plain
"""What sort of step it is; the most telling come first in both."""


_SORTS: Final[tuple[Sort, ...]] = (*Mark, *Plain)


class Run(NamedTuple):
    """Steps in a row, at least one, that are told as one."""

    steps: tuple[Step, ...]

    @property
    def parts(self) -> dict[Sort, tuple[Step, ...]]:
        """Its steps by their sort, the most telling first."""
        found: dict[Sort, list[Step]] = {}
        for step in self.steps:
            found.setdefault(sort_of(step), []).append(step)
        return {sort: tuple(found[sort]) for sort in _SORTS if sort in found}

    @property
    def span_ms(self) -> tuple[int, int] | None:
        """The times of its first and last step that have one."""
        times = [step.time_ms for step in self.steps if step.time_ms is not None]
        return (times[0], times[-1]) if times else None


def sort_of(step: Step) -> Sort:
    """What sort of step it is."""
    if step.mark is not None:
        return step.mark
    if step.outcome == "denied":
        return Plain.DENIED
    if step.how.through is not None:
        return Plain.BY_SERVICES
    return Plain.LOOKED if only_looks(step.action) else Plain.DONE


def condense(steps: Sequence[Step], most: int = MOST_RUNS) -> list[Run]:
    """Steps that are in order as at most `most` runs, the shortest ones that do.

    Every step alone, else steps in a row that did the same in the same session, else what stands out with
    what lies between, else slices of time.
    """
    ways: tuple[Callable[[Sequence[Step]], list[Run]], ...] = (each_alone, by_action, by_what_stands_out)
    for way in ways:
        runs = way(steps)
        if len(runs) <= most:
            return runs
    return by_time(steps, most)


def each_alone(steps: Iterable[Step]) -> list[Run]:
    """One run for each step."""
    return [Run((step,)) for step in steps]


def by_action(steps: Iterable[Step]) -> list[Run]:
    """Steps in a row that did the same in the same session, with the same outcome."""
    return [Run(tuple(group)) for _, group in groupby(steps, key=lambda s: (s.action, s.outcome, s.session))]


def by_what_stands_out(steps: Iterable[Step]) -> list[Run]:
    """What touches watching or rights, and what was denied, by itself; between those, all else together.

    Steps that only look, or that a service took in the actor's name, join the run before them, unless a
    pause lies between.
    """
    runs: list[list[Step]] = []
    kind: Hashable = None
    for step in steps:
        step_kind = _kind(step)
        is_near = bool(runs) and _are_near(runs[-1][-1], step)
        if is_near and step_kind in {kind, _QUIET}:
            runs[-1].append(step)
        elif is_near and (kind, step_kind) == (_QUIET, _BUSY):  # who looks around is about to do something
            runs[-1].append(step)
            kind = _BUSY
        else:
            runs.append([step])
            kind = step_kind
    return [Run(tuple(run)) for run in runs]


def by_time(steps: Sequence[Step], most: int) -> list[Run]:
    """The steps of each slice of time; slices are as long as it takes. What has no time is the last run."""
    span = Run(tuple(steps)).span_ms
    if span is None:
        return [Run(tuple(steps))]
    length = span[1] - span[0]
    slice_ms = next(
        (1000 * each for each in _SLICES_S if length // (1000 * each) + 3 <= most), length // (most - 3) + 1
    )
    return [
        Run(tuple(group))
        for _, group in groupby(steps, key=lambda s: None if s.time_ms is None else s.time_ms // slice_ms)
    ]


def place_unread(runs: Sequence[Run], unread: Iterable[Unread]) -> list[Run | Unread]:
    """Runs, and what could not be read before the first of them that lies behind it, by the events' time."""
    waiting = sorted(unread, key=lambda missing: missing.after_ms or 0, reverse=True)
    placed: list[Run | Unread] = []
    for run in runs:
        while waiting and (run.span_ms is None or (waiting[-1].after_ms or 0) < run.span_ms[0]):
            placed.append(waiting.pop())
        placed.append(run)
    return [*placed, *reversed(waiting)]


def _kind(step: Step) -> Hashable:
    """What makes steps alike."""
    if step.mark in {Mark.WATCHING, Mark.RIGHTS}:
        return (step.mark, step.action, step.outcome)
    if step.outcome == "denied":
        return Plain.DENIED
    return _QUIET if sort_of(step) in {Plain.LOOKED, Plain.BY_SERVICES} else _BUSY


def _are_near(before: Step, after: Step) -> bool:
    if before.time_ms is None or after.time_ms is None:
        return before.time_ms is after.time_ms
    return after.time_ms - before.time_ms <= TOGETHER_MS
