"""The bodies of the entries that sealtrail writes itself (docs/format.md, "Bodies").

A body is canonical JSON, the value of its entry's payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sealtrail_schemas.canonical_json import Members, dumps_canonical, loads_canonical
from sealtrail_schemas.errors import BodyError, FormatError, UnknownFormatError
from sealtrail_schemas.keys import VerifierKey
from sealtrail_schemas.leaf import HASH_BYTES, Kind
from sealtrail_schemas.origin import split_origin

if TYPE_CHECKING:
    from collections.abc import Callable

INCARNATION_BYTES: Final = 16
TOPIC_ID_BYTES: Final = 16
MAX_BODY_BYTES: Final = 1 << 16

_FORMAT: Final = "1"
_TRAIL_ID_TAG: Final = b"sealtrail/trail-id/v1"


@dataclass(frozen=True, slots=True)
class TopicRef:
    """A topic: its name, and the log's own 16-byte identity of it."""

    name: str
    id: bytes


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The trail that another one goes on from, where it had to stop.

    Attributes:
        origin: Of the predecessor.
        size: How many entries it had.
        root: Of its Merkle tree at that size.
        last_seal: The SHA-256 of its last seal's note text.
        reason: Why it had to stop, one line for people.
        key: The vkey that signed its last seal, where that is not the first key of the successor.
    """

    origin: str
    size: int
    root: bytes
    last_seal: bytes
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GenesisBody:
    """What a trail is.

    Attributes:
        origin: Of the trail.
        incarnation: 16 random bytes that tell this trail from any other of its origin.
        raw_topic: Where its records come from.
        chained_topic: Where they are re-published.
        first_source_offset: Where reading the raw partition begins.
        keys: The vkeys that may sign for the trail from its beginning; at least one.
        created_at_ms: Milliseconds since the Unix epoch.
        predecessor: The trail that this one goes on from, if any.
    """

    origin: str
    incarnation: bytes
    raw_topic: TopicRef
    chained_topic: TopicRef
    first_source_offset: int
    keys: tuple[str, ...]
    created_at_ms: int
    predecessor: Predecessor | None = None


@dataclass(frozen=True, slots=True)
class RejectedBody:
    """Stands for a record that cannot be re-published.

    Attributes:
        reason: Why, one line for people.
        sha256: Of the payload that the record would have had under this entry's salt; None where it could not
            be read whole.
        size: The sum of the lengths of key, headers and value in bytes, as far as they could be read.
        source_offset: Where the record lies in the raw partition.
    """

    reason: str
    sha256: bytes | None
    size: int
    source_offset: int


@dataclass(frozen=True, slots=True)
class HeartbeatBody:
    """Says that the chainer was there and had nothing to chain."""


@dataclass(frozen=True, slots=True)
class ControlBody:
    """Something was done to the trail itself.

    Attributes:
        control: What; names that this version does not know are legal.
        note: The signed statement (`sealtrail_schemas.control`), unchecked; None where there is none.
    """

    control: str
    note: str | None = None


Body: TypeAlias = GenesisBody | RejectedBody | HeartbeatBody | ControlBody


def trail_id(origin: str, incarnation: bytes) -> bytes:
    """The 32-byte id of a trail: SHA-256("sealtrail/trail-id/v1" || LF || origin || LF || incarnation).

    Raises:
        OriginError: `origin` is none.
        BodyError: the incarnation is not 16 bytes.
    """
    split_origin(origin)
    if len(incarnation) != INCARNATION_BYTES:
        raise BodyError(f"an incarnation has {INCARNATION_BYTES} bytes, not {len(incarnation)}")
    return sha256(b"\n".join((_TRAIL_ID_TAG, origin.encode(), incarnation))).digest()


def encode_body(body: Body) -> bytes:
    """Encode a body in its canonical form.

    Raises:
        BodyError: a field breaks a rule of docs/format.md, "Bodies", so that `parse_body` would refuse it.
    """
    kind, members = _MEMBERS[type(body)](body)
    try:
        data = dumps_canonical({"type": kind.name.lower(), **members})
    except FormatError as error:
        raise BodyError(f"not a body: {error}") from None
    parse_body(kind, data)
    return data


def parse_body(kind: Kind, value: bytes | None) -> Body:
    """Parse the payload's value of an entry of that kind. Members it does not know are ignored.

    Raises:
        UnknownFormatError: a genesis is of another format version, or has a key of an unknown signature type.
        BodyError: the value is no such body.
    """
    parse = _PARSERS.get(kind)
    if parse is None:
        raise BodyError(f"an entry of kind {kind.name.lower()} has no body")
    if value is None:
        raise BodyError("the value is null, where a body is expected")
    try:
        members = Members(loads_canonical(value, MAX_BODY_BYTES))
        _check_type(kind, members.take_text("type"))
        return parse(members)
    except UnknownFormatError:
        raise
    except FormatError as error:
        raise BodyError(f"not a body: {error}") from None


def _check_type(kind: Kind, found: str) -> None:
    if found != kind.name.lower():
        raise FormatError(f"type {found!a} in an entry of kind {kind.name.lower()}")


def _genesis_members(body: GenesisBody) -> tuple[Kind, dict[str, Any]]:
    before = body.predecessor
    return Kind.GENESIS, {
        "chained_topic": topic_members(body.chained_topic),
        "created_at": str(body.created_at_ms),
        "first_source_offset": str(body.first_source_offset),
        "format": _FORMAT,
        "incarnation": body.incarnation.hex(),
        "keys": list(body.keys),
        "origin": body.origin,
        "predecessor": before and _predecessor_members(before),
        "raw_topic": topic_members(body.raw_topic),
    }


def _parse_genesis(members: Members) -> GenesisBody:
    version = members.take_text("format")
    if version != _FORMAT:
        raise UnknownFormatError(f"format version {version!a} is unknown to this program")
    body = GenesisBody(
        origin=members.take_text("origin"),
        incarnation=members.take_hex("incarnation", INCARNATION_BYTES),
        raw_topic=parse_topic(members.take_object("raw_topic")),
        chained_topic=parse_topic(members.take_object("chained_topic")),
        first_source_offset=members.take_number("first_source_offset"),
        keys=members.take_texts("keys"),
        created_at_ms=members.take_number("created_at"),
        predecessor=_parse_predecessor(members.take_object_or_null("predecessor")),
    )
    if split_origin(body.origin).topic != body.raw_topic.name:
        raise FormatError(f"origin {body.origin} is not of raw topic {body.raw_topic.name!a}")
    if not body.keys:
        raise FormatError("no key may sign for the trail")
    for key in body.keys:
        if VerifierKey.parse(key).name != body.origin:
            raise FormatError(f"key {key} is not named as the origin {body.origin}")
    return body


def topic_members(topic: TopicRef) -> dict[str, str]:
    """The members of a topic in a body or a statement."""
    return {"id": topic.id.hex(), "name": topic.name}


def parse_topic(members: Members) -> TopicRef:
    """Take a topic out of its members. Raises FormatError where they are none."""
    return TopicRef(members.take_text("name"), members.take_hex("id", TOPIC_ID_BYTES))


def _predecessor_members(before: Predecessor) -> dict[str, str]:
    members = {
        "last_seal": before.last_seal.hex(),
        "origin": before.origin,
        "reason": before.reason,
        "root": before.root.hex(),
        "size": str(before.size),
    }
    return members if before.key is None else {**members, "key": before.key}


def _parse_predecessor(members: Members | None) -> Predecessor | None:
    if members is None:
        return None
    origin = members.take_text("origin")
    split_origin(origin)
    key = members.take_text("key") if "key" in members.names() else None
    if key is not None and VerifierKey.parse(key).name != origin:
        raise FormatError(f"key {key} is not named as the predecessor's origin {origin}")
    return Predecessor(
        key=key,
        origin=origin,
        size=members.take_number("size", at_least=1),
        root=members.take_hex("root", HASH_BYTES),
        last_seal=members.take_hex("last_seal", HASH_BYTES),
        reason=members.take_text("reason"),
    )


def _rejected_members(body: RejectedBody) -> tuple[Kind, dict[str, Any]]:
    return Kind.REJECTED, {
        "reason": body.reason,
        "sha256": body.sha256 if body.sha256 is None else body.sha256.hex(),
        "size": str(body.size),
        "source_offset": str(body.source_offset),
    }


def _parse_rejected(members: Members) -> RejectedBody:
    return RejectedBody(
        reason=members.take_text("reason"),
        sha256=members.take_hex_or_null("sha256", HASH_BYTES),
        size=members.take_number("size"),
        source_offset=members.take_number("source_offset"),
    )


def _heartbeat_members(_: HeartbeatBody) -> tuple[Kind, dict[str, Any]]:
    return Kind.HEARTBEAT, {}


def _parse_heartbeat(_: Members) -> HeartbeatBody:
    return HeartbeatBody()


def _control_members(body: ControlBody) -> tuple[Kind, dict[str, Any]]:
    members = {"control": body.control}
    return Kind.CONTROL, members if body.note is None else {**members, "note": body.note}


def _parse_control(members: Members) -> ControlBody:
    note = members.take_string("note") if "note" in members.names() else None
    return ControlBody(members.take_text("control"), note)


_MEMBERS: Final[dict[type, Callable[[Any], tuple[Kind, dict[str, Any]]]]] = {
    GenesisBody: _genesis_members,
    RejectedBody: _rejected_members,
    HeartbeatBody: _heartbeat_members,
    ControlBody: _control_members,
}
_PARSERS: Final[dict[Kind, Callable[[Members], Body]]] = {
    Kind.GENESIS: _parse_genesis,
    Kind.REJECTED: _parse_rejected,
    Kind.HEARTBEAT: _parse_heartbeat,
    Kind.CONTROL: _parse_control,
}
