"""One process of the simulated deployment: a chainer or an archiver behind watched ports, which can die."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from crash_points import WatchedLog, WatchedStore
from deployment import DAY, finish
from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.settings import ArchiverSettings
from sealtrail_chainer.chainer import Chainer, ChainerSettings
from simulation.faulty_log import FaultyLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.world import World


class Crash(BaseException):
    """The process is no more. Nothing catches it, as nothing catches kill -9."""


class Process:
    """A step machine, and the ports as it alone sees them.

    Once it is dead no call of a port gets through, whatever the code does on its way out.

    Attributes:
        part: `chainer` or `archiver`.
        machine: the shipped step machine.
        work: store work that its archiver has handed out, done when the schedule says so.
    """

    def __init__(self, world: World, part: str, build: Callable[[Process, WatchedLog, WatchedStore], object]):
        self.world = world
        self.part = part
        self.is_dead = False
        self.log = FaultyLog(world)
        self.work: list[tuple[Callable, Future]] = []
        self.machine = build(
            self,
            WatchedLog(self.log, part, self.pass_point),
            WatchedStore(world.store, part, self.pass_point),
        )

    def pass_point(self, label: str) -> None:
        """What happens at a crash point: mostly nothing."""
        if self.is_dead:
            raise Crash(label)
        self.world.pass_point(self, label)

    def submit(self, call: Callable) -> Future:
        """Do store work some time later, as a thread would."""
        future = Future()
        self.work.append((call, future))
        return future

    def do_work(self) -> None:
        """Do one piece of the store work under way, if there is any. Errors go into its future."""
        if self.work:
            finish(*self.work.pop(0))

    def step(self, *, flush: bool = False) -> object:
        """One step of the machine by the world's clock."""
        now_ms = self.world.clock.now_ms
        if self.part == "chainer":
            return self.machine.step(now_ms=now_ms)
        return self.machine.step(now_ms=now_ms, flush=flush)


def start_chainer(world: World) -> Process:
    """A chainer with settings drawn from the seed."""
    settings = ChainerSettings(
        transaction_records=world.random.randint(1, 5),
        heartbeat_after_ms=world.random.choice([50, 10**9]),
    )
    return Process(
        world,
        "chainer",
        lambda _, log, store: Chainer(log, store, world.trail, settings, entropy=world.random.randbytes),
    )


def start_archiver(world: World, *, trims: bool) -> Process:
    """An archiver with settings drawn from the seed."""
    settings = ArchiverSettings(
        retention=DAY,
        batch_entries=world.random.randint(1, 6),
        batch_age_ms=world.random.choice([1, 100]),
        read_records=world.random.randint(1, 5),
        codec="null",
        trim_after_ms=200 if trims else None,
    )
    return Process(
        world,
        "archiver",
        lambda process, log, store: Archiver(
            log, store, world.trail, world.signer, settings, submit=process.submit
        ),
    )
