"""Recognises AuditEvents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_schemas.audit_event import decode_event, is_audit_event
from sealtrail_schemas.errors import EventError
from sealtrail_schemas.recognised import Recognised, text

if TYPE_CHECKING:
    from sealtrail_schemas.recognised import Message


def recognise_audit_event(message: Message) -> Recognised | None:
    """Read an AuditEvent; None for anything else. A resource is shown as `type/id`."""
    if message.value is None or not is_audit_event(message.value):
        return None
    try:
        event = decode_event(message.value)
    except EventError:
        return None
    resource = None
    if event.resource is not None:
        resource = "/".join(filter(None, (event.resource.type, event.resource.id)))
    return Recognised(
        recogniser="audit_event",
        time_ms=event.time_ms,
        actor=text(event.actor.id),
        action=text(event.action),
        resource=text(resource),
        outcome=event.outcome.value,
        event_type=text(event.type),
        event_id=text(event.id),
    )
