"""Kill -9 at every labelled point of chainer and archiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crash_points import POINTS
from faults.launch import WRITER_POINTS
from faults.processes import Fault
from faults.scenario import scenario

if TYPE_CHECKING:
    from faults.harness import Run
    from faults.processes import Service

_WORK: Final = {
    "chainer": ("read-raw", "append", "kafka-begin", "kafka-produce", "kafka-flush", "kafka-commit"),
    "archiver": (
        *("read-chained", "trim", "list-batch", "put-batch", "head-batch", "open-batch"),
        *("list-seal", "put-seal", "head-seal", "open-seal"),
    ),
}
"""Calls that work makes again and again. All others are of recovery, and each start passes them."""
_PATIENCE_S: Final = 20.0

CHAINER_POINTS: Final = tuple(point for point in POINTS if point.startswith("chainer.")) + WRITER_POINTS
ARCHIVER_POINTS: Final = tuple(point for point in POINTS if point.startswith("archiver."))


@scenario("kill-chainer")
def kill_chainer(run: Run) -> None:
    """The chainer is killed with -9 at each of its labelled points, in an order by chance; before, inside and
    after each call of log and store, and of librdkafka inside a transaction."""
    run.begin()
    archiver, chainer = run.archive(), run.chain()
    run.await_flow()
    chainer.kill()
    for point in run.chance.sample(CHAINER_POINTS, len(CHAINER_POINTS)):
        kill_at(run, point, run.chain)
    run.chain()
    run.mark("the last kill -9 of the chainer", "chainer")
    run.settle()
    assert archiver.process.returncode == 0


@scenario("kill-archiver")
def kill_archiver(run: Run) -> None:
    """The archiver is killed with -9 at each of its labelled points, in an order by chance; before and after
    each call of log and store."""
    run.begin()
    run.chain()
    archiver = run.archive()
    run.await_flow()
    archiver.kill()
    for point in run.chance.sample(ARCHIVER_POINTS, len(ARCHIVER_POINTS)):
        kill_at(run, point, lambda **options: run.archive("--trim-after", "1s", **options))
    run.archive()
    run.mark("the last kill -9 of the archiver", "archiver")
    run.settle()


def kill_at(run: Run, point: str, start) -> None:
    """Start a service that will die at the point, and wait for that."""
    part, call, _ = point.split(".")
    passage = run.chance.randint(1, 3) if call in _WORK[part] else 1
    service: Service = start(fault=Fault(point, passage))
    run.mark(f"kill -9 at {point}", part)
    if call == "close":  # passed at an end in good order only
        service.await_event("recovered")
        service.process.terminate()
    run.wait_until(lambda: not service.is_running, f"{part} to die at {point}", at_most_s=_PATIENCE_S)
    code = service.await_end()
    assert service.reached, f"{part} ended with {code} before {point}: {service.told[-3:]}"
