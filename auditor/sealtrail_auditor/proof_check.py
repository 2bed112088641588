"""Checking a proof of one entry (docs/format.md, "Proof"): no archive is needed, only the keys to trust.

Each check is judged on its own, so that a reader sees which of several things was changed. The page of an
evidence pack makes the same checks under the same names.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_schemas.checkpoint import Checkpoint, open_checkpoint
from sealtrail_schemas.errors import (
    ControlError,
    FormatError,
    LeafError,
    NoteError,
    NoteUnsignedError,
    PayloadError,
    ProofError,
    TlogProofError,
    UnknownFormatError,
)
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_schemas.merkle import verify_inclusion
from sealtrail_schemas.note import note_text
from sealtrail_schemas.payload import Payload, decode_payload
from sealtrail_schemas.seal import open_seal
from sealtrail_schemas.seal_text import parse_seal_text
from sealtrail_schemas.tlog_proof import TlogProof
from sealtrail_schemas.trail_keys import TrailKeys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.seal_text import Seal


class CheckName(StrEnum):
    """What is checked of an entry. Declared in the order of the argument."""

    FORM = "form"  # the file is a tlog-proof
    LEAF = "leaf"  # its extra data is a leaf, of the index that the proof states
    PAYLOAD = "payload"  # the payload has the SHA-256 that the leaf states, and is one
    INCLUSION = "inclusion"  # the path leads from the leaf to the checkpoint's root
    SIGNATURE = "signature"  # a trusted key of the trail has signed the checkpoint
    SEAL = "seal"  # in packs: the seal with that checkpoint is signed and covers the entry


class State(StrEnum):
    """What a check came to."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # of a key that is not trusted, or of a version not known here
    HIDDEN = "hidden"  # not shown: a redacted payload
    UNJUDGED = "unjudged"  # what it would be judged by is missing or broken


class Check(NamedTuple):
    """One check: what it is, what it came to, and a sentence that says so."""

    name: CheckName
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class CheckedProof:
    """A proof and what its checks came to; what could not be read is None.

    Attributes:
        checks: In the order of `CheckName`.
        proof: The proof, parsed.
        leaf: The leaf, parsed. Proven only where `leaf`, `inclusion` and `signature` are good.
        entry_hash: Of the leaf's bytes.
        payload: The payload, decoded, where that check is good.
        checkpoint: The checkpoint, parsed.
        verifier: The key that had to sign: the trusted one of its origin, or one to which that leads.
    """

    checks: tuple[Check, ...]
    proof: TlogProof | None = None
    leaf: Leaf | None = None
    entry_hash: bytes | None = None
    payload: Payload | None = None
    checkpoint: Checkpoint | None = None
    verifier: Verifier | None = None

    @property
    def proven(self) -> bool:
        """Whether the entry is in the trail; its payload may be hidden."""
        return all(check.state in {State.GOOD, State.HIDDEN} for check in self.checks)

    def state(self, name: CheckName) -> State:
        """What one check came to."""
        return next((check.state for check in self.checks if check.name is name), State.UNJUDGED)


def check_proof(
    data: bytes, payload: bytes | None, keys: Mapping[str, Verifier], changes: Sequence[Control] = ()
) -> CheckedProof:
    """Check a proof. Whatever is wrong is in the answer; nothing is raised.

    Args:
        data: The proof, a C2SP tlog-proof whose extra data is the leaf.
        payload: The entry's payload; None where it is not shown.
        keys: The trusted keys, by origin, as a policy has them.
        changes: Key changes, opened, that lead from a trusted key to the one that signed.
    """
    try:
        proof = TlogProof.parse(data)
    except UnknownFormatError as error:
        return CheckedProof(_only_form(State.UNKNOWN, str(error)))
    except TlogProofError as error:
        return CheckedProof(_only_form(State.BAD, str(error)))
    checkpoint = _read_checkpoint(proof.checkpoint)
    leaf, leaf_check = _check_leaf(proof)
    trusted = None if checkpoint is None else keys.get(checkpoint.origin)
    verifier = trusted
    if trusted is not None and checkpoint is not None and leaf is not None:
        verifier = _key_at(trusted, leaf.trail_id, checkpoint.size, changes)
    decoded, payload_check = _check_payload(leaf, payload)
    checks = (
        Check(CheckName.FORM, State.GOOD, "The file is a tlog-proof, version 1."),
        leaf_check,
        payload_check,
        _check_inclusion(proof, checkpoint),
        _check_signature(proof.checkpoint, checkpoint, verifier, trusted),
    )
    hashed = None if proof.extra is None else entry_hash(proof.extra)
    return CheckedProof(checks, proof, leaf, hashed, decoded, checkpoint, verifier)


def _only_form(state: State, detail: str) -> tuple[Check, ...]:
    others = (CheckName.LEAF, CheckName.PAYLOAD, CheckName.INCLUSION, CheckName.SIGNATURE)
    return (
        Check(CheckName.FORM, state, detail),
        *(Check(name, State.UNJUDGED, "There is no proof to judge it by.") for name in others),
    )


def _read_checkpoint(note: bytes) -> Checkpoint | None:
    """What the checkpoint says, signed or not."""
    try:
        return Checkpoint.parse_text(note_text(note))
    except NoteError:
        return None


def _check_leaf(proof: TlogProof) -> tuple[Leaf | None, Check]:
    name = CheckName.LEAF
    if proof.extra is None:
        return None, Check(name, State.BAD, "The proof has no line `extra` with the entry's leaf.")
    try:
        leaf = Leaf.parse(proof.extra)
    except UnknownFormatError as error:
        return None, Check(name, State.UNKNOWN, str(error))
    except LeafError as error:
        return None, Check(name, State.BAD, str(error))
    if leaf.sequence != proof.index:
        detail = f"The leaf is of entry {leaf.sequence}, the proof of entry {proof.index}."
        return leaf, Check(name, State.BAD, detail)
    return leaf, Check(name, State.GOOD, f"The leaf is that of entry {leaf.sequence}.")


def _check_payload(leaf: Leaf | None, payload: bytes | None) -> tuple[Payload | None, Check]:
    name = CheckName.PAYLOAD
    if payload is None:
        return None, Check(name, State.HIDDEN, "The payload is not shown; the leaf states its SHA-256.")
    if leaf is None:
        return None, Check(name, State.UNJUDGED, "There is no leaf to judge it by.")
    digest = sha256(payload).digest()
    if digest != leaf.payload_hash:
        detail = f"The payload has SHA-256 {digest.hex()}, the leaf states {leaf.payload_hash.hex()}."
        return None, Check(name, State.BAD, detail)
    try:
        decoded = decode_payload(payload)
    except PayloadError as error:
        return None, Check(name, State.BAD, str(error))
    return decoded, Check(name, State.GOOD, "The payload has the SHA-256 that the leaf states.")


def _check_inclusion(proof: TlogProof, checkpoint: Checkpoint | None) -> Check:
    name = CheckName.INCLUSION
    if proof.extra is None or checkpoint is None:
        what = "leaf" if proof.extra is None else "readable checkpoint"
        return Check(name, State.UNJUDGED, f"There is no {what} to judge it by.")
    try:
        verify_inclusion(proof.index, checkpoint.size, entry_hash(proof.extra), proof.path, checkpoint.root)
    except ProofError as error:
        return Check(name, State.BAD, str(error))
    detail = f"The path leads from the leaf to the root of the {checkpoint.size} entries of the checkpoint."
    return Check(name, State.GOOD, detail)


def _key_at(trusted: Verifier, trail_id: bytes, size: int, changes: Sequence[Control]) -> Verifier:
    """The key that signs for a trail at a size, as far as key changes lead to it from the trusted one."""
    of_trail = [one for one in changes if (one.origin, one.trail_id) == (trusted.name, trail_id)]
    with suppress(ControlError):
        return TrailKeys.follow(trusted, of_trail).at(size)
    return trusted


def _check_signature(
    note: bytes, checkpoint: Checkpoint | None, verifier: Verifier | None, trusted: Verifier | None
) -> Check:
    name = CheckName.SIGNATURE
    if checkpoint is None:
        return Check(name, State.BAD, "What should be a checkpoint can't be read as one.")
    if verifier is None:
        return Check(name, State.UNKNOWN, f"The policy names no key of {checkpoint.origin!a}.")
    key = f"The policy's key of {checkpoint.origin!a}"
    if verifier != trusted:
        key = f"The key {verifier.fingerprint} of {checkpoint.origin!a}, to which the policy's leads,"
    try:
        open_checkpoint(note, verifier)
    except NoteUnsignedError:
        return Check(name, State.UNKNOWN, f"{key} has not signed the checkpoint.")
    except NoteError as error:
        return Check(name, State.BAD, str(error))
    return Check(name, State.GOOD, f"{key} has signed the checkpoint.")


def check_seal(result: CheckedProof, note: bytes | None) -> Check:
    """Check the seal that a pack has for an entry: it says which batch held the entry, and its lock.

    Args:
        result: What the proof came to.
        note: The seal's note; None where the pack has none.
    """
    name = CheckName.SEAL
    if result.proof is None or result.leaf is None or result.checkpoint is None:
        return Check(name, State.UNJUDGED, "There are no leaf and checkpoint to judge it by.")
    seal = None if note is None else _read_seal(note)
    if note is None or seal is None or seal.checkpoint != result.proof.checkpoint:
        return Check(name, State.BAD, "No seal of this pack holds the proof's checkpoint.")
    if result.verifier is None:
        return Check(name, State.UNKNOWN, f"The policy names no key of {result.checkpoint.origin!a}.")
    return _check_seal_note(note, result.leaf, result.verifier)


def _check_seal_note(note: bytes, leaf: Leaf, verifier: Verifier) -> Check:
    name = CheckName.SEAL
    seal = _open_seal(note, verifier)
    if isinstance(seal, NoteUnsignedError):
        return Check(name, State.UNKNOWN, f"The policy's key of {verifier.name!a} has not signed the seal.")
    if isinstance(seal, FormatError):
        return Check(name, State.BAD, str(seal))
    if seal.trail_id != leaf.trail_id or not seal.first.sequence <= leaf.sequence <= seal.last.sequence:
        return Check(name, State.BAD, "The seal is of other entries.")
    return Check(name, State.GOOD, "The seal is signed by the trail's key and covers the entry.")


# The entries of one batch share a seal, and come one after the other.
@lru_cache(maxsize=4)
def _open_seal(note: bytes, verifier: Verifier) -> Seal | FormatError:
    """A seal that opens, or why it does not."""
    try:
        return open_seal(note, verifier).seal
    except FormatError as error:
        return error.with_traceback(None)


@lru_cache(maxsize=4)
def _read_seal(note: bytes) -> Seal | None:
    """What a seal says, signed or not."""
    try:
        return parse_seal_text(note_text(note))
    except FormatError:
        return None
