"""AuditProducer: how a service records audit events.

::

    with AuditProducer.connect("sqlite:.sealtrail/log.db", topic="payments", source="payments") as audit:
        audit.record(actor="u-17", action="invoice.approve", resource=("invoice", "4711"))

`record` returns at once with a future; leaving the block delivers everything or raises UndeliveredError. What
is in memory when the process is killed is lost. With `outbox=PATH` each event is on the disk before `record`
returns, and is delivered once, by whichever process opens the outbox next (docs/producing.md).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Final

from sealtrail_producers.connect import DEFAULT_MAX_OUTBOX_BYTES, outbox_sink_factory, sink_factory
from sealtrail_producers.errors import UndeliveredError
from sealtrail_producers.event_fields import EventDefaults, as_bytes, as_headers, build_event
from sealtrail_producers.process_exit import AtExit, watch_forks
from sealtrail_producers.receipt import Receipts
from sealtrail_schemas.audit_event import encode_event
from sealtrail_schemas.producer_stamp import stamp_name
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import BufferFullError, DeliveryError
from sealtrail_transport.log import NewRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self, Unpack

    from sealtrail_producers.event_fields import EventFields, HeaderLike
    from sealtrail_producers.receipt import Receipt
    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.log import EventSink

DEFAULT_MAX_BLOCK_S: Final = 5.0
DEFAULT_FLUSH_TIMEOUT_S: Final = 30.0
DEFAULT_KEEP_TIMEOUT_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.001
_LONGEST_PAUSE_S: Final = 0.05

_logger = logging.getLogger(__name__)


class AuditProducer:
    """Records audit events in one topic of a log. Safe for threads, and after a fork.

    A forked child gets a sink of its own at its first event. What the parent has buffered stays the parent's,
    and its futures never resolve in the child.

    Args:
        open_sink: opens the sink that delivers; called at once, and again in each forked child.
        source: the system that speaks here, as a URI reference.
        attributes: further facts to be said with every event.
        max_block_s: how many seconds `record` may wait for room in the buffer.
        flush_at_exit: deliver what is buffered when the process ends. What can't be delivered then is logged.
        has_outbox: the sink writes to the disk before it returns, and keeps what it can't deliver.
        clock_ms: milliseconds since the Unix epoch.
        entropy: that many random bytes; used for event ids.

    Raises:
        LogError: the log can't be opened, or has no such topic.
    """

    def __init__(
        self,
        open_sink: Callable[[], EventSink],
        *,
        source: str,
        attributes: Mapping[str, str] | None = None,
        max_block_s: float = DEFAULT_MAX_BLOCK_S,
        flush_at_exit: bool = True,
        has_outbox: bool = False,
        clock_ms: Callable[[], int] = system_clock_ms,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._open_sink = open_sink
        self._defaults = EventDefaults(source, dict(attributes or {}), clock_ms, entropy)
        self._max_block_s = max_block_s
        self._flush_at_exit = flush_at_exit
        self._has_outbox = has_outbox
        self._closed = False
        self._lock = threading.Lock()  # guards the next two
        self._sink: EventSink | None = None
        self._at_exit: AtExit | None = None
        self._receipts = Receipts()
        self._open()
        watch_forks(self)

    @classmethod
    def connect(
        cls,
        log: str,
        *,
        topic: str,
        source: str,
        attributes: Mapping[str, str] | None = None,
        max_block_s: float = DEFAULT_MAX_BLOCK_S,
        librdkafka: Mapping[str, Property] | None = None,
        producer: str | None = None,
        outbox: str | os.PathLike[str] | None = None,
        max_outbox_bytes: int = DEFAULT_MAX_OUTBOX_BYTES,
    ) -> Self:
        """A producer for `topic` of the log at an address.

        Addresses are such as `kafka://broker:9092`, with `librdkafka` for credentials and all other
        properties of librdkafka, or `sqlite:.sealtrail/log.db`.

        Args:
            log: the address.
            topic: where the events go.
            source: the system that speaks here, as a URI reference.
            attributes: further facts to be said with every event.
            max_block_s: how many seconds `record` may wait for room.
            librdkafka: properties of librdkafka.
            producer: the name in the events' stamps; the source, or this host's name where that is empty.
            outbox: a file that holds each event from before `record` returns until the log has it; made if
                there is none. For one process at a time.
            max_outbox_bytes: what events in the outbox may count together; then `record` waits for room.

        Raises:
            StampError: a stamp can't hold the name.
            LogBusyError: another producer uses the outbox.
            LogError: the log or the outbox can't be opened. The log need not be there for an outbox that has
                once seen the topic.
        """
        name = producer or stamp_name(source) or stamp_name(socket.gethostname())
        if outbox is None:
            open_sink = sink_factory(log, topic, librdkafka=librdkafka or {}, producer=name)
        else:
            open_sink = outbox_sink_factory(
                log,
                topic,
                outbox,
                producer=name,
                max_outbox_bytes=max_outbox_bytes,
                librdkafka=librdkafka or {},
            )
        return cls(
            open_sink,
            source=source,
            attributes=attributes,
            max_block_s=max_block_s,
            has_outbox=outbox is not None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except UndeliveredError as undelivered:
            if error is None:
                raise
            error.add_note(str(undelivered))  # what went wrong first is what must be seen

    def record(self, **event: Unpack[EventFields]) -> Future[Receipt]:
        """Record one event; `EventFields` lists the keyword arguments.

        Returns at once, or after at most `max_block_s` seconds when the buffer is full. The future resolves
        when the log has the event durably, or carries the DeliveryError. With an outbox, the event is on the
        disk when this returns.

        Raises:
            EventError: a value is not what AuditEvent allows; the message is one line.
            BufferFullError: there was no room in time; the event was not taken.
            LogUnavailableError: the outbox can't be written, as on a full disk; the event was not taken.
            DeliveryError: the producer is closed.
        """
        record, event_id = self._encode(event)
        return self._send(record, event_id, max_block_s=self._max_block_s)

    async def arecord(self, **event: Unpack[EventFields]) -> Receipt:
        """Record one event and await its delivery, without ever blocking the event loop.

        A task that is cancelled here stops waiting; the event, once taken, is delivered nevertheless.

        Raises:
            EventError: a value is not what AuditEvent allows.
            BufferFullError: there was no room within `max_block_s` seconds; the event was not taken.
            LogUnavailableError: as `record`.
            DeliveryError: the event was not delivered, or the producer is closed.
        """
        record, event_id = self._encode(event)
        clock = asyncio.get_running_loop().time
        deadline, pause_s = clock() + self._max_block_s, _FIRST_PAUSE_S
        while True:
            try:
                receipt = await self._send_from_loop(record, event_id)
            except BufferFullError:
                if clock() >= deadline:
                    raise
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                return await asyncio.wrap_future(receipt)

    def publish(
        self, value: bytes | None, *, key: bytes | str | None = None, headers: Iterable[HeaderLike] = ()
    ) -> Future[Receipt]:
        """Publish bytes in a format of the service's own; otherwise as `record`, with no event id."""
        record = NewRecord(as_bytes(key), value, as_headers(headers))
        return self._send(record, None, max_block_s=self._max_block_s)

    def flush(self, *, timeout_s: float = DEFAULT_FLUSH_TIMEOUT_S) -> None:
        """Wait until everything recorded before is stored durably.

        Raises:
            UndeliveredError: something is still buffered after `timeout_s` seconds, or has failed since the
                last flush.
        """
        sink = self._sink
        outstanding = 0 if sink is None else sink.flush(timeout_s=timeout_s)
        self._receipts.raise_undelivered(outstanding=outstanding)

    def close(self, *, timeout_s: float | None = None) -> None:
        """Flush, then release everything. Closing again does nothing.

        Waits for at most `timeout_s` seconds, by default 30, or 5 with an outbox: what is left there is not
        lost and no error; its futures carry KeptInOutboxError.

        Raises:
            UndeliveredError: as `flush`; what was still buffered has failed.
        """
        if timeout_s is None:
            timeout_s = DEFAULT_KEEP_TIMEOUT_S if self._has_outbox else DEFAULT_FLUSH_TIMEOUT_S
        with self._lock:
            sink, self._sink = self._sink, None
            at_exit, self._at_exit = self._at_exit, None
            self._closed = True
        if at_exit is not None:
            at_exit.cancel()
        if sink is not None:
            sink.flush(timeout_s=timeout_s)
            sink.close()  # what is left fails, and is counted
        self._receipts.raise_undelivered(outstanding=0)

    def after_fork_in_child(self) -> None:
        """Leave the parent's sink to the parent; see `ForkAware`."""
        self._lock = threading.Lock()
        self._sink = None
        self._at_exit = None
        self._receipts = Receipts()

    def _open(self) -> EventSink:
        """The sink of this process."""
        with self._lock:
            if self._closed:
                raise DeliveryError("this producer is closed")
            if self._sink is None:
                self._sink = self._open_sink()
                self._at_exit = AtExit(self._close_at_exit) if self._flush_at_exit else None
            return self._sink

    def _close_at_exit(self) -> None:
        try:
            self.close()
        except UndeliveredError as error:
            _logger.error("%s", error)  # noqa: TRY400 - there is nobody left to trace it for

    def _encode(self, fields: EventFields) -> tuple[NewRecord, str]:
        event = build_event(fields, self._defaults)
        key, headers = as_bytes(fields.get("key")), as_headers(fields.get("headers", ()))
        return NewRecord(key, encode_event(event), headers), event.id

    async def _send_from_loop(self, record: NewRecord, event_id: str | None) -> Future[Receipt]:
        if self._has_outbox:  # it waits for the disk
            return await asyncio.to_thread(self._send, record, event_id, max_block_s=0)
        return self._send(record, event_id, max_block_s=0)

    def _send(self, record: NewRecord, event_id: str | None, *, max_block_s: float) -> Future[Receipt]:
        return self._receipts.follow(self._open().publish(record, max_block_s=max_block_s), event_id)
