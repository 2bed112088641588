"""An EventSink over an outbox: what it takes is on the disk, and a thread ships it to the log.

Threads that record at once share one flush of the disk: the first takes along what the others have queued.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sealtrail_producers.connect import DEFAULT_MAX_OUTBOX_BYTES
from sealtrail_producers.errors import KeptInOutboxError, OutboxCopiedError
from sealtrail_producers.outbox import event_size
from sealtrail_producers.shipper import Did, Shipper, ShipperSettings
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import BufferFullError, DeliveryError, LogError
from sealtrail_transport.log import Position
from sealtrail_transport.partitioner import Partitioner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_producers.outbox import Outbox
    from sealtrail_producers.shipper import ShipperStep
    from sealtrail_transport.errors import RecordRefusedError
    from sealtrail_transport.log import Log, NewRecord

_CLOSE_TIMEOUT_S: Final = 5.0
_BRIEFLY_S: Final = 0.05

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """Bounds of an outbox.

    Attributes:
        max_outbox_bytes: what events that wait may count together, about what they take on the disk; one
            event larger than that may wait alone. The file never shrinks; freed pages are filled again.
        shipper: limits of what is shipped at once.
        first_retry_s: pause before the first new attempt while the log is away; each next is twice as long.
        max_retry_s: the longest pause.
    """

    max_outbox_bytes: int = DEFAULT_MAX_OUTBOX_BYTES
    shipper: ShipperSettings = field(default_factory=ShipperSettings)
    first_retry_s: float = 0.05
    max_retry_s: float = 5.0


@dataclass(slots=True)
class _Taken:
    """An event between `publish` and the disk."""

    record: NewRecord
    future: Future[Position]
    error: BaseException | None = None
    is_done: bool = False


class OutboxSink:
    """`EventSink` through an outbox; owns it and the log, and closes both.

    Not for use after a fork: the outbox stays with the parent.

    Args:
        outbox: where events go first. Where it does not know the topic yet, the log is asked now.
        log: where they go then.
        settings: bounds and pauses.
        on_close: called once at the end, to release the log.
        clock_ms: milliseconds since the Unix epoch, for events without a time.

    Raises:
        LogError: the outbox is new and the log can't be asked for the topic.
    """

    def __init__(
        self,
        outbox: Outbox,
        log: Log,
        *,
        settings: OutboxSettings | None = None,
        on_close: Callable[[], None] = lambda: None,
        clock_ms: Callable[[], int] = system_clock_ms,
    ) -> None:
        self._outbox = outbox
        self._topic = outbox.topic
        self._settings = settings or OutboxSettings()
        self._on_close = on_close
        self._clock_ms = clock_ms
        if not outbox.partitions:
            outbox.learn(log.topic(outbox.topic))
        self._partitioner = Partitioner(outbox.partitions)
        self._partitions = outbox.partitions
        self._shipper = Shipper(
            log, outbox, self._settings.shipper, on_shipped=self._on_shipped, on_refused=self._on_refused
        )
        self._queue: deque[_Taken] = deque()
        # Held from before events are written until their futures are known: nothing answers them before.
        self._writing = threading.Lock()
        self._futures: dict[tuple[int, int], Future[Position]] = {}
        lock = threading.Lock()  # guards all below
        self._work = threading.Condition(lock)  # for the thread: events or the end have come
        self._progress = threading.Condition(lock)  # for the others: events have left the outbox
        self._reserved_bytes = 0  # for events that are being written
        self._unanswered = 0
        self._is_closed = False
        self._has_work = True
        self._said = ""
        self._thread = threading.Thread(target=self._run, name=f"sealtrail-outbox-{self._topic}", daemon=True)
        self._thread.start()

    def publish(self, record: NewRecord, *, max_block_s: float) -> Future[Position]:
        """See `EventSink.publish`. On return the event is on the disk; the future speaks of the log.

        Raises:
            BufferFullError: as there.
            DeliveryError: as there.
            LogUnavailableError: the outbox can't be written, as on a full disk; the event was not taken.
        """
        if record.timestamp_ms is None:
            record = record._replace(timestamp_ms=self._clock_ms())
        taken = _Taken(record, Future())
        taken.future.set_running_or_notify_cancel()  # an event once given can't be taken back
        size = event_size(record)
        self._make_room(size, max_block_s)
        self._queue.append(taken)
        with self._writing:
            if not taken.is_done:
                self._write()
        with self._work:
            self._reserved_bytes -= size
            self._unanswered -= taken.error is not None
            self._has_work = True
            self._work.notify()
        if taken.error is not None:
            raise taken.error
        if self._is_closed:  # meanwhile
            self._keep()
        return taken.future

    def flush(self, *, timeout_s: float) -> int:
        """See `EventSink.flush`; what a process before has left is waited for, too."""
        with self._progress:
            self._progress.wait_for(lambda: self._outstanding == 0, timeout_s)
            return self._outstanding

    def close(self) -> None:
        """See `EventSink.close`. What the log does not have stays in the outbox, for the next producer on it.

        Where the log keeps the thread waiting, that ends by itself, and only then frees the outbox.
        """
        with self._work:
            self._is_closed = True
            self._work.notify()
            self._progress.notify_all()
        self._thread.join(_CLOSE_TIMEOUT_S)
        self._keep()

    @property
    def _outstanding(self) -> int:
        return max(self._unanswered, sum(self._outbox.waiting.values()))

    # Taking

    def _make_room(self, size: int, max_block_s: float) -> None:
        with self._progress:
            self._progress.wait_for(lambda: self._is_closed or self._has_room(size), max_block_s)
            if self._is_closed:
                raise DeliveryError("this sink is closed")
            if not self._has_room(size):
                raise BufferFullError(
                    f"{self._outbox.path}: {self._outstanding} events wait for topic {self._topic!r} and fill"
                    f" the outbox (max_outbox_bytes = {self._settings.max_outbox_bytes}); is the log away?"
                )
            self._reserved_bytes += size
            self._unanswered += 1

    def _has_room(self, size: int) -> bool:
        held = self._outbox.waiting_bytes + self._reserved_bytes
        return not held or held + size <= self._settings.max_outbox_bytes

    def _write(self) -> None:
        """Write all that is queued in one transaction."""
        events = []
        while self._queue:
            events.append(self._queue.popleft())
        if self._partitions != self._outbox.partitions:  # the topic has grown; what was chosen stays
            self._partitions = self._outbox.partitions
            self._partitioner = Partitioner(self._partitions)
        try:
            placed = [(self._partitioner.partition(event.record.key), event.record) for event in events]
            numbers = self._outbox.add(placed)
            for event, (partition, _), number in zip(events, placed, numbers, strict=True):
                self._futures[partition, number] = event.future
        except BaseException as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            for event in events:
                event.error = error
        finally:
            for event in events:
                event.is_done = True

    # Shipping, in the thread

    def _run(self) -> None:
        try:
            self._ship()
        finally:
            self._shipper.close()
            self._outbox.close()
            self._on_close()

    def _ship(self) -> None:
        pause_s = 0.0
        while not self._is_closed_within(pause_s):
            try:
                step = self._shipper.step(now_s=time.monotonic())
            except OutboxCopiedError as error:
                _logger.error("%s", error)  # noqa: TRY400 - it is no bug of this program
                self._is_closed_within(None)
                return
            except LogError as error:
                self._warn(str(error))
                pause_s = self._longer(pause_s)
            except Exception:  # the events are safe, and the next attempt may succeed
                _logger.exception("events of the outbox %s were not shipped", self._outbox.path)
                pause_s = self._settings.max_retry_s
            else:
                pause_s = self._after(step, pause_s)

    def _after(self, step: ShipperStep, pause_s: float) -> float:
        """How long to pause after a step."""
        if step.warning:
            self._warn(step.warning)
        if step.did is Did.IDLE:
            self._await_work()
        elif step.did is Did.SHIPPED:
            self._said = ""
        elif step.did is Did.DOUBTED:
            return self._longer(pause_s)
        elif step.did is Did.WAITED:
            return _BRIEFLY_S
        return 0.0

    def _warn(self, line: str) -> None:
        """Log a line unless it is what was said last."""
        if line != self._said:
            _logger.warning("outbox: %s", line)
        self._said = line

    def _longer(self, pause_s: float) -> float:
        return min(max(2 * pause_s, self._settings.first_retry_s), self._settings.max_retry_s)

    def _is_closed_within(self, pause_s: float | None) -> bool:
        if pause_s == 0:
            return self._is_closed
        with self._work:
            return self._work.wait_for(lambda: self._is_closed, pause_s)

    def _await_work(self) -> None:
        with self._work:
            wait_s = self._settings.shipper.refresh_after_s
            self._work.wait_for(lambda: self._is_closed or self._has_work, wait_s)
            self._has_work = False

    def _on_shipped(self, partition: int, numbers: Sequence[int], offsets: Sequence[int]) -> None:
        with self._writing:
            futures = [self._futures.pop((partition, number), None) for number in numbers]
        for future, offset in zip(futures, offsets, strict=True):
            if future is not None:
                future.set_result(Position(self._topic, partition, offset))
        self._settle(len(futures) - futures.count(None))

    def _on_refused(self, partition: int, number: int, cause: RecordRefusedError) -> None:
        error = DeliveryError(f"an event for topic {self._topic!r} was not delivered: {cause}")
        error.__cause__ = cause
        _logger.error("%s; its number %d in partition %d becomes void", error, number, partition)
        with self._writing:
            future = self._futures.pop((partition, number), None)
        if future is not None:
            future.set_exception(error)
        self._settle(int(future is not None))

    def _settle(self, answered: int) -> None:
        """Give room free. After the futures: when `flush` returns, they all have their answer."""
        with self._progress:
            self._unanswered -= answered
            self._progress.notify_all()

    def _keep(self) -> None:
        """Answer the futures of what stays in the outbox."""
        with self._writing:
            kept, self._futures = self._futures, {}
        for (partition, number), future in kept.items():
            future.set_exception(
                KeptInOutboxError(
                    f"event {number} of partition {partition} waits in {self._outbox.path}; the next producer"
                    " on it delivers it"
                )
            )
        if kept:
            _logger.warning("%d events wait in %s for the next producer on it", len(kept), self._outbox.path)
        self._settle(len(kept))
