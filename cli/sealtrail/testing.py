"""For the tests of services that record audit events: a producer without a log.

::

    def test_approving_leaves_a_trace():
        with FakeAuditProducer() as audit:
            approve_invoice("4711", audit=audit)
            audit.assert_recorded(action="invoice.approve", resource=("invoice", "4711"))

As a fixture, in `conftest.py`::

    @pytest.fixture
    def audit():
        with FakeAuditProducer() as producer:
            yield producer
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from sealtrail_producers.event_fields import EventFields, as_actor, as_outcome, as_resource, as_time_ms
from sealtrail_producers.producer import AuditProducer
from sealtrail_schemas.audit_event import AuditEvent, decode_event, is_audit_event
from sealtrail_transport.errors import BufferFullError, DeliveryError
from sealtrail_transport.log import NewRecord, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_READERS: Mapping[str, Callable[[Any], object]] = {
    "actor": as_actor,
    "resource": as_resource,
    "outcome": as_outcome,
    "time": as_time_ms,
}


class FakeAuditProducer(AuditProducer):
    """An AuditProducer that keeps what it is given.

    All of the real producer's own code runs: what it would refuse is refused here too.

    Attributes:
        full: set it, and every event meets a full buffer (BufferFullError).
        failure: set it to an exception, and delivery fails because of that.
    """

    def __init__(self, *, source: str = "test", attributes: Mapping[str, str] | None = None) -> None:
        self._kept = _KeepingSink()
        super().__init__(
            lambda: self._kept, source=source, attributes=attributes, max_block_s=0, flush_at_exit=False
        )

    @property
    def full(self) -> bool:
        """Whether the buffer is full."""
        return self._kept.full

    @full.setter
    def full(self, full: bool) -> None:
        self._kept.full = full

    @property
    def failure(self) -> Exception | None:
        """Why delivery fails; None when it succeeds."""
        return self._kept.failure

    @failure.setter
    def failure(self, failure: Exception | None) -> None:
        self._kept.failure = failure

    @property
    def records(self) -> list[NewRecord]:
        """What was delivered, as the log would have it, in order."""
        return self._kept.records

    @property
    def events(self) -> list[AuditEvent]:
        """The audit events among the records. What `publish` was given in other formats is not among them."""
        values = [record.value or b"" for record in self.records]
        return [decode_event(value) for value in values if is_audit_event(value)]

    def assert_recorded(self, **expected: Any) -> AuditEvent:
        """Assert that an event with all these fields was recorded; returns the first such.

        The names and types are those of `record`, except that `attributes` need only be among the event's,
        and that key and headers are found in `records`.
        """
        if unknown := expected.keys() - (EventFields.__annotations__.keys() - {"key", "headers"}):
            raise TypeError(f"an audit event has no field {', '.join(sorted(unknown))}")
        wanted = {name: _READERS.get(name, _as_it_is)(value) for name, value in expected.items()}
        events = self.events
        for event in events:
            if all(_matches(event, name, value) for name, value in wanted.items()):
                return event
        recorded = "".join(f"\n  {event}" for event in events) or " nothing"
        raise AssertionError(f"no event with {expected} was recorded, but:{recorded}")


def _as_it_is(value: object) -> object:
    return value


def _matches(event: AuditEvent, name: str, wanted: Any) -> bool:
    if name == "attributes":
        return bool(event.attributes.items() >= wanted.items())
    return bool(getattr(event, "time_ms" if name == "time" else name) == wanted)


class _KeepingSink:
    """An EventSink that answers at once."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.full = False
        self.failure: Exception | None = None

    def publish(self, record: NewRecord, *, max_block_s: float) -> Future[Position]:  # noqa: ARG002 - never waits
        if self.full:
            raise BufferFullError("the buffer is full, as the test wants it")
        future: Future[Position] = Future()
        if self.failure is None:
            self.records.append(record)
            future.set_result(Position("test", 0, len(self.records) - 1))
        else:
            error = DeliveryError(f"not delivered, as the test wants it: {self.failure}")
            error.__cause__ = self.failure
            future.set_exception(error)
        return future

    def flush(self, *, timeout_s: float) -> int:  # noqa: ARG002 - never waits
        return 0

    def close(self) -> None:
        pass
