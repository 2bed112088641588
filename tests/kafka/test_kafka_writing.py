"""What a KafkaLog's writers promise when brokers refuse, coordinators lose patience and others fence."""

from __future__ import annotations

import os
import time

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from contracts.log_contract import YEAR_2100_MS, read_all, read_values, value_records
from kafka.test_log_kafka import delete_topic
from sealtrail_transport.errors import (
    LogError,
    LogUnavailableError,
    RecordRefusedError,
    TopicMissingError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.log import NewRecord

pytestmark = pytest.mark.containers

SMALL_TOPIC_BYTES = 20_000


@pytest.fixture
def writer(log, topic, name):
    return log.writer(topic, 0, name=name)


def test_what_was_appended_lies_below_the_end_at_once(log, topic, writer):
    for _ in range(20):
        appended = writer.append(value_records(b"a", b"b"))
        assert log.bounds(topic, 0).end == appended.next_offset == appended.first_offset + 3


def test_who_appends_fetches_nothing_of_it_ahead(log, topic, writer):
    """What a recovery has read with would fill up with what is written after it."""
    writer.append(value_records(b"a"))
    assert read_values(log, topic) == [b"a"]
    assert (topic, 0) in log._readers
    writer.append(value_records(b"b"))
    assert (topic, 0) not in log._readers
    assert read_values(log, topic) == [b"a", b"b"]


def test_a_new_writer_settles_the_transaction_that_an_older_one_left_open(log, topic, name, writer):
    writer.append(value_records(b"kept"))
    zombie = writer._producer
    zombie.begin_transaction()
    zombie.produce(topic, b"lost", partition=0)
    zombie.flush(30)
    newer = log.writer(topic, 0, name=name)
    assert log.bounds(topic, 0).end == 4  # the aborted record and its marker are behind us
    newer.append(value_records(b"new"))
    with pytest.raises(KafkaException) as caught:
        zombie.commit_transaction(30)
    assert caught.value.args[0].name() == "_FENCED"
    with pytest.raises(WriterFencedError):
        writer.append(value_records(b"zombie"))
    assert read_values(log, topic) == [b"kept", b"new"]


def test_fenced_while_committing_is_a_doubt(log, topic, name, writer, monkeypatch):
    """An earlier attempt to commit may have got through."""
    send = writer._send

    def send_and_be_overtaken(*args):
        send(*args)
        log.writer(topic, 0, name=name)

    monkeypatch.setattr(writer, "_send", send_and_be_overtaken)
    with pytest.raises(UncertainAppendError, match="fenced"):
        writer.append(value_records(b"x"))
    with pytest.raises(LogError, match="closed"):
        writer.append(value_records(b"x"))
    assert read_values(log, topic) == []


def test_a_transaction_that_the_coordinator_gave_up_is_a_doubt_not_a_second_instance(
    cluster, log, topic, name
):
    """KIP-588: librdkafka can't tell the one from the other."""
    settings = cluster.settings(**{"transaction.timeout.ms": 1000})
    with KafkaLog(settings) as hasty:
        writer = hasty.writer(topic, 0, name=name)
        writer._producer = _Paused(writer._producer, until=lambda: _is_given_up(log, topic))
        with pytest.raises(UncertainAppendError, match="fenced"):
            writer.append(value_records(b"x"))
        hasty.writer(topic, 0, name=name).append(value_records(b"goes on"))
    assert read_values(log, topic) == [b"goes on"]


def test_given_up_between_two_records_is_a_doubt_too(cluster, log, topic, name):
    class PausedBetweenRecords(_Paused):
        def produce(self, topic, value, *rest):
            if value == b"second":
                self._producer.flush(30)
                self.wait()
            self._producer.produce(topic, value, *rest)

    with KafkaLog(cluster.settings(**{"transaction.timeout.ms": 1000})) as hasty:
        writer = hasty.writer(topic, 0, name=name)
        writer._producer = PausedBetweenRecords(writer._producer, until=lambda: _is_given_up(log, topic))
        with pytest.raises(UncertainAppendError):
            writer.append(value_records(b"first", b"second"))
        hasty.writer(topic, 0, name=name).append(value_records(b"goes on"))
    assert read_values(log, topic) == [b"goes on"]


class _Paused:
    """A producer that stops, as a stopped process does, between its records and the commit."""

    def __init__(self, producer, *, until):
        self._producer = producer
        self._until = until

    def __getattr__(self, name):
        return getattr(self._producer, name)

    def wait(self):
        while not self._until():
            time.sleep(0.05)

    def commit_transaction(self, timeout):
        self.wait()
        return self._producer.commit_transaction(timeout)


def _is_given_up(log, topic):
    return log.bounds(topic, 0).end == 2  # one record, and the marker that says it was aborted


def test_a_broker_that_refuses_a_time_names_no_record_but_goes_on(log, name):
    """Default limits: an hour ahead at most. One refusal after the other, and batches that were accepted."""
    log._admin.create(name, {}, partitions=1, replication_factor=1)
    writer = log.writer(name, 0, name=name)
    bad = NewRecord(None, b"x", timestamp_ms=YEAR_2100_MS)
    for round_number in range(3):
        with pytest.raises(RecordRefusedError, match="refuses one of 3 records"):
            writer.append([*value_records(b"a", b"b"), bad])
        with pytest.raises(RecordRefusedError, match="refuses record 0"):
            writer.append([bad])
        writer.append(value_records(b"good %d" % round_number))
    assert read_values(log, name) == [b"good 0", b"good 1", b"good 2"]


def test_the_time_of_a_record_does_not_matter_where_the_log_keeps_its_own(log, name):
    log.create_topic(name, partitions=1, append_time=True)
    times = (None, 0, 1, YEAR_2100_MS, 2**63 - 1, -(2**63), 2**64)
    log.writer(name, 0, name=name).append([NewRecord(None, b"x", timestamp_ms=time_ms) for time_ms in times])
    assert len(read_all(log, name)) == len(times)


def test_a_record_that_is_too_large_among_many_batches_is_named_and_nothing_is_appended(log, name):
    log.create_topic(name, partitions=1, append_time=True, max_record_bytes=SMALL_TOPIC_BYTES)
    writer = log.writer(name, 0, name=name)
    good = value_records(*[os.urandom(5_000) for _ in range(40)])
    bad = NewRecord(None, os.urandom(30_000))
    for position in (0, 20, 40):
        with pytest.raises(RecordRefusedError, match=f"record {position} takes 30082 bytes.* allows 20000"):
            writer.append([*good[:position], bad, *good[position:]])
    writer.append(good)
    assert read_values(log, name) == [record.value for record in good]


def test_what_fits_only_when_compressed_is_left_to_the_broker(log, name):
    log.create_topic(name, partitions=1, append_time=True, max_record_bytes=SMALL_TOPIC_BYTES)
    large = bytes(2 * 2**20)
    log.writer(name, 0, name=name).append(value_records(large))
    assert read_values(log, name) == [large]


def test_a_record_beyond_what_any_request_may_carry_is_refused_here(log, topic, writer):
    with pytest.raises(RecordRefusedError, match="record 1 takes"):
        writer.append(value_records(b"small", bytes(97 * 2**20)))
    writer.append(value_records(b"small"))
    assert read_values(log, topic) == [b"small"]


def test_five_megabytes_come_through(log, topic, writer):
    large = os.urandom(5_000_000)
    writer.append(value_records(large, b"small"))
    assert read_values(log, topic) == [large, b"small"]


def test_a_full_queue_leaves_no_hole(cluster, log, topic, name):
    values = [b"%d" % number for number in range(2_000)]
    with KafkaLog(cluster.settings(**{"queue.buffering.max.messages": 10})) as narrow:
        narrow.writer(topic, 0, name=name).append(value_records(*values))
    assert read_values(log, topic) == values


def test_no_topic_is_made_by_looking_for_one(log, name):
    """The broker makes topics on demand, for anybody who asks for one by name."""
    for call in [
        lambda: log.topic(name),
        lambda: log.bounds(name, 0),
        lambda: log.read(name, 0, 0, max_records=1, max_bytes=1),
        lambda: log.writer(name, 0, name=name),
        lambda: log.trim(name, 0, 0),
    ]:
        with pytest.raises(TopicMissingError, match=name):
            call()
    with pytest.raises(TopicMissingError):
        log.topic(name)


def test_a_topic_that_was_deleted_is_missing(log, topic, writer):
    writer.append(value_records(b"x"))
    assert read_values(log, topic) == [b"x"]
    writer.close()
    delete_topic(log, topic)
    with pytest.raises(TopicMissingError, match=topic):
        log.bounds(topic, 0)
    with pytest.raises(TopicMissingError, match=topic):
        log.read(topic, 0, 2, max_records=1, max_bytes=1)


def test_an_append_of_nothing_says_where_the_end_is(writer):
    end = writer.append(value_records(b"x")).next_offset
    appended = writer.append([])
    assert (appended.first_offset, appended.next_offset) == (end, end)


@pytest.mark.parametrize("answer", ["_TIMED_OUT", "UNKNOWN", "_FAIL"])
def test_a_commit_without_a_clear_answer_is_a_doubt_and_ends_the_writer(writer, answer):
    code = getattr(KafkaError, answer)

    class Silent(_Paused):
        def commit_transaction(self, _):
            raise KafkaException(KafkaError(code, "no answer"))

    writer._producer = Silent(writer._producer, until=bool)
    with pytest.raises(UncertainAppendError, match="no answer"):
        writer.append(value_records(b"x"))
    with pytest.raises(LogError, match="closed"):
        writer.append(value_records(b"x"))


def test_a_commit_that_can_be_gone_on_with_is(log, topic, writer):
    class Hesitant(_Paused):
        calls = 0

        def commit_transaction(self, timeout):
            self.calls += 1
            if self.calls == 1:
                raise KafkaException(_retriable(KafkaError._TRANSPORT))
            return self._producer.commit_transaction(timeout)

    hesitant = writer._producer = Hesitant(writer._producer, until=bool)
    writer.append(value_records(b"x"))
    assert hesitant.calls == 2
    assert read_values(log, topic) == [b"x"]


def test_a_commit_that_ran_out_of_time_is_not_called_again(writer):
    """librdkafka mixes up the steps of the two calls and aborts the process when its own thread was slow."""
    calls = []

    class Slow(_Paused):
        def commit_transaction(self, timeout):
            calls.append(timeout)
            raise KafkaException(_retriable(KafkaError._TIMED_OUT))

    writer._producer = Slow(writer._producer, until=bool)
    with pytest.raises(UncertainAppendError, match="not yet"):
        writer.append(value_records(b"x"))
    assert len(calls) == 1


def test_a_commit_has_time_for_its_first_step_however_late_it_is(writer, monkeypatch):
    """Said with the time at an end, so that the broker's answer comes after it."""
    monkeypatch.setattr(writer, "_timeout_s", 0.0)
    monkeypatch.setattr(writer, "_check_going", lambda *_: None)
    writer.append(value_records(b"x"))


def _retriable(code):
    return KafkaError(code, "not yet", retriable=True)


def test_closing_gives_an_open_transaction_up(log, topic, name):
    writer = log.writer(topic, 0, name=name)
    writer._producer.begin_transaction()
    writer._producer.produce(topic, b"x", partition=0)
    writer.close()
    log.writer(topic, 0, name=name)
    assert read_values(log, topic) == []


def test_a_broker_that_is_away_is_told_by_every_method():
    settings = KafkaSettings("127.0.0.1:1", request_timeout_s=0.3, open_timeout_s=0.3)
    with KafkaLog(settings) as log:
        for call in [
            lambda: log.topic("t"),
            lambda: log.bounds("t", 0),
            lambda: log.read("t", 0, 0, max_records=1, max_bytes=1),
            lambda: log.writer("t", 0, name="w"),
            lambda: log.trim("t", 0, 0),
            lambda: log.create_topic("t", partitions=1, append_time=True),
        ]:
            with pytest.raises(LogUnavailableError, match=r"^Kafka at 127.0.0.1:1: can't") as caught:
                call()
            assert "\n" not in str(caught.value)


def test_a_writer_of_another_program_under_the_same_name_is_fenced_too(cluster, log, topic, name):
    producer = Producer({"bootstrap.servers": cluster.address, "transactional.id": name})
    producer.init_transactions(30)
    log.writer(topic, 0, name=name).append(value_records(b"ours"))
    producer.begin_transaction()
    producer.produce(topic, b"theirs", partition=0)
    with pytest.raises(KafkaException):
        producer.commit_transaction(30)
    assert read_values(log, topic) == [b"ours"]
