"""An AuditEvent as JSON, for views and for people: what is archived is its Avro encoding."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from sealtrail_schemas.errors import EventError
from sealtrail_schemas.json_reader import parse_json

if TYPE_CHECKING:
    from sealtrail_schemas.audit_event import AuditEvent


def audit_event_text(event: AuditEvent) -> str:
    """The event as one JSON object with the schema's names; what is not set is left out.

    `data` is JSON where it holds an object or array of JSON, else text where it is UTF-8; else there is
    `data_base64` in its place, as in CloudEvents' JSON format.
    """
    actor, resource = event.actor, event.resource
    members: dict[str, Any] = {
        "id": event.id,
        "time": event.time_ms,
        "source": event.source,
        "type": event.type,
        "actor": _given({"type": actor.type, "id": actor.id, "name": actor.name, "ip": actor.ip}),
        "action": event.action,
        "resource": None if resource is None else {"type": resource.type, "id": resource.id},
        "outcome": event.outcome.value,
        "reason": event.reason,
        "traceparent": event.traceparent,
        "tracestate": event.tracestate,
        "attributes": event.attributes or None,
        "datacontenttype": event.data_content_type,
        **({} if event.data is None else _data(event.data)),
    }
    return _dumps(_given(members))


def _data(data: bytes) -> dict[str, object]:
    try:
        document = parse_json(data)
        _dumps(document)  # NaN and Infinity, which the reader takes, are no JSON
    except (EventError, ValueError):
        document = None
    if isinstance(document, dict | list):
        return {"data": document}
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(data).decode()}


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _dumps(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()  # JSON can spell half of a surrogate pair, UTF-8 can't
