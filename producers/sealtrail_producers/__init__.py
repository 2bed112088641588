"""The SDK that services import to record audit events."""

from __future__ import annotations

from sealtrail_producers.connect import outbox_sink_factory, sink_factory
from sealtrail_producers.errors import KeptInOutboxError, UndeliveredError
from sealtrail_producers.producer import AuditProducer
from sealtrail_producers.receipt import Receipt
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, Resource
from sealtrail_schemas.errors import EventError
from sealtrail_transport.errors import BufferFullError, DeliveryError

__all__ = [
    "Actor",
    "AuditEvent",
    "AuditProducer",
    "BufferFullError",
    "DeliveryError",
    "EventError",
    "KeptInOutboxError",
    "Outcome",
    "Receipt",
    "Resource",
    "UndeliveredError",
    "outbox_sink_factory",
    "sink_factory",
]
