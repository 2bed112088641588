"""One broker that is killed, falls silent, or cuts what it had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faults.processes import Fault
from faults.scenario import scenario

if TYPE_CHECKING:
    from faults.harness import Run

KILLS: Final = 2
# What the chainer has done when the broker dies: it has begun, some of its records lie there, all of them do,
# the commit is asked for, the commit is answered.
MOMENTS: Final = (
    "chainer.kafka-begin.after",
    "chainer.kafka-produce.after",
    "chainer.kafka-flush.after",
    "chainer.kafka-commit.before",
    "chainer.kafka-commit.after",
)


@scenario("broker-killed-in-transaction")
def broker_killed_in_transaction(run: Run) -> None:
    """The broker is killed with -9 while the chainer is held inside a transaction: after its begin, its first
    record, its last, before or after its commit, by chance; then it starts again on its own disk. Twice."""
    run.begin()
    run.archive()
    chainer = run.chain()
    run.await_flow()
    for moment in run.chance.sample(MOMENTS, KILLS):
        chainer.kill()
        chainer = run.chain(fault=Fault(moment, run.chance.randint(1, 20), "stop"))
        run.wait_until(lambda held=chainer: held.is_suspended, f"the chainer to be held at {moment}")
        run.site.brokers.kill()
        chainer.resume()
        run.pause(0, 2)
        run.site.brokers.start()
        run.site.brokers.await_all()
        since = run.mark(f"the broker killed at {moment}")
        run.await_flow(since)
    run.settle()


@scenario("broker-killed")
def broker_killed(run: Run) -> None:
    """The broker is killed with -9 at moments by chance, under load, and started again on its own disk."""
    run.begin(rate=150)
    run.archive()
    run.chain()
    run.await_flow()
    for _ in range(KILLS):
        run.pause(0, 2)
        run.site.brokers.kill()
        run.pause(0, 2)
        run.site.brokers.start()
        run.site.brokers.await_all()
        since = run.mark("the broker killed")
        run.await_flow(since)
    run.settle()


@scenario("zombie-chainer")
def zombie_chainer(run: Run) -> None:
    """The chainer is stopped with SIGSTOP inside a transaction for longer than its transactions and its
    membership live, a successor takes over, and it wakes beside that."""
    run.begin()
    run.archive()
    moment = run.chance.choice(MOMENTS)
    zombie = run.chain(instance="zombie", fault=Fault(moment, run.chance.randint(1, 20), "stop"))
    run.wait_until(lambda: zombie.is_suspended, f"the chainer to be held at {moment}")
    successor = run.chain(instance="successor")
    since = run.mark(f"SIGSTOP at {moment}, a successor begins")
    run.await_flow(since)
    run.pause(0, 3)
    zombie.resume()
    since = run.mark("SIGCONT of the one before")
    run.await_flow(since)
    run.pause(1, 3)
    assert successor.is_running
    run.settle()


@scenario("zombie-archiver")
def zombie_archiver(run: Run) -> None:
    """The archiver is stopped with SIGSTOP around its puts for longer than its membership lives, a successor
    takes over, and it wakes beside that."""
    run.begin()
    run.chain()
    moment = run.chance.choice(
        [
            f"archiver.{call}.{when}"
            for call in ("put-batch", "put-seal", "open-batch")
            for when in ("before", "after")
        ]
    )
    zombie = run.archive(instance="zombie", fault=Fault(moment, run.chance.randint(1, 6), "stop"))
    run.wait_until(lambda: zombie.is_suspended, f"the archiver to be held at {moment}")
    run.archive(instance="successor")
    since = run.mark(f"SIGSTOP at {moment}, a successor begins")
    run.await_flow(since)
    run.pause(0, 3)
    zombie.resume()
    since = run.mark("SIGCONT of the one before")
    run.await_flow(since)
    run.pause(1, 3)
    run.settle()


@scenario("broker-out")
def broker_out(run: Run) -> None:
    """The broker is out for a minute (quick runs: some seconds): frozen in one half of the runs, so that
    connections stay open and nothing answers, stopped in the other."""
    run.begin()
    run.archive()
    run.chain()
    run.await_flow()
    brokers, frozen = run.site.brokers, run.chance.random() < 0.5
    (brokers.pause if frozen else brokers.kill)()
    run.wait_out()
    (brokers.unpause if frozen else brokers.start)()
    brokers.await_all()
    since = run.mark(f"the broker {'frozen' if frozen else 'away'} for {run.outage_s:.0f} s")
    run.await_flow(since)
    run.settle()
