"""What `init` does to a cluster's topics beyond the log port: looks at their properties, adds partitions."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined] # exported, but not by the letter

from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.kafka_admin import KafkaAdmin
from sealtrail_transport.kafka_errors import Attempt, kafka_errors
from sealtrail_transport.kafka_topic_check import TopicFacts

_PAUSE_S: Final = 0.05


class KafkaTopics(KafkaAdmin):
    """A KafkaAdmin that tells and changes more."""

    def facts(self, name: str) -> TopicFacts:
        """What the broker says of a topic.

        Raises:
            TopicMissingError: there is no topic of that name.
            LogDeniedError: the credentials do not allow to look.
            LogUnavailableError: the cluster can't be reached.
        """
        found = self._described(name)
        replication = min(len(partition.replicas) for partition in found.partitions)
        return TopicFacts(name, len(found.partitions), replication, self._properties(name))

    def add_partitions(self, name: str, partitions: int) -> None:
        """Let a topic have that many partitions, and wait until it says so. Raises as `facts`."""
        attempt = Attempt(f"add partitions to topic {name}", topic=name, operation="Alter")
        with kafka_errors(attempt, self._events):
            futures = self._client.create_partitions(
                [NewPartitions(name, partitions)],
                request_timeout=self._timeout_s,
                operation_timeout=self._timeout_s,
            )
        self._await(futures[name], attempt)
        deadline = time.monotonic() + self._timeout_s
        while self.describe(name)[1] < partitions:
            if time.monotonic() > deadline:
                raise LogUnavailableError(f"topic {name} does not show its new partitions; try again")
            time.sleep(_PAUSE_S)
