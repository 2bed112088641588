"""Control entries as they stand in a chain: which signed statement one holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_schemas.body import ControlBody, parse_body
from sealtrail_schemas.control import open_control
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.payload import decode_payload

if TYPE_CHECKING:
    from sealtrail_chainer.true_chain import Linked
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier


def statement_of(entry: Linked, verifier: Verifier) -> Control | None:
    """The statement of a control entry, signed for its place by the key that signs for the trail there.

    None for any other entry, and where what it holds is not that. Who judges those is the verifier.
    """
    note = note_of(entry)
    if note is None:
        return None
    try:
        control = open_control(note, verifier)
    except FormatError:
        return None
    return control if control.is_at(entry.leaf) else None


def note_of(entry: Linked) -> bytes | None:
    """The note in the body of a control entry, unchecked; None where there is none."""
    if entry.leaf.kind is not Kind.CONTROL:
        return None
    try:
        body = parse_body(Kind.CONTROL, decode_payload(entry.payload).value)
    except FormatError:
        return None
    return body.note.encode() if isinstance(body, ControlBody) and body.note is not None else None
