"""`sealtrail doctor` on a real broker and a real store: what passes, what it refuses, what it leaves."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from confluent_kafka.admin import ResourceType

from kafka.test_kafka_security import Realm
from sealtrail import doctor_kafka
from sealtrail.data_folder import DataFolder
from sealtrail_transport.kafka_scratch import ScratchTransactions

pytestmark = pytest.mark.containers

ADMINISTRATOR = {"RAW-TOPIC", "CHAINED-TOPIC", "CLUSTER", "DELETE-VERSIONS", "BYPASS", "VERSIONING"}


@pytest.fixture
def begun(stack):
    """A deployment whose trail has begun."""
    stack.init("--create-raw")
    return stack


def doctor(stack, *arguments, check=0):
    answer = stack.call("doctor", "--json", *arguments)
    assert answer.exit_code == check, answer.output
    return {each["code"]: each for each in json.loads(answer.stdout)["results"]}


def failed(told, *severities):
    return {
        code for code, each in told.items() if each["status"] == "failed" and each["severity"] in severities
    }


def test_kafka_and_minio_are_sound(begun):
    told = doctor(begun)
    assert failed(told, "error") == set()
    wide = {f"ST-RIGHT-{name}" for name in ADMINISTRATOR}
    assert failed(told, "warning") == {"ST-TOPIC-CHAINED-ONE-REPLICA"} | wide
    assert failed(told, "info") == {"ST-STORE-MARKER-REOPENS"}
    assert {each["status"] for each in told.values()} == {"passed", "failed"}
    for code in ("ST-LOG-TRANSACTIONS", "ST-LOG-NOT-FENCED", "ST-TRAIL-IDS", "ST-TOPIC-PARTITIONS"):
        assert told[code]["status"] == "passed"
    answer = begun.call("doctor")
    assert answer.stdout.splitlines()[-1].startswith("SOUND: ")


def test_it_leaves_nothing_in_the_log(begun):
    def contents():
        names = (begun.name, f"{begun.name}.chained")
        groups = {group.group_id for group in begun.topics._client.list_consumer_groups().result().valid}
        return [begun.log.bounds(name, 0) for name in names], [name for name in groups if begun.name in name]

    before = contents()
    doctor(begun)
    ends, groups = contents()
    assert ends == before[0]
    committed = begun.topics._client
    for group in groups:
        from confluent_kafka import ConsumerGroupTopicPartitions

        asked = ConsumerGroupTopicPartitions(group)
        (answer,) = committed.list_consumer_group_offsets([asked]).values()
        assert answer.result().topic_partitions == [], "the group has an offset"


def test_a_writer_that_is_not_fenced_is_seen(begun, monkeypatch):
    names = iter(range(9))

    def open_another(self):
        self._name = f"{begun.name}-{next(names)}"
        return original(self)

    original = ScratchTransactions.open
    monkeypatch.setattr(ScratchTransactions, "open", open_another)
    assert failed(doctor(begun, check=13), "error") == {"ST-LOG-NOT-FENCED"}


def test_a_topic_made_anew_puts_the_trail_in_doubt(begun):
    begun.delete_topic(begun.name)
    told = doctor(begun, check=3)
    assert "ST-TOPIC-MISSING" in failed(told, "error")
    begun.make_raw(1)
    told = doctor(begun, check=3)
    assert failed(told, "error") == {"ST-TRAIL-IDS"}
    assert "made anew" in told["ST-TRAIL-IDS"]["found"]


def test_properties_that_were_changed_since(begun):
    begun.configure(ResourceType.TOPIC, f"{begun.name}.chained", {"retention.ms": "86400000"})
    told = doctor(begun, check=13)
    assert failed(told, "error") == {"ST-TOPIC-CHAINED-TIME-RETENTION"}
    assert told["ST-TOPIC-CHAINED-TIME-RETENTION"]["fix"].endswith(".chained: retention.ms=-1")


def test_a_partition_that_nobody_chains(begun):
    begun.topics.add_partitions(begun.name, 2)
    assert failed(doctor(begun, check=13), "error") == {"ST-TOPIC-PARTITIONS"}
    begun.init()
    assert failed(doctor(begun), "error") == set()


def test_a_bucket_without_a_lock(stack):
    bucket = stack.minio.bucket(locked=False)
    told = doctor(stack, f"s3://{bucket}", *stack.store_options, check=13)
    assert failed(told, "error") == {"ST-STORE-NO-OBJECT-LOCK"}


def test_a_broker_that_is_away(begun):
    told = doctor(begun, "--log", "kafka://127.0.0.1:1", check=5)
    assert failed(told, "error") == {"ST-LOG-ANSWERS"}
    assert told["ST-TRAIL-IDS"]["status"] == "not_checked"
    assert told["ST-STORE-DELETED"]["status"] == "passed"


@pytest.fixture
def realm(begun):
    """Users with permissions on the topics of the deployment."""
    realm = Realm.__new__(Realm)  # its own way would make the topics
    realm.cluster, realm.raw, realm.chained = begun.cluster, begun.name, f"{begun.name}.chained"
    realm._admin = begun.topics._client
    return realm


def test_a_principal_without_permissions_and_one_without_a_password(begun, realm):
    deployment = DataFolder(begun.data).deployment()
    settings = realm.user("nobody")

    def examined(settings):
        (found,) = doctor_kafka.examine_cluster(settings, deployment)
        return found.result.code, found.result.status.value, int(found.exit_code)

    answers = "ST-LOG-ANSWERS"
    denied = _eventually(lambda: examined(settings), lambda found: found[1] == "not_permitted")
    assert denied == (answers, "not_permitted", 5)
    wrong = replace(settings, librdkafka={**settings.librdkafka, "sasl.password": "wrong"})
    assert examined(wrong) == (answers, "failed", 5)


def test_a_chainer_with_the_least_permissions(begun, realm):
    settings = realm.user(
        "chainer",
        f"topic {realm.raw} READ DESCRIBE DESCRIBE_CONFIGS",
        f"topic {realm.chained} READ WRITE DESCRIBE DESCRIBE_CONFIGS",
    )
    trail = DataFolder(begun.data).policy_trails()[0]

    def examined():
        found = [
            *doctor_kafka.examine_cluster(settings, DataFolder(begun.data).deployment()),
            *doctor_kafka.examine_transactions(settings, trail),
        ]
        return {each.result.code: each.result.status.value for each in found}

    found = _eventually(examined, lambda found: found.get("ST-RIGHT-CHAINED-TOPIC") == "passed")
    assert found["ST-RIGHT-RAW-TOPIC"] == "passed"
    assert found["ST-RIGHT-CLUSTER"] == "not_permitted"
    assert found["ST-LOG-TRANSACTIONS"] == "not_permitted"


def _eventually(call, is_there):
    """Permissions reach the broker a moment after they were granted."""
    for _ in range(100):
        if is_there(found := call()):
            return found
    return found
