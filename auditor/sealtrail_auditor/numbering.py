"""The numbers of one producer's events, as they were met in one trail: which are missing, void, there twice.

Gathered in bounded memory: of more than `MAX_RUNS` runs, the gaps between the first ones are only counted.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_schemas.producer_stamp import Numbers, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_RUNS: Final = 64


class Numbering(NamedTuple):
    """What was met of one producer's incarnation in one trail. It is never changed.

    Attributes:
        events: Events that carry its stamps.
        highest: The highest number among them; -1: there were none.
        covered: Numbers that were met or declared void, as rising runs.
        void: Those that were declared void and not met, as rising runs.
        repeated: How many events carry a number that another one has.
        passed: Missing numbers in gaps that are not told apart any more.
    """

    events: int = 0
    highest: int = -1
    covered: tuple[Numbers, ...] = ()
    void: tuple[Numbers, ...] = ()
    repeated: int = 0
    passed: int = 0

    def gaps(self, *, from_start: bool) -> list[Numbers]:
        """The runs of missing numbers that are told apart, up to the highest that was met.

        Those below the first run count only `from_start`: where that was met, too.
        """
        runs = [Numbers(-1, -1), *self.covered] if from_start else list(self.covered)
        between = (Numbers(before.last + 1, after.first - 1) for before, after in pairwise(runs))
        return [gap for gap in between if gap.first <= gap.last and gap.first <= self.highest]

    def missing(self, *, from_start: bool) -> int:
        """How many numbers are missing."""
        return self.passed + count(self.gaps(from_start=from_start))

    def joined(self, later: Numbering) -> Numbering:
        """This numbering and what was met later in the trail."""
        mine, theirs = _seen(self), _seen(later)
        repeated = self.repeated + later.repeated
        if mine and theirs and theirs[0].first <= mine[-1].last:
            repeated += count(mine) + count(theirs) - count(union(mine, theirs))
        seen = union(mine, theirs)
        void = subtract(union(self.void, later.void), seen)
        covered, passed = _bounded(union(seen, void))
        return Numbering(
            self.events + later.events,
            max(self.highest, later.highest),
            covered,
            tuple(void[-MAX_RUNS:]),
            repeated,
            self.passed + later.passed + passed,
        )


def _seen(numbering: Numbering) -> list[Numbers]:
    return subtract(numbering.covered, numbering.void)


def _bounded(runs: list[Numbers]) -> tuple[tuple[Numbers, ...], int]:
    """The newest `MAX_RUNS` runs, the first of them stretched down to all before, and the gaps in it."""
    over = len(runs) - MAX_RUNS
    if over <= 0:
        return tuple(runs), 0
    stretched = Numbers(runs[0].first, runs[over].last)
    return (stretched, *runs[over + 1 :]), stretched.last - stretched.first + 1 - count(runs[: over + 1])


def count(runs: Iterable[Numbers]) -> int:
    """How many numbers there are in runs that do not overlap."""
    return sum(run.last - run.first + 1 for run in runs)


def subtract(runs: Sequence[Numbers], others: Sequence[Numbers]) -> list[Numbers]:
    """Numbers of `runs` that are in none of `others`; both rise."""
    left: list[Numbers] = []
    at = 0
    for run in runs:
        first = run.first
        while at < len(others) and others[at].last < first:
            at += 1
        ahead = at
        while ahead < len(others) and others[ahead].first <= run.last:
            if others[ahead].first > first:
                left.append(Numbers(first, others[ahead].first - 1))
            first = max(first, others[ahead].last + 1)
            ahead += 1
        if first <= run.last:
            left.append(Numbers(first, run.last))
    return left
