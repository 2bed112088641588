"""Replay into Kafka: the contract, and what only Kafka has."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from auditor.replayed import as_new, numbered, replay_into, trail_of
from cli.archives import LASTING, archive_of
from command_line import await_true, running, spawn
from contracts.log_contract import read_all
from contracts.replay_contract import ReplayContract
from sealtrail_schemas.record import NO_TIMESTAMP
from sealtrail_transport.errors import RecordRefusedError, TopicMissingError
from sealtrail_transport.kafka_topics import KafkaTopics
from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES, NewRecord

pytestmark = [pytest.mark.containers, pytest.mark.claim("C13")]


@pytest.fixture
def make_topic(log, name):
    numbers = itertools.count()

    def make(*, append_time=False, max_record_bytes=DEFAULT_MAX_RECORD_BYTES):
        topic = f"{name}-{next(numbers)}"
        log.create_topic(topic, partitions=1, append_time=append_time, max_record_bytes=max_record_bytes)
        return topic

    return make


class TestKafka(ReplayContract):
    pass


@pytest.mark.parametrize(
    "odd",
    [
        NewRecord(b"k", b"v", (), 0),
        NewRecord(b"k", b"v", ((b"\xff", b"v"),), 5),
        NewRecord(b"k", b"v", ((b"a\0b", b"v"),), 5),
    ],
    ids=["the present for time 0", "a header key that is no text", "a header key with NUL"],
)
def test_what_kafkas_client_would_change_is_refused(log, make_topic, odd):
    topic = make_topic()
    records = [*numbered(2), odd, *numbered(1)]
    with pytest.raises(RecordRefusedError, match=f"{topic}/0 does not take entry 3 of"):
        replay_into(log, topic, trail_of(*records))
    assert [record.value for record in read_all(log, topic)] == [b"0", b"1"]


def test_no_timestamp_stays_none(log, make_topic):
    topic = make_topic()
    replay_into(log, topic, trail_of(NewRecord(b"k", b"v", (), NO_TIMESTAMP)))
    assert [record.timestamp_ms for record in read_all(log, topic)] == [NO_TIMESTAMP]


# The command


def end_of(log, topic: str) -> int:
    try:
        return log.bounds(topic, 0).end
    except TopicMissingError:
        return 0


def test_killed_in_the_middle_again_and_again(log, cluster, name, tmp_path):
    archive = archive_of(tmp_path, trail_of(*numbered(15_000), per_batch=1_000, until=LASTING))
    into = ["--into", f"kafka://{cluster.address}", "--topic", name, "--create-topic"]
    command = ["replay", archive.copy, "--policy", archive.policy, *into]
    reached = 0
    for _ in range(3):
        with running(*command, cwd=tmp_path) as child:
            await_true(
                lambda child=child, reached=reached: child.poll() is not None or end_of(log, name) > reached,
                "some of it to be there",
            )
            child.kill()
            child.wait()
        reached = end_of(log, name)
    done = json.loads(spawn(*command, "--json", cwd=tmp_path, check=0).stdout)
    assert done["found"] > 0
    assert done["found"] + done["replayed"] == 15_000
    values = [record.value for record in read_all(log, name, max_records=5_000)]
    assert values == [b"%d" % number for number in range(15_000)]


def test_a_topic_that_would_delete_it_at_once_is_refused(log, cluster, topic, tmp_path):
    """Kafka's default keeps records for seven days by their own time."""
    archive = archive_of(tmp_path, trail_of(*numbered(1), until=LASTING))
    into = ["--into", f"kafka://{cluster.address}", "--topic", topic]
    answer = archive.run("replay", *into)
    assert (answer.exit_code, "retention.ms=-1" in answer.stderr) == (2, True)
    assert read_all(log, topic) == []
    recent = [each._replace(timestamp_ms=int(time.time() * 1000)) for each in numbered(2)]
    (tmp_path / "recent").mkdir()
    fresh = archive_of(tmp_path / "recent", trail_of(*recent, until=LASTING))
    assert fresh.run("replay", *into).exit_code == 0
    assert as_new(read_all(log, topic)) == recent


def test_a_topic_that_forgets_is_told_of(cluster, name, tmp_path):
    archive = archive_of(tmp_path, trail_of(*numbered(1), until=LASTING))
    forgetful = {"cleanup.policy": "compact,delete", "retention.ms": "-1", "retention.bytes": "1000000"}
    KafkaTopics(cluster.settings()).create(name, forgetful, partitions=1, replication_factor=None)
    answer = archive.run("replay", "--into", f"kafka://{cluster.address}", "--topic", name)
    assert answer.exit_code == 0
    assert f"topic {name} is compacted" in answer.stderr
    assert "about 1000000 bytes" in answer.stderr


def test_a_topic_that_is_made_keeps_everything(log, cluster, name, tmp_path):
    archive = archive_of(tmp_path, trail_of(*numbered(3), until=LASTING))
    into = ["--into", f"kafka://{cluster.address}", "--topic", name]
    missing = archive.run("replay", *into)
    assert (missing.exit_code, name in missing.stderr) == (5, True)
    answer = archive.run("replay", *into, "--partition", "2", "--create-topic")
    assert answer.exit_code == 0, answer.stderr
    facts = KafkaTopics(cluster.settings()).facts(name)
    assert (facts.partitions, facts.retention_ms) == (3, None)
    assert facts.configs["message.timestamp.type"] == "CreateTime"
    assert as_new(read_all(log, name, 2)) == numbered(3)


def test_a_topic_with_a_clock_of_its_own_is_a_mistake_of_usage(cluster, make_topic, tmp_path):
    archive = archive_of(tmp_path, trail_of(*numbered(1), until=LASTING))
    topic = make_topic(append_time=True)
    answer = archive.run("replay", "--into", f"kafka://{cluster.address}", "--topic", topic)
    assert (answer.exit_code, "message.timestamp.type=CreateTime" in answer.stderr) == (2, True)
