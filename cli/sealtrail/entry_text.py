"""One entry for a person to read, and the same as JSON."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from sealtrail.recognise_setting import current_recognisers
from sealtrail.statement_text import body_text
from sealtrail.terminal_text import (
    hanging,
    hex_rows,
    indent_json,
    printable,
    printable_bytes,
    printable_lines,
)
from sealtrail_schemas.audit_event import decode_event, is_audit_event
from sealtrail_schemas.errors import EventError
from sealtrail_schemas.leaf import Kind, entry_hash
from sealtrail_schemas.recognise import describe, recognise
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_CREATE

if TYPE_CHECKING:
    from sealtrail_auditor.open_entry import VerifiedEntry
    from sealtrail_schemas.audit_event import AuditEvent
    from sealtrail_schemas.entry import Entry
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload
    from sealtrail_schemas.recognise import Recognised

MAX_TEXT_CHARS: Final = 64 * 1024
"""So much of a value is shown as text; `--raw` writes all of it."""
MAX_HEX_BYTES: Final = 1024

_MORE: Final = "… the rest is not shown; --raw writes all of it"

_OWN_ENTRIES: Final = {
    Kind.GENESIS: "sealtrail: the beginning of the trail",
    Kind.REJECTED: "sealtrail: stands for an event that could not be chained",
    Kind.HEARTBEAT: "sealtrail: nothing happened, and the chainer was there",
    Kind.CONTROL: "sealtrail: a control entry",
}
_CLOCKS: Final = {TIMESTAMP_CREATE: "the producer's clock", TIMESTAMP_APPEND: "the log's clock"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def recognise_entry(entry: ShownEntry) -> Recognised | None:
    """What a recogniser reads from the event; None where none can, and for sealtrail's own entries."""
    if entry.leaf.kind is not Kind.EVENT:
        return None
    return recognise(entry.payload.key, entry.payload.headers, entry.payload.value, current_recognisers())


class ShownEntry(Protocol):
    """What is shown of an entry, wherever it came from."""

    @property
    def origin(self) -> str:
        """The trail."""

    @property
    def leaf(self) -> Leaf:
        """The leaf, parsed."""

    @property
    def payload(self) -> Payload:
        """The payload, decoded."""

    @property
    def entry(self) -> Entry:
        """The bytes of both."""

    @property
    def checks(self) -> tuple[str, ...]:
        """What was checked, in sentences."""

    @property
    def not_checked(self) -> tuple[str, ...]:
        """What was not, in sentences."""


def entry_lines(entry: ShownEntry, width: int | None = None) -> list[str]:
    """The entry as lines of plain text that are safe to print; sentences are wrapped to `width`.

    The lines that do not begin with a space are headings.
    """
    leaf, payload = entry.leaf, entry.payload
    lines = [f"Entry {leaf.sequence} of {printable(entry.origin)}", f"  {_headline(entry)}", ""]
    lines += _fields(entry)
    lines += ["", "Key" if payload.key is None else f"Key ({len(payload.key)} bytes)"]
    lines += ["  null" if payload.key is None else f"  {printable_bytes(payload.key)}"]
    lines += ["", f"Headers ({len(payload.headers)})"] if payload.headers else ["", "Headers", "  none"]
    for name, content in payload.headers:
        shown = "null" if content is None else printable_bytes(content)
        lines.append(f"  {printable_bytes(name)}: {shown}")
    lines += ["", *_value_lines(payload.value)]
    lines += ["", "Hashes (SHA-256)"]
    hashes = {
        "entry": entry_hash(entry.entry.leaf),
        "previous entry": leaf.previous_hash,
        "payload": leaf.payload_hash,
        "trail id": leaf.trail_id,
    }
    lines += [f"  {name:<16}{digest.hex()}" for name, digest in hashes.items()]
    for heading, sentences in (("Verified", entry.checks), ("Not checked", entry.not_checked)):
        lines += ["", heading]
        for sentence in sentences:
            lines += hanging("  - ", sentence, width)
    return lines


def entry_json(entry: VerifiedEntry) -> dict[str, Any]:
    """The entry as JSON values: 64-bit numbers as decimal strings, bytes in base64."""
    leaf, payload, found = entry.leaf, entry.payload, recognise_entry(entry)
    published_ms = leaf.source_timestamp_ms
    return {
        "origin": entry.origin,
        "sequence": str(leaf.sequence),
        "kind": leaf.kind.name.lower(),
        "chained_at": format_ms(leaf.chained_at_ms),
        "source_timestamp_ms": None if published_ms == NO_TIMESTAMP else str(published_ms),
        "source_timestamp_type": ("none", "create", "append")[leaf.source_timestamp_type],
        "source_offset": str(leaf.source_offset) if leaf.kind.has_source else None,
        "recognised": None
        if found is None
        else asdict(found) | {"time_ms": None if found.time_ms is None else str(found.time_ms)},
        "key": _base64(payload.key),
        "headers": [{"key": _base64(name), "value": _base64(content)} for name, content in payload.headers],
        "value": _base64(payload.value),
        "value_text": _as_text(payload.value),
        "entry_hash": entry_hash(entry.entry.leaf).hex(),
        "previous_hash": leaf.previous_hash.hex(),
        "payload_hash": leaf.payload_hash.hex(),
        "trail_id": leaf.trail_id.hex(),
        "salt": payload.salt.hex(),
        "seal": entry.placed.key,
        "batch": entry.batch_key,
        "checks": list(entry.checks),
        "not_checked": list(entry.not_checked),
    }


def format_ms(time_ms: int) -> str:
    """Milliseconds since the Unix epoch as RFC 3339 in UTC; the bare number where no calendar reaches."""
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return f"{time_ms} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _headline(entry: ShownEntry) -> str:
    if entry.leaf.kind is not Kind.EVENT:
        stated = body_text(entry.payload.value) if entry.leaf.kind is Kind.CONTROL else None
        return _OWN_ENTRIES[entry.leaf.kind] + (f": {printable(stated)}" if stated else "")
    found = recognise_entry(entry)
    return "an event of a kind that no recogniser reads" if found is None else describe(found)


def _fields(entry: ShownEntry) -> list[str]:
    found = recognise_entry(entry)
    lines = leaf_lines(entry.leaf)
    if found is None:
        return lines
    happened = None if found.time_ms is None else f"{format_ms(found.time_ms)} (the event's word)"
    return lines + _rows(
        [
            ("happened at", happened),
            ("actor", found.actor),
            ("action", found.action),
            ("resource", found.resource),
            ("outcome", found.outcome),
            ("event type", found.event_type),
            ("event id", found.event_id),
            ("read as", found.recogniser),
        ]
    )


def leaf_lines(leaf: Leaf) -> list[str]:
    """What a leaf says of its entry, one thing a line."""
    rows: list[tuple[str, str | None]] = [
        ("kind", leaf.kind.name.lower()),
        ("chained at", format_ms(leaf.chained_at_ms)),
    ]
    if leaf.kind.has_source:
        if leaf.source_timestamp_ms != NO_TIMESTAMP:
            clock = _CLOCKS.get(leaf.source_timestamp_type, "no clock")
            rows.append(("published at", f"{format_ms(leaf.source_timestamp_ms)} ({clock})"))
        rows.append(("source offset", str(leaf.source_offset)))
    return _rows(rows)


def _rows(rows: list[tuple[str, str | None]]) -> list[str]:
    return [f"  {name:<16}{printable(text)}" for name, text in rows if text is not None]


def _value_lines(value: bytes | None) -> list[str]:
    if value is None:
        return ["Value", "  null"]
    if is_audit_event(value):
        try:
            return [f"Value ({len(value):,} bytes, AuditEvent)", *_event_lines(decode_event(value))]
        except EventError:
            pass
    form, lines = _readable(value)
    return [f"Value ({len(value):,} bytes, {form})", *(f"  {line}" for line in lines)]


def _readable(value: bytes) -> tuple[str, list[str]]:
    """The form of a value, and its lines, as far as they are to be shown."""
    if (indented := indent_json(value)) is not None:
        form, text = "JSON", indented
    else:
        try:
            form, text = "text", value.decode()
        except UnicodeDecodeError:
            more = [_MORE] if len(value) > MAX_HEX_BYTES else []
            return "binary", hex_rows(value[:MAX_HEX_BYTES]) + more
    more = [_MORE] if len(text) > MAX_TEXT_CHARS else []
    return form, printable_lines(text[:MAX_TEXT_CHARS]) + more


def _event_lines(event: AuditEvent) -> list[str]:
    """An AuditEvent's members, one a line; those that are not set are left out."""
    members: dict[str, object] = {
        "id": event.id,
        "time": format_ms(event.time_ms),
        "source": event.source,
        "type": event.type,
        "actor.type": event.actor.type,
        "actor.id": event.actor.id,
        "actor.name": event.actor.name,
        "actor.ip": event.actor.ip,
        "action": event.action,
        "resource.type": event.resource and event.resource.type,
        "resource.id": event.resource and event.resource.id,
        "outcome": event.outcome.value,
        "reason": event.reason,
        "traceparent": event.traceparent,
        "tracestate": event.tracestate,
        **{f"attributes.{name}": text for name, text in event.attributes.items()},
        "datacontenttype": event.data_content_type,
    }
    given = {name: str(value) for name, value in members.items() if value is not None}
    lines = [f"  {printable(name)}: {printable(text)}" for name, text in given.items()]
    if event.data is not None:
        form, shown = _readable(event.data)
        lines += [f"  data ({len(event.data):,} bytes, {form})", *(f"    {line}" for line in shown)]
    return lines


def _as_text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
