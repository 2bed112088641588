"""Services while a broker or a store goes away, and while somebody else claims their work."""

from __future__ import annotations

import contextlib

import pytest
from confluent_kafka import Consumer, TopicPartition

from command_line import TERMINATE, await_true
from fixtures.containers import switch
from sealtrail.data_folder import DataFolder
from sealtrail_chainer.trail import writer_name
from sealtrail_transport.errors import LogUnavailableError

pytestmark = [pytest.mark.containers, pytest.mark.claim("C5")]


def await_chained(stack, count):
    await_true(lambda: sum(map(len, stack.chained().values())) == count, f"{count} events to be chained")


def answers(stack):
    try:
        return bool(stack.published())
    except LogUnavailableError:
        return False


def await_sealed(stack, size):
    await_true(lambda: stack.status()[0]["sealed"] >= size, f"{size} entries to be sealed")


# The group lets members go after its session; what waits for an answer gives up after a quarter of a minute.
@pytest.mark.parametrize("noticed", ["lost", pytest.param("away", marks=pytest.mark.full)])
def test_a_broker_that_falls_silent_is_waited_for(spare, noticed):
    """Silent for long enough that the group has thrown its members out by the time it is back."""
    spare.init("--create-raw", "--partitions", "2")
    with spare.service("chain") as chainer, spare.service("archive", "--batch-age", "200ms") as archiver:
        spare.publish(100)
        await_chained(spare, 100)
        switch(spare.cluster.container, "pause")
        try:
            for each in (chainer, archiver):
                each.await_event(noticed)
        finally:
            switch(spare.cluster.container, "unpause")
        await_true(lambda: answers(spare), "the broker to answer the test, too")
        spare.publish(100, start=100)
        await_chained(spare, 200)
        await_true(lambda: all(t["unsealed"] == t["unchained"] == 0 for t in spare.status()), "all sealed")
        for each in (chainer, archiver):
            assert each.end(TERMINATE) == 0, each.told
            assert len(each.events("away")) == len(each.events("back")), "one line each"
    assert spare.chained() == spare.published()
    assert sum(int(trail["size"]) for trail in spare.verify()["trails"]) == 202


def test_a_store_that_is_stopped_and_started_is_waited_for(stack):
    stack.init("--create-raw")
    with stack.service("chain") as chainer, stack.service("archive", "--batch-age", "200ms") as archiver:
        chainer.await_event("recovered")
        archiver.await_event("sealed")
        switch(stack.minio.container, "stop")
        try:
            stack.publish(20)
            await_chained(stack, 20)  # the chainer needs the store only to begin
            away = archiver.await_event("away", what="store")
            assert "s3://" in away["error"]
        finally:
            switch(stack.minio.container, "start")
        archiver.await_event("back", what="store")
        await_sealed(stack, 21)
        assert archiver.end(TERMINATE) == 0
        assert len(archiver.events("away")) == 1
        assert not chainer.events("away")
    assert stack.verify()["trails"][0]["size"] == "21"


def test_a_chainer_that_is_fenced_recovers_and_goes_on(stack):
    """Fenced does not prove that another chainer runs, so it is no reason to end."""
    stack.init("--create-raw")
    trail = DataFolder(stack.data).policy_trails()[0]
    with stack.service("chain") as chainer:
        stack.publish(5)
        await_chained(stack, 5)
        stack.log.writer(trail.chained_topic, 0, name=writer_name(trail)).close()
        stack.publish(5, start=5)
        fenced = chainer.await_event("fenced", origin=trail.origin)
        await_chained(stack, 10)
        assert chainer.end(TERMINATE) == 0
    assert "another chainer" in fenced["text"]
    assert "KIP-588" in fenced["text"]
    assert stack.chained() == stack.published()


def test_how_far_the_work_has_come_is_told_to_the_group(stack):
    """For whoever watches the lag of consumer groups; nothing rests on it."""
    stack.init("--create-raw")
    group = f"sealtrail-chain/audit.example.com/{stack.name}"
    observer = Consumer({"bootstrap.servers": stack.cluster.address, "group.id": group})
    partition = TopicPartition(stack.name, 0)
    with stack.service("chain") as chainer, contextlib.closing(observer):
        stack.publish(10)
        await_chained(stack, 10)
        await_true(lambda: observer.committed([partition], timeout=10)[0].offset == 10, "the offset 10")
        assert chainer.end(TERMINATE) == 0


def test_no_group_is_needed_to_find_the_topic_missing(stack):
    """A raw topic that is gone is waited for: it may be the broker that has forgotten it for a moment."""
    stack.init("--create-raw")
    with stack.service("chain") as chainer:
        chainer.await_event("recovered")
        stack.delete_topic(stack.name)
        assert stack.name in chainer.await_event("away", what="log")["error"]
        assert chainer.end(TERMINATE) == 0
