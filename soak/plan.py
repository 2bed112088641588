"""Which faults come when: from a seed, so that a run can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """What is done to a part."""

    KILL_CHAINER = "kill -9 chainer"
    KILL_ARCHIVER = "kill -9 archiver"
    STOP_CHAINER = "SIGSTOP chainer"
    STOP_ARCHIVER = "SIGSTOP archiver"
    PAUSE_BROKER = "pause broker"
    PAUSE_STORE = "pause store"
    RESTART_STORE = "restart store"

    @property
    def kills(self) -> bool:
        """Whether a process of ours ends, and with it the memory that it had taken."""
        return self in {Fault.KILL_CHAINER, Fault.KILL_ARCHIVER}


KILLS_UNTIL: Final = 0.45
"""After this part of a run nothing is killed any more: what runs at its end is old enough to be judged."""

KILLS_FROM_S: Final = 90.0
"""Before, nothing is killed either: what runs in the run's first minute and a half is compared with."""

_FIRST_S: Final = 10.0
_QUIET_AT_END_S: Final = 15.0
_SHORTEST_S, _LONGEST_S = 2.0, 8.0


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault, when it begins and for how long it lasts, in seconds; a kill lasts until the restart."""

    at_s: float
    lasts_s: float
    fault: Fault


def plan_faults(seed: int, *, duration_s: float, every_s: float) -> tuple[PlannedFault, ...]:
    """Faults one after the other, on average `every_s` seconds apart.

    At first each service is held for long, so that the run's first minute has what a backlog takes of memory;
    not in a run that is too short for that to matter.
    From then on each kind comes once before one comes again, in an order that the seed chooses. Kills have a
    time of their own, and come first in it.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    planned: list[PlannedFault] = []
    opening = [Fault.STOP_ARCHIVER, Fault.STOP_CHAINER] if duration_s >= 2 * KILLS_FROM_S else []
    kills = [fault for fault in Fault if fault.kills]
    others = [fault for fault in Fault if not fault.kills]
    waiting: list[Fault] = []
    has_killed = False
    at_s = _FIRST_S
    while at_s < duration_s - _QUIET_AT_END_S - _LONGEST_S:
        if opening:
            lasts_s, fault = _LONGEST_S, opening.pop()
        else:
            may_kill = KILLS_FROM_S <= at_s <= KILLS_UNTIL * duration_s
            waiting = [fault for fault in waiting if may_kill or not fault.kills]
            if may_kill and not has_killed:
                waiting, has_killed = waiting + chance.sample(kills, len(kills)), True
            elif not waiting:
                waiting = chance.sample(others, len(others)) + chance.sample(kills, may_kill * len(kills))
            lasts_s, fault = round(chance.uniform(_SHORTEST_S, _LONGEST_S), 1), waiting.pop()
        planned.append(PlannedFault(round(at_s, 1), lasts_s, fault))
        at_s += lasts_s + max(1.0, chance.uniform(0.5, 1.5) * every_s - lasts_s)
    return tuple(planned)
