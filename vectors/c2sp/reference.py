"""The formats once more, straight from their definitions: slow, short, and apart from the code under test."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

if TYPE_CHECKING:
    from collections.abc import Sequence

Vector: TypeAlias = dict[str, Any]

PROOF: Final = "ProofError"
NOTE: Final = "NoteError"
SIGNATURE: Final = "NoteSignatureError"
UNSIGNED: Final = "NoteUnsignedError"
CHECKPOINT: Final = "CheckpointError"
POLICY: Final = "PolicyError"
UNKNOWN: Final = "UnknownFormatError"


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of `data`."""
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode()


# Merkle trees as RFC 6962 section 2.1 defines them: by recursion.


def leaf(data: bytes) -> bytes:
    """Return a leaf's hash."""
    return sha256(b"\x00" + data)


def node(left: bytes, right: bytes) -> bytes:
    """Return an inner node's hash."""
    return sha256(b"\x01" + left + right)


def split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def mth(leaves: Sequence[bytes]) -> bytes:
    """Return MTH(D[n]) of leaf hashes."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    """Return SUBPROOF(m, D[n], known); with the default this is PROOF(m, D[n])."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def edge(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the complete subtrees, largest first."""
    if not leaves:
        return []
    k = 1 << len(leaves).bit_length() - 1
    return [mth(leaves[:k]), *edge(leaves[k:])]


def root_by_path(m: int, n: int, leaf_hash: bytes, proof: Sequence[bytes]) -> bytes:
    """Undo `path`: return the root it leads to. ValueError if it has another length."""
    if n == 1:
        if proof:
            raise ValueError("too long")
        return leaf_hash
    if not proof:
        raise ValueError("too short")
    k = split(n)
    if m < k:
        return node(root_by_path(m, k, leaf_hash, proof[:-1]), proof[-1])
    return node(proof[-1], root_by_path(m - k, n - k, leaf_hash, proof[:-1]))


def roots_by_proof(m: int, n: int, known: bytes | None, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Undo `subproof`: return the old and new root it leads to. ValueError if it has another length."""
    if m == n:
        seed = [*proof] if known is None else [known, *proof]
        if len(seed) != 1:
            raise ValueError("of another length")
        return seed[0], seed[0]
    if not proof:
        raise ValueError("too short")
    k = split(n)
    if m <= k:
        old, new = roots_by_proof(m, k, known, proof[:-1])
        return old, node(new, proof[-1])
    old, new = roots_by_proof(m - k, n - k, None, proof[:-1])
    return node(proof[-1], old), node(proof[-1], new)


# Keys and notes as C2SP signed-note defines them.


class Key:
    """An Ed25519 key whose seed follows from its label."""

    def __init__(self, name: str, label: str | None = None) -> None:
        """Make the key of `label`, by default of its name."""
        self.name = name
        self.seed = sha256(b"sealtrail test vector key: " + (label or name).encode())
        self._private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.id = sha256(name.encode() + b"\n\x01" + self.public)[:4]

    @property
    def vkey(self) -> str:
        """The verifier key."""
        return f"{self.name}+{self.id.hex()}+" + b64(b"\x01" + self.public)

    @property
    def skey(self) -> str:
        """The signing key in the form of golang.org/x/mod/sumdb/note."""
        return f"PRIVATE+KEY+{self.name}+{self.id.hex()}+" + b64(b"\x01" + self.seed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key, in the manner of ssh."""
        return "SHA256:" + b64(sha256(self.public)).rstrip("=")

    def signature(self, text: str) -> bytes:
        """Return the bare signature of a text."""
        return self._private.sign(text.encode())

    def line(self, text: str) -> str:
        """Return the signature line of a text."""
        return signature_line(self.name, self.id + self.signature(text))


def free_bit(encoded: str) -> str:
    """Spell base64 whose last character has unused bits in another way: the lowest of them is set."""
    body = encoded.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + alphabet[alphabet.index(body[-1]) | 1] + encoded[len(body) :]


def signature_line(name: str, blob: bytes) -> str:
    """Return a signature line of any bytes."""
    return f"\u2014 {name} {b64(blob)}\n"


def note(text: str, *lines: str) -> str:
    """Return a note of a text and signature lines."""
    return text + "\n" + "".join(lines)
