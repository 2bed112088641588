"""What a KafkaLog reads: all that is committed, from where it is told, and nothing of another topic."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer, TopicPartition

from contracts.log_contract import read_all, read_values, value_records
from kafka.foreign import produce_with_header
from kafka.test_log_kafka import delete_topic
from sealtrail_transport import kafka_reader
from sealtrail_transport.errors import LogError, OffsetOutOfRangeError, TopicMissingError
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.log import Bounds, NewRecord

pytestmark = pytest.mark.containers

SOME = {"max_records": 100, "max_bytes": 1 << 20}


@pytest.fixture
def open_transaction(cluster, name, topic):
    """Another program's producer, in the middle of a transaction of three records."""
    producer = Producer({"bootstrap.servers": cluster.address, "transactional.id": f"{name} stranger"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for _ in range(3):
        producer.produce(topic, b"stranger", partition=0)
    producer.flush(30)
    return producer


def test_a_header_key_that_is_not_utf8_makes_a_record_unreadable_but_for_key_and_value(cluster, log, topic):
    produce_with_header(cluster.address, topic, key=b"k", value=b"v", header=b"bad\xff\xfekey")
    produce_with_header(cluster.address, topic, key=b"k", value=b"v", header=b"good")
    bad, good = read_all(log, topic)
    assert (bad.key, bad.value, bad.headers) == (b"k", b"v", ())
    assert bad.unreadable == "a header key is not UTF-8"
    assert (good.headers, good.unreadable) == (((b"good", b"h"),), None)


def test_unreadable_headers_do_no_harm_to_an_interpreter_that_has_warmed_up(cluster, log, topic, name):
    """Once the interpreter has specialised a call that it often makes, it checks less of what comes back."""
    log.writer(topic, 0, name=name).append([NewRecord(None, b"good", ((b"h", b"x"),))] * 100)
    for _ in range(3):
        produce_with_header(cluster.address, topic, key=b"k", value=b"v", header=b"bad\xff")
    for max_bytes in (1, 5, 500, 10**6):
        records = read_all(log, topic, max_bytes=max_bytes)
        assert [record.unreadable is None for record in records] == [True] * 100 + [False] * 3


def test_an_aborted_transaction_is_passed_over_and_leaves_a_gap(log, topic, name, open_transaction):
    open_transaction.abort_transaction(30)
    log.writer(topic, 0, name=name).append(value_records(b"committed"))
    assert [(record.offset, record.value) for record in read_all(log, topic)] == [(4, b"committed")]


def test_a_partition_of_nothing_but_aborted_records_is_read_to_its_end(log, topic, open_transaction):
    open_transaction.abort_transaction(30)
    end = 4
    while log.bounds(topic, 0).end < end:
        pass
    chunk = log.read(topic, 0, 0, **SOME)
    assert (chunk.records, chunk.next_offset) == ((), end)
    assert log.read(topic, 0, end, **SOME).next_offset == end


def test_an_open_transaction_is_the_end(log, topic, name, open_transaction):
    writer = log.writer(topic, 0, name=name)
    writer.append(value_records(b"behind it"))
    log._appended.clear()  # or `bounds` would wait for what can't be seen yet
    assert log.bounds(topic, 0) == Bounds(0, 0)
    assert log.read(topic, 0, 0, **SOME).records == ()
    with pytest.raises(OffsetOutOfRangeError, match="0 to 0; 1 lies outside"):
        log.read(topic, 0, 1, **SOME)
    open_transaction.abort_transaction(30)
    while not (records := log.read(topic, 0, 0, **SOME).records):
        pass
    assert [record.value for record in records] == [b"behind it"]


def test_reading_goes_on_after_an_offset_out_of_range(log, topic, name):
    log.writer(topic, 0, name=name).append(value_records(b"a", b"b"))
    end = log.bounds(topic, 0).end
    assert [record.value for record in log.read(topic, 0, 0, **SOME).records] == [b"a", b"b"]
    for outside in (end + 1, 10**6, -1, -1001, -2):
        with pytest.raises(OffsetOutOfRangeError, match=f"; {outside} lies outside"):
            log.read(topic, 0, outside, **SOME)
        assert [record.value for record in log.read(topic, 0, 1, **SOME).records] == [b"b"]


def test_what_retention_overtook_is_an_error_that_names_both_ends(cluster, log, topic, name):
    log.writer(topic, 0, name=name).append(value_records(*[b"%d" % n for n in range(10)]))
    assert log.read(topic, 0, 0, max_records=2, max_bytes=100).next_offset == 2
    with KafkaLog(cluster.settings()) as other:
        other.trim(topic, 0, 7)
        with pytest.raises(OffsetOutOfRangeError, match="holds offsets 7 to 11; 2 lies outside"):
            other.read(topic, 0, 2, **SOME)
        assert [record.value for record in read_all(other, topic)] == [b"7", b"8", b"9"]


def test_an_error_of_where_the_reader_stood_before_is_not_believed(log, topic, name):
    """librdkafka marks its answers with what was assigned when it asked, but not this error."""
    log.writer(topic, 0, name=name).append(value_records(*[b"%d" % n for n in range(10)]))
    log.trim(topic, 0, 7)
    with pytest.raises(OffsetOutOfRangeError, match="2 lies outside"):
        log.read(topic, 0, 2, **SOME)
    reader = log._readers[topic, 0]

    class Belated:
        """A consumer that gives an error of before, once, when it stands somewhere else."""

        def __init__(self, consumer):
            self._consumer = consumer
            self.assign([TopicPartition(topic, 0, 2)])
            self._errors = []
            while not self._errors:
                self._errors = consumer.consume(1, 1)

        def __getattr__(self, name):
            return getattr(self._consumer, name)

        def consume(self, count, wait_s):
            errors, self._errors = self._errors, []
            return errors or self._consumer.consume(count, wait_s)

    belated = reader._consumer = Belated(reader._consumer)
    assert [record.value for record in read_all(log, topic)] == [b"7", b"8", b"9"]
    assert not belated._errors


def test_a_topic_made_anew_is_not_read_on(cluster, log, topic, name, monkeypatch):
    """It has grown past the old offset: nothing is out of range, and librdkafka would say nothing."""
    monkeypatch.setattr(kafka_reader, "_CONFIRM_EVERY_S", 0.0)
    log.writer(topic, 0, name=name).append(value_records(b"old"))
    assert log.read(topic, 0, 0, **SOME).next_offset == 2
    with KafkaLog(cluster.settings()) as other:
        delete_topic(other, topic)
        other.create_topic(topic, partitions=1, append_time=False)
        other.writer(topic, 0, name=name).append(value_records(*[b"new"] * 9))
        assert len(read_values(other, topic)) == 9
    with pytest.raises(TopicMissingError, match="was deleted while it was read"):
        log.read(topic, 0, 2, **SOME)
    with pytest.raises(TopicMissingError):  # and remains so
        log.read(topic, 0, 0, **SOME)


def test_append_time_topics_keep_everything_and_any_time_is_accepted_by_the_others(log, topic, name):
    log.create_topic(f"{name}-chained", partitions=1, append_time=True, min_insync_replicas=1)
    chained, raw = log._admin._properties(f"{name}-chained"), log._admin._properties(topic)
    assert {key: chained[key] for key in ("retention.ms", "retention.bytes", "cleanup.policy")} == {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
    }
    assert chained["message.timestamp.type"] == "LogAppendTime"
    assert raw["message.timestamp.type"] == "CreateTime"
    assert raw["message.timestamp.after.max.ms"] == str(2**63 - 1)


def test_more_replicas_than_brokers_are_refused_in_one_line(log, name):
    with pytest.raises(LogError, match="fewer brokers than the replication factor") as caught:
        log.create_topic(name, partitions=1, append_time=True, replication_factor=3)
    assert "\n" not in str(caught.value)


def test_readers_that_idle_make_room_for_others(cluster, log, name):
    log.create_topic(name, partitions=4, append_time=False)
    for partition in range(4):
        log.writer(name, partition, name=f"{name} {partition}").append(value_records(b"%d" % partition))
    settings = cluster.settings()
    with KafkaLog(type(settings)(settings.bootstrap_servers, max_readers=2)) as few:
        for _ in range(2):
            values = [few.read(name, partition, 0, **SOME).records[0].value for partition in range(4)]
            assert values == [b"0", b"1", b"2", b"3"]
            assert len(few._readers) == 2


def test_a_closed_log_reads_nothing(log, topic):
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.read(topic, 0, 0, **SOME)


def test_a_position_that_was_not_yet_forgotten_is_not_believed(log, topic, name):
    """librdkafka forgets the position of a partition some time after it was told to let go of it."""
    log.writer(topic, 0, name=name).append(value_records(*[b"%d" % number for number in range(10)]))
    assert len(read_all(log, topic)) == 10
    reader = log._readers[topic, 0]

    class Forgetful:
        """A consumer that gives its last position a few more times after it was moved."""

        def __init__(self, consumer):
            self._consumer = consumer
            self._stale = []

        def __getattr__(self, name):
            return getattr(self._consumer, name)

        def unassign(self):
            self._stale = [self.position([TopicPartition(topic, 0)])] * 5
            self._consumer.unassign()

        def assign(self, partitions):
            self._stale += [self.position([TopicPartition(topic, 0)])] * 5
            self._consumer.assign(partitions)

        def position(self, partitions):
            return self._stale.pop() if self._stale else self._consumer.position(partitions)

    reader._consumer = Forgetful(reader._consumer)
    assert [record.value for record in log.read(topic, 0, 4, **SOME).records] == [
        b"%d" % number for number in range(4, 10)
    ]


def test_reading_backwards_and_forwards_gives_the_same_records(log, topic, name):
    writer = log.writer(topic, 0, name=name)
    for first in range(0, 60, 10):
        writer.append([NewRecord(None, b"%d" % number) for number in range(first, first + 10)])
    records = read_all(log, topic)
    assert [record.value for record in records] == [b"%d" % number for number in range(60)]
    for record in reversed(records[::7]):
        assert log.read(topic, 0, record.offset, max_records=1, max_bytes=1).records == (record,)
    assert read_all(log, topic, max_records=7) == records
