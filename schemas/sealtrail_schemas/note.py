"""Signed notes, C2SP signed-note v1.0.0, with Ed25519 signatures.

    This is an example message.

    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72...

The text ends in a line feed; the last blank line parts it from the signature lines, each an em dash, a key
name and base64(4-byte key ID || signature). A signature covers the text with its last line feed, and nothing
else: whoever carries a note may add, drop or reorder the lines of keys that the reader does not know. Where
the bytes of a whole file count, open it with `exact_signatures=True`, with which one key and one text have
one note only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.base64text import decode_base64, encode_base64
from sealtrail_schemas.errors import NoteError, NoteUnsignedError
from sealtrail_schemas.keys import Signer, Verifier, check_key_name, encode_signing_key, parse_signing_key

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "Note",
    "Signer",
    "Verifier",
    "encode_signing_key",
    "note_text",
    "open_note",
    "parse_signing_key",
    "sign_note",
]

MAX_NOTE_BYTES: Final = 1 << 20
MAX_SIGNATURES: Final = 64
"""C2SP wants 16 at least; post-quantum ones are up to 5 kB each."""

_KEY_ID_BYTES: Final = 4
_SIGNATURE_PREFIX: Final = "— "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures were checked.

    Attributes:
        text: What was signed, with its last line feed.
        signed_by: The known keys that signed it, in the order of their first lines; never empty.
        unknown: How many signature lines are of unknown keys; they say nothing.
    """

    text: str
    signed_by: tuple[Verifier, ...]
    unknown: int


@dataclass(frozen=True, slots=True)
class _SignatureLine:
    name: str
    key_id: bytes
    signature: bytes


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """Return the note of `text`, signed by each of `signers` in their order.

    Raises:
        NoteError: The text does not end in a line feed, holds a control character or is not valid UTF-8;
            there is no signer, or more than `MAX_SIGNATURES`; or a key signs twice.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteError("the text of a note ends in a line feed and holds no other control character")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise NoteError("the text of a note is not valid UTF-8") from None
    keys = {(signer.name, signer.verifier.key_id) for signer in signers}
    if not 0 < len(keys) == len(signers) <= MAX_SIGNATURES:
        raise NoteError(f"a note is signed by 1 to {MAX_SIGNATURES} keys, by each once")
    lines = [_signature_line(signer, data) for signer in signers]
    return data + b"\n" + "".join(lines).encode()


def open_note(
    data: bytes,
    verifiers: Sequence[Verifier],
    *,
    max_bytes: int = MAX_NOTE_BYTES,
    exact_signatures: bool = False,
) -> Note:
    """Check a note against the keys one trusts and return its text.

    Signatures of unknown keys are ignored, even if a known key has the same name or the same key ID. A wrong
    signature of a known key spoils the note, even beside a good one.

    Args:
        data: The whole note.
        verifiers: The known keys.
        max_bytes: Longer notes are refused unread.
        exact_signatures: Refuse signature lines of unknown keys, and a second line of a known one.

    Raises:
        NoteSignatureError: A known key's signature does not verify.
        NoteUnsignedError: No known key signed it.
        NoteError: It is no note, or has lines that `exact_signatures` refuses.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    if len(known) != len(set(verifiers)):
        raise NoteError("two of the trusted keys have the same name and key ID: rename one")
    text, lines = _parse(data, max_bytes=max_bytes)

    signed_by: dict[Verifier, None] = {}
    unknown = 0
    for line in lines:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            unknown += 1
            continue
        if exact_signatures and verifier in signed_by:
            raise NoteError(f"the note has two signature lines of {line.name!a}")
        verifier.verify(text.encode(), line.signature)
        signed_by[verifier] = None
    if not signed_by:
        raise NoteUnsignedError("the note has no signature of a trusted key, only of " + _names(lines))
    if exact_signatures and unknown:
        raise NoteError("the note has a signature line of an unknown key, where only trusted keys may sign")
    return Note(text, tuple(signed_by), unknown)


def note_text(data: bytes) -> str:
    """Return the text of a note without checking any signature: nobody vouches for it.

    Raises:
        NoteError: It is no note.
    """
    return _parse(data, max_bytes=MAX_NOTE_BYTES)[0]


def _parse(data: bytes, *, max_bytes: int) -> tuple[str, list[_SignatureLine]]:
    """Return the text, unchecked, and the signature lines."""
    if len(data) > max_bytes:
        raise NoteError(f"the note has {len(data)} bytes, more than {max_bytes}")
    try:
        content = data.decode()
    except UnicodeDecodeError:
        raise NoteError("the note is not valid UTF-8") from None
    if _CONTROL.search(content):
        raise NoteError("the note holds a control character other than the line feed")
    head, blank, tail = content.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NoteError(
            "not a signed note: text, a blank line and signature lines, each ending in a line feed"
        )
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"the note has {len(lines)} signature lines, more than {MAX_SIGNATURES}")
    return head + "\n", [_parse_signature_line(line) for line in lines]


def _parse_signature_line(line: str) -> _SignatureLine:
    name, space, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    if not line.startswith(_SIGNATURE_PREFIX) or not space:
        raise NoteError(
            "a signature line is not an em dash, a key name and a signature, parted by single spaces"
        )
    check_key_name(name)
    try:
        blob = decode_base64(encoded)
    except ValueError as error:
        raise NoteError(f"the signature of {name!a} is {error}") from None
    if len(blob) <= _KEY_ID_BYTES:
        raise NoteError(f"the signature of {name!a} is too short")
    return _SignatureLine(name, blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


def _signature_line(signer: Signer, data: bytes) -> str:
    blob = signer.verifier.key_id + signer.sign(data)
    return f"{_SIGNATURE_PREFIX}{signer.name} {encode_base64(blob)}\n"


def _names(lines: Sequence[_SignatureLine]) -> str:
    """Name the first signers of a note that nobody vouches for; the rest would only fill the screen."""
    names = [repr(line.name) for line in lines[:3]]
    return ", ".join(names) + (" and others" if len(lines) > len(names) else "")
