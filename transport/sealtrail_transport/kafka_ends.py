"""Both ends of partitions, as the broker knows them now."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.kafka_client import ClientEvents, call
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, kind_of
from sealtrail_transport.log import Bounds

if TYPE_CHECKING:
    from sealtrail_transport.kafka_settings import KafkaSettings


_FIRST_PATIENCE_S: Final = 1.0


class KafkaEnds:
    """A consumer that only asks for offsets. As a read_committed one it is told the last stable offset."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._timeout_s = settings.request_timeout_s
        self._events = ClientEvents(settings.bootstrap_servers)
        with kafka_errors(Attempt("start a client"), self._events):
            self._consumer = Consumer(self._events.properties(settings.reader()))

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Log.bounds`."""
        attempt = Attempt(f"find the ends of {topic}/{partition}", topic=topic)
        with kafka_errors(attempt, self._events):
            try:
                found = self._ask(topic, partition)
            except KafkaException as error:
                if error.args[0].name() != "_UNKNOWN_PARTITION":
                    raise
                # librdkafka answers out of what it knows; partitions may have come, or permissions gone.
                self._refresh(topic)
                found = self._ask(topic, partition)
        self._events.cause = None
        return Bounds(*found)

    def _ask(self, topic: str, partition: int) -> tuple[int, int]:
        asked = TopicPartition(topic, partition)
        deadline = time.monotonic() + self._timeout_s
        patience_s = _FIRST_PATIENCE_S
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            try:
                return self._consumer.get_watermark_offsets(
                    asked, timeout=min(patience_s, left_s), cached=False
                )
            except KafkaException as error:
                call(self._consumer.poll, 0)  # runs the callbacks, which nobody else does
                self._events.raise_definite()
                if kind_of(error.args[0]) is not LogUnavailableError or left_s <= patience_s:
                    raise
                # Another broker may lead the partition since. This consumer reads nothing, so that librdkafka
                # would look for it only at its next refresh of what it knows, minutes later.
                with contextlib.suppress(KafkaException):
                    self._consumer.list_topics(topic, timeout=patience_s)
            patience_s *= 2

    def _refresh(self, topic: str) -> None:
        known = self._consumer.list_topics(topic, timeout=self._timeout_s).topics.get(topic)
        if known is not None and known.error is not None:
            raise KafkaException(known.error)
