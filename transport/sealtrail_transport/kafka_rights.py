"""What the principal that asks may do on a cluster (KIP-430)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import TopicCollection

from sealtrail_transport.kafka_errors import Attempt, kafka_errors
from sealtrail_transport.kafka_topics import KafkaTopics

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # exported, but not by the letter


class KafkaRights(KafkaTopics):
    """A KafkaTopics that also tells what its principal may do."""

    def topic_rights(self, name: str) -> AbstractSet[AclOperation] | None:
        """Operations on a topic; None where it does not say. Raises as `facts`."""
        attempt = Attempt(f"describe topic {name}", topic=name)
        with kafka_errors(attempt, self._events):
            futures = self._client.describe_topics(
                TopicCollection([name]),
                include_authorized_operations=True,
                request_timeout=self._timeout_s,
            )
        return _as_set(self._await(futures[name], attempt).authorized_operations)

    def cluster_rights(self) -> AbstractSet[AclOperation] | None:
        """Operations on the cluster; None where it does not say. Raises as `facts`."""
        attempt = Attempt("describe the cluster")
        with kafka_errors(attempt, self._events):
            future = self._client.describe_cluster(
                include_authorized_operations=True, request_timeout=self._timeout_s
            )
        return _as_set(self._await(future, attempt).authorized_operations)


def _as_set(rights: Iterable[AclOperation] | None) -> AbstractSet[AclOperation] | None:
    return None if rights is None else frozenset(rights)
