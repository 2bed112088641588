"""What a seal says, and its text: one line of canonical JSON and a line feed (docs/format.md, "Seal")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from sealtrail_schemas.body import TOPIC_ID_BYTES
from sealtrail_schemas.canonical_json import Members, dumps_canonical, loads_canonical
from sealtrail_schemas.errors import FormatError, SealError, UnknownFormatError
from sealtrail_schemas.layout import parse_batch_key
from sealtrail_schemas.leaf import HASH_BYTES, MAX_SEQUENCE

MAX_SEAL_BYTES: Final = 1 << 16

_FORMAT: Final = "sealtrail/seal/v1"
_TIME: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_SCHEMA_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,248}")


class EntryRef(NamedTuple):
    """An entry: its sequence and its 32-byte entry hash."""

    sequence: int
    hash: bytes


class TopicMark(NamedTuple):
    """A place in a topic's partition: the topic's 16-byte id, and where reading goes on."""

    topic_id: bytes
    next_offset: int


class TimeSpan(NamedTuple):
    """The chained-at of a batch's first and last entry, in milliseconds since the Unix epoch."""

    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class BatchRef:
    """The version of an object that is the batch.

    Attributes:
        key: Relative to the trail's folder.
        version_id: As the store gave it.
        sha256: Of the object's bytes.
        length: In bytes.
        last_modified: The store's own statement, UTC in whole seconds.
    """

    key: str
    version_id: str
    sha256: bytes
    length: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class SealedRetention:
    """How batch and seal are locked: until a UTC time in whole seconds, or not (mode NONE, until None)."""

    mode: Literal["COMPLIANCE", "NONE"]
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PreviousSeal:
    """The seal before: the SHA-256 of its note text, and its `retention.until`."""

    sha256: bytes
    retain_until: datetime | None


@dataclass(frozen=True, slots=True)
class Seal:
    """The statement, as its text says it.

    Attributes:
        trail_id: 32 bytes.
        batch: The batch that this seals.
        first: The batch's first entry.
        last: The batch's last entry.
        time: The span of the batch's chained-at.
        source: Where reading the raw partition goes on after this batch.
        chained: Where reading the chained partition goes on after this batch.
        retention: Of batch and seal alike.
        previous: The seal before; None in the first seal of a trail.
        right_edge: Of the Merkle tree of all entries so far, largest subtree first.
        checkpoint: The signed checkpoint of all entries so far, a whole note.
        schemas: Names of schemas of archived events, and the SHA-256 of each one's text.
    """

    trail_id: bytes
    batch: BatchRef
    first: EntryRef
    last: EntryRef
    time: TimeSpan
    source: TopicMark
    chained: TopicMark
    retention: SealedRetention
    previous: PreviousSeal | None
    right_edge: tuple[bytes, ...]
    checkpoint: bytes
    schemas: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """How many entries the trail has with this batch."""
        return self.last.sequence + 1

    def text(self) -> str:
        """The note text: one line of canonical JSON and a line feed.

        Raises:
            SealError: a value has no form in a seal's text. Whether they agree is not checked.
        """
        try:
            return dumps_canonical(_seal_members(self)).decode() + "\n"
        except (FormatError, ValueError) as error:
            raise SealError(f"not a seal: {error}") from None


def parse_seal_text(text: str) -> Seal:
    """Parse a note text, and hold it against the rules that need no key and no checkpoint.

    Raises:
        UnknownFormatError: it is a seal of a version that this program does not know.
        SealError: it is no seal, or contradicts itself.
    """
    try:
        members = Members(loads_canonical(_line(text).encode(), MAX_SEAL_BYTES))
        _check_format(members.take_text("format"))
        seal = _parse_seal(members)
        _check_seal(seal)
    except UnknownFormatError:
        raise
    except FormatError as error:
        raise SealError(f"not a seal: {error}") from None
    return seal


def _line(text: str) -> str:
    if not text.endswith("\n"):
        raise FormatError("no line feed ends its line")
    return text[:-1]


def _check_format(name: str) -> None:
    if name != _FORMAT:
        error = UnknownFormatError if name.startswith("sealtrail/seal/v") else FormatError
        raise error(f"seal format {name!a} is unknown to this program")


def _check_seal(seal: Seal) -> None:
    if not seal.first.sequence <= seal.last.sequence <= MAX_SEQUENCE:
        raise FormatError(f"it runs from sequence {seal.first.sequence} to {seal.last.sequence}")
    if seal.first.sequence == seal.last.sequence and seal.first.hash != seal.last.hash:
        raise FormatError("its first and last entry are one, with two hashes")
    if (seal.first.sequence == 0) != (seal.previous is None):
        raise FormatError("only the seal that begins at sequence 0 is the first, with no seal before it")
    if parse_batch_key(seal.batch.key).first_sequence != seal.first.sequence:
        raise FormatError(f"batch {seal.batch.key} does not begin at sequence {seal.first.sequence}")
    if seal.time.first_ms > seal.time.last_ms:
        raise FormatError(f"its time runs back, from {seal.time.first_ms} to {seal.time.last_ms}")


def _seal_members(seal: Seal) -> dict[str, Any]:
    previous = seal.previous
    return {
        "batch": {
            "key": seal.batch.key,
            "last_modified": _format_time(seal.batch.last_modified),
            "length": str(seal.batch.length),
            "sha256": seal.batch.sha256.hex(),
            "version_id": seal.batch.version_id,
        },
        "chained": _mark_members(seal.chained),
        "checkpoint": seal.checkpoint.decode(),
        "first": _entry_members(seal.first),
        "format": _FORMAT,
        "last": _entry_members(seal.last),
        "previous": previous
        and {"retain_until": _format_time(previous.retain_until), "sha256": previous.sha256.hex()},
        "retention": {"mode": seal.retention.mode, "until": _format_time(seal.retention.until)},
        "right_edge": [node.hex() for node in seal.right_edge],
        "schemas": {name: digest.hex() for name, digest in seal.schemas},
        "source": _mark_members(seal.source),
        "time": {"first": str(seal.time.first_ms), "last": str(seal.time.last_ms)},
        "trail_id": seal.trail_id.hex(),
    }


def _parse_seal(members: Members) -> Seal:
    seal = Seal(
        trail_id=members.take_hex("trail_id", HASH_BYTES),
        batch=_parse_batch(members.take_object("batch")),
        first=_parse_entry(members.take_object("first")),
        last=_parse_entry(members.take_object("last")),
        time=_parse_span(members.take_object("time")),
        source=_parse_mark(members.take_object("source")),
        chained=_parse_mark(members.take_object("chained")),
        retention=_parse_retention(members.take_object("retention")),
        previous=_parse_previous(members.take_object_or_null("previous")),
        right_edge=members.take_hexes("right_edge", HASH_BYTES),
        checkpoint=members.take_string("checkpoint").encode(),
        schemas=_parse_schemas(members.take_object("schemas")),
    )
    members.refuse_others()
    return seal


def _parse_batch(members: Members) -> BatchRef:
    batch = BatchRef(
        key=members.take_text("key"),
        version_id=members.take_text("version_id"),
        sha256=members.take_hex("sha256", HASH_BYTES),
        length=members.take_number("length", at_least=1),
        last_modified=_parse_time(members.take_text("last_modified")),
    )
    members.refuse_others()
    return batch


def _entry_members(entry: EntryRef) -> dict[str, str]:
    return {"hash": entry.hash.hex(), "sequence": str(entry.sequence)}


def _parse_entry(members: Members) -> EntryRef:
    entry = EntryRef(members.take_number("sequence"), members.take_hex("hash", HASH_BYTES))
    members.refuse_others()
    return entry


def _mark_members(mark: TopicMark) -> dict[str, str]:
    return {"next_offset": str(mark.next_offset), "topic_id": mark.topic_id.hex()}


def _parse_mark(members: Members) -> TopicMark:
    mark = TopicMark(members.take_hex("topic_id", TOPIC_ID_BYTES), members.take_number("next_offset"))
    members.refuse_others()
    return mark


def _parse_span(members: Members) -> TimeSpan:
    span = TimeSpan(members.take_number("first"), members.take_number("last"))
    members.refuse_others()
    return span


def _parse_retention(members: Members) -> SealedRetention:
    mode, until = members.take_text("mode"), members.take_text_or_null("until")
    members.refuse_others()
    if mode == "COMPLIANCE" and until is not None:
        return SealedRetention("COMPLIANCE", _parse_time(until))
    if mode == "NONE" and until is None:
        return SealedRetention("NONE", None)
    raise FormatError(f"retention mode {mode!a} until {until!a}: COMPLIANCE has a date, NONE has null")


def _parse_previous(members: Members | None) -> PreviousSeal | None:
    if members is None:
        return None
    until = members.take_text_or_null("retain_until")
    previous = PreviousSeal(
        members.take_hex("sha256", HASH_BYTES), None if until is None else _parse_time(until)
    )
    members.refuse_others()
    return previous


def _parse_schemas(members: Members) -> tuple[tuple[str, bytes], ...]:
    for name in members.names():
        if not _SCHEMA_NAME.fullmatch(name):
            raise FormatError(f"{name!a} is no name of a schema")
    return tuple((name, members.take_hex(name, HASH_BYTES)) for name in members.names())


def _format_time(time: datetime | None) -> str | None:
    if time is None:
        return None
    if time.utcoffset() != timedelta(0) or time.microsecond:
        raise FormatError(f"time {time.isoformat()} is not in UTC and whole seconds")
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise FormatError(f"{text!a} is no time such as 2026-11-23T09:30:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise FormatError(f"{text!a} is no time") from None
