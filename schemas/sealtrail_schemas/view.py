"""Views (docs/format.md, "View"): the columns, what a row says of an entry, and how a view names its batch.

A view is derived, can be made again at any time, and is never evidence. How it is stored as Parquet is
`sealtrail_archiver.views`' business, and the reading `sealtrail_auditor.view_file`'s.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sealtrail_schemas.audit_event import decode_event, is_audit_event
from sealtrail_schemas.audit_event_json import audit_event_text
from sealtrail_schemas.errors import EventError, ViewError
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.recognise import DEFAULT, recognise
from sealtrail_schemas.recognise_json import JsonMapping
from sealtrail_schemas.recognised import Recognised
from sealtrail_schemas.record import NO_TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.seal import OpenedSeal

VIEW_VERSION: Final = "1"
"""Of the columns and of what sealtrail's own recognisers make of an event."""

_MIN_TIME_MS: Final = -62_135_596_800_000  # 0001-01-01
_MAX_TIME_MS: Final = 253_402_300_799_999  # 9999-12-31
_METADATA: Final = "sealtrail."
_UNREAD: Final = Recognised(recogniser="")

HeaderText: TypeAlias = tuple[str, str | None, str | None]
"""One header: key, value as text where it is text, value in Base64 where it is not."""


class ColumnType(Enum):
    """What a column holds."""

    INTEGER = "integer, 64 bits"
    TIME = "time in UTC, milliseconds"
    TEXT = "text"
    HEADERS = "list of (key, value, value_base64), all text"


class Column(NamedTuple):
    """One column of a view. `required`: no row is without it."""

    name: str
    type: ColumnType
    meaning: str
    required: bool = False


COLUMNS: Final = (
    Column("sequence", ColumnType.INTEGER, "the entry's sequence", required=True),
    Column("kind", ColumnType.TEXT, "event, genesis, rejected, heartbeat or control", required=True),
    Column("time", ColumnType.TIME, "when it happened: the event's own word, else the source timestamp"),
    Column("chained_at", ColumnType.TIME, "when it was chained"),
    Column("source_timestamp", ColumnType.TIME, "the record's timestamp"),
    Column("source_offset", ColumnType.INTEGER, "the record's offset in the raw partition"),
    Column("recogniser", ColumnType.TEXT, "who read the columns from here to event_id"),
    Column("actor", ColumnType.TEXT, "who did it"),
    Column("action", ColumnType.TEXT, "what was done"),
    Column("resource", ColumnType.TEXT, "what it was done to"),
    Column("outcome", ColumnType.TEXT, "success, failure, denied or unknown"),
    Column("event_type", ColumnType.TEXT, "the kind of event, in its producer's words"),
    Column("event_id", ColumnType.TEXT, "the event's own identifier"),
    Column("key", ColumnType.TEXT, "the record's key, where it is text"),
    Column("key_base64", ColumnType.TEXT, "the record's key, where it is not"),
    Column("headers", ColumnType.HEADERS, "the record's headers, in order", required=True),
    Column("value", ColumnType.TEXT, "the record's value, where it is text; an AuditEvent as JSON"),
    Column("value_base64", ColumnType.TEXT, "the record's value, where it is not text"),
)


class ViewRow(NamedTuple):
    """What a view says of one entry: the fields are `COLUMNS`. Times are ms since the Unix epoch."""

    sequence: int
    kind: str
    time: int | None
    chained_at: int | None
    source_timestamp: int | None
    source_offset: int | None
    recogniser: str | None
    actor: str | None
    action: str | None
    resource: str | None
    outcome: str | None
    event_type: str | None
    event_id: str | None
    key: str | None
    key_base64: str | None
    headers: tuple[HeaderText, ...]
    value: str | None
    value_base64: str | None


def view_row(leaf: Leaf, payload: Payload, recognisers: Sequence[Recogniser] = DEFAULT) -> ViewRow:
    """What a view says of an entry. Any bytes have a row: what can't be read is left empty.

    Times outside of the years 1 to 9999 are left empty, too: analysts' tools fail on them.
    """
    found = _UNREAD
    if leaf.kind is Kind.EVENT:
        found = recognise(payload.key, payload.headers, payload.value, recognisers) or _UNREAD
    key, key_base64 = _text(payload.key)
    value, value_base64 = _value(payload.value)
    return ViewRow(
        sequence=leaf.sequence,
        kind=leaf.kind.name.lower(),
        time=event_time(leaf, found),
        chained_at=_time(leaf.chained_at_ms),
        source_timestamp=_source_timestamp(leaf),
        source_offset=leaf.source_offset if leaf.source_offset >= 0 else None,
        recogniser=found.recogniser or None,
        actor=found.actor,
        action=found.action,
        resource=found.resource,
        outcome=found.outcome,
        event_type=found.event_type,
        event_id=found.event_id,
        key=key,
        key_base64=key_base64,
        headers=tuple(
            (name.decode(errors="backslashreplace"), *_text(content)) for name, content in payload.headers
        ),
        value=value,
        value_base64=value_base64,
    )


def event_time(leaf: Leaf, found: Recognised | None) -> int | None:
    """When an event happened: by its own word, else by the record's timestamp. In ms since the Unix epoch."""
    stated = None if found is None else _time(found.time_ms)
    return _source_timestamp(leaf) if stated is None else stated


@dataclass(frozen=True, slots=True)
class ViewHeader:
    """What a view says of itself, in the file's metadata.

    Attributes:
        origin: the trail.
        trail_id: its id.
        first: sequence of the first entry.
        last: sequence of the last entry.
        batch_sha256: of the sealed batch.
        recognisers: the mappings by which it was made, beside sealtrail's own recognisers; may be empty.
    """

    origin: str
    trail_id: bytes
    first: int
    last: int
    batch_sha256: bytes
    recognisers: str = ""

    @property
    def rows(self) -> int:
        """How many entries the view has."""
        return self.last - self.first + 1

    def is_of(self, opened: OpenedSeal) -> bool:
        """Whether the view says that it is of the batch that this seal names."""
        return self.to_metadata() == header_of(opened, self.recognisers).to_metadata()

    def to_metadata(self) -> dict[str, str]:
        """The names and values of the file's metadata."""
        return {
            f"{_METADATA}view": VIEW_VERSION,
            f"{_METADATA}origin": self.origin,
            f"{_METADATA}trail_id": self.trail_id.hex(),
            f"{_METADATA}first": str(self.first),
            f"{_METADATA}last": str(self.last),
            f"{_METADATA}batch_sha256": self.batch_sha256.hex(),
            f"{_METADATA}recognisers": self.recognisers,
        }

    @classmethod
    def parse(cls, metadata: Mapping[str, str]) -> ViewHeader:
        """Read the file's metadata; other names than those above are passed over.

        Raises:
            ViewError: it is not that of a view of this version.
        """
        version = metadata.get(f"{_METADATA}view")
        if version != VIEW_VERSION:
            raise ViewError("no view of sealtrail" if version is None else f"a view of version {version!a}")
        try:
            return cls(
                origin=metadata[f"{_METADATA}origin"],
                trail_id=bytes.fromhex(metadata[f"{_METADATA}trail_id"]),
                first=int(metadata[f"{_METADATA}first"]),
                last=int(metadata[f"{_METADATA}last"]),
                batch_sha256=bytes.fromhex(metadata[f"{_METADATA}batch_sha256"]),
                recognisers=metadata[f"{_METADATA}recognisers"],
            )
        except (KeyError, ValueError):
            raise ViewError("a view whose metadata can't be read") from None


def header_of(opened: OpenedSeal, recognisers: str = "") -> ViewHeader:
    """The header of the view of a sealed batch."""
    seal = opened.seal
    return ViewHeader(
        origin=opened.checkpoint.origin,
        trail_id=seal.trail_id,
        first=seal.first.sequence,
        last=seal.last.sequence,
        batch_sha256=seal.batch.sha256,
        recognisers=recognisers,
    )


def identity_of(recognisers: Sequence[Recogniser]) -> str:
    """What a view's header says of the recognisers by which it was made: the mappings among them."""
    return ",".join(each.identity for each in recognisers if isinstance(each, JsonMapping))


def _source_timestamp(leaf: Leaf) -> int | None:
    has_stamp = leaf.source_timestamp_ms != NO_TIMESTAMP  # whatever its type: Kafka's clients send it so
    return _time(leaf.source_timestamp_ms) if has_stamp else None


def _time(time_ms: int | None) -> int | None:
    return time_ms if time_ms is not None and _MIN_TIME_MS <= time_ms <= _MAX_TIME_MS else None


def _text(data: bytes | None) -> tuple[str | None, str | None]:
    """Bytes as text, or else in Base64."""
    if data is None:
        return None, None
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(data).decode()


def _value(value: bytes | None) -> tuple[str | None, str | None]:
    if value is not None and is_audit_event(value):
        try:
            text = audit_event_text(decode_event(value))
        except EventError:
            pass
        else:
            return text, base64.b64encode(value).decode()
    return _text(value)
