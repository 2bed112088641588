"""Every error that librdkafka can give becomes one of the port's, in one line. No broker needed."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from sealtrail_transport.errors import (
    LogDeniedError,
    LogError,
    LogUnavailableError,
    OffsetOutOfRangeError,
    RecordRefusedError,
    TopicMissingError,
    WriterFencedError,
)
from sealtrail_transport.kafka_client import ClientEvents, _ClientLog, call
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, log_error
from sealtrail_transport.kafka_reader import PartitionReader
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.log import Bounds, LogRecord

ATTEMPT = Attempt("read t/0", topic="t", operation="Read", writer="w", group="g")
CODES = {
    name: getattr(KafkaError, name)
    for name in dir(KafkaError)
    if name.strip("_").isupper() and isinstance(getattr(KafkaError, name), int)
}


@pytest.fixture
def events():
    return ClientEvents("broker:9092")


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_code_becomes_an_error_of_the_port_in_one_line(events, name):
    error = KafkaError(CODES[name], "two\nlines of reason")
    with pytest.raises(LogError) as caught, kafka_errors(ATTEMPT, events):
        raise KafkaException(error)
    message = str(caught.value)
    assert message.startswith("Kafka at broker:9092: can't read t/0: ")
    assert "\n" not in message


def test_a_code_of_tomorrow_is_an_error_with_its_number(events):
    error = log_error(KafkaError(30_000, "never heard of"), ATTEMPT, events)
    assert type(error) is LogError
    assert "never heard of" in str(error)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("UNKNOWN_TOPIC_OR_PART", TopicMissingError),
        ("_UNKNOWN_PARTITION", TopicMissingError),
        ("_AUTO_OFFSET_RESET", OffsetOutOfRangeError),
        ("MSG_SIZE_TOO_LARGE", RecordRefusedError),
        ("INVALID_TIMESTAMP", RecordRefusedError),
        ("_FENCED", WriterFencedError),
        ("INVALID_PRODUCER_EPOCH", WriterFencedError),
        ("_TRANSPORT", LogUnavailableError),
        ("_TIMED_OUT", LogUnavailableError),
        ("NOT_ENOUGH_REPLICAS", LogUnavailableError),
        ("_AUTHENTICATION", LogDeniedError),
        ("_SSL", LogDeniedError),
        ("TOPIC_AUTHORIZATION_FAILED", LogDeniedError),
    ],
)
def test_kinds(events, name, kind):
    assert type(log_error(KafkaError(CODES[name], "why"), ATTEMPT, events)) is kind


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("TOPIC_AUTHORIZATION_FAILED", "Read on topic 't'"),
        ("GROUP_AUTHORIZATION_FAILED", "Read on group 'g'"),
        ("TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "Write on transactional id 'w'"),
        ("CLUSTER_AUTHORIZATION_FAILED", "Read on the cluster"),
    ],
)
def test_a_missing_permission_is_named(events, name, missing):
    assert str(log_error(KafkaError(CODES[name], "no"), ATTEMPT, events)).endswith(f"it takes {missing}")


def test_a_timeout_tells_the_cause_that_was_heard_meanwhile(events):
    timeout = KafkaError(KafkaError._TIMED_OUT, "timed out")
    assert type(log_error(timeout, ATTEMPT, events)) is LogUnavailableError
    events._on_error(KafkaError(KafkaError._AUTHENTICATION, "bad password"))
    events._on_error(KafkaError(KafkaError._TRANSPORT, "disconnected"))  # which followed from it
    error = log_error(timeout, ATTEMPT, events)
    assert type(error) is LogDeniedError
    assert "bad password" in str(error)
    with pytest.raises(KafkaException):
        events.raise_definite()


def test_a_lost_connection_is_not_definite(events):
    events._on_error(KafkaError(KafkaError._TRANSPORT, "connection refused"))
    events._on_error(KafkaError(KafkaError._SSL, "disconnected while a broker starts"))
    events._on_error(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    events.raise_definite()
    assert "broker starts" in events.cause.str()


def test_that_no_broker_answers_is_told_when_nothing_better_is_known(events):
    events._on_error(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    error = log_error(KafkaError(KafkaError._TIMED_OUT, "timed out"), ATTEMPT, events)
    assert "check the address and security.protocol (1/1 brokers are down)" in str(error)


def test_what_librdkafka_logs_goes_to_pythons_logging_and_no_higher_than_a_warning(caplog):
    caplog.set_level(logging.DEBUG, logger="sealtrail_transport.kafka")
    log = _ClientLog()
    log.log(logging.CRITICAL, "%s [%s] %s", "FATAL", "client-of-this-test", "gone")
    log.log(logging.WARNING, "%s [%s] %s", "CONFWARN", "client-of-this-test", "not for producers")
    ours = [record for record in caplog.records if "client-of-this-test" in record.getMessage()]
    assert [(record.name, record.levelno) for record in ours] == [
        ("sealtrail_transport.kafka", logging.WARNING),
        ("sealtrail_transport.kafka", logging.DEBUG),
    ]
    assert ours[0].getMessage() == "FATAL [client-of-this-test] gone"


def test_a_call_that_answers_or_fails_properly_is_left_alone():
    assert call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        call(divmod, 7, 0)


def test_a_system_error_becomes_an_error_of_kafka():
    def broken():
        raise SystemError("returned a result with an exception set")

    with pytest.raises(KafkaException, match="exception set"):
        call(broken)


def test_a_missing_right_to_a_group_names_the_one_that_readers_have_where_there_is_no_other(events):
    error = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED, "Broker: Group authorization failed")
    message = str(log_error(error, Attempt("read t/0", topic="t", operation="Read"), events))
    assert message.endswith("not authorised; it takes Read on group 'sealtrail-reader'")


def test_a_reader_needs_no_permission_for_the_group_that_it_must_name():
    class Failed:
        def __init__(self, code):
            self._error = KafkaError(code, "not authorised")

        def error(self):
            return self._error

        def offset(self):
            return None

    reader = PartitionReader(KafkaSettings("127.0.0.1:1"), "t", 0, bounds=None, confirm=None)
    reader._accept([Failed(KafkaError.GROUP_AUTHORIZATION_FAILED)])
    with pytest.raises(KafkaException):
        reader._accept([Failed(KafkaError.GROUP_AUTHORIZATION_FAILED), Failed(KafkaError.UNKNOWN)])
    reader.close()


class _Away:
    """A consumer that stands at an offset, and gives an error of an offset."""

    def __init__(self, *, stands_at, failed_at):
        self.stands_at = stands_at
        self.failed_at = failed_at

    def error(self):
        return KafkaError(KafkaError._AUTO_OFFSET_RESET, "Partition log truncation detected")

    def offset(self):
        return self.failed_at

    def consume(self, *_):
        return [self]

    def position(self, _):
        return [TopicPartition("t", 0, self.stands_at)]

    def unassign(self):
        self.stands_at = OFFSET_INVALID

    def assign(self, partitions):
        self.assigned = partitions[0].offset


@pytest.fixture
def reader():
    reader = PartitionReader(
        KafkaSettings("127.0.0.1:1"), "t", 0, bounds=lambda: Bounds(0, 100), confirm=lambda: None
    )
    reader.close()
    reader._next = 7
    return reader


@pytest.mark.parametrize(
    ("stands_at", "failed_at"), [(OFFSET_INVALID, 7), (7, 7), (9, 9), (7, None)], ids=str
)
def test_a_partition_that_was_cut_and_has_grown_again_is_not_read_on(reader, stands_at, failed_at):
    """Its ends look well by the time that they are asked for: what lies there is other records."""
    reader._consumer = _Away(stands_at=stands_at, failed_at=failed_at)
    with pytest.raises(OffsetOutOfRangeError, match="t/0 was cut: Partition log truncation detected"):
        reader._fetch(1, wait_s=0)
    assert reader._next is None


def test_an_error_of_where_a_reader_stood_before_is_not_of_where_it_stands(reader):
    reader._consumer = _Away(stands_at=OFFSET_INVALID, failed_at=2)
    reader._fetch(1, wait_s=0)
    assert reader._next == reader._consumer.assigned == 7


def test_a_cut_behind_what_was_fetched_is_told_by_the_next_read(reader):
    reader._consumer = _Away(stands_at=7, failed_at=None)
    reader._fetched.append(LogRecord(6, None, b"of before"))
    reader._fetch(2, wait_s=0)
    assert reader._take(2, 100).next_offset == 7
    with pytest.raises(OffsetOutOfRangeError, match="t/0 was cut"):
        reader._fetch(1, wait_s=0)
