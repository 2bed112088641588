"""`sealtrail init` on a real broker and a real store: what it makes, what it refuses, what it adds."""

from __future__ import annotations

import json

import pytest

from sealtrail_schemas.layout import format_documents
from sealtrail_schemas.policy import Policy
from sealtrail_transport.kafka_topic_check import check_chained_topic
from sealtrail_transport.s3_access import open_s3

pytestmark = pytest.mark.containers


def everything(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def policy(stack):
    return list(Policy.parse((stack.data / "policy").read_bytes()).logs)


def test_it_makes_topics_bucket_keys_and_trails(stack):
    answer = stack.init("--create-raw", "--partitions", "2")
    assert answer.stdout.startswith("Begun 2 trails")
    assert "has one replica" in answer.stderr
    raw, chained = stack.topics.facts(stack.name), stack.topics.facts(f"{stack.name}.chained")
    assert raw.partitions == chained.partitions == 2
    assert [finding.code for finding in check_chained_topic(chained, raw)] == ["chained-one-replica"]
    assert policy(stack) == [f"audit.example.com/{stack.name}/{number}" for number in (0, 1)]
    store = open_s3(stack.archive, stack.minio.access)
    for key, text in format_documents().items():
        (line,) = store.versions(key)
        assert store.head(key, line.version_id).retention is not None
        assert store.open(key, line.version_id).read() == text
    assert [trail["chained"] for trail in stack.status()] == [1, 1]


def test_a_second_call_changes_nothing(stack):
    stack.init("--create-raw")
    before = everything(stack.data)
    answer = stack.init()
    assert answer.stdout.startswith("Nothing to do")
    assert everything(stack.data) == before
    assert stack.topics.describe(f"{stack.name}.chained")[1] == 1


def test_partitions_that_came_since_get_trails(stack):
    stack.make_raw(1)
    stack.init()
    before = everything(stack.data / "keys")
    stack.topics.add_partitions(stack.name, 3)
    told = json.loads(stack.init("--json").stdout)
    assert told["added"] == [f"audit.example.com/{stack.name}/{number}" for number in (1, 2)]
    assert stack.topics.describe(f"{stack.name}.chained")[1] == 3
    assert [trail["chained"] for trail in stack.status()] == [1, 1, 1]
    assert len(policy(stack)) == 3
    assert before.items() <= everything(stack.data / "keys").items()
    assert stack.init().stdout.startswith("Nothing to do")


def test_a_topic_that_is_not_there_is_made_only_when_asked(stack):
    answer = stack.init(check=2)
    assert f"there is no topic {stack.name}: create it, or have it made with --create-raw" in answer.stderr
    assert not stack.data.exists()


def test_as_many_partitions_as_the_topic_has(stack):
    stack.make_raw(2)
    assert "has 2 partitions, not 3" in stack.init("--partitions", "3", check=2).stderr
    stack.init("--partitions", "2")
    assert "has 2 partitions, not 3" in stack.init("--partitions", "3", check=2).stderr


@pytest.mark.parametrize(
    ("configs", "told"),
    [
        ({"retention.ms": "604800000"}, "Set retention.ms=-1"),
        ({"retention.bytes": "1000000"}, "Set retention.bytes=-1"),
        ({"cleanup.policy": "compact,delete"}, "Set cleanup.policy=delete"),
        ({"message.timestamp.type": "CreateTime"}, "Set message.timestamp.type=LogAppendTime"),
        ({"max.message.bytes": "1048588"}, "Set max.message.bytes=2097152"),
    ],
)
def test_a_chained_topic_that_would_break_a_promise_is_refused(stack, configs, told):
    stack.make_raw(1)
    good = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": "2097152",
    }
    stack.make_topic(f"{stack.name}.chained", 1, good | configs)
    answer = stack.init(check=2)
    assert told in answer.stderr
    assert answer.stderr.count("Set ") == 1
    assert not stack.data.exists()


def test_a_bucket_without_a_lock_is_refused(stack):
    stack.make_raw(1)
    bucket = stack.minio.bucket(locked=False)
    answer = stack.init(archive=f"s3://{bucket}", check=5)
    assert f"s3://{bucket}: " in answer.stderr
    assert "name a bucket that has it" in answer.stderr
    assert not (stack.data / "deployment.toml").exists()


def test_of_a_compacted_topic_it_warns(stack):
    stack.make_raw(1, **{"cleanup.policy": "compact"})
    assert "the trail can't tell" in stack.init().stderr


def test_a_topic_that_is_gone_is_not_made_again(stack):
    stack.init("--create-raw")
    stack.delete_topic(f"{stack.name}.chained")
    answer = stack.init(check=3)
    assert f"topic {stack.name}.chained is gone" in answer.stderr
