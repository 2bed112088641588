"""Which partitions this process works on: membership in a Kafka consumer group that reads nothing.

The member is static (KIP-345): a process that was killed gets its partitions back the moment it returns under
the same instance name. Assignment is cooperative and sticky (KIP-429): partitions that stay are not stopped.
The chained topic says where work goes on; what is committed here is a hint for those who watch the group.

A member that the cluster did not hear for `session.timeout.ms` has lost its share. librdkafka then forgets
its member id at once, but until `on_lost` has returned it goes on to send heartbeats, without that id. The
coordinator takes them for another process of the same instance name, and librdkafka fails for good. So who is
fenced after a loss has seen no proof of a second process, and joins anew.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from sealtrail_transport.kafka_client import ClientEvents, call, logger
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, log_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_transport.kafka_settings import KafkaSettings

_USUAL_SESSION_MS: Final = 45_000
_PASSING: Final = frozenset({"_MAX_POLL_EXCEEDED", "_AUTO_OFFSET_RESET", "_NO_OFFSET"})


class Share(NamedTuple):
    """A partition of a topic, as assigned to a member."""

    topic: str
    partition: int


Listener: TypeAlias = "Callable[[frozenset[Share]], None]"


class KafkaAssignment:
    """Membership of this process in a group. For one thread, which calls `poll` every few seconds.

    Listeners are called within `poll` and `close`. When `on_revoke` returns, work on those partitions must
    have ended, for another process begins it then. When `on_lost` is called, another process may have begun
    already: fencing is what keeps the trail from forking, not this.

    Args:
        settings: how to reach the cluster; `session.timeout.ms` is how long a silent member keeps its share.
        topics: what to take a share of.
        group: the group's name.
        instance: this process's name in the group, the same after a restart and unlike that of any other.
        on_assign: called with partitions that were added.
        on_revoke: called with partitions that are asked back.
        on_lost: called with partitions that are gone already.

    Raises:
        LogError: librdkafka does not take a setting.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[str],
        *,
        group: str,
        instance: str,
        on_assign: Listener,
        on_revoke: Listener,
        on_lost: Listener,
    ) -> None:
        self._assigned: frozenset[Share] = frozenset()
        self._on_assign = on_assign
        self._on_revoke = on_revoke
        self._on_lost = on_lost
        self._topics = list(topics)
        names = ", ".join(topics)
        self._attempt = Attempt(f"take part in group {group}", topic=names, operation="Describe", group=group)
        self._events = ClientEvents(settings.bootstrap_servers)
        self._properties = settings.member(group, instance)
        self._session_s = int(self._properties.get("session.timeout.ms", _USUAL_SESSION_MS)) / 1000
        self._unsettled_until = (
            -math.inf
        )  # after a loss: endless until there is a share again, then one session
        with kafka_errors(self._attempt, self._events):
            self._consumer = self._join()

    def assigned(self) -> frozenset[Share]:
        """What this process works on, as of the last `poll`."""
        return self._assigned

    def poll(self, *, timeout_s: float) -> None:
        """Take part in the group for at most `timeout_s` seconds, or until something changed.

        Raises:
            TopicMissingError: there is no such topic.
            WriterFencedError: another process has joined under the same instance name.
            LogDeniedError: the cluster refuses the credentials, or lacks permission for the group.
            LogUnavailableError: the group can't be reached; poll again.
        """
        with kafka_errors(self._attempt, self._events):
            message = call(self._consumer.poll, timeout_s)
            self._events.raise_definite()
        error = message.error() if message is not None else None
        if error is None:
            return
        if error.name() in _PASSING:
            logger.warning("%s", error.str())
            return
        if error.name() == "_FATAL" and "group.instance.id" in error.str():
            if time.monotonic() < self._unsettled_until:
                logger.warning("fenced by what was sent after the loss; joining anew: %s", error.str())
                self._rejoin()
                return
            error = KafkaError(KafkaError.FENCED_INSTANCE_ID, error.str())  # the code itself is kept from us
        raise log_error(error, self._attempt, self._events)

    def hint(self, share: Share, offset: int) -> None:
        """Commit the next source offset of a partition to the group, for its monitors. Never fails."""
        if share not in self._assigned:
            return
        with contextlib.suppress(KafkaException):
            self._consumer.commit(
                offsets=[TopicPartition(share.topic, share.partition, offset)], asynchronous=True
            )

    def close(self) -> None:
        """Give the partitions up, through `on_revoke`. Others get them when the session has timed out."""
        with kafka_errors(self._attempt, self._events):
            call(self._consumer.close)

    def _join(self) -> Consumer:
        consumer = Consumer({**self._events.properties(self._properties), "on_commit": _log_commit})
        consumer.subscribe(self._topics, on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)
        return consumer

    def _rejoin(self) -> None:
        """Begin again with a new client. A real second process of this name is fenced by that, and ends."""
        with kafka_errors(self._attempt, self._events):
            call(self._consumer.close)  # gives back what it may still hold
            self._consumer = self._join()

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # An offset of its own, and paused: this consumer is not to look for one, nor to read.
        fixed = [TopicPartition(each.topic, each.partition, 0) for each in partitions]
        consumer.incremental_assign(fixed)
        consumer.pause(fixed)
        added = _shares(partitions)
        self._assigned |= added
        self._events.cause = None
        if self._unsettled_until == math.inf:
            self._unsettled_until = time.monotonic() + self._session_s
        self._on_assign(added)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        revoked = _shares(partitions)
        self._assigned -= revoked
        try:
            self._on_revoke(revoked)
        finally:
            consumer.incremental_unassign(partitions)

    def _lose(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        lost = _shares(partitions)
        self._assigned -= lost
        self._unsettled_until = math.inf
        try:
            self._on_lost(lost)
        finally:
            consumer.incremental_unassign(partitions)


def _shares(partitions: list[TopicPartition]) -> frozenset[Share]:
    return frozenset(Share(each.topic, each.partition) for each in partitions)


def _log_commit(error: KafkaError | None, _: list[TopicPartition]) -> None:
    if error is not None:
        logger.debug("offsets were not committed: %s", error.str())
