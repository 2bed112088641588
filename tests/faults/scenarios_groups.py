"""Several processes and several brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faults.scenario import scenario

if TYPE_CHECKING:
    from faults.harness import Run

KILLS: Final = 4


@scenario("two-of-each")
def two_of_each(run: Run) -> None:
    """Two chainers and two archivers share three partitions; one of the four is killed with -9 at a moment by
    chance, and returns under its name, or stays away until others have taken over, four times."""
    run.begin(partitions=3, producers=3)
    starts = {"chain": run.chain, "archive": run.archive}
    alive = {
        (command, name): start(instance=name) for command, start in starts.items() for name in ("one", "two")
    }
    run.await_flow()
    for _ in range(KILLS):
        run.pause(0, 2)
        command, name = run.chance.choice(sorted(alive))
        part = "chainer" if command == "chain" else "archiver"
        alive[command, name].kill()
        if run.chance.random() < 0.5:
            since = run.mark(f"kill -9 of one {part}, the other takes over", part)
            run.await_taken_over(since)
        alive[command, name] = starts[command](instance=name)
        since = run.mark(f"kill -9 of one {part}, it returns", part)
        run.await_flow(since)
    run.settle()


@scenario("leaders-killed", site="three")
def leaders_killed(run: Run) -> None:
    """Three brokers, three copies of everything, two of which must be there. Under load the leader of the raw
    topic, of the chained topic and of the transactions is killed with -9, in an order by chance, and started
    again."""
    run.begin(rate=150)
    run.archive()
    run.chain()
    run.await_flow()
    brokers, name = run.site.brokers, run.stack.name
    for topic in run.chance.sample([name, f"{name}.chained", "__transaction_state"], 3):
        partition = brokers.transaction_partition(run.writer_name) if topic == "__transaction_state" else 0
        node = brokers.leader(topic, partition)
        run.pause(0, 2)
        brokers.kill(node)
        what = topic.replace(name, "raw").replace("raw.chained", "chained")
        since = run.mark(f"the leader of {what} killed")
        run.await_flow(since)
        brokers.start(node)
        brokers.await_all()
        brokers.await_in_sync()
        since = run.mark(f"the former leader of {what} is back")
        run.await_flow(since)
    run.settle()
