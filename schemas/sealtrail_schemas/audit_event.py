"""AuditEvent: who did what to what, when, and how it ended.

On the wire an event is in the single-object encoding of the Apache Avro 1.12 specification:

    C3 01                      marker
    8 bytes, little-endian     CRC-64-AVRO of the parsing canonical form of the writer's schema
    the event                  Avro binary encoding

Names follow CloudEvents 1.0: `id`, `source`, `type`, `time`, `datacontenttype`; `resource` is its `subject`.

How the schema evolves: fields are only ever added, at the end and with a default; none is renamed, retyped or
removed. A reader keeps every schema that was ever published, finds the writer's by its fingerprint, and gives
fields that the writer did not know their defaults. The fingerprint routes; it is no proof of anything.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from sealtrail_schemas.avro_reader import AvroReader, Schema
from sealtrail_schemas.errors import EventError

MAX_EVENT_BYTES: Final = 1 << 26
"""An encoded event is at most 64 MiB, far above what a log takes as one record."""
MAX_ATTRIBUTES: Final = 1024
"""An event has at most so many attributes."""

_MARKER: Final = b"\xc3\x01"
_HEADER_BYTES: Final = 10

AUDIT_EVENT_AVSC: Final[bytes] = files("sealtrail_schemas").joinpath("audit_event.avsc").read_bytes()
"""The text of the current schema, as archives carry it under `format/`."""


def schema_fingerprint(schema: Schema) -> bytes:
    """CRC-64-AVRO of a schema's parsing canonical form: 8 bytes, little-endian as on the wire."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


_CURRENT: Final[dict[str, Any]] = json.loads(AUDIT_EVENT_AVSC)
_WRITER: Final = fastavro.parse_schema(json.loads(AUDIT_EVENT_AVSC))
_FINGERPRINT: Final = schema_fingerprint(_CURRENT)
_PUBLISHED: Final[dict[bytes, Schema]] = {_FINGERPRINT: _CURRENT}


class Outcome(StrEnum):
    """How what was tried ended. `denied` is a refusal by a rule, `failure` whatever else went wrong."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted.

    Attributes:
        type: such as `user`, `service`, `system`.
        id: never empty, and never given to somebody else later. Pseudonymous: an archive forgets nothing.
        name: for people to read.
        ip: where the actor came from, as text.
    """

    type: str
    id: str
    name: str | None = None
    ip: str | None = None

    def __post_init__(self) -> None:
        _require_text("actor", self, ("type", "id"), optional=("name", "ip"))
        _require_filled("actor", self, ("id",))


@dataclass(frozen=True, slots=True)
class Resource:
    """What was acted on."""

    type: str
    id: str

    def __post_init__(self) -> None:
        _require_text("resource", self, ("type", "id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One audit event; made only if it can be encoded.

    `traceparent` and `tracestate` are kept as they came: W3C Trace Context has readers ignore what is
    malformed, and a broken trace header is no reason to lose an audit event.

    Attributes:
        id: unique together with `source`; producing it twice means the same event.
        time_ms: when it happened by the source's clock, in milliseconds since the Unix epoch, 64-bit.
        source: the system that saw it happen, a URI reference.
        type: the kind of event, such as `com.example.payment.approved`.
        actor: who did it.
        action: what was done or tried.
        resource: what it was done to.
        outcome: how it ended.
        reason: why it ended so, or why it was done.
        traceparent: W3C Trace Context.
        tracestate: W3C Trace Context.
        attributes: further facts, at most `MAX_ATTRIBUTES`.
        data: the event's own content.
        data_content_type: the media type of `data`, such as `application/json`.

    Raises:
        EventError: a value is empty, of the wrong type, not UTF-8, or out of range. The message is one line.
    """

    id: str
    time_ms: int
    source: str
    type: str
    actor: Actor
    action: str
    resource: Resource | None = None
    outcome: Outcome = Outcome.UNKNOWN
    reason: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None
    data_content_type: str | None = None

    def __post_init__(self) -> None:
        _require_text(
            "event",
            self,
            ("id", "source", "type", "action"),
            optional=("reason", "traceparent", "tracestate", "data_content_type"),
        )
        _require_filled("event", self, ("id", "source", "type", "action"))
        _require_time(self.time_ms)
        _require_type("event.actor", self.actor, Actor)
        _require_type("event.resource", self.resource, Resource, type(None))
        _require_type("event.outcome", self.outcome, Outcome)
        _require_type("event.data", self.data, bytes, type(None))
        _require_attributes(self.attributes)


def encode_event(event: AuditEvent) -> bytes:
    """Encode an event in Avro single-object encoding.

    Raises:
        EventError: the encoding would be larger than `MAX_EVENT_BYTES`.
    """
    out = io.BytesIO()
    out.write(_MARKER + _FINGERPRINT)
    fastavro.schemaless_writer(out, _WRITER, _to_record(event))
    encoded = out.getvalue()
    if len(encoded) > MAX_EVENT_BYTES:
        raise EventError(f"event is {len(encoded)} bytes long; at most {MAX_EVENT_BYTES} are allowed")
    return encoded


def decode_event(data: bytes) -> AuditEvent:
    """Decode an event; the opposite of `encode_event`.

    Any valid Avro encoding of the value is taken, in one block or several.

    Raises:
        EventError: the bytes are not exactly one AuditEvent of a published schema.
    """
    if data[:2] != _MARKER or len(data) < _HEADER_BYTES:
        raise EventError("not in Avro single-object encoding")
    if len(data) > MAX_EVENT_BYTES:
        raise EventError(f"event is {len(data)} bytes long; at most {MAX_EVENT_BYTES} are allowed")
    schema = _PUBLISHED.get(data[2:_HEADER_BYTES])
    if schema is None:
        raise EventError(f"no AuditEvent schema known here has the fingerprint {data[2:_HEADER_BYTES].hex()}")
    reader = AvroReader(data[_HEADER_BYTES:], max_map_entries=MAX_ATTRIBUTES)
    record = reader.read(schema)
    reader.end()
    return _from_record(record)


def is_audit_event(data: bytes) -> bool:
    """Whether `data` begins as an AuditEvent does: the marker and the fingerprint of a published schema."""
    return data[:2] == _MARKER and data[2:_HEADER_BYTES] in _PUBLISHED


def _to_record(event: AuditEvent) -> dict[str, Any]:
    """The event as the schema's fields, for fastavro."""
    actor, resource = event.actor, event.resource
    return {
        "id": event.id,
        "time": event.time_ms,
        "source": event.source,
        "type": event.type,
        "actor": {"type": actor.type, "id": actor.id, "name": actor.name, "ip": actor.ip},
        "action": event.action,
        "resource": None if resource is None else {"type": resource.type, "id": resource.id},
        "outcome": event.outcome.value,
        "reason": event.reason,
        "traceparent": event.traceparent,
        "tracestate": event.tracestate,
        "attributes": event.attributes,
        "data": event.data,
        "datacontenttype": event.data_content_type,
    }


def _from_record(record: dict[str, Any]) -> AuditEvent:
    """The event of a decoded record. Fields that an older writer did not know are left to their defaults."""
    fields = dict(record)
    fields["time_ms"] = fields.pop("time")
    fields["data_content_type"] = fields.pop("datacontenttype")
    fields["actor"] = Actor(**fields["actor"])
    fields["resource"] = None if fields["resource"] is None else Resource(**fields["resource"])
    fields["outcome"] = Outcome(fields["outcome"])
    return AuditEvent(**fields)


def _require_type(name: str, value: object, *types: type) -> None:
    if not isinstance(value, types):
        wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in types)
        raise EventError(f"{name} must be {wanted}, not {type(value).__name__}")


def _require_text(
    name: str, owner: object, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    for key in required:
        _require_string(f"{name}.{key}", getattr(owner, key))
    for key in optional:
        if getattr(owner, key) is not None:
            _require_string(f"{name}.{key}", getattr(owner, key))


def _require_string(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise EventError(f"{name} must be text, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EventError(f"{name} holds half of a surrogate pair, which UTF-8 cannot encode") from None


def _require_filled(name: str, owner: object, keys: tuple[str, ...]) -> None:
    for key in keys:
        if not getattr(owner, key):
            raise EventError(f"{name}.{key} must not be empty")


def _require_time(time_ms: object) -> None:
    if not isinstance(time_ms, int) or isinstance(time_ms, bool):
        raise EventError(f"event.time_ms must be an int of milliseconds, not {type(time_ms).__name__}")
    if not -(1 << 63) <= time_ms < 1 << 63:
        raise EventError("event.time_ms needs more than 64 bits")


def _require_attributes(attributes: object) -> None:
    if not isinstance(attributes, dict):
        raise EventError(f"event.attributes must be a dict, not {type(attributes).__name__}")
    if len(attributes) > MAX_ATTRIBUTES:
        raise EventError(f"event has {len(attributes)} attributes; at most {MAX_ATTRIBUTES} are allowed")
    for key, value in attributes.items():
        _require_string("a key of event.attributes", key)
        _require_string("a value of event.attributes", value)
