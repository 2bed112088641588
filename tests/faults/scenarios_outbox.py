"""A service that publishes through an outbox, killed at every point of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faults.launch import OUTBOX_POINTS
from faults.processes import Fault
from faults.scenario import scenario

if TYPE_CHECKING:
    from faults.harness import Run

_WORK: Final = ("append", "commit", "kafka-begin", "kafka-produce", "kafka-flush", "kafka-commit")
_PATIENCE_S: Final = 20.0
OUTBOX: Final = {"outbox": True}


@scenario("kill-outbox")
def kill_outbox(run: Run) -> None:
    """A service that publishes through an outbox is killed with -9 at each labelled point of that, in an
    order by chance: around each call of the log, of librdkafka in a transaction, and each commit."""
    run.begin(producers=1)
    run.chain()
    run.archive()
    run.await_flow()
    for point in run.chance.sample(OUTBOX_POINTS, len(OUTBOX_POINTS)):
        if ".read-raw." in point:  # what was shipped is looked for only where an append is in doubt
            kill_at(run, "outbox.append.after", 1)
        kill_at(run, point, run.chance.randint(1, 3) if point.split(".")[1] in _WORK else 1)
    run.publish("outbox", **OUTBOX)
    run.mark("the last kill -9 of the publishing service")
    run.settle()


def kill_at(run: Run, point: str, passage: int) -> None:
    service = run.publish("outbox", fault=Fault(point, passage), **OUTBOX)
    run.wait_until(lambda: service.process.poll() is not None, f"to die at {point}", at_most_s=_PATIENCE_S)
    assert service.reached, f"it ended with {service.process.returncode} before {point}"
    run.mark(f"kill -9 at {point}")
