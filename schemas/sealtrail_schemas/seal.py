"""The seal: the signed statement about one batch, with a checkpoint of the trail (docs/format.md, "Seal")."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sealtrail_schemas.checkpoint import Checkpoint, open_checkpoint
from sealtrail_schemas.errors import NoteError, ProofError, SealError
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.note import open_note, sign_note
from sealtrail_schemas.seal_text import (
    MAX_SEAL_BYTES,
    BatchRef,
    EntryRef,
    PreviousSeal,
    Seal,
    SealedRetention,
    TimeSpan,
    TopicMark,
    parse_seal_text,
)

if TYPE_CHECKING:
    from sealtrail_schemas.keys import Signer, Verifier

__all__ = [
    "MAX_SEAL_BYTES",
    "BatchRef",
    "EntryRef",
    "OpenedSeal",
    "PreviousSeal",
    "Seal",
    "SealedRetention",
    "TimeSpan",
    "TopicMark",
    "check_extends",
    "open_seal",
    "seal_key_name",
    "sign_seal",
]


@dataclass(frozen=True, slots=True)
class OpenedSeal:
    """A seal whose signatures are good and which agrees with itself.

    Attributes:
        seal: What it says.
        checkpoint: Its checkpoint, opened.
        text_sha256: The SHA-256 of its note text, by which the next seal names it.
        right_edge: The Merkle tree of all entries so far.
    """

    seal: Seal
    checkpoint: Checkpoint
    text_sha256: bytes
    right_edge: RightEdge


def seal_key_name(origin: str) -> str:
    """The name under which the trail's key signs seals, so that no seal can stand in for a checkpoint."""
    return f"{origin}/seal"


def sign_seal(seal: Seal, signer: Signer) -> bytes:
    """Sign a seal with the trail's key, whose name is the origin.

    Raises:
        SealError: `open_seal` would refuse it.
    """
    note = sign_note(seal.text(), [signer.renamed(seal_key_name(signer.name))])
    open_seal(note, signer.verifier)
    return note


def open_seal(data: bytes, log_verifier: Verifier) -> OpenedSeal:
    """Check a seal as far as one seal allows: signatures, canonical form, and that its parts agree.

    Args:
        data: The whole note.
        log_verifier: The trail's key, named as the origin.

    Raises:
        NoteSignatureError: the signature of the seal is not the key's.
        NoteUnsignedError: the seal is not signed by the key.
        UnknownFormatError: it is a seal of a version that this program does not know.
        SealError: it is no seal, or contradicts itself.
        NoteError: it is no note with exactly one signature.
    """
    verifier = log_verifier.renamed(seal_key_name(log_verifier.name))
    text = open_note(data, [verifier], max_bytes=MAX_SEAL_BYTES, exact_signatures=True).text
    seal = parse_seal_text(text)
    checkpoint = _open_inner(seal, log_verifier)
    return OpenedSeal(seal, checkpoint, sha256(text.encode()).digest(), _right_edge(seal, checkpoint))


def check_extends(previous: OpenedSeal | None, seal: OpenedSeal) -> None:
    """Check that a seal extends the one before it, or is the first of a trail where `previous` is None.

    Raises:
        SealError: it does not; the message says what was expected and what was found.
    """
    if previous is None:
        _expect("first sequence", 0, seal.seal.first.sequence)
        return
    before, after = previous.seal, seal.seal
    if after.previous is None:
        raise SealError("the seal is the first of a trail, and extends no other")
    _expect("origin", previous.checkpoint.origin, seal.checkpoint.origin)
    _expect("trail id", before.trail_id.hex(), after.trail_id.hex())
    _expect("first sequence", before.size, after.first.sequence)
    _expect("hash of the seal before", previous.text_sha256.hex(), after.previous.sha256.hex())
    _expect("retention of the seal before", before.retention.until, after.previous.retain_until)
    _check_retention(before.retention, after.retention)


def _open_inner(seal: Seal, log_verifier: Verifier) -> Checkpoint:
    try:
        checkpoint = open_checkpoint(seal.checkpoint, log_verifier, exact_signatures=True)
    except NoteError as error:
        raise SealError(f"the seal's checkpoint: {error}") from None
    _expect("size of the checkpoint", seal.size, checkpoint.size)
    return checkpoint


def _right_edge(seal: Seal, checkpoint: Checkpoint) -> RightEdge:
    try:
        edge = RightEdge.from_parts(seal.size, seal.right_edge)
    except ProofError as error:
        raise SealError(f"the seal's right edge: {error}") from None
    _expect("root of the right edge", checkpoint.root.hex(), edge.root().hex())
    if seal.size % 2:  # then the smallest subtree is the last entry
        _expect("last hash of the right edge", seal.last.hash.hex(), edge.hashes[-1].hex())
    return edge


def _check_retention(before: SealedRetention, after: SealedRetention) -> None:
    if before.until and (after.until is None or after.until < before.until):
        raise SealError(f"retention: expected {before.until} or later, found {after.until or 'none'}")


def _expect(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise SealError(f"{what}: expected {expected}, found {found}")
