"""An EventSink over any EventLog: producers fill a bounded buffer, one thread empties it.

The thread puts into one transaction whatever has gathered while the transaction before was made durable. So
one waiting producer gets an answer at once, and a thousand share one flush of the disk.

Delivery is at least once: an append that ended uncertain is repeated. A duplicate can be told by its event
id; a lost event can't be told at all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_transport.errors import (
    BufferFullError,
    DeliveryError,
    LogError,
    LogUnavailableError,
    RecordRefusedError,
    UncertainAppendError,
)
from sealtrail_transport.log import Position
from sealtrail_transport.partitioner import Partitioner
from sealtrail_transport.record_size import STAMP_ROOM_BYTES, record_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_transport.log import EventLog, NewRecord
    from sealtrail_transport.stamper import Numbered, Stamper


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Bounds of a BufferedSink.

    Attributes:
        max_buffered_records: events that may wait or be under way.
        max_buffered_bytes: their size together; one event larger than that may wait alone.
        max_group_records: events in one transaction.
        max_group_bytes: their size together.
        delivery_timeout_s: how long an event is tried for, from when it was buffered.
        first_retry_s: pause before the first new attempt while the log is away; each next is twice as long.
        max_retry_s: the longest pause.
    """

    max_buffered_records: int = 100_000
    max_buffered_bytes: int = 64 * 1024 * 1024
    max_group_records: int = 1_000
    max_group_bytes: int = 4 * 1024 * 1024
    delivery_timeout_s: float = 120.0
    first_retry_s: float = 0.05
    max_retry_s: float = 2.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One buffered event."""

    record: NewRecord
    partition: int
    size: int
    give_up_at: float
    future: Future[Position]
    numbered: Numbered | None


class BufferedSink:
    """`EventSink` that appends to one topic of `log` in a thread of its own.

    Not for use after a fork: the thread stays with the parent. The child opens its own sink.

    Args:
        log: where to append.
        topic: the topic, which must exist.
        settings: bounds and timeouts.
        stamper: numbers the events; None: they are sent as they are.
        on_close: called once at the end of `close`, to release the log if nobody else uses it.

    Raises:
        TopicMissingError: there is no such topic.
        LogUnavailableError: the log can't be reached.
    """

    def __init__(
        self,
        log: EventLog,
        topic: str,
        *,
        settings: SinkSettings | None = None,
        stamper: Stamper | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._log = log
        self._topic = topic
        self._settings = settings or SinkSettings()
        self._stamper = stamper
        self._on_close = on_close
        self._partitioner = Partitioner(log.topic(topic).partitions)
        lock = threading.Lock()  # guards all below
        self._work = threading.Condition(lock)  # for the thread: events or the end have come
        self._progress = threading.Condition(lock)  # for the others: events have left the buffer
        self._queue: deque[_Waiting] = deque()
        self._outstanding = 0  # queued, or in the transaction under way
        self._outstanding_bytes = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"sealtrail-sink-{topic}", daemon=True)
        self._thread.start()

    def publish(self, record: NewRecord, *, max_block_s: float) -> Future[Position]:
        """See `EventSink.publish`."""
        size = record_bytes(record) + (0 if self._stamper is None else STAMP_ROOM_BYTES)
        future: Future[Position] = Future()
        future.set_running_or_notify_cancel()  # an event once given can't be taken back
        with self._progress:
            self._progress.wait_for(lambda: self._closed or self._has_room(size), max_block_s)
            if self._closed:
                raise DeliveryError("this sink is closed")
            if not self._has_room(size):
                raise BufferFullError(
                    f"{self._outstanding} events for topic {self._topic!r} wait; the log does not keep up"
                )
            self._outstanding += 1
            self._outstanding_bytes += size
            give_up_at = time.monotonic() + self._settings.delivery_timeout_s
            partition = self._partitioner.partition(record.key)
            numbered = None
            if self._stamper is not None:
                numbered = self._stamper.number(record, partition)
                record = numbered.record
            self._queue.append(_Waiting(record, partition, size, give_up_at, future, numbered))
            if len(self._queue) == 1:
                self._work.notify()
        return future

    def flush(self, *, timeout_s: float) -> int:
        """See `EventSink.flush`."""
        with self._progress:
            self._progress.wait_for(lambda: not self._outstanding, timeout_s)
            return self._outstanding

    def close(self) -> None:
        """See `EventSink.close`. Waits for the transaction under way."""
        with self._work:
            if self._closed:
                return
            self._closed = True
            self._work.notify()
            self._progress.notify_all()
        self._thread.join()
        if self._on_close is not None:
            self._on_close()

    def _has_room(self, size: int) -> bool:
        if not self._outstanding:
            return True
        return (
            self._outstanding < self._settings.max_buffered_records
            and self._outstanding_bytes + size <= self._settings.max_buffered_bytes
        )

    def _run(self) -> None:
        while group := self._next_group():
            by_partition: dict[int, list[_Waiting]] = {}
            for waiting in group:
                by_partition.setdefault(waiting.partition, []).append(waiting)
            for partition, events in by_partition.items():
                self._deliver(partition, events)
        self._fail(list(self._queue), LogError("the sink was closed first"))

    def _next_group(self) -> list[_Waiting]:
        """Wait for events and take as many as fit in one transaction; none means that the sink was closed."""
        group: list[_Waiting] = []
        room = self._settings.max_group_bytes
        with self._work:
            self._work.wait_for(lambda: self._closed or self._queue)
            if self._closed:
                return group
            while self._queue and len(group) < self._settings.max_group_records:
                room -= self._queue[0].size
                if group and room < 0:
                    break
                group.append(self._queue.popleft())
        return group

    def _deliver(self, partition: int, events: list[_Waiting]) -> None:
        """Append events in order until each has been stored or has failed.

        One transaction does for all of them, unless the log refuses it: then its halves are tried, down to
        the single event that is to blame, which fails alone.
        """
        runs = [events]
        pause_s = self._settings.first_retry_s
        while runs:
            run = runs.pop()
            try:
                offsets = self._log.append_events(self._topic, partition, [event.record for event in run])
            except RecordRefusedError as error:
                if len(run) == 1:
                    self._fail(run, error)
                else:
                    middle = len(run) // 2
                    runs += [run[middle:], run[:middle]]
            except (LogUnavailableError, UncertainAppendError) as error:
                if self._is_closed_within(pause_s):
                    self._fail(run, error)
                    continue
                if in_time := self._fail_overdue(run, error):
                    runs.append(in_time)
                pause_s = min(2 * pause_s, self._settings.max_retry_s)
            except Exception as error:  # noqa: BLE001 - whatever it is, the futures must hear of it
                self._fail(run, error)
            else:
                self._resolve(run, offsets)
                pause_s = self._settings.first_retry_s

    def _is_closed_within(self, pause_s: float) -> bool:
        with self._work:
            return self._work.wait_for(lambda: self._closed, pause_s)

    def _fail_overdue(self, events: list[_Waiting], error: Exception) -> list[_Waiting]:
        """Fail the events whose time is up; returns the others."""
        now = time.monotonic()
        self._fail([event for event in events if event.give_up_at <= now], error)
        return [event for event in events if event.give_up_at > now]

    def _resolve(self, events: list[_Waiting], offsets: list[int]) -> None:
        for event, offset in zip(events, offsets, strict=True):
            event.future.set_result(Position(self._topic, event.partition, offset))
        self._settle(events)

    def _fail(self, events: list[_Waiting], cause: Exception) -> None:
        for event in events:
            error = DeliveryError(f"an event for topic {self._topic!r} was not delivered: {cause}")
            error.__cause__ = cause
            if self._stamper is not None and event.numbered is not None:
                self._stamper.fail(event.numbered)
            event.future.set_exception(error)
        self._settle(events)

    def _settle(self, events: list[_Waiting]) -> None:
        """Give room free. After the futures: when `flush` returns, they all have their answer."""
        with self._progress:
            self._outstanding -= len(events)
            self._outstanding_bytes -= sum(event.size for event in events)
            self._progress.notify_all()
