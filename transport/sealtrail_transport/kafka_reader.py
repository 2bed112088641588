"""Reading one partition of Kafka by offset, committed records only, as fast as the consumer fetches ahead."""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from sealtrail_transport.errors import LogUnavailableError, OffsetOutOfRangeError
from sealtrail_transport.kafka_client import ClientEvents, call
from sealtrail_transport.kafka_errors import Attempt, kafka_errors, kind_of
from sealtrail_transport.kafka_records import log_record
from sealtrail_transport.log import Chunk
from sealtrail_transport.record_size import content_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import KafkaError, Message

    from sealtrail_transport.kafka_settings import KafkaSettings
    from sealtrail_transport.log import Bounds, LogRecord

_WAIT_S: Final = 0.05
_CONFIRM_EVERY_S: Final = 1.0


class PartitionReader:
    """A consumer on one partition, which goes on where the last read ended or is moved to where one begins.

    Args:
        bounds: both ends of the partition as they are now, the end being the last stable offset.
        confirm: raises unless the topic is still the one that was opened. librdkafka reads on in a topic that
            was deleted and made again, at the old offset and without a word.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: str,
        partition: int,
        *,
        bounds: Callable[[], Bounds],
        confirm: Callable[[], None],
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._bounds = bounds
        self._confirm = confirm
        self._confirmed_at = 0.0  # on the monotonic clock
        self._timeout_s = settings.request_timeout_s
        self._events = ClientEvents(settings.bootstrap_servers)
        self._attempt = Attempt(f"read {topic}/{partition}", topic=topic, operation="Read")
        self._lock = threading.Lock()
        self._next: int | None = None  # where the consumer stands; None: nowhere
        self._fetched: deque[LogRecord] = deque()
        self._cut: tuple[KafkaError, int | None] | None = None  # what comes behind the last one fetched
        with kafka_errors(self._attempt, self._events):
            self._consumer = Consumer(self._events.properties(settings.reader()))

    def close(self) -> None:
        """Close the consumer; waits for a read under way."""
        with self._lock:
            self._consumer.close()

    def read(self, offset: int, *, max_records: int, max_bytes: int) -> Chunk:
        """See `Log.read`."""
        wanted = max(max_records, 1)
        with self._lock, kafka_errors(self._attempt, self._events):
            if offset != self._next:
                self._move_to(offset)
            self._fetch(wanted, wait_s=0)
            if not self._fetched and not self._wait(offset, wanted):
                self._confirmed_at = 0.0  # whatever comes next may be of another topic
                return Chunk((), self._stands_at(offset))
            if time.monotonic() - self._confirmed_at > _CONFIRM_EVERY_S:
                self._confirm()
                self._confirmed_at = time.monotonic()
            return self._take(wanted, max_bytes)

    def _move_to(self, offset: int) -> None:
        # Not by seek: that fails for good on a partition which an offset out of range has stopped.
        self._fetched.clear()
        self._cut = None
        self._next = None
        if offset < 0:  # a logical offset to librdkafka
            raise self._out_of_range(offset, self._bounds())
        self._consumer.unassign()
        # The consumer forgets its position a moment later. Believed, it would skip what lies between.
        deadline = time.monotonic() + self._timeout_s
        while self._position() != OFFSET_INVALID:
            call(self._consumer.poll, 0.001)
            if time.monotonic() > deadline:
                raise LogUnavailableError(f"the reader of {self._topic}/{self._partition} does not let go")
        self._consumer.assign([TopicPartition(self._topic, self._partition, offset)])
        self._next = offset

    def _position(self) -> int:
        (position,) = self._consumer.position([TopicPartition(self._topic, self._partition)])
        return position.offset

    def _fetch(self, wanted: int, *, wait_s: float) -> None:
        """Fill up to `wanted` what was fetched, or wait for that at most `wait_s` seconds."""
        missing = wanted - len(self._fetched)
        if missing <= 0:
            return
        if self._cut is not None and not self._fetched:
            self._stop(*self._cut)
        else:
            self._accept(call(self._consumer.consume, missing, wait_s))

    def _accept(self, messages: Sequence[Message]) -> None:
        good = list(takewhile(_is_good, messages))
        self._fetched += map(log_record, good)
        if len(good) == len(messages):
            return
        error = cast("KafkaError", messages[len(good)].error())
        if error.name() == "GROUP_AUTHORIZATION_FAILED":  # needed by nobody: the group exists in name only
            self._accept(messages[len(good) + 1 :])
        else:
            self._stop(error, messages[len(good)].offset())

    def _stop(self, error: KafkaError, failed_at: int | None) -> None:
        """Start anew at the next read, after an error; what came before it is good.

        `failed_at` is the offset that was asked for, as far as the error says.
        """
        is_cut = self._next is not None and kind_of(error) is OffsetOutOfRangeError
        self._cut = (error, failed_at) if is_cut and self._fetched else None
        if self._cut is not None:
            return  # to start anew would forget it
        stopped_at, self._next = self._next, None
        if self._fetched:
            return
        if stopped_at is None or not is_cut:
            raise KafkaException(error)
        self._confirm()
        bounds = self._bounds()
        if not bounds.start <= stopped_at <= bounds.end:
            raise self._out_of_range(stopped_at, bounds)
        if failed_at in {None, stopped_at, self._position()}:
            # It has lost its tail and grown again; or a new leader says so (KIP-320), with no offset.
            raise OffsetOutOfRangeError(f"{self._topic}/{self._partition} was cut: {error.str()}")
        # The error is of where the consumer stood before: librdkafka doesn't drop it with its assignment.
        self._move_to(stopped_at)

    def _wait(self, offset: int, wanted: int) -> bool:
        """Wait for the records that must come since the end lies further on. False: none but markers came."""
        bounds = self._bounds()
        if not bounds.start <= offset <= bounds.end:
            self._next = None
            self._confirm()
            raise self._out_of_range(offset, bounds)
        deadline = time.monotonic() + self._timeout_s
        while self._stands_at(offset) < bounds.end:
            self._fetch(1, wait_s=_WAIT_S)
            if self._fetched:
                self._fetch(wanted, wait_s=0)
                return True
            self._events.raise_definite()
            if time.monotonic() > deadline:
                self._next = None
                cause = self._events.cause
                raise LogUnavailableError(
                    f"Kafka at {self._events.where}: nothing came of {self._topic}/{self._partition} from "
                    f"offset {offset} on: {cause.str() if cause else 'no answer'}"
                )
        return False

    def _take(self, wanted: int, max_bytes: int) -> Chunk:
        records: list[LogRecord] = []
        fetched = self._fetched
        while fetched and len(records) < wanted:
            record = fetched[0]
            max_bytes -= content_bytes(record.key, record.value, record.headers)
            if records and max_bytes < 0:
                break
            records.append(fetched.popleft())
        self._events.cause = None
        following = fetched[0].offset if fetched else self._stands_at(records[-1].offset + 1)
        if self._next is not None:
            self._next = following
        return Chunk(tuple(records), following)

    def _stands_at(self, least: int) -> int:
        """Where the consumer stands, also beyond markers and aborted records; `least` before it moved."""
        stands_at = max(self._position(), least)
        if self._next is not None:
            self._next = stands_at
        return stands_at

    def _out_of_range(self, offset: int, bounds: Bounds) -> OffsetOutOfRangeError:
        return OffsetOutOfRangeError(
            f"{self._topic}/{self._partition} holds offsets {bounds.start} to {bounds.end}; {offset} lies "
            "outside"
        )


def _is_good(message: Message) -> bool:
    return message.error() is None
