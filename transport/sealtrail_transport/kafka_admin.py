"""Topics of a Kafka cluster: described, created, trimmed. Nothing is cached: a topic may be made anew."""

from __future__ import annotations

import concurrent.futures
import contextlib
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
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, kind_of, log_error
from sealtrail_transport.log import TopicInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from confluent_kafka.admin import ConfigEntry, TopicDescription  # type: ignore[attr-defined] # as above

    from sealtrail_transport.kafka_settings import KafkaSettings

_T = TypeVar("_T")

_PROPAGATION_PAUSE_S: Final = 0.02
_ANSWERS_PER_BROKER: Final = 4
_FIRST_PATIENCE_S: Final = 2.0
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
        found = self._described(name)
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

    def brokers(self) -> int:
        """How many brokers the cluster has at this moment.

        Raises:
            LogDeniedError: the credentials do not allow to look.
            LogUnavailableError: the cluster can't be reached.
        """
        with kafka_errors(Attempt("list the brokers"), self._events):
            return len(self._client.list_topics(timeout=self._timeout_s).brokers)

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
        """Wait until the brokers know a topic that the controller has created.

        Each broker hears of it by itself, and any may be asked next, by whichever client. One answer will do
        where there is one broker; of several, a row of answers is wanted that has most likely come from all.
        """
        deadline = time.monotonic() + self._timeout_s
        brokers = self.brokers()
        wanted = 1 if brokers == 1 else _ANSWERS_PER_BROKER * brokers
        in_a_row = 0
        while in_a_row < wanted:
            try:
                self.describe(name)
            except (TopicMissingError, LogUnavailableError):
                if time.monotonic() > deadline:
                    raise
                in_a_row = 0
                time.sleep(_PROPAGATION_PAUSE_S)
            else:
                in_a_row += 1

    def _described(self, name: str) -> TopicDescription:
        def ask(timeout_s: float) -> Future[TopicDescription]:
            return self._client.describe_topics(TopicCollection([name]), request_timeout=timeout_s)[name]

        return self._ask(ask, Attempt(f"describe topic {name}", topic=name))

    def _properties(self, name: str) -> dict[str, str]:
        resource = ConfigResource(ResourceType.TOPIC, name)

        def ask(timeout_s: float) -> Future[dict[str, ConfigEntry]]:
            return self._client.describe_configs([resource], request_timeout=timeout_s)[resource]

        found = self._ask(ask, Attempt(f"describe topic {name}", topic=name, operation="DescribeConfigs"))
        return {entry.name: str(entry.value) for entry in found.values()}

    def _ask(self, ask: Callable[[float], Future[_T]], attempt: Attempt) -> _T:
        """Ask until there is an answer or the time is up; `ask` gets the seconds that it may take.

        librdkafka sends such questions to the broker that it was once told to be the controller. When that
        one has died it does not look for another before its next refresh of what it knows, minutes later. So
        the first wait is short, and all brokers are listed before the next.
        """
        deadline = time.monotonic() + self._timeout_s
        least_s = patience_s = min(_FIRST_PATIENCE_S, self._timeout_s)
        while True:
            left_s = max(least_s, deadline - time.monotonic())
            with kafka_errors(attempt, self._events):
                try:
                    return self._settle(ask(min(patience_s, left_s)))
                except KafkaException as error:
                    if kind_of(error.args[0]) is not LogUnavailableError or left_s <= patience_s:
                        raise
                with contextlib.suppress(KafkaException):
                    self._client.list_topics(timeout=patience_s)
            patience_s *= 2

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
