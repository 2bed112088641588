"""The network between each pair, made slow, cut and deaf by toxiproxy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from faults.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from faults.harness import Run
    from faults.toxiproxy import Toxiproxy

    Trouble = Callable[[Toxiproxy, str], AbstractContextManager[None]]


def latency(proxies: Toxiproxy, pair: str) -> AbstractContextManager[None]:
    """Every answer comes 0.1 to 0.5 s late."""
    return proxies.toxic(pair, "latency", latency=300, jitter=200)


def resets(proxies: Toxiproxy, pair: str) -> AbstractContextManager[None]:
    """Connections are reset after a moment."""
    return proxies.toxic(pair, "reset_peer", timeout=50)


def deaf(proxies: Toxiproxy, pair: str) -> AbstractContextManager[None]:
    """A partition: connections stay, and answers get lost."""
    return proxies.toxic(pair, "timeout", timeout=0)


def mute(proxies: Toxiproxy, pair: str) -> AbstractContextManager[None]:
    """A partition in the other direction: what is asked gets lost."""
    return proxies.toxic(pair, "timeout", stream="upstream", timeout=0)


@contextmanager
def slow_close(proxies: Toxiproxy, pair: str) -> Iterator[None]:
    """Connections are cut, but who cut them is heard of late."""
    with proxies.toxic(pair, "slow_close", delay=1_000):
        proxies.switch(pair, on=False)
        yield
        proxies.switch(pair, on=True)


@contextmanager
def refused(proxies: Toxiproxy, pair: str) -> Iterator[None]:
    """Connections are cut, and new ones refused."""
    proxies.switch(pair, on=False)
    yield
    proxies.switch(pair, on=True)


TROUBLES: tuple[Trouble, ...] = (latency, resets, deaf, mute, slow_close, refused)


def trouble(run: Run, pair: str, *parts: str) -> None:
    """Everything that can befall the pair, in an order by chance, then calm."""
    run.await_flow()
    proxies = run.site.proxies
    for kind in run.chance.sample(TROUBLES, len(TROUBLES)):
        with kind(proxies, pair):
            run.pause(1, 5)
        since = run.mark(f"{pair}: {kind.__name__}", *parts)
        run.await_flow(since)
    run.settle()


@scenario("network-producer-kafka", needs_proxies=True)
def network_producer_kafka(run: Run) -> None:
    """Between producers and Kafka, in an order by chance: latency, resets, answers lost, requests lost, slow
    closing, connections refused."""
    run.begin(producer_log=run.site.log_of("producer"))
    run.chain()
    run.archive()
    trouble(run, "producer-kafka")


@scenario("network-chainer-kafka", needs_proxies=True)
def network_chainer_kafka(run: Run) -> None:
    """The same between chainer and Kafka."""
    run.begin()
    run.chain("--log", run.site.log_of("chainer"))
    run.archive()
    trouble(run, "chainer-kafka", "chainer")


@scenario("network-archiver-kafka", needs_proxies=True)
def network_archiver_kafka(run: Run) -> None:
    """The same between archiver and Kafka."""
    run.begin()
    run.chain()
    run.archive("--log", run.site.log_of("archiver"))
    trouble(run, "archiver-kafka", "archiver")


@scenario("network-archiver-store", needs_proxies=True)
def network_archiver_store(run: Run) -> None:
    """The same between archiver and MinIO."""
    run.begin()
    run.chain()
    run.archive("--endpoint-url", run.site.doors["archiver"])
    trouble(run, "archiver-store", "archiver")


@scenario("network-chainer-store", needs_proxies=True)
def network_chainer_store(run: Run) -> None:
    """The same between chainer and MinIO, which the chainer asks when it begins: it is killed, and begins
    again while the network is bad."""
    run.begin()
    run.archive()
    door = run.site.doors["chainer"]
    chainer = run.chain("--endpoint-url", door)
    run.await_flow()
    for kind in run.chance.sample(TROUBLES, len(TROUBLES)):
        chainer.kill()
        with kind(run.site.proxies, "chainer-store"):
            chainer = run.chain("--endpoint-url", door)
            run.pause(1, 4)
        since = run.mark(f"chainer-store: {kind.__name__}", "chainer")
        run.await_flow(since)
    run.settle()
