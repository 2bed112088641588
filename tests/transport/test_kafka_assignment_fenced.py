"""KafkaAssignment that is fenced: by another process of its name, or by its own heartbeats after a loss."""

from __future__ import annotations

from typing import ClassVar

import pytest
from confluent_kafka import KafkaError, TopicPartition

from sealtrail_transport import kafka_assignment
from sealtrail_transport.errors import WriterFencedError
from sealtrail_transport.kafka_assignment import KafkaAssignment
from sealtrail_transport.kafka_settings import KafkaSettings

SHARE = [TopicPartition("payments", 0)]


class Told:
    """A message of a client that has failed for good, as librdkafka words it."""

    def error(self):
        text = "Fatal error: Broker: Static consumer fenced by other consumer with same group.instance.id"
        return KafkaError(KafkaError._FATAL, text)


class Client:
    """A consumer whose every `poll` does the next thing of a script."""

    made: ClassVar[list[Client]] = []
    scripts: ClassVar[list[list[str]]] = []

    def __init__(self, _properties):
        self.script = list(self.scripts[len(self.made)])
        self.is_closed = False
        self.made.append(self)

    def subscribe(self, _topics, *, on_assign, on_revoke, on_lost):
        self.listeners = {"assign": on_assign, "revoke": on_revoke, "lose": on_lost}

    def poll(self, _timeout):
        thing = self.script.pop(0)
        if thing == "fence":
            return Told()
        self.listeners[thing](self, SHARE)
        return None

    def close(self):
        self.is_closed = True

    def incremental_assign(self, _partitions):
        pass

    incremental_unassign = pause = incremental_assign


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now_s = 100.0

    monkeypatch.setattr(kafka_assignment.time, "monotonic", lambda: Clock.now_s)
    return Clock


@pytest.fixture
def member(monkeypatch, clock):  # noqa: ARG001 - the clock is for who asks for it
    """Makes a member with a script for each client that it makes."""

    def make(*scripts):
        monkeypatch.setattr(kafka_assignment, "Consumer", Client)
        Client.made, Client.scripts = [], list(scripts)
        told = []
        settings = KafkaSettings("nowhere:9092", {"session.timeout.ms": 6_000})
        assignment = KafkaAssignment(
            settings,
            ["payments"],
            group="g",
            instance="one",
            on_assign=lambda _: told.append("assign"),
            on_revoke=lambda _: told.append("revoke"),
            on_lost=lambda _: told.append("lost"),
        )
        return assignment, told

    return make


def poll(assignment, times):
    for _ in range(times):
        assignment.poll(timeout_s=0)


def test_fenced_after_a_loss_it_joins_anew(member):
    assignment, told = member(["assign", "lose", "fence"], ["assign"])
    poll(assignment, 4)
    assert told == ["assign", "lost", "assign"]
    assert [client.is_closed for client in Client.made] == [True, False]


def test_fenced_soon_after_it_has_a_share_again_it_joins_anew(member, clock):
    """A heartbeat of before may be answered late."""
    assignment, _ = member(["assign", "lose", "assign", "fence"], ["assign"])
    poll(assignment, 3)
    clock.now_s += 5.9
    poll(assignment, 2)
    assert len(Client.made) == 2


def test_fenced_without_a_loss_it_ends(member):
    assignment, _ = member(["assign", "fence"])
    poll(assignment, 1)
    with pytest.raises(WriterFencedError, match="same instance name"):
        poll(assignment, 1)


def test_fenced_a_session_after_the_loss_it_ends(member, clock):
    assignment, _ = member(["assign", "lose", "assign", "fence"])
    poll(assignment, 3)
    clock.now_s += 6.1
    with pytest.raises(WriterFencedError):
        poll(assignment, 1)


def test_two_that_fence_each_other_do_not_do_so_for_ever(member, clock):
    assignment, _ = member(["assign", "lose", "assign", "fence"], ["assign", "fence"], ["assign", "fence"])
    poll(assignment, 6)
    clock.now_s += 6.1  # a rejoin does not begin the time anew
    poll(assignment, 1)
    with pytest.raises(WriterFencedError):
        poll(assignment, 1)
