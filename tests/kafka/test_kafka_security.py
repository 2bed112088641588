"""TLS, SASL/SCRAM and ACLs against a listener that demands them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from contracts.log_contract import read_values, value_records
from sealtrail_transport.errors import DeliveryError, LogDeniedError, LogUnavailableError
from sealtrail_transport.kafka_assignment import KafkaAssignment
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.kafka_sink import KafkaSink
from sealtrail_transport.log import NewRecord

pytestmark = pytest.mark.containers

PASSWORD = "correct horse"
_RESOURCES = {"topic": ResourceType.TOPIC, "id": ResourceType.TRANSACTIONAL_ID, "group": ResourceType.GROUP}


class Realm:
    """Users of one test, with permissions on its topics `NAME` and `NAME.chained`."""

    def __init__(self, cluster, log, name):
        self.cluster = cluster
        self.raw, self.chained = name, f"{name}.chained"
        self._admin = log._admin._client
        log.create_topic(self.raw, partitions=1, append_time=False)
        log.create_topic(self.chained, partitions=1, append_time=True)

    def user(self, role, *permissions):
        """Make a user; permissions read like `topic NAME Write`. Returns settings to log in with."""
        user = f"{self.raw}-{role}"
        credentials = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        made = [UserScramCredentialUpsertion(user, credentials, PASSWORD.encode())]
        for future in self._admin.alter_user_scram_credentials(made).values():
            future.result(30)
        bindings = []
        for permission in permissions:
            kind, name, *operations = permission.split()
            for operation in operations:
                what = (_RESOURCES[kind], name, ResourcePatternType.LITERAL, f"User:{user}", "*")
                bindings.append(AclBinding(*what, AclOperation[operation], AclPermissionType.ALLOW))
        if bindings:
            for future in self._admin.create_acls(bindings).values():
                future.result(30)
        return self.cluster.secure_settings(user, PASSWORD)


@pytest.fixture
def realm(cluster, log, name):
    return Realm(cluster, log, name)


def eventually(call):
    """Permissions reach the broker a moment after they were granted."""
    for _ in range(200):
        try:
            return call()
        except LogDeniedError:
            pass
    return call()


def test_a_chainer_with_the_least_permissions_can_do_its_work(realm):
    settings = realm.user(
        "chainer",
        f"topic {realm.raw} READ DESCRIBE DESCRIBE_CONFIGS",
        f"topic {realm.chained} READ WRITE DESCRIBE DESCRIBE_CONFIGS",
        f"id {realm.chained} WRITE DESCRIBE",
        f"group {realm.raw} READ",
    )
    with KafkaLog(settings) as log:
        writer = eventually(lambda: log.writer(realm.chained, 0, name=realm.chained))
        writer.append(value_records(b"chained"))
        assert read_values(log, realm.chained) == [b"chained"]
        assert log.bounds(realm.raw, 0).end == 0
    shares = set()
    assignment = KafkaAssignment(
        settings,
        [realm.raw],
        group=realm.raw,
        instance="one",
        on_assign=shares.update,
        on_revoke=shares.difference_update,
        on_lost=shares.difference_update,
    )
    while not shares:
        assignment.poll(timeout_s=0.1)
    assignment.close()


def test_a_producer_can_publish_but_not_write_to_the_chained_topic(realm, log):
    settings = realm.user(
        "producer", f"topic {realm.raw} WRITE DESCRIBE", f"topic {realm.chained} DESCRIBE DESCRIBE_CONFIGS"
    )
    sink = eventually(lambda: KafkaSink(settings, realm.raw))
    sink.publish(NewRecord(b"k", b"event"), max_block_s=5).result(30)
    sink.close()
    assert read_values(log, realm.raw) == [b"event"]

    forbidden = KafkaSink(settings, realm.chained)
    error = forbidden.publish(NewRecord(b"k", b"forged"), max_block_s=5).exception(30)
    forbidden.close()
    assert isinstance(error, DeliveryError)
    assert isinstance(error.__cause__, LogDeniedError)
    assert f"Write on topic '{realm.chained}'" in str(error)
    with (
        KafkaLog(settings) as denied,
        pytest.raises(LogDeniedError, match="Write on transactional id 'thief'"),
    ):
        denied.writer(realm.chained, 0, name="thief")
    assert read_values(log, realm.chained) == []


def test_what_is_not_allowed_names_the_permission_that_is_missing(realm):
    settings = realm.user("nobody")
    with KafkaLog(settings) as log:
        for call, missing in [
            (lambda: log.topic(realm.raw), f"Describe on topic '{realm.raw}'"),
            (lambda: log.bounds(realm.raw, 0), f"Describe on topic '{realm.raw}'"),
            (lambda: log.create_topic("t", partitions=1, append_time=True), "Create on the cluster"),
        ]:
            with pytest.raises(LogDeniedError, match=missing) as caught:
                call()
            assert "\n" not in str(caught.value)


def test_looking_is_not_reading_nor_writing_nor_trimming(realm, log):
    log.writer(realm.chained, 0, name=realm.chained).append(value_records(b"a", b"b"))
    assert log.bounds(realm.chained, 0).end == 3
    settings = realm.user(
        "onlooker",
        f"topic {realm.chained} DESCRIBE DESCRIBE_CONFIGS",
        f"id {realm.chained}-own WRITE DESCRIBE",
    )
    with KafkaLog(settings) as looking:
        eventually(lambda: looking.topic(realm.chained))
        with pytest.raises(LogDeniedError, match=f"Read on topic '{realm.chained}'"):
            looking.read(realm.chained, 0, 0, max_records=1, max_bytes=1)
        with pytest.raises(LogDeniedError, match=f"Delete on topic '{realm.chained}'"):
            looking.trim(realm.chained, 0, 2)
        writer = eventually(lambda: looking.writer(realm.chained, 0, name=f"{realm.chained}-own"))
        with pytest.raises(LogDeniedError, match=f"Write on topic '{realm.chained}'"):
            writer.append(value_records(b"x"))
    assert read_values(log, realm.chained) == [b"a", b"b"]


def test_a_group_that_is_not_allowed_is_named(realm):
    settings = realm.user("loner", f"topic {realm.raw} READ DESCRIBE")
    assignment = KafkaAssignment(
        settings, [realm.raw], group="theirs", instance="one", on_assign=print, on_revoke=print, on_lost=print
    )
    with pytest.raises(LogDeniedError, match="Read on group 'theirs'"):
        poll_forever(assignment)
    assignment.close()


def test_reading_takes_no_permission_for_any_group(realm, log):
    log.writer(realm.chained, 0, name=realm.chained).append(value_records(b"a", b"b"))
    settings = realm.user("reader", f"topic {realm.chained} READ DESCRIBE")
    with KafkaLog(settings) as reading:
        assert eventually(lambda: read_values(reading, realm.chained)) == [b"a", b"b"]


def poll_forever(assignment):
    while True:
        assignment.poll(timeout_s=0.1)


def every_way_in(settings):
    """Each kind of client, with these settings."""
    with KafkaLog(settings) as log:
        yield lambda: log.topic("t")
        yield lambda: log.bounds("t", 0)
        yield lambda: KafkaSink(settings, "t")


def test_a_wrong_password_is_told_at_once(cluster, realm):
    settings = realm.user("forgetful")
    wrong = cluster.secure_settings(f"{realm.raw}-forgetful", "wrong")
    wrong = replace(wrong, request_timeout_s=60)  # far more than this test may take
    for call in every_way_in(wrong):
        with pytest.raises(LogDeniedError, match="refuses the credentials") as caught:
            call()
        assert "\n" not in str(caught.value)
        assert "wrong" not in str(caught.value)
    assert PASSWORD not in repr(settings)


def test_a_certificate_of_a_strange_authority_is_not_trusted(cluster, realm):
    settings = realm.user("careful")
    strange = {**settings.librdkafka, "ssl.ca.location": f"{cluster.certificates}/stranger.pem"}
    for call in every_way_in(replace(settings, librdkafka=strange, request_timeout_s=60)):
        with pytest.raises(LogDeniedError, match=r"no trusted TLS connection; .*certificate verify failed"):
            call()


def test_a_certificate_of_another_host_is_not_trusted(realm):
    settings = realm.user("careful")
    elsewhere = settings.bootstrap_servers.replace("localhost", "127.0.0.2")
    for call in every_way_in(replace(settings, bootstrap_servers=elsewhere, request_timeout_s=60)):
        with pytest.raises(LogDeniedError, match="no trusted TLS connection"):
            call()


def test_the_wrong_protocol_is_hinted_at(cluster):
    plain = KafkaSettings(cluster.secure_address, request_timeout_s=2)
    for call in every_way_in(plain):
        with pytest.raises(LogUnavailableError, match=r"security\.protocol"):
            call()
