"""Clocks that are wrong."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faults.scenario import scenario

if TYPE_CHECKING:
    from faults.harness import Run

_MINUTE_MS: Final = 60_000
_LEAST_MS: Final = 30_000
_LIBRARIES: Final = Path("/usr/lib")
_SHIM: Final = Path(__file__).with_name("cnd_timedwait.c")


class WrongClock:
    """The clock by which a service works, which a run sets forth and back."""

    def __init__(self, run: Run, name: str) -> None:
        self.file = run.folder / f"clock-{name}"
        self.set_to(0)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a service that takes its time from it, where it takes its time from."""
        return {"FAULTS_CLOCK": str(self.file)}

    def set_to(self, ahead_ms: int) -> None:
        draft = self.file.with_suffix(".draft")
        draft.write_text(self.written(ahead_ms))
        draft.replace(self.file)

    def written(self, ahead_ms: int) -> str:
        """What the file holds."""
        return str(ahead_ms)


class FakedClock(WrongClock):
    """The clock of a whole process, its client libraries included, by libfaketime."""

    def __init__(self, run: Run, name: str) -> None:
        super().__init__(run, name)
        self._shim = run.folder / f"{name}-cnd_timedwait.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self._shim, _SHIM], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process whose time is faked."""
        return {
            "LD_PRELOAD": f"{self._shim}:{find_faketime()}",
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",  # a step is seen at once
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # which no step of the wall clock moves
        }

    def written(self, ahead_ms: int) -> str:
        """What the file holds."""
        return f"{ahead_ms / 1000:+.3f}s"


def find_faketime() -> Path | None:
    """libfaketime: $FAKETIME_LIBRARY, or where Debian's package `faketime` has it."""
    named = os.environ.get("FAKETIME_LIBRARY")
    places = [Path(named)] if named else sorted(_LIBRARIES.glob("*/faketime/libfaketime.so.1"))
    return next((place for place in places if place.exists()), None)


@scenario("clocks-set-back")
def clocks_set_back(run: Run) -> None:
    """The clocks of chainer and archiver are wrong from the start, and set back and forth by up to five
    minutes while they run."""
    set_back(run, WrongClock)


@scenario("clocks-set-back-by-libfaketime", needs_faketime=True)
def clocks_set_back_by_libfaketime(run: Run) -> None:
    """The same by libfaketime, which deceives Python, librdkafka and boto3 as well."""
    set_back(run, FakedClock)
    for service in run.services:  # or else nothing was tried
        assert max(map(wrong_by_s, service.told)) > _LEAST_MS / 1000 - 5


def wrong_by_s(told: dict[str, Any]) -> float:
    """How far the clock of the process that logged a line was from the harness's own."""
    return abs(datetime.fromisoformat(told["time"]).timestamp() - told["seen_at"])


def set_back(run: Run, kind: type[WrongClock]) -> None:
    run.begin()
    clocks = {"chainer": kind(run, "chainer"), "archiver": kind(run, "archiver")}
    for clock in clocks.values():
        clock.set_to(run.chance.choice([-1, 1]) * run.chance.randint(_LEAST_MS, 5 * _MINUTE_MS))
    run.chain(environment=clocks["chainer"].environment)
    run.archive(environment=clocks["archiver"].environment)
    run.await_flow()
    for _ in range(6):
        part = run.chance.choice(sorted(clocks))
        ahead_ms = run.chance.randint(-5 * _MINUTE_MS, 5 * _MINUTE_MS)
        clocks[part].set_to(ahead_ms)
        since = run.mark(f"the clock of the {part} set elsewhere", part)
        run.await_flow(since)
    run.settle()


@scenario("clock-apart")
def clock_apart(run: Run) -> None:
    """The archiver's clock and the store's are twelve minutes apart, either way: the line has to stop with
    clock-apart, seal nothing by that clock, and go on once it is set right and the evidence is moved."""
    run.begin()
    run.chain()
    clock = WrongClock(run, "archiver")
    archiver = run.archive(environment=clock.environment)
    run.await_flow()
    clock.set_to(run.chance.choice([-12, 12]) * _MINUTE_MS)
    run.expected.stops.add("clock-apart")
    run.expected.ends.add(3)
    run.wait_until(lambda: not archiver.is_running, "the archiver to stop")
    archiver.await_end()
    (evidence,) = run.stack.data.glob("stopped-*.json")
    evidence.rename(evidence.with_suffix(".kept"))
    clock.set_to(0)
    run.archive(environment=clock.environment)
    run.mark("the clock set right", "archiver")
    run.settle()
