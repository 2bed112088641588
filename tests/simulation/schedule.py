"""What happens in a history, drawn from its seed.

A history is a row of episodes. Each makes a fault happen, lets some random work pass, and then drives the
deployment to a crash point at which a process dies. At the end comes a calm in which everything has to be
worked off within a bounded number of steps. Faults and crash points are dealt out in turn, so that a block
of seeds meets all of them with all.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crash_points import POINTS
from simulation.acts import make
from simulation.checker import judge
from simulation.deal import deal
from simulation.kinds import LOG_KINDS, RECOVERY_POINTS, STOP_KINDS, STORE_KINDS
from simulation.looks import sealed_up_to
from simulation.remembered import remembered_seals
from simulation.world import AWAY_POINTS, Violation, World

if TYPE_CHECKING:
    from collections.abc import Callable

MILD: Final = tuple(LOG_KINDS | STORE_KINDS)
STOPS: Final = tuple(STOP_KINDS)
MOST_CALM_STEPS: Final = 400
_AT_START: Final = {label.split(".")[1] for label in RECOVERY_POINTS} | {"read-chained"}
STOP_EVERY: Final = 3
"""One history in so many ends with a fault that has to stop the line."""


def play(seed: int, *, tell: Callable[[str], None] = lambda _: None) -> World:
    """Play the history of a seed and judge it. Raises Violation."""
    world = World(seed, tell=tell)
    with remembered_seals():
        Schedule(world, seed).run()
        judge(world)
    return world


class Schedule:
    """The schedule of one history."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(f"schedule of {seed}")
        number, rest = divmod(seed, STOP_EVERY)
        self.stop: str | None = None
        if rest:
            self.kinds, self.points = deal(MILD, 7, POINTS, 5, number * (STOP_EVERY - 1) + rest - 1)
        else:
            (self.stop,), self.points = deal(STOPS, len(STOPS), tuple(sorted(RECOVERY_POINTS)), 2, number)
            self.kinds = self.random.sample(MILD, 3)

    def run(self) -> None:
        """The whole history but for the judgement."""
        kinds, points = list(self.kinds), list(self.points)
        self.random.shuffle(kinds)
        self.random.shuffle(points)
        self.noise(8)
        while kinds:
            self.cause(kinds.pop())
            self.noise(self.random.randint(1, 5))
            if len(kinds) < 3 and points:
                self.drive(points.pop())
        while points and self.stop is None:
            self.drive(points.pop())
        if self.stop is None:
            self.cause(self.random.choice(self.kinds))  # nobody dies any more: who lives has to mend it
            self.noise(4)
        else:
            self._work_on()
            self.stand(self.stop, points)
        self.calm()

    # Work ------------------------------------------------------------------------------------------------

    def noise(self, steps: int) -> None:
        for _ in range(steps):
            self.random.choice(self._works())()

    def _works(self) -> list[Callable[[], object]]:
        world = self.world
        return (
            [lambda: world.step(world.chainer)] * 6
            + [self._archive] * 8
            + [self._store_works] * 5
            + [world.publish] * 3
            + [self._time_passes] * 2
            + [self._late_things_land, self._sleeper_wakes, self._restart]
        )

    def _archive(self) -> None:
        self.world.step(self.random.choice(self.world.archivers), flush=self.random.random() < 0.3)

    def _store_works(self) -> None:
        self.world.do_work(self.random.choice([*self.world.archivers, *self.world.sleepers]))

    def _time_passes(self) -> None:
        self.world.clock.now_ms += self.random.randint(1, 60)

    def _late_things_land(self) -> None:
        if self.world.must_stand is None:  # the topic is to stay as the fault has left it
            self.world.log.faults.land_delayed()
            self.world.store.land_late()

    def _sleeper_wakes(self) -> None:
        if self.world.sleepers:
            sleeper = self.random.choice(self.world.sleepers)
            if sleeper.part == "archiver" or sleeper.machine.state is not None:  # it believes that it works
                self.world.step(sleeper)

    def _restart(self) -> None:
        self.world.kill(self.random.choice([self.world.chainer, *self.world.archivers]))

    # Faults and crashes ----------------------------------------------------------------------------------

    def cause(self, kind: str) -> bool:
        """Make a fault happen, after some work if it needs some."""
        for _ in range(12):
            if make(self.world, kind):
                return True
            self._work_on()
        return False

    def _work_on(self) -> None:
        """A little of everything that makes entries and seals."""
        world = self.world
        world.publish()
        for _ in range(2):
            world.step(world.chainer)
        archiver = self.random.choice(world.archivers)
        for _ in range(4):
            world.step(archiver, flush=True)
            world.do_work(archiver)

    def drive(self, label: str) -> None:
        """Work until a process dies at this point, or until it seems that none passes there."""
        world = self.world
        world.crash_at = label
        part, call, _ = label.split(".")
        if world.away_at is None and self.random.random() < 0.4:
            world.away_at = self.random.choice(AWAY_POINTS)
        if self.random.random() < 0.5:
            world.meanwhile_at = self.random.choice(POINTS)
        for attempt in range(8):
            if attempt % 3 == 0 and call in _AT_START:
                self._start_anew(part)
                world.publish()
                for _ in range(4):  # what was chained and not sealed yet is read again at the next start
                    world.step(world.chainer)
                self._start_anew(part)
            if call == "close":
                world.due_appends.append("append-unanswered-lost")
            if attempt == 2:
                self._set_clocks()
            if call == "trim":
                self._make_trim_due()
            self._work_on()
            if world.crash_at is None:
                return
        world.crash_at = None
        world.seen[f"missed {label}"] += 1

    def _start_anew(self, part: str) -> None:
        world = self.world
        for process in [world.chainer] if part == "chainer" else list(world.archivers):
            world.kill(process)

    def _make_trim_due(self) -> None:
        world = self.world
        if not any(archiver.machine._settings.trim_after_ms for archiver in world.archivers):
            world.archivers[0].is_dead = True
            world.archivers[0] = world.new_archiver(trims=True)
        world.clock.now_ms += 400

    def stand(self, kind: str, points: list[str]) -> None:
        """Make a fault happen that has to stop the line, and try to get past it with crashes and starts."""
        self._quieten()
        if not self.cause(kind):
            return
        world = self.world
        for label in points:
            part = label.split(".")[0]
            world.crash_at = label
            for _ in range(3):
                if world.crash_at is not None:
                    self._start_anew(part)
                    for _ in range(2):
                        world.step(world.chainer if part == "chainer" else world.archivers[0])
                self.noise(1)
            world.crash_at = None

    # The end ---------------------------------------------------------------------------------------------

    def _quieten(self) -> None:
        world = self.world
        world.due_appends.clear()
        world.store.due.clear()
        world.crash_at = world.away_at = world.meanwhile_at = None
        self._set_clocks()
        if world.must_stand is None:
            world.lands_in_next = False
            world.log.faults.land_delayed()
            world.store.land_late()

    def _set_clocks(self) -> None:
        """The clock that was ahead is set right: by time that passes, or by hand."""
        self.world.clock.now_ms += int(self.world.store_skew.total_seconds() * 1000)
        self.world.store_skew = timedelta(0)

    def calm(self) -> None:
        """No more faults: who is alive works everything off; who starts anew then finds nothing to do."""
        world = self.world
        self._quieten()
        for sleeper in list(world.sleepers):
            while sleeper.work:
                world.do_work(sleeper)
        world.sleepers.clear()
        self._work_off()
        may_stand = world.must_stand or "chained-tail-lost" in world.struck
        if not may_stand and sealed_up_to(world) < world.raw_end():
            raise Violation("stuck: not all is sealed, though nothing is in the way")
        for _ in range(2):
            self._start_anew("chainer")
            self._start_anew("archiver")
            self._work_off()
        if not world.stood():
            raise Violation(f"silent: the line went on after {world.must_stand}")

    def _work_off(self) -> None:
        """A few rounds: what the chainer finds out at the end, it mends with its next step."""
        for _ in range(2):
            for process in [self.world.chainer, *self.world.archivers]:
                self._until_idle(process)

    def _until_idle(self, process) -> None:
        world = self.world
        for _ in range(MOST_CALM_STEPS):
            if process not in world.alive():  # it has stopped the line
                return
            before = world.seen["idle"]
            world.step(process, flush=True)
            if process.work:
                world.do_work(process)
            elif world.seen["idle"] > before:
                return
        raise Violation(f"stuck: the {process.part} is not done after {MOST_CALM_STEPS} steps")
