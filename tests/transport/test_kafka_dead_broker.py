"""A broker that is dead for good is not asked again and again: who leads now is found out in between."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from sealtrail_transport import kafka_admin, kafka_ends
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.kafka_admin import KafkaAdmin
from sealtrail_transport.kafka_ends import KafkaEnds
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.log import Bounds

SETTINGS = KafkaSettings("127.0.0.1:1")


class Client:
    """One that asks a dead broker until it has listed the others."""

    def __init__(self, _properties=None):
        self.knows = False
        self.asked = 0

    def _ask(self, answer):
        self.asked += 1
        if not self.knows:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return answer

    def get_watermark_offsets(self, _partition, **_options):
        return self._ask((3, 7))

    def describe_configs(self, resources, **_options):
        future = Future()
        try:
            future.set_result(self._ask({}))
        except KafkaException as error:
            future.set_exception(error)
        return {resources[0]: future}

    def list_topics(self, *_arguments, **_options):
        self.knows = True

    def poll(self, _timeout):
        pass


def test_the_ends_of_a_partition_are_asked_of_its_new_leader(monkeypatch):
    monkeypatch.setattr(kafka_ends, "Consumer", Client)
    ends = KafkaEnds(SETTINGS)
    assert ends.bounds("payments", 0) == Bounds(3, 7)
    assert ends._consumer.asked == 2


def test_the_properties_of_a_topic_are_asked_of_another_broker(monkeypatch):
    monkeypatch.setattr(kafka_admin, "AdminClient", Client)
    admin = KafkaAdmin(SETTINGS)
    assert admin._properties("payments") == {}
    assert admin._client.asked == 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda settings: KafkaEnds(settings).bounds("payments", 0),
        lambda settings: KafkaAdmin(settings)._properties("payments"),
    ],
    ids=["ends", "properties"],
)
def test_a_cluster_that_is_away_is_not_asked_for_ever(monkeypatch, ask):
    monkeypatch.setattr(Client, "list_topics", lambda *_arguments, **_options: None)
    monkeypatch.setattr(kafka_ends, "Consumer", Client)
    monkeypatch.setattr(kafka_admin, "AdminClient", Client)
    settings = KafkaSettings("127.0.0.1:1", request_timeout_s=0.0)
    with pytest.raises(LogUnavailableError):
        ask(settings)
