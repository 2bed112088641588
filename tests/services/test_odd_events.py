"""Events as other programs may publish them, all the way: chained, sealed, verified and shown."""

from __future__ import annotations

import json
import os
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import ResourceType

from kafka.foreign import produce_with_header

pytestmark = [pytest.mark.containers, pytest.mark.claim("C7")]

YEAR_2100_MS = 4_102_444_800_000


def publish(stack, value, time_ms=0):
    producer = Producer({"bootstrap.servers": stack.cluster.address, "compression.type": "none"})
    producer.produce(stack.name, value, partition=0, timestamp=time_ms)
    assert producer.flush(30) == 0


def shown(stack, sequence):
    answer = stack.call("show", "--json", str(sequence))
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


def test_times_of_1970_and_2100_and_what_can_not_be_chained(stack):
    stack.init("--create-raw")
    stack.configure(ResourceType.TOPIC, f"{stack.name}.chained", {"max.message.bytes": "100000"})
    for value, time_ms in ((b"of 1970", 1), (b"of 2100", YEAR_2100_MS), (os.urandom(150_000), 0)):
        publish(stack, value, time_ms)
    produce_with_header(stack.cluster.address, stack.name, key=b"k", value=b"v", header=b"bad\xff")
    publish(stack, b"last")
    told = stack.drain()
    too_large, not_text = [line["reason"] for line in told if line["event"] == "rejected"]
    assert f"{stack.name} offset 2: " in too_large
    assert "allows 100000" in too_large
    assert f"{stack.name} offset 3: a header key is not UTF-8" in not_text
    assert [line["code"] for line in told if line["event"] == "alarm"] == ["rejected", "rejected"]
    assert stack.chained()[0][:2] == [b"of 1970", b"of 2100"]
    assert stack.verify()["trails"][0]["kinds"] == {"event": "3", "genesis": "1", "rejected": "2"}
    for sequence, time_ms in ((1, 1), (2, YEAR_2100_MS)):
        entry = shown(stack, sequence)
        assert (entry["source_timestamp_ms"], entry["source_timestamp_type"]) == (str(time_ms), "create")


def test_a_raw_topic_with_the_brokers_time(stack):
    """LogAppendTime: the time that a producer names is replaced by the broker's, and the trail says so."""
    stack.make_raw(1, **{"message.timestamp.type": "LogAppendTime"})
    stack.init()
    began_ms = time.time_ns() // 1_000_000
    publish(stack, b"of 1970", 1)
    stack.drain()
    assert stack.verify()["verdict"] == "intact"
    entry = shown(stack, 1)
    assert entry["source_timestamp_type"] == "append"
    assert abs(int(entry["source_timestamp_ms"]) - began_ms) < 600_000
