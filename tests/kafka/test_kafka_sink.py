"""KafkaSink: every event is delivered or its future says why, and a fork takes nothing along."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from command_line import call
from contracts.log_contract import read_all
from sealtrail_schemas.producer_stamp import read_stamp
from sealtrail_transport import kafka_sink
from sealtrail_transport.errors import (
    BufferFullError,
    DeliveryError,
    LogUnavailableError,
    RecordRefusedError,
    TopicMissingError,
)
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.kafka_sink import KafkaSink
from sealtrail_transport.log import NewRecord, Position
from sealtrail_transport.partitioner import Partitioner
from sealtrail_transport.stamper import Stamper

pytestmark = pytest.mark.containers


@pytest.fixture
def sink(cluster, topic):
    sink = KafkaSink(cluster.settings(), topic)
    yield sink
    sink.close()


def test_what_is_published_is_stored_where_the_future_says(log, topic, sink):
    records = [NewRecord(b"k%d" % n, b"v%d" % n, ((b"h", b"%d" % n), (b"h", None))) for n in range(500)]
    futures = [sink.publish(record, max_block_s=5) for record in records]
    assert sink.flush(timeout_s=30) == 0
    assert all(future.done() for future in futures)
    stored = {record.offset: record for record in read_all(log, topic)}
    assert len(stored) == 500
    for record, future in zip(records, futures, strict=True):
        position = future.result()
        assert isinstance(position, Position)
        assert position.topic == topic
        found = stored[position.offset]
        assert (found.key, found.value, found.headers) == (record.key, record.value, record.headers)
    assert [record.value for record in stored.values()] == [record.value for record in records]


def test_a_key_goes_where_every_other_log_puts_it(cluster, log, name):
    log.create_topic(name, partitions=7, append_time=False)
    partitioner = Partitioner(7)
    sink = KafkaSink(cluster.settings(), name)
    for number in range(50):
        key = b"key %d" % number
        position = sink.publish(NewRecord(key, b"v"), max_block_s=5)
        assert position.result(30).partition == partitioner.partition(key)
    sink.close()


def test_threads_lose_nothing(log, topic, sink):
    def publish(number):
        for count in range(100):
            sink.publish(NewRecord(b"%d" % number, b"%d" % count), max_block_s=5)

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sink.flush(timeout_s=30) == 0
    records = read_all(log, topic)
    for number in range(4):
        own = [record.value for record in records if record.key == b"%d" % number]
        assert own == [b"%d" % count for count in range(100)]


@pytest.mark.parametrize(
    "refused",
    [
        NewRecord(None, os.urandom(17 * 2**20)),
        NewRecord(None, b"x", ((b"\xff", b""),)),
        NewRecord(None, b"", (), 2**63),
    ],
    ids=["too large", "header key", "impossible time"],
)
def test_a_refused_event_fails_alone(log, topic, sink, refused):
    futures = [
        sink.publish(record, max_block_s=5)
        for record in (NewRecord(None, b"a"), refused, NewRecord(None, b"b"))
    ]
    assert sink.flush(timeout_s=30) == 0
    error = futures[1].exception()
    assert isinstance(error, DeliveryError)
    assert isinstance(error.__cause__, RecordRefusedError)
    assert [record.value for record in read_all(log, topic)] == [b"a", b"b"]


def test_events_that_fit_one_by_one_fit_together(cluster, log, name):
    log.create_topic(name, partitions=1, append_time=False, max_record_bytes=1000)
    sink = KafkaSink(cluster.settings(**{"compression.type": "none", "linger.ms": 100}), name)
    futures = [sink.publish(NewRecord(None, bytes(300)), max_block_s=5) for _ in range(50)]
    assert sink.flush(timeout_s=30) == 0
    assert {future.exception() for future in futures} == {None}
    sink.close()


def test_a_large_event_comes_through(log, topic, sink):
    large = os.urandom(5_000_000)
    sink.publish(NewRecord(None, large), max_block_s=5).result(30)
    assert [record.value for record in read_all(log, topic)] == [large]


def test_an_event_as_large_as_the_topic_takes_comes_through_the_command(cluster, log, topic, tmp_path):
    large = os.urandom(log.topic(topic).max_record_bytes - 100)
    (tmp_path / "event").write_bytes(large)
    to = ["--log", f"kafka://{cluster.address}", "--topic", topic]
    answer = call("produce", *to, "--format", "raw", tmp_path / "event")
    assert answer.exit_code == 0, answer.output
    assert [record.value for record in read_all(log, topic)] == [large]


def test_an_event_that_only_compression_makes_fit_finds_room_in_the_buffer(sink):
    assert sink.publish(NewRecord(None, bytes(90 * 2**20)), max_block_s=5).result(30).offset == 0


def test_an_event_that_is_too_large_is_told_what_bounds_it(sink):
    error = sink.publish(NewRecord(None, os.urandom(17 * 2**20)), max_block_s=5).exception(30)
    assert "the topic's max.message.bytes" in str(error)


def test_a_full_buffer_blocks_for_as_long_as_allowed(cluster, topic):
    away = {"queue.buffering.max.messages": 10, "linger.ms": 60_000, "batch.num.messages": 1000}
    sink = KafkaSink(cluster.settings(**away), topic)
    futures = [sink.publish(NewRecord(None, b"x"), max_block_s=0) for _ in range(10)]
    with pytest.raises(BufferFullError, match="10 events"):
        sink.publish(NewRecord(None, b"x"), max_block_s=0.05)
    assert sink.flush(timeout_s=0.01) == 10
    sink.close()
    for future in futures:
        error = future.exception()
        assert isinstance(error, DeliveryError)
        assert "the sink was closed first (Local: Purged in queue)" in str(error)


def test_room_that_comes_in_time_is_taken(cluster, log, topic):
    sink = KafkaSink(cluster.settings(**{"queue.buffering.max.messages": 5}), topic)
    for number in range(200):
        sink.publish(NewRecord(None, b"%d" % number), max_block_s=30)
    assert sink.flush(timeout_s=30) == 0
    assert [record.value for record in read_all(log, topic)] == [b"%d" % number for number in range(200)]
    sink.close()


def test_closed_is_closed(sink):
    sink.close()
    sink.close()
    with pytest.raises(DeliveryError, match="closed"):
        sink.publish(NewRecord(None, b"x"), max_block_s=0)


def test_the_topic_must_be_there(cluster, log, name):
    with pytest.raises(TopicMissingError, match=name):
        KafkaSink(cluster.settings(), name)
    with pytest.raises(TopicMissingError):
        log.topic(name)
    with pytest.raises(LogUnavailableError, match="Connection refused"):
        KafkaSink(KafkaSettings("127.0.0.1:1", request_timeout_s=0.3), name)


def test_a_fork_takes_no_events_and_ends_in_peace(cluster, log, topic):
    """In a process of its own, for it forks beside threads, and must end by itself in parent and child."""
    script = textwrap.dedent("""
        import os, sys
        from sealtrail_transport.kafka_settings import KafkaSettings
        from sealtrail_transport.kafka_sink import KafkaSink
        from sealtrail_transport.log import NewRecord

        address, topic = sys.argv[1:]
        sink = KafkaSink(KafkaSettings(address, {"linger.ms": 300}), topic)
        sink.publish(NewRecord(None, b"parent"), max_block_s=5)
        child = os.fork()
        if child == 0:
            del sink
            own = KafkaSink(KafkaSettings(address), topic)
            own.publish(NewRecord(None, b"child"), max_block_s=5).result(30)
            own.close()
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert sink.flush(timeout_s=30) == 0
        sink.close()
    """)
    subprocess.run([sys.executable, "-c", script, cluster.address, topic], check=True, timeout=60)
    assert sorted(record.value for record in read_all(log, topic)) == [b"child", b"parent"]


# Stamps


def stamps_of(log, name, partition=0):
    return [read_stamp(record.headers) for record in read_all(log, name, partition)]


def test_events_of_many_threads_are_numbered_without_gaps_and_in_order(cluster, log, name):
    log.create_topic(name, partitions=3, append_time=False)
    sink = KafkaSink(cluster.settings(), name, stamper=Stamper("p", bytes(8)))
    with ThreadPoolExecutor(8) as pool:
        for number in range(400):
            record = NewRecord(b"%d" % (number % 7) if number % 2 else None, b"v", ((b"h", b"x"),))
            pool.submit(sink.publish, record, max_block_s=30)
    assert sink.flush(timeout_s=30) == 0
    sink.close()
    counts = []
    for partition in range(3):
        numbers = [stamp.number for stamp, _ in stamps_of(log, name, partition)]
        assert numbers == list(range(len(numbers)))
        counts.append(len(numbers))
    assert sum(counts) == 400
    assert all(counts)


def test_an_event_that_fails_has_its_number_declared_void(cluster, log, name):
    log.create_topic(name, partitions=1, append_time=False, max_record_bytes=2_000)
    sink = KafkaSink(cluster.settings(), name, stamper=Stamper("p", bytes(8)))
    noise = random.Random(1).randbytes(5_000)
    sink.publish(NewRecord(None, b"a"), max_block_s=5).result(30)
    with pytest.raises(DeliveryError):
        sink.publish(NewRecord(None, noise), max_block_s=5).result(30)
    for value in (b"b", b"c"):
        sink.publish(NewRecord(None, value), max_block_s=5).result(30)
    # What can't even be sent takes no number.
    with pytest.raises(DeliveryError):
        sink.publish(NewRecord(None, b"x", ((b"\xff", b""),)), max_block_s=5).result(30)
    sink.publish(NewRecord(None, b"d"), max_block_s=5).result(30)
    sink.close()
    assert [(stamp.number, void) for stamp, void in stamps_of(log, name)] == [
        (0, ()),
        (2, ((1, 1),)),
        (3, ()),
        (4, ()),
    ]


def test_a_full_buffer_takes_no_number(cluster, log, topic):
    settings = cluster.settings(**{"queue.buffering.max.messages": 5, "linger.ms": 200})
    sink = KafkaSink(settings, topic, stamper=Stamper("p", bytes(8)))
    taken = 0
    for _ in range(50):
        with contextlib.suppress(BufferFullError):
            sink.publish(NewRecord(None, b"x"), max_block_s=0)
            taken += 1
    assert taken < 50
    assert sink.flush(timeout_s=30) == 0
    sink.close()
    assert [stamp.number for stamp, _ in stamps_of(log, topic)] == list(range(taken))


def test_numbered_events_take_up_new_partitions(cluster, topic, monkeypatch):
    sink = KafkaSink(cluster.settings(), topic, stamper=Stamper("p", bytes(8)))
    admin = AdminClient({"bootstrap.servers": cluster.address})
    admin.create_partitions([NewPartitions(topic, 4)])[topic].result(30)
    monkeypatch.setattr(kafka_sink, "_REFRESH_S", 0.0)
    sink._numbering._refresh_at = 0.0
    deadline = time.monotonic() + 30
    seen = set()
    while seen != {0, 1, 2, 3}:
        assert time.monotonic() < deadline
        seen.add(sink.publish(NewRecord(None, b"x"), max_block_s=5).result(30).partition)
    sink.close()
