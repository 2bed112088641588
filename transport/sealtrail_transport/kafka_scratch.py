"""Transactions to try a cluster with: nothing is written to any topic, and nothing stays.

A transaction without a request in it never reaches the broker, which then fences nobody; so these commit a
group's offset, and are aborted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from confluent_kafka import Consumer, Producer

from sealtrail_transport.kafka_client import ClientEvents, call

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition

    from sealtrail_transport.kafka_settings import KafkaSettings


class ScratchTransactions:
    """Transactions under one name, in one group."""

    def __init__(
        self, settings: KafkaSettings, name: str, group: str, place: TopicPartition, events: ClientEvents
    ) -> None:
        self._settings = settings
        self._name = name
        self._events = events
        self._place = place
        properties = {**settings.reader(), "group.id": group}
        self._member = Consumer(events.properties(properties))  # only names the group

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._member.close()

    def open(self) -> Producer:
        """Open a writer of the scratch name, which fences older ones."""
        properties = self._settings.writer(self._name, max_record_bytes=1)
        producer = Producer(self._events.properties(properties))
        call(producer.init_transactions, self._settings.open_timeout_s)
        return producer

    def run(self, producer: Producer) -> None:
        """Begin a transaction, put an offset into it, and abort it."""
        timeout_s = self._settings.request_timeout_s
        call(producer.begin_transaction)
        group = self._member.consumer_group_metadata()
        call(producer.send_offsets_to_transaction, [self._place], group, timeout_s)
        call(producer.abort_transaction, timeout_s)
