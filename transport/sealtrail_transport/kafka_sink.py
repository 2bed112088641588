"""An EventSink over Kafka: an idempotent producer, and a thread that runs its delivery reports."""

from __future__ import annotations

import os
import threading
import time
import weakref
from concurrent.futures import Future
from functools import partial as bind
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import KafkaException, Producer

from sealtrail_transport.errors import BufferFullError, DeliveryError, LogDeniedError, RecordRefusedError
from sealtrail_transport.kafka_admin import KafkaAdmin
from sealtrail_transport.kafka_client import ClientEvents, call, logger
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, log_error
from sealtrail_transport.kafka_records import message_headers, message_time
from sealtrail_transport.kafka_settings import USUAL_RECORD_BYTES
from sealtrail_transport.log import Position
from sealtrail_transport.partitioner import Partitioner

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

    from sealtrail_transport.kafka_settings import KafkaSettings
    from sealtrail_transport.log import NewRecord
    from sealtrail_transport.stamper import Numbered, Stamper

_POLL_S: Final = 0.1
_CLOSE_TIMEOUT_S: Final = 5.0
_REFRESH_S: Final = 300.0  # as often as librdkafka does by itself
_REFRESH_TIMEOUT_S: Final = 1.0


class KafkaSink:
    """`EventSink` that publishes to one topic.

    Delivery is at least once across producers, exactly once within one. Not for use after a fork: the threads
    stay with the parent. The child opens its own sink.

    Args:
        settings: where Kafka is, and how to talk to it.
        topic: what to publish to.
        stamper: numbers the events; None: they are sent as they are. To be numbered, an event has its
            partition chosen here instead of by librdkafka: by the same rule where it has a key, else in turn.

    Raises:
        TopicMissingError: there is no such topic.
        LogUnavailableError: the cluster can't be reached.
        LogError: librdkafka does not take a setting, or the cluster refuses the credentials.
    """

    def __init__(self, settings: KafkaSettings, topic: str, *, stamper: Stamper | None = None) -> None:
        partitions, max_record_bytes = _describe(settings, topic)
        properties = settings.sink(max_record_bytes=max_record_bytes)
        self._numbering = None if stamper is None else _Numbering(topic, partitions, stamper)
        self._topic = topic
        self._events = ClientEvents(settings.bootstrap_servers)
        self._attempt = Attempt(f"publish to {topic}", topic=topic, operation="Write")
        with kafka_errors(self._attempt, self._events):
            self._producer: Producer | None = Producer(self._events.properties(properties))
        self._progress = threading.Condition()
        self._waiting: set[Future[Position]] = set()  # changed by single operations only, which need no lock
        self._thread = threading.Thread(
            target=self._run, args=(self._producer,), name=f"sealtrail-sink-{topic}", daemon=True
        )
        self._thread.start()
        _open_sinks.add(self)

    def publish(self, record: NewRecord, *, max_block_s: float) -> Future[Position]:
        """See `EventSink.publish`."""
        future: Future[Position] = Future()
        future.set_running_or_notify_cancel()  # an event once given can't be taken back
        deadline = time.monotonic() + max_block_s
        self._waiting.add(future)
        while True:
            try:
                self._send(record, future)
            except BufferError:
                if not self._may_try_again(deadline):
                    self._waiting.discard(future)
                    raise BufferFullError(
                        f"{len(self._waiting)} events for topic {self._topic!r} wait; Kafka does not keep up"
                    ) from None
            except DeliveryError:
                self._waiting.discard(future)
                raise
            except RecordRefusedError as error:
                self._fail(future, error)
                return future
            except KafkaException as error:
                self._fail(future, log_error(error.args[0], self._attempt, self._events))
                return future
            else:
                return future

    def flush(self, *, timeout_s: float) -> int:
        """See `EventSink.flush`."""
        with self._progress:
            self._progress.wait_for(lambda: not self._waiting, timeout_s)
            return len(self._waiting)

    def close(self) -> None:
        """See `EventSink.close`."""
        with self._progress:
            producer, self._producer = self._producer, None
            self._progress.notify_all()
        if producer is None:
            return
        producer.purge(blocking=False)
        self.flush(timeout_s=_CLOSE_TIMEOUT_S)  # the thread runs the reports of what was purged
        self._thread.join()
        for future in list(self._waiting):
            self._fail(future, DeliveryError("the sink was closed while it was under way"))

    def after_fork_in_child(self) -> None:
        """Leave the producer to the parent.

        To free it would wait for threads that are not here; what their frames hold keeps it alive.
        """
        self._producer = None
        self._progress = threading.Condition()
        self._waiting = set()
        self._numbering = None

    def _send(self, record: NewRecord, future: Future[Position]) -> None:
        numbering = self._numbering
        if numbering is None:
            self._produce(record, future, -1, None)
            return
        with numbering.in_turn:  # what is numbered first is sent first
            numbered = numbering.number(record)
            try:
                self._produce(numbered.record, future, numbered.partition, numbered)
            except BaseException:
                numbering.stamper.give_back(numbered)
                raise

    def _produce(
        self, record: NewRecord, future: Future[Position], partition: int, numbered: Numbered | None
    ) -> None:
        producer = self._producer
        if producer is None:
            raise DeliveryError("this sink is closed")
        producer.produce(
            self._topic,
            record.value,
            record.key,
            partition,
            headers=message_headers(record, 0),
            timestamp=message_time(record, 0),
            on_delivery=bind(self._on_delivery, future, numbered),
        )

    def _may_try_again(self, deadline: float) -> bool:
        """Wait until something has left the buffer, or may have. False: the time is up."""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return False
        with self._progress:
            self._progress.wait(min(left_s, _POLL_S))
        return True

    def _run(self, producer: Producer) -> None:
        """Run delivery reports until the sink is closed and nothing waits any more."""
        stop_at: float | None = None
        while stop_at is None or (self._waiting and time.monotonic() < stop_at):
            try:
                served = call(producer.poll, _POLL_S)
            except KafkaException as error:  # it has failed for good; each event is told so in turn
                logger.warning("%s", log_error(error.args[0], self._attempt, self._events))
                served = 1
            if self._numbering is not None:
                self._numbering.refresh(producer)
            with self._progress:
                if served:
                    self._progress.notify_all()
                if self._producer is None and stop_at is None:
                    stop_at = time.monotonic() + _CLOSE_TIMEOUT_S

    def _on_delivery(
        self, future: Future[Position], numbered: Numbered | None, error: KafkaError | None, message: Message
    ) -> None:
        if error is not None:
            if self._numbering is not None and numbered is not None:
                self._numbering.stamper.fail(numbered)
            self._fail(future, log_error(error, self._attempt, self._events))
            return
        self._events.cause = None
        partition, offset = cast("int", message.partition()), cast("int", message.offset())
        future.set_result(Position(self._topic, partition, offset))
        self._waiting.discard(future)

    def _fail(self, future: Future[Position], cause: Exception) -> None:
        error = DeliveryError(f"an event for topic {self._topic!r} was not delivered: {cause}")
        error.__cause__ = cause
        future.set_exception(error)
        self._waiting.discard(future)


class _Numbering:
    """What it takes to number events: their partitions, and that one event is sent after the other."""

    def __init__(self, topic: str, partitions: int, stamper: Stamper) -> None:
        self.stamper = stamper
        self.in_turn = threading.Lock()
        self._topic = topic
        self._partitions = partitions
        self._partitioner = Partitioner(partitions)
        self._refresh_at = time.monotonic() + _REFRESH_S

    def number(self, record: NewRecord) -> Numbered:
        """Number the next event."""
        return self.stamper.number(record, self._partitioner.partition(record.key))

    def refresh(self, producer: Producer) -> None:
        """See now and then whether the topic has more partitions."""
        if time.monotonic() < self._refresh_at:
            return
        self._refresh_at = time.monotonic() + _REFRESH_S
        try:
            found = call(producer.list_topics, self._topic, timeout=_REFRESH_TIMEOUT_S).topics[self._topic]
        except KafkaException:  # the next time will do
            return
        if len(found.partitions) > self._partitions:
            self._partitions = len(found.partitions)
            self._partitioner = Partitioner(self._partitions)


def _describe(settings: KafkaSettings, topic: str) -> tuple[int, int]:
    """How many partitions the topic has, and how large a record may be: Kafka's default where nobody says."""
    admin = KafkaAdmin(settings)
    _, partitions = admin.describe(topic)  # a producer would have the broker create what is missing
    try:
        return partitions, admin.topic(topic).max_record_bytes
    except LogDeniedError:
        return partitions, USUAL_RECORD_BYTES


_open_sinks: weakref.WeakSet[KafkaSink] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for sink in list(_open_sinks):
        sink.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
