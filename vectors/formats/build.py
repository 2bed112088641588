"""The formats of docs/format.md once more, without any check, so that wrong bytes can be made too."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "audit.example.com/payments/0"
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"sealtrail vectors: key of payments/0").digest())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"sealtrail vectors: another key").digest())
MAX_INT64 = 2**63 - 1


def digest(label: str) -> bytes:
    """32 bytes that follow from a label."""
    return sha256(f"sealtrail vectors: {label}".encode()).digest()


def number(value: int) -> bytes:
    """A zig-zag varint in its shortest form."""
    rest = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*encoded, rest])


def blob(value: bytes) -> bytes:
    """Avro bytes: length and content."""
    return number(len(value)) + value


def optional(value: bytes | None) -> bytes:
    """Avro's union of null and bytes."""
    return b"\x00" if value is None else b"\x02" + blob(value)


def payload(
    salt: bytes, key: bytes | None, headers: list[tuple[bytes, bytes | None]], value: bytes | None
) -> bytes:
    """A payload."""
    items = b"".join(blob(name) + optional(content) for name, content in headers)
    return (
        salt + optional(key) + (number(len(headers)) + items if headers else b"") + b"\x00" + optional(value)
    )


@dataclass(frozen=True)
class Leaf:
    """A leaf, field by field as docs/format.md lists them."""

    kind: int = 1
    sequence: int = 7
    previous_hash: bytes = digest("the entry before")
    trail_id: bytes = digest("a trail")
    payload_hash: bytes = digest("a payload")
    source_timestamp: int = 1_795_426_200_000
    source_timestamp_type: int = 1
    chained_at: int = 1_795_426_200_250
    source_offset: int = 40
    next_source_offset: int = 41
    extension: bytes = b""
    magic: bytes = b"STL"
    version: int = 1
    algorithm: int = 1
    extension_length: int | None = None

    def encode(self) -> bytes:
        """The leaf's bytes."""
        return b"".join(
            (
                self.magic,
                struct.pack(">BBBQ", self.version, self.kind, self.algorithm, self.sequence),
                self.previous_hash,
                self.trail_id,
                self.payload_hash,
                struct.pack(">qB", self.source_timestamp, self.source_timestamp_type),
                struct.pack(">qqq", self.chained_at, self.source_offset, self.next_source_offset),
                struct.pack(
                    ">H", len(self.extension) if self.extension_length is None else self.extension_length
                ),
                self.extension,
            )
        )


def entry_hash(leaf: bytes) -> bytes:
    """The entry hash."""
    return sha256(b"\x00" + leaf).digest()


def canonical(value: Any) -> str:
    """RFC 8785 for what the vectors hold: no floats, and member names in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return key.public_key().public_bytes_raw()


def key_id(name: str, key: Ed25519PrivateKey) -> bytes:
    """A C2SP key ID."""
    return sha256(name.encode() + b"\n\x01" + public_bytes(key)).digest()[:4]


def vkey(name: str, key: Ed25519PrivateKey) -> str:
    """A C2SP verifier key."""
    typed = base64.b64encode(b"\x01" + public_bytes(key)).decode()
    return f"{name}+{key_id(name, key).hex()}+{typed}"


def signature_line(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """A signature line of a C2SP signed note."""
    return f"\u2014 {name} {base64.b64encode(key_id(name, key) + key.sign(text.encode())).decode()}\n"


def note(text: str, name: str, key: Ed25519PrivateKey = KEY) -> str:
    """A C2SP signed note."""
    return f"{text}\n{signature_line(text, name, key)}"


def subtrees(leaf_hashes: list[bytes]) -> list[bytes]:
    """The right edge: roots of the complete subtrees, largest first."""
    edge = []
    while leaf_hashes:
        size = 1 << (len(leaf_hashes).bit_length() - 1)
        edge.append(root(leaf_hashes[:size]))
        leaf_hashes = leaf_hashes[size:]
    return edge


def root(leaf_hashes: list[bytes]) -> bytes:
    """The RFC 6962 Merkle tree hash of at least one leaf, given as leaf hashes."""
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    split = 1 << ((len(leaf_hashes) - 1).bit_length() - 1)
    return sha256(b"\x01" + root(leaf_hashes[:split]) + root(leaf_hashes[split:])).digest()


def checkpoint(size: int, tree_root: bytes, origin: str = ORIGIN, key: Ed25519PrivateKey = KEY) -> str:
    """A signed C2SP checkpoint."""
    return note(f"{origin}\n{size}\n{base64.b64encode(tree_root).decode()}\n", origin, key)
