"""Recognises CloudEvents, whether the value is the whole event (structured mode) or its data (binary mode).

Sources: CloudEvents 1.0.2 core specification, JSON event format, Kafka protocol binding, and the Auth Context
extension for `authid`.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Final

from sealtrail_schemas.recognise_audit_event import recognise_audit_event
from sealtrail_schemas.recognise_cloudtrail import read_cloudtrail, recognise_cloudtrail
from sealtrail_schemas.recognised import Message, Recognised, text, time_ms

_REQUIRED: Final = ("specversion", "id", "source", "type")
_ATTRIBUTES: Final = (*_REQUIRED, "time", "subject", "authid")


def recognise_cloudevents(message: Message) -> Recognised | None:
    """Read a CloudEvent; None for anything else.

    A CloudEvent says what kind of event it is and, as its subject, what it is about; who did it and how it
    ended are its data's business. So data that is an AuditEvent or a CloudTrail event is read too, and what
    it says goes before the envelope.
    """
    if message.header(b"ce_specversion") is not None:
        headers = {name: message.header(b"ce_" + name.encode()) for name in _ATTRIBUTES}
        envelope = _envelope(headers)
        data = Message(None, (), message.value)
        return envelope and _merge(envelope, recognise_audit_event(data) or recognise_cloudtrail(data))
    if not isinstance(message.document, dict):
        return None
    envelope = _envelope(message.document)
    return envelope and _merge(envelope, _read_data(message.document))


def missing_attribute(document: dict[str, object]) -> str | None:
    """The first required attribute that is missing or is not text; None if all are there."""
    return next((name for name in _REQUIRED if text(document.get(name)) is None), None)


def _envelope(attributes: dict[str, object] | dict[str, str | None]) -> Recognised | None:
    members: dict[str, object] = dict(attributes)
    if missing_attribute(members) is not None:
        return None
    return Recognised(
        recogniser="cloudevents",
        time_ms=time_ms(members.get("time")),
        actor=text(members.get("authid")),
        action=text(members.get("type")),
        resource=text(members.get("subject")),
        event_type=text(members.get("type")),
        event_id=text(members.get("id")),
    )


def _read_data(document: dict[str, object]) -> Recognised | None:
    encoded = document.get("data_base64")
    if not isinstance(encoded, str):
        return read_cloudtrail(document.get("data"))
    try:
        data = Message(None, (), b64decode(encoded, validate=True))
    except ValueError:
        return None
    return recognise_audit_event(data) or recognise_cloudtrail(data)


def _merge(envelope: Recognised, data: Recognised | None) -> Recognised:
    """What the data says, and where it is silent, what the envelope says."""
    if data is None:
        return envelope
    return Recognised(
        recogniser=f"{envelope.recogniser}+{data.recogniser}",
        time_ms=envelope.time_ms if data.time_ms is None else data.time_ms,
        actor=data.actor or envelope.actor,
        action=data.action or envelope.action,
        resource=data.resource or envelope.resource,
        outcome=data.outcome or envelope.outcome,
        event_type=data.event_type or envelope.event_type,
        event_id=data.event_id or envelope.event_id,
    )
