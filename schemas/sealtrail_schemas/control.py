"""Control statements: what an operator did to a trail, signed by its key (docs/format.md, "Control").

    {"at":"…","control":"gap","first_kept":"40","first_lost":"17","format":"sealtrail/control/v1",…}

    — audit.example.com/payments/0/control 3N8Em6Sm…

A statement is the note in the body of a control entry. It names the entry's place in the trail, so that it
can't be repeated elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sealtrail_schemas.body import TopicRef, parse_topic, topic_members
from sealtrail_schemas.canonical_json import Members, dumps_canonical, loads_canonical
from sealtrail_schemas.errors import ControlError, FormatError, NoteError, UnknownFormatError
from sealtrail_schemas.keys import Verifier
from sealtrail_schemas.leaf import HASH_BYTES, MAX_SEQUENCE, Kind, Leaf
from sealtrail_schemas.note import note_text, open_note, sign_note
from sealtrail_schemas.origin import split_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_schemas.keys import Signer

MAX_CONTROL_BYTES: Final = 1 << 14

_FORMAT: Final = "sealtrail/control/v1"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """From the next entry on, `new` signs for the trail instead of `old`. Both sign this."""

    old: Verifier
    new: Verifier


@dataclass(frozen=True, slots=True)
class Continuation:
    """The trail goes on from here in `chained_topic`, though that does not hold all that was chained before.

    `stop` says what had stopped the line, as its stop code.
    """

    chained_topic: TopicRef
    stop: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Raw records from `first_lost` up to `first_kept`, without the latter, are lost: nobody chained them."""

    raw_topic: TopicRef
    first_lost: int
    first_kept: int


Deed: TypeAlias = KeyChange | Continuation | Gap


@dataclass(frozen=True, slots=True)
class Control:
    """A control statement.

    Attributes:
        origin: Of the trail.
        trail_id: Of the trail, 32 bytes.
        sequence: Of the control entry that holds it.
        previous_hash: The entry hash of the entry before, 32 bytes.
        at_ms: When it was made, in milliseconds since the Unix epoch.
        reason: Why, one line for people.
        deed: What is stated.
    """

    origin: str
    trail_id: bytes
    sequence: int
    previous_hash: bytes
    at_ms: int
    reason: str
    deed: Deed

    @property
    def name(self) -> str:
        """What its body calls it: `key-change`, `continuation` or `gap`."""
        return _NAMES[type(self.deed)]

    def is_at(self, leaf: Leaf) -> bool:
        """Whether this is the statement of the control entry with that leaf."""
        return (leaf.kind, leaf.trail_id, leaf.sequence, leaf.previous_hash) == (
            Kind.CONTROL,
            self.trail_id,
            self.sequence,
            self.previous_hash,
        )


def control_key_name(origin: str) -> str:
    """The name under which the trail's key signs statements, so that none can stand in for a seal."""
    return f"{origin}/control"


def sign_control(control: Control, signers: Sequence[Signer]) -> bytes:
    """Sign a statement with the trail's key; a key change with the old key and then the new one.

    Raises:
        ControlError: `open_control` would refuse it.
    """
    try:
        text = dumps_canonical(_members(control)).decode() + "\n"
        name = control_key_name(control.origin)
        note = sign_note(text, [signer.renamed(name) for signer in signers])
    except (FormatError, ValueError) as error:
        raise ControlError(f"not a control statement: {error}") from None
    open_control(note, signers[0].verifier)
    return note


def open_control(note: bytes, verifier: Verifier) -> Control:
    """Open a statement under the key that signs for the trail at its place, the old one of a key change.

    Raises:
        NoteSignatureError, NoteUnsignedError: it is not signed by the key, or not by the new one as well.
        UnknownFormatError: it is one that this program does not know.
        ControlError: it is no control statement of the trail.
        NoteError: it is no note, or has other signatures.
    """
    control = read_control(note)
    if control.origin != verifier.name:
        raise ControlError(f"origin: expected {verifier.name}, found {control.origin}")
    keys = [verifier]
    if isinstance(control.deed, KeyChange):
        if control.deed.old != verifier:
            raise ControlError(f"old key: expected {verifier.vkey}, found {control.deed.old.vkey}")
        keys.append(control.deed.new)
    name = control_key_name(control.origin)
    opened = open_note(
        note, [key.renamed(name) for key in keys], max_bytes=MAX_CONTROL_BYTES, exact_signatures=True
    )
    if [key.public_key for key in opened.signed_by] != [key.public_key for key in keys]:
        raise ControlError("a key change is signed by the old key and then by the new one")
    return control


def open_key_change(note: bytes) -> Control:
    """Open a key change that the two keys in it have signed. Whether to trust either is the caller's to know.

    Raises as `open_control`, and ControlError where it states something else.
    """
    control = read_control(note)
    if not isinstance(control.deed, KeyChange):
        raise ControlError(f"a {control.name}, where a key change is expected")
    return open_control(note, control.deed.old)


def read_control(note: bytes) -> Control:
    """Read a statement without looking at its signatures: to show it, not to believe it.

    Raises:
        UnknownFormatError: it is one that this program does not know.
        ControlError: it is no control statement.
        NoteError: it is no note.
    """
    if len(note) > MAX_CONTROL_BYTES:
        raise ControlError(f"a control statement has at most {MAX_CONTROL_BYTES} bytes, not {len(note)}")
    try:
        # A line feed within the text would make it no JSON in its canonical form.
        text = note_text(note).removesuffix("\n")
        return _parse_members(Members(loads_canonical(text.encode(), MAX_CONTROL_BYTES)))
    except (UnknownFormatError, NoteError):
        raise
    except FormatError as error:
        raise ControlError(f"not a control statement: {error}") from None


def _parse_members(members: Members) -> Control:
    if (found := members.take_text("format")) != _FORMAT:
        raise UnknownFormatError(f"control statement of format {found!a} is unknown to this program")
    name = members.take_text("control")
    parse = _PARSERS.get(name)
    if parse is None:
        raise UnknownFormatError(f"control statement {name!a} is unknown to this program")
    origin = members.take_text("origin")
    split_origin(origin)
    control = Control(
        origin=origin,
        trail_id=members.take_hex("trail_id", HASH_BYTES),
        sequence=members.take_number("sequence", at_least=1),
        previous_hash=members.take_hex("previous", HASH_BYTES),
        at_ms=members.take_number("at"),
        reason=members.take_text("reason"),
        deed=parse(members, origin),
    )
    members.refuse_others()
    if control.sequence > MAX_SEQUENCE:
        raise FormatError(f"sequence {control.sequence} is above 2^63 - 2")
    return control


def _members(control: Control) -> dict[str, Any]:
    return {
        "at": str(control.at_ms),
        "control": control.name,
        "format": _FORMAT,
        "origin": control.origin,
        "previous": control.previous_hash.hex(),
        "reason": control.reason,
        "sequence": str(control.sequence),
        "trail_id": control.trail_id.hex(),
        **_deed_members(control.deed),
    }


def _deed_members(deed: Deed) -> dict[str, Any]:
    match deed:
        case KeyChange(old, new):
            return {"new": new.vkey, "old": old.vkey}
        case Continuation(topic, stop):
            return {"chained_topic": topic_members(topic), "stop": stop}
        case Gap(topic, first_lost, first_kept):
            return {
                "first_kept": str(first_kept),
                "first_lost": str(first_lost),
                "raw_topic": topic_members(topic),
            }


def _parse_key_change(members: Members, origin: str) -> KeyChange:
    deed = KeyChange(Verifier.parse(members.take_text("old")), Verifier.parse(members.take_text("new")))
    if deed.old.public_key == deed.new.public_key:
        raise FormatError("the new key is the old one")
    for key in (deed.old, deed.new):
        if key.name != origin:
            raise FormatError(f"key {key.vkey} is not named as the origin {origin}")
    return deed


def _parse_continuation(members: Members, _origin: str) -> Continuation:
    return Continuation(_parse_topic(members.take_object("chained_topic")), members.take_text("stop"))


def _parse_gap(members: Members, origin: str) -> Gap:
    deed = Gap(
        _parse_topic(members.take_object("raw_topic")),
        members.take_number("first_lost"),
        members.take_number("first_kept", at_least=1),
    )
    if deed.first_lost >= deed.first_kept:
        raise FormatError(f"a gap from {deed.first_lost} to {deed.first_kept} has no record in it")
    if deed.raw_topic.name != split_origin(origin).topic:
        raise FormatError(f"origin {origin} is not of raw topic {deed.raw_topic.name!a}")
    return deed


def _parse_topic(members: Members) -> TopicRef:
    topic = parse_topic(members)
    members.refuse_others()
    return topic


_NAMES: Final[dict[type, str]] = {KeyChange: "key-change", Continuation: "continuation", Gap: "gap"}
CONTROL_NAMES: Final = frozenset(_NAMES.values())
"""The names of control entries that this program knows."""

_PARSERS: Final[dict[str, Callable[[Members, str], Deed]]] = {
    "key-change": _parse_key_change,
    "continuation": _parse_continuation,
    "gap": _parse_gap,
}
