"""Keys in text form: verifier keys (`vkey`, C2SP signed-note) and signing keys (Go's `sumdb/note`).

    audit.example.com/payments/0+5b1d3c5e+AVx...            key name + key ID + base64(type || public key)
    PRIVATE+KEY+audit.example.com/payments/0+5b1d3c5e+AQ... the same with the 32-byte Ed25519 seed

A key ID is no fingerprint: 32 bits can be collided. To compare keys by eye use `Verifier.fingerprint`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sealtrail_schemas.base64text import decode_base64, encode_base64
from sealtrail_schemas.errors import NoteError, NoteSignatureError, UnknownFormatError

ED25519: Final = 0x01
"""Signature type of plain Ed25519 notes, the one that this version signs and verifies."""
COSIGNATURE_ED25519: Final = 0x04
COSIGNATURE_MLDSA44: Final = 0x06

KEY_BYTES: Final = {ED25519: 32, COSIGNATURE_ED25519: 32, COSIGNATURE_MLDSA44: 1312}
"""Length of the public key of each signature type that vkeys are read of."""

_KEY_ID = re.compile("[0-9a-f]{8}")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A vkey as it stands, of whatever signature type: its name, 4-byte key ID, type and public key."""

    name: str
    key_id: bytes
    signature_type: int
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Read `<key name>+<key ID in hex>+<base64(signature type || public key)>`.

        Raises:
            NoteError: It has another shape, or its key ID is not that of its name and key.
            UnknownFormatError: It is well-formed, of a signature type not in `KEY_BYTES`.
        """
        name, key_id, material = _split_key(vkey.split("+", 2), what="verifier key")
        signature_type, public_key = material[0], material[1:]
        if signature_type not in KEY_BYTES:
            raise UnknownFormatError(
                f"verifier key {name!a} is of the unknown signature type 0x{signature_type:02x}"
            )
        if len(public_key) != KEY_BYTES[signature_type]:
            raise NoteError(
                f"verifier key {name!a} has {len(public_key)} bytes instead of {KEY_BYTES[signature_type]}"
            )
        if key_id != compute_key_id(name, signature_type, public_key):
            raise NoteError(
                f"verifier key {name!a} does not belong to its key ID {key_id.hex()}: copy it again"
            )
        return cls(name, key_id, signature_type, public_key)


@dataclass(frozen=True, slots=True)
class Verifier:
    """An Ed25519 public key under a name: whose signature to accept.

    Attributes:
        name: The key name, for a trail its origin.
        key_id: The first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key).
        public_key: The 32 bytes of RFC 8032.
    """

    name: str
    key_id: bytes
    public_key: bytes

    def __post_init__(self) -> None:
        if len(self.public_key) != KEY_BYTES[ED25519]:
            raise NoteError(f"an Ed25519 public key has 32 bytes, not {len(self.public_key)}")
        check_key_name(self.name)
        if self.key_id != compute_key_id(self.name, ED25519, self.public_key):
            raise NoteError(f"key {self.name!a} does not belong to its key ID {self.key_id.hex()}")

    @classmethod
    def from_public_key(cls, name: str, public_key: bytes) -> Verifier:
        """Name a 32-byte Ed25519 public key; its key ID follows.

        Raises:
            NoteError: The name is not allowed, or the key is not 32 bytes.
        """
        check_key_name(name)
        return cls(name, compute_key_id(name, ED25519, public_key), public_key)

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read an Ed25519 vkey.

        Raises:
            NoteError: It is not a vkey.
            UnknownFormatError: It is the vkey of another signature type than 0x01.
        """
        key = VerifierKey.parse(vkey)
        if key.signature_type != ED25519:
            raise UnknownFormatError(
                f"verifier key {key.name!a} is of signature type 0x{key.signature_type:02x}; "
                "notes are verified with Ed25519 keys (0x01) only"
            )
        return cls(key.name, key.key_id, key.public_key)

    @property
    def vkey(self) -> str:
        """The key as text, as `parse` reads it."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([ED25519]) + self.public_key)}"

    @property
    def fingerprint(self) -> str:
        """The public key for comparison by eye: `SHA256:` and unpadded base64, in the manner of ssh.

        It is of the 32 bytes alone, whatever the name; ssh hashes its own encoding of a key.
        """
        return "SHA256:" + encode_base64(sha256(self.public_key).digest()).rstrip("=")

    def renamed(self, name: str) -> Verifier:
        """Return the same public key under another name, thus with another key ID."""
        return Verifier.from_public_key(name, self.public_key)

    def verify(self, data: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature (RFC 8032) over `data`.

        Raises:
            NoteSignatureError: It is not this key's signature of these bytes.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, data)
        except InvalidSignature:
            raise NoteSignatureError(f"the signature of {self.name!a} does not verify") from None


@dataclass(frozen=True, slots=True, eq=False)
class Signer:
    """An Ed25519 private key under a name. Its representation shows the public half only."""

    verifier: Verifier
    _private_key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_private_key(cls, name: str, private_key: Ed25519PrivateKey) -> Signer:
        """Name a private key.

        Raises:
            NoteError: The name is not allowed.
        """
        public_key = private_key.public_key().public_bytes_raw()
        return cls(Verifier.from_public_key(name, public_key), private_key)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Signer:
        """Name the private key of a 32-byte seed (the private key of RFC 8032).

        Raises:
            NoteError: The name is not allowed, or the seed is not 32 bytes.
        """
        return cls.from_private_key(name, _private_key(seed))

    @property
    def name(self) -> str:
        """The key name."""
        return self.verifier.name

    def renamed(self, name: str) -> Signer:
        """Return the same private key under another name, thus with another key ID."""
        return Signer(self.verifier.renamed(name), self._private_key)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `data`."""
        return self._private_key.sign(data)


def check_key_name(name: str) -> None:
    """Check a key name: not empty, no space of any kind, no plus, no control character, encodable as UTF-8.

    Raises:
        NoteError: It is none.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise NoteError("a key name is not valid UTF-8") from None
    if not name or "+" in name or _CONTROL.search(name) or any(map(str.isspace, name)):
        raise NoteError(f"key name {name!a} is empty or holds a space, a plus or a control character")


def compute_key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """Return the 4-byte key ID: the start of SHA-256(name || 0x0A || signature type || public key)."""
    return sha256(name.encode() + b"\n" + bytes([signature_type]) + public_key).digest()[:4]


def encode_signing_key(name: str, seed: bytes) -> str:
    """Return the private key of a 32-byte seed as text, one line without a line feed: keep it secret.

    The form is that of Go's `golang.org/x/mod/sumdb/note`, so that its tools read it.

    Raises:
        NoteError: The name is not allowed, or the seed is not 32 bytes.
    """
    key_id = Signer.from_seed(name, seed).verifier.key_id
    return f"PRIVATE+KEY+{name}+{key_id.hex()}+{encode_base64(bytes([ED25519]) + seed)}"


def parse_signing_key(text: str) -> Signer:
    """Read what `encode_signing_key` wrote; one line feed may end it, as in a file.

    Raises:
        NoteError: It is no signing key, or its key ID is not that of its name and key. No message shows it.
        UnknownFormatError: It is a signing key of another signature type than Ed25519.
    """
    kind, separator, rest = text.removesuffix("\n").partition("PRIVATE+KEY+")
    if kind or not separator:
        raise NoteError("not a signing key: it starts with PRIVATE+KEY+")
    name, key_id, material = _split_key(rest.split("+", 2), what="signing key")
    if material[0] != ED25519:
        raise UnknownFormatError(f"signing key {name!a} is of the unknown signature type 0x{material[0]:02x}")
    signer = Signer.from_seed(name, material[1:])
    if signer.verifier.key_id != key_id:
        raise NoteError(
            f"signing key {name!a} does not belong to its key ID {key_id.hex()}: restore it from a copy"
        )
    return signer


def _split_key(parts: list[str], *, what: str) -> tuple[str, bytes, bytes]:
    """Return name, key ID and material (never empty) of the three parts of a key's text."""
    if len(parts) != 3:
        raise NoteError(f"not a {what}: it has three parts, <name>+<key ID>+<base64 of the key>")
    name, key_id, encoded = parts
    check_key_name(name)
    if not _KEY_ID.fullmatch(key_id):
        raise NoteError(f"the key ID of {what} {name!a} is not 8 lowercase hexadecimal digits")
    try:
        material = decode_base64(encoded)
    except ValueError as error:
        raise NoteError(f"{what} {name!a}: the key is {error}") from None
    if not material:
        raise NoteError(f"{what} {name!a} has no key")
    return name, bytes.fromhex(key_id), material


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    if len(seed) != KEY_BYTES[ED25519]:
        raise NoteError(f"an Ed25519 seed has 32 bytes, not {len(seed)}")
    return Ed25519PrivateKey.from_private_bytes(seed)
