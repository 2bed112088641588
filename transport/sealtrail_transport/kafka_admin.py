"""Topics of a Kafka cluster: described, created, trimmed. Nothing is cached: a topic may be made anew."""

from __future__ import annotations

import concurrent.futures
import time
from base64 import b64decode
from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # exported, but not by the letter
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from sealtrail_transport.errors import LogUnavailableError, TopicMissingError
from sealtrail_transport.kafka_client import ClientEvents
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, log_error
from sealtrail_transport.log import TopicInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from confluent_kafka.admin import TopicDescription  # type: ignore[attr-defined] # as above

    from sealtrail_transport.kafka_settings import KafkaSettings

_T = TypeVar("_T")

_PROPAGATION_PAUSE_S: Final = 0.02
_ANY_TIME: Final = str(2**63 - 1)


class KafkaAdmin:
    """What needs Kafka's AdminClient."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._timeout_s = settings.request_timeout_s
        self._events = ClientEvents(settings.bootstrap_servers)
        with kafka_errors(Attempt("start a client"), self._events):
            self._client = AdminClient(self._events.properties(settings.common()))  # type: ignore[arg-type] # takes callbacks as well

    def describe(self, name: str) -> tuple[bytes, int]:
        """Return the topic's id (KIP-516, 16 bytes) and its number of partitions.

        Raises:
            TopicMissingError: there is no topic of that name.
            LogUnavailableError: a partition has no leader.
        """
        attempt = Attempt(f"describe topic {name}", topic=name)
        with kafka_errors(attempt, self._events):
            futures = self._client.describe_topics(TopicCollection([name]), request_timeout=self._timeout_s)
        found: TopicDescription = self._await(futures[name], attempt)
        if any(partition.leader is None for partition in found.partitions):
            raise LogUnavailableError(f"topic {name} has partitions without a leader")
        return b64decode(f"{found.topic_id}=="), len(found.partitions)

    def topic(self, name: str) -> TopicInfo:
        """Describe a topic with its properties. Raises as `describe`."""
        topic_id, partitions = self.describe(name)
        properties = self._properties(name)
        return TopicInfo(
            name,
            topic_id,
            partitions,
            int(properties["max.message.bytes"]),
            properties["message.timestamp.type"] == "LogAppendTime",
        )

    def create(
        self, name: str, properties: Mapping[str, str], *, partitions: int, replication_factor: int | None
    ) -> None:
        """Create a topic unless there is one of that name."""
        replicas = -1 if replication_factor is None else replication_factor  # -1: the broker's default
        new = NewTopic(name, partitions, replicas, config=dict(properties))
        attempt = Attempt(f"create topic {name}", operation="Create")
        with kafka_errors(attempt, self._events):
            futures = self._client.create_topics(
                [new], request_timeout=self._timeout_s, operation_timeout=self._timeout_s
            )
        try:
            self._settle(futures[name])
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise log_error(error.args[0], attempt, self._events) from error
        self._await_topic(name)

    def written_end(self, topic: str, partition: int) -> int:
        """The high watermark of a partition, whatever transactions are open."""
        attempt = Attempt(f"find the end of {topic}/{partition}", topic=topic)
        asked = TopicPartition(topic, partition)
        with kafka_errors(attempt, self._events):
            futures = self._client.list_offsets(
                {asked: OffsetSpec.latest()},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=self._timeout_s,
            )
        return int(self._await(futures[asked], attempt).offset)

    def delete_records(self, topic: str, partition: int, offset: int) -> None:
        """Delete all records below `offset` (KIP-107)."""
        attempt = Attempt(f"trim {topic}/{partition}", topic=topic, operation="Delete")
        below = TopicPartition(topic, partition, offset)
        with kafka_errors(attempt, self._events):
            futures = self._client.delete_records(
                [below], request_timeout=self._timeout_s, operation_timeout=self._timeout_s
            )
        self._await(futures[below], attempt)

    def _await_topic(self, name: str) -> None:
        """Wait until the brokers know a topic that the controller has created."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                self.describe(name)
            except (TopicMissingError, LogUnavailableError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PROPAGATION_PAUSE_S)
            else:
                return

    def _properties(self, name: str) -> dict[str, str]:
        attempt = Attempt(f"describe topic {name}", topic=name, operation="DescribeConfigs")
        resource = ConfigResource(ResourceType.TOPIC, name)
        with kafka_errors(attempt, self._events):
            futures = self._client.describe_configs([resource], request_timeout=self._timeout_s)
        found = self._await(futures[resource], attempt)
        return {entry.name: entry.value for entry in found.values()}

    def _await(self, future: Future[_T], attempt: Attempt) -> _T:
        with kafka_errors(attempt, self._events):
            return self._settle(future)

    def _settle(self, future: Future[_T]) -> _T:
        """The answer; or, as soon as it is known, why there can't be one."""
        deadline = time.monotonic() + 2 * self._timeout_s  # librdkafka's own timeout comes first
        while True:
            try:
                answer = future.result(timeout=0.05)
            except concurrent.futures.TimeoutError:
                self._client.poll(0)
                self._events.raise_definite()
                if time.monotonic() > deadline:
                    raise LogUnavailableError(f"Kafka at {self._events.where} does not answer") from None
            except KafkaException:
                self._client.poll(0)
                raise
            else:
                self._client.poll(0)
                self._events.cause = None
                return answer


def check_partition(topic: str, partition: int, *, partitions: int) -> None:
    """Raise TopicMissingError unless a topic of so many partitions has this one."""
    if not 0 <= partition < partitions:
        raise TopicMissingError(f"there is no partition {topic}/{partition}: the topic has {partitions}")


def topic_properties(
    *, append_time: bool, max_record_bytes: int, min_insync_replicas: int | None
) -> dict[str, str]:
    """Properties of a new topic, in Kafka's names.

    A topic with append time keeps everything until it is trimmed: it is a chained one. Any other accepts
    whatever time a record says; how long it keeps records is up to the broker's defaults.
    """
    properties = {"cleanup.policy": "delete", "max.message.bytes": str(max_record_bytes)}
    if min_insync_replicas is not None:
        properties["min.insync.replicas"] = str(min_insync_replicas)
    if append_time:
        return properties | {
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": "-1",
            "retention.bytes": "-1",
        }
    return properties | {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.before.max.ms": _ANY_TIME,
        "message.timestamp.after.max.ms": _ANY_TIME,
    }
