"""Chainer and archiver on real Kafka and MinIO, killed with -9, stopped, woken: each event once, in order."""

import os
import random
import signal
import statistics
import threading
import time

import pytest

from command_line import await_true

pytestmark = [pytest.mark.containers, pytest.mark.embedded]

# Who is silent for this long loses its share; who resumes sooner is known by its name (KIP-345).
LONG_SESSION = ["-X", "session.timeout.ms=45000", "-X", "heartbeat.interval.ms=3000"]


@pytest.fixture
def flow(stack):
    """Publishes events in the background; `stop` ends it when `count` were published."""

    class Flow:
        def __init__(self):
            self.thread = None

        def start(self, count, rate):
            def publish():
                for start in range(0, count, rate):
                    stack.publish(min(rate, count - start), start=start)

            self.thread = threading.Thread(target=publish)
            self.thread.start()

        def stop(self):
            self.thread.join()

    return Flow()


def kill_again_and_again(stack, command, kills, chance):
    """Kill a service at random moments; returns the seconds from each start to the end of its recovery."""
    resumed = []
    for _ in range(kills):
        started = time.monotonic()
        with stack.service(command, *LONG_SESSION) as service:
            service.await_event("recovered")
            resumed.append(time.monotonic() - started)
            wait_s = chance.uniform(0, 1.5)
            service.process.poll()
            threading.Event().wait(wait_s)  # not for anything: the moment of the kill is the test's input
            os.kill(service.process.pid, signal.SIGKILL)
            service.await_end()
    return resumed


def assert_each_exactly_once_in_order(stack, count):
    published, chained = stack.published(), stack.chained()
    assert sum(map(len, published.values())) == count
    for partition, values in published.items():
        assert [value for value in chained[partition] if value.startswith(b'{"n":')] == values
    report = stack.verify()
    assert report["verdict"] == "intact"
    assert sum(int(trail["kinds"]["event"]) for trail in report["trails"]) == count


@pytest.mark.claim("C1", "C5")
@pytest.mark.parametrize("victim", ["chain", "archive"])
@pytest.mark.parametrize(
    ("kills", "count"),
    [(3, 6_000), pytest.param(20, 100_000, marks=[pytest.mark.full, pytest.mark.timeout(1_200)])],
)
def test_a_service_killed_at_random_moments_loses_and_doubles_nothing(  # noqa: PLR0917 - fixtures and cases
    stack, flow, victim, kills, count, record_property
):
    chance = random.Random(kills)
    stack.init("--create-raw")
    other = "archive" if victim == "chain" else "chain"
    flow.start(count, rate=max(500, count // (2 * kills)))
    with stack.service(other, *LONG_SESSION) as bystander:
        resumed = kill_again_and_again(stack, victim, kills, chance)
        flow.stop()
        assert bystander.end(signal.SIGTERM) == 0
    for command in ("chain", "archive"):
        with stack.service(command, "--drain", *LONG_SESSION) as service:
            assert service.await_end() == 0, service.told[-5:]
    record_property("resume_median_s", round(statistics.median(resumed), 2))
    record_property("resume_worst_s", round(max(resumed), 2))
    assert_each_exactly_once_in_order(stack, count)


@pytest.mark.claim("C4")
def test_a_chainer_that_wakes_up_beside_its_successor_forks_nothing(stack):
    """A zombie: stopped for longer than its transactions and its membership live, then woken."""
    stack.init("--create-raw")
    lived_s = 10
    options = ["-X", f"transaction.timeout.ms={lived_s * 1_000}"]
    with stack.service("chain", *options, instance="zombie") as zombie:
        zombie.await_event("recovered")
        stack.publish(2_000)
        await_true(lambda: len(stack.chained()[0]) > 0, "the zombie to chain something")
        os.kill(zombie.process.pid, signal.SIGSTOP)
        with stack.service("chain", *options, instance="successor") as successor:
            successor.await_event("recovered")
            stack.publish(1_000, start=2_000)
            await_true(lambda: len(stack.chained()[0]) >= 3_000, "the successor to chain all")
            os.kill(zombie.process.pid, signal.SIGCONT)
            stack.publish(1_000, start=3_000)
            await_true(lambda: len(stack.chained()[0]) >= 4_000, "one of them to chain all")
            for service in (zombie, successor):
                service.end(signal.SIGTERM)
    for command in ("chain", "archive"):
        with stack.service(command, "--drain", instance="last") as service:
            assert service.await_end() == 0, service.told[-5:]
    assert_each_exactly_once_in_order(stack, 4_000)
