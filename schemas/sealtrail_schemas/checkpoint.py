"""Checkpoints, C2SP tlog-checkpoint v1.0.0: a signed note that states size and root of a trail's Merkle tree.

    audit.example.com/payments/0
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — audit.example.com/payments/0 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/...

Narrower than C2SP in three points: no extension lines, an origin that is a key name, and a key named as the
origin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_schemas.base64text import decode_base64, encode_base64
from sealtrail_schemas.errors import CheckpointError, NoteError
from sealtrail_schemas.keys import check_key_name
from sealtrail_schemas.merkle import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE
from sealtrail_schemas.note import open_note, sign_note

if TYPE_CHECKING:
    from sealtrail_schemas.keys import Signer, Verifier

# At most 19 digits, as 2**63 - 1 has: never hand Python a number of hostile length.
_SIZE = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of one trail's Merkle tree.

    Attributes:
        origin: The trail; also the name of the key that signs.
        size: Number of leaves, 0 to 2**63 - 1.
        root: The 32-byte RFC 6962 Merkle tree hash of that many leaves.

    Raises:
        CheckpointError: A value is not as said, or the root of an empty tree is not SHA-256("").
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        try:
            check_key_name(self.origin)
        except NoteError as error:
            raise CheckpointError(f"the origin of a checkpoint must be a key name: {error}") from None
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise CheckpointError(f"checkpoint size {self.size} is not between 0 and {MAX_TREE_SIZE}")
        if len(self.root) != HASH_BYTES:
            raise CheckpointError(f"a checkpoint's root has {HASH_BYTES} bytes, not {len(self.root)}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise CheckpointError("a checkpoint of size 0 does not have the root of the empty tree")

    def text(self) -> str:
        """Return the note text: three lines, each ending in a line feed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def parse_text(cls, text: str) -> Checkpoint:
        """Read a note text; `parse_text(text).text() == text` for every text accepted.

        Raises:
            CheckpointError: It is not origin, decimal size and base64 root, a line each, and nothing more.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise CheckpointError(
                "a checkpoint has three lines: origin, size and root; extension lines are refused"
            )
        origin, size, root = lines[:3]
        if not _SIZE.fullmatch(size):
            raise CheckpointError(
                "a checkpoint's size is a decimal number without leading zeros, below 2**63"
            )
        try:
            root_bytes = decode_base64(root)
        except ValueError as error:
            raise CheckpointError(f"a checkpoint's root is {error}") from None
        return cls(origin, int(size), root_bytes)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the checkpoint as a note signed by the trail's key.

    Raises:
        CheckpointError: The key is not named as the origin.
    """
    _require_own_key(checkpoint, signer.name)
    return sign_note(checkpoint.text(), [signer])


def open_checkpoint(data: bytes, verifier: Verifier, *, exact_signatures: bool = False) -> Checkpoint:
    """Check a signed checkpoint against the trail's key and return it.

    Signatures of other keys, such as witnesses', are ignored.

    Args:
        data: The note.
        verifier: The key of the trail, named as its origin.
        exact_signatures: As in `open_note`: nothing but this key's one line.

    Raises:
        CheckpointError: The note is good, but no checkpoint, or one of another origin.
        NoteError: As `open_note`, with `NoteSignatureError` and `NoteUnsignedError`.
    """
    note = open_note(data, [verifier], exact_signatures=exact_signatures)
    checkpoint = Checkpoint.parse_text(note.text)
    _require_own_key(checkpoint, verifier.name)
    return checkpoint


def _require_own_key(checkpoint: Checkpoint, key_name: str) -> None:
    if checkpoint.origin != key_name:
        raise CheckpointError(f"the checkpoint is of {checkpoint.origin!a}, the key of {key_name!a}")
