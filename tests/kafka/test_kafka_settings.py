"""Settings: what a user may change, and what a promise rests on. No broker needed."""

from __future__ import annotations

import pytest

from sealtrail_transport.errors import LogError
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.kafka_settings import KafkaSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable.idempotence", False),
        ("enable.idempotence", "false"),
        ("acks", 1),
        ("request.required.acks", "0"),
        ("isolation.level", "read_uncommitted"),
        ("transactional.id", "mine"),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", True),
        ("check.crcs", "false"),
        ("group.id", "mine"),
        ("bootstrap.servers", "elsewhere:9092"),
        ("partition.assignment.strategy", "range"),
    ],
)
def test_what_would_break_a_promise_is_refused_with_the_reason(name, value):
    with pytest.raises(
        LogError, match=f"^the Kafka setting {name} can't be changed: .*; leave it "
    ) as caught:
        KafkaSettings("localhost:9092", {name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("enable.idempotence", True), ("acks", -1), ("acks", "all"), ("isolation.level", "read_committed")],
)
def test_what_is_so_anyway_may_be_said(name, value):
    KafkaSettings("localhost:9092", {name: value})


def test_the_users_settings_win_over_the_defaults():
    settings = KafkaSettings(
        "localhost:9092", {"linger.ms": 50, "compression.type": "zstd", "fetch.wait.max.ms": 7}
    )
    assert settings.writer("w", max_record_bytes=10**6)["compression.type"] == "zstd"
    assert settings.sink(max_record_bytes=10**6)["compression.type"] == "zstd"
    assert settings.reader()["fetch.wait.max.ms"] == 7
    assert settings.writer("w", max_record_bytes=10**6)["linger.ms"] == 50


def test_a_setting_that_librdkafka_does_not_know_is_told_in_one_line():
    with pytest.raises(LogError, match=r'No such configuration property: "no\.such\.thing"'):
        KafkaLog(KafkaSettings("localhost:9092", {"no.such.thing": 1}))
    with pytest.raises(LogError, match=r"fetch\.wait\.max\.ms"):
        KafkaLog(KafkaSettings("localhost:9092", {"fetch.wait.max.ms": "soon"}))


def test_values_must_be_plain():
    with pytest.raises(LogError, match="error_cb must be a text or a number"):
        KafkaSettings("localhost:9092", {"error_cb": print})


def test_passwords_are_not_shown():
    assert "secret" not in repr(KafkaSettings("localhost:9092", {"sasl.password": "secret"}))


def test_a_batch_of_records_never_exceeds_what_the_topic_takes():
    settings = KafkaSettings("localhost:9092")
    for limit, expected in [(1000, 1000), (10**9, 1_000_000)]:
        assert settings.writer("w", max_record_bytes=limit)["batch.size"] == expected
        assert settings.sink(max_record_bytes=limit)["batch.size"] == expected
