"""Proofs that an entry is in a trail, C2SP tlog-proof: the path from its leaf to a signed checkpoint.

    c2sp.org/tlog-proof@v1
    extra U1RMAQEBAAAAAAAAAAQiBqeTtUo8FQnI1hXt2GqT1gGhimOKGYlFx8m8jwTIIRs2SH676C3DW10kC+vdlyzmEiP1...
    index 4
    VWou3lJCfmW85hYqV6l8jmH3aUeekXskw1aYcOY6CQU=

    audit.example.com/payments/0
    5
    0qLpudrj5NivNru1blUPjKNfZ0wiGt8sIy35B5nmf5k=

    — audit.example.com/payments/0 3N8Em6SmCRduqPw8F//zuIJcC4dkdgkDowhCKaCqzLGbSSMIrV4ENWsQHILTs4R...

In a proof that sealtrail writes, `extra` is the entry's leaf, so that the file stands on its own. Nobody
vouches for extra data until its hash has led to the checkpoint's root.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sealtrail_schemas.base64text import decode_base64, encode_base64
from sealtrail_schemas.errors import TlogProofError, UnknownFormatError
from sealtrail_schemas.leaf import MAX_SEQUENCE
from sealtrail_schemas.merkle import HASH_BYTES
from sealtrail_schemas.note import MAX_NOTE_BYTES

MAX_PATH_HASHES: Final = 63
"""A tree of 2**63 - 1 leaves is 63 nodes high."""
MAX_EXTRA_BYTES: Final = (1 << 16) - 1
"""The longest leaf."""
MAX_TLOG_PROOF_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES
"""Room for the longest checkpoint, the longest extra data and a path."""

_PREFIX: Final = "c2sp.org/tlog-proof@"
_FIRST_LINE: Final = f"{_PREFIX}v1"
_EXTRA: Final = "extra "
_INDEX: Final = "index "
# At most 19 digits, as 2**63 - 1 has: never hand Python a number of hostile length.
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a proof says. Nothing of it is believed before it was verified.

    Attributes:
        index: The entry's place in the tree: its sequence.
        path: The inclusion path, RFC 6962 section 2.1.1: 32-byte hashes, the leaf's sibling first.
        checkpoint: The signed checkpoint, a note, as it came.
        extra: Opaque data that helps to rebuild the leaf, never empty; None where there is none.

    Raises:
        TlogProofError: A value is out of its bounds.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_SEQUENCE:
            raise TlogProofError(f"index {self.index} is not between 0 and 2^63 - 2")
        if len(self.path) > MAX_PATH_HASHES:
            raise TlogProofError(f"a path of {len(self.path)} hashes, more than {MAX_PATH_HASHES}")
        if any(len(node) != HASH_BYTES for node in self.path):
            raise TlogProofError(f"a hash of the path has not {HASH_BYTES} bytes")
        if not 0 < len(self.checkpoint) <= MAX_NOTE_BYTES:
            raise TlogProofError(
                f"the checkpoint has {len(self.checkpoint)} bytes, not 1 to {MAX_NOTE_BYTES}"
            )
        if self.extra is not None and not 0 < len(self.extra) <= MAX_EXTRA_BYTES:
            raise TlogProofError(f"the extra data has {len(self.extra)} bytes, not 1 to {MAX_EXTRA_BYTES}")

    def encode(self) -> bytes:
        """Return the proof as text; `parse` reads it back."""
        extra = [] if self.extra is None else [_EXTRA + encode_base64(self.extra)]
        path = [encode_base64(node) for node in self.path]
        lines = [_FIRST_LINE, *extra, f"{_INDEX}{self.index}", *path, "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read a proof; `parse(data).encode() == data` for all data accepted. The checkpoint is not opened.

        Raises:
            UnknownFormatError: It is a proof of another version.
            TlogProofError: It is no proof, or one beyond the limits above.
        """
        if len(data) > MAX_TLOG_PROOF_BYTES:
            raise TlogProofError(f"the proof has {len(data)} bytes, more than {MAX_TLOG_PROOF_BYTES}")
        head, blank, checkpoint = data.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise TlogProofError("not a tlog-proof: it is not ASCII above the checkpoint") from None
        _check_first_line(first)
        if not blank:
            raise TlogProofError("the proof has no blank line, and so no checkpoint")
        extra = None
        if lines and lines[0].startswith(_EXTRA):
            extra = _decode(lines.pop(0).removeprefix(_EXTRA), "the extra data")
        index = _parse_index(lines.pop(0) if lines else "")
        if len(lines) > MAX_PATH_HASHES:
            raise TlogProofError(f"a path of {len(lines)} hashes, more than {MAX_PATH_HASHES}")
        path = tuple(_decode(line, f"hash {number} of the path") for number, line in enumerate(lines, 1))
        return cls(index, path, checkpoint, extra)


def is_tlog_proof(data: bytes) -> bool:
    """Whether data begins as a proof of some version does."""
    return data.startswith(_PREFIX.encode())


def _check_first_line(line: str) -> None:
    if line == _FIRST_LINE:
        return
    if line.startswith(_PREFIX):
        raise UnknownFormatError(f"a tlog-proof of the unknown version {line.removeprefix(_PREFIX)[:20]!a}")
    raise TlogProofError(f"not a tlog-proof: its first line is not {_FIRST_LINE}")


def _parse_index(line: str) -> int:
    number = line.removeprefix(_INDEX)
    if not line.startswith(_INDEX) or not _NUMBER.fullmatch(number):
        raise TlogProofError("the line before the path is not `index` and a decimal number below 2^63 - 1")
    return int(number)


def _decode(text: str, what: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError as error:
        raise TlogProofError(f"{what} is {error}") from None
