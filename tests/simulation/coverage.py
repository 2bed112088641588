"""What a run of histories has covered: which kinds of faults had struck before a crash at which point.

A cell is a pair of a kind of fault and a crash point. It counts one for each history in which a process died
at that point after a fault of that kind had taken effect: an armed fault that never met its call does not
count, nor does an armed crash that nobody passed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from crash_points import POINTS
from simulation.kinds import KINDS, RECOVERY_POINTS, STOP_KINDS
from simulation.world import AWAY_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulation.world import World

LEAST: Final = 20
"""How often each cell is to be reached by the seeds that run with the tests."""

NEVER: Final = {
    "a line that has to stand": (
        frozenset(STOP_KINDS),
        frozenset(POINTS) - RECOVERY_POINTS,
        "whoever starts stops before it comes to that call; no process is left that would crash there",
    ),
}
"""Cells that are left empty: the kinds, the points, and why."""


def _wanted() -> frozenset[tuple[str, str]]:
    cells = {(kind, label) for kind in KINDS for label in POINTS}
    for kinds, labels, _ in NEVER.values():
        cells -= {(kind, label) for kind in kinds for label in labels}
    return frozenset(cells)


WANTED: Final = _wanted()


@dataclass
class Coverage:
    """Counters over histories.

    Attributes:
        histories: how many there were.
        cells: histories by kind of fault and crash point.
        away: histories in which log or store were away at a point.
        seen: what steps did, alarms and stops.
    """

    histories: int = 0
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    away: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, world: World) -> None:
        """Count one history."""
        self.histories += 1
        self.cells.update({(kind, label) for label, kinds in world.crashes for kind in kinds})
        for name, count in world.seen.items():
            if name.startswith("away at "):
                self.away[name.removeprefix("away at ")] += 1
            else:
                self.seen[str(name)] += count

    def merge(self, other: Coverage) -> None:
        """Add what another part of a run has counted."""
        self.histories += other.histories
        self.cells += other.cells
        self.away += other.away
        self.seen += other.seen

    def thin(self, least: int = LEAST) -> list[tuple[str, str, int]]:
        """The cells that are wanted and were reached less than `least` times, with their counts."""
        return sorted(
            (kind, label, self.cells[kind, label])
            for kind, label in WANTED
            if self.cells[kind, label] < least
        )

    def away_thin(self, least: int = LEAST) -> list[tuple[str, int]]:
        """The points at which log or store were away less than `least` times."""
        return [(label, self.away[label]) for label in AWAY_POINTS if self.away[label] < least]

    def table(self) -> Iterable[str]:
        """One line a kind: cells, the least and the median count of them, and where the least was."""
        yield f"{'kind of fault':28}{'points':>7}{'least':>7}{'median':>8}   least often at"
        for kind in KINDS:
            row = sorted((self.cells[kind, label], label) for k, label in WANTED if k == kind)
            middle = median(count for count, _ in row)
            yield f"{kind:28}{len(row):7}{row[0][0]:7}{middle:8.0f}   {row[0][1]}"
