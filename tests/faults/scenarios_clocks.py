"""Clocks that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faults.scenario import scenario

if TYPE_CHECKING:
    from faults.harness import Run

_MINUTE_MS: Final = 60_000


class WrongClock:
    """A clock of a process, which a run sets forth and back."""

    def __init__(self, run: Run, name: str) -> None:
        self._file = run.folder / f"clock-{name}"
        self.set_to(0)

    @property
    def injected(self) -> dict[str, str]:
        """The environment of a service that takes its time from it, where it takes its time from."""
        return {"FAULTS_CLOCK": str(self._file)}

    def set_to(self, ahead_ms: int) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(ahead_ms))
        draft.replace(self._file)


@scenario("clocks-set-back")
def clocks_set_back(run: Run) -> None:
    """The clocks of chainer and archiver are set back and forth by up to five minutes while they run."""
    run.begin()
    clocks = {"chainer": WrongClock(run, "chainer"), "archiver": WrongClock(run, "archiver")}
    run.chain(environment=clocks["chainer"].injected)
    run.archive(environment=clocks["archiver"].injected)
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
    archiver = run.archive(environment=clock.injected)
    run.await_flow()
    clock.set_to(run.chance.choice([-12, 12]) * _MINUTE_MS)
    run.expected.stops.add("clock-apart")
    run.expected.ends.add(3)
    run.wait_until(lambda: not archiver.is_running, "the archiver to stop")
    archiver.await_end()
    (evidence,) = run.stack.data.glob("stopped-*.json")
    evidence.rename(evidence.with_suffix(".kept"))
    clock.set_to(0)
    run.archive(environment=clock.injected)
    run.mark("the clock set right", "archiver")
    run.settle()
