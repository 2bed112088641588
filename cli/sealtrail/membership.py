"""Which partitions a service works on: its share in a Kafka consumer group, or all of an embedded log."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from sealtrail_transport.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from sealtrail_transport.kafka_settings import KafkaSettings

    Partitions: TypeAlias = frozenset[int]


class Listener(Protocol):
    """Whoever works on the partitions. Called within `Membership.poll` and at its end."""

    def take(self, partitions: Partitions) -> None:
        """These were added."""
        ...

    def give_back(self, partitions: Partitions) -> None:
        """These are asked back: when this returns, the work on them has ended."""
        ...

    def lose(self, partitions: Partitions) -> None:
        """These are gone already: another process may have begun."""
        ...


class Membership(Protocol):
    """Membership in whatever gives partitions out. For one thread, which calls `poll` every few seconds."""

    def poll(self, *, timeout_s: float) -> None:
        """Take part for at most `timeout_s` seconds.

        Raises:
            LogUnavailableError: the group can't be reached; poll again.
            TopicMissingError: there is no such topic; poll again.
            LogError: what polling again won't mend.
        """
        ...

    def hint(self, partition: int, offset: int) -> None:
        """Tell those who watch from outside how far the work on a partition has come. Never fails."""
        ...


@contextmanager
def all_partitions(count: int, listener: Listener) -> Iterator[Membership]:
    """Work on all partitions of a log that nobody shares."""
    membership = _AllPartitions(count, listener)
    yield membership
    membership.close()


@contextmanager
def group_member(
    settings: KafkaSettings, topic: str, listener: Listener, *, group: str, instance: str
) -> Iterator[Membership]:
    """Work on the partitions of `topic` that the group `group` gives to its static member `instance`.

    At the end, `listener` is asked for all of them. The group keeps them for this instance until
    `session.timeout.ms` is over, and then gives them to others (KIP-345).

    Raises:
        LogError: librdkafka does not take a setting.
    """
    membership = _GroupMember(settings, topic, listener, group=group, instance=instance)
    try:
        yield membership
    finally:
        with suppress(LogError):  # must not hide why it ends; who does not leave is thrown out in time
            membership.close()


class _AllPartitions:
    def __init__(self, count: int, listener: Listener) -> None:
        self._waiting = frozenset(range(count))
        self._taken: Partitions = frozenset()
        self._listener = listener

    def poll(self, *, timeout_s: float) -> None:
        if self._waiting:
            self._taken, self._waiting = self._waiting, frozenset()
            self._listener.take(self._taken)
        time.sleep(timeout_s)

    def hint(self, partition: int, offset: int) -> None:
        pass

    def close(self) -> None:
        self._listener.give_back(self._taken)


class _GroupMember:
    def __init__(
        self, settings: KafkaSettings, topic: str, listener: Listener, *, group: str, instance: str
    ) -> None:
        from sealtrail_transport.kafka_assignment import KafkaAssignment, Share

        def numbers(shares: frozenset[Share]) -> Partitions:
            return frozenset(share.partition for share in shares)

        self._topic = topic
        self._share = Share
        self._assignment = KafkaAssignment(
            settings,
            [topic],
            group=group,
            instance=instance,
            on_assign=lambda shares: listener.take(numbers(shares)),
            on_revoke=lambda shares: listener.give_back(numbers(shares)),
            on_lost=lambda shares: listener.lose(numbers(shares)),
        )

    def poll(self, *, timeout_s: float) -> None:
        self._assignment.poll(timeout_s=timeout_s)

    def hint(self, partition: int, offset: int) -> None:
        self._assignment.hint(self._share(self._topic, partition), offset)

    def close(self) -> None:
        self._assignment.close()
