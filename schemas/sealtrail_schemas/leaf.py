"""The leaf, the fixed binary commitment to one entry, and its link (docs/format.md, "Leaf")."""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256
from struct import Struct
from struct import error as StructError  # noqa: N812  # struct's own name is in lower case
from typing import Final, NamedTuple

from sealtrail_schemas.errors import LeafError, UnknownFormatError
from sealtrail_schemas.payload import SALT_BYTES
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_NONE

HASH_BYTES: Final = 32
ZERO_HASH: Final = bytes(HASH_BYTES)
MAX_SEQUENCE: Final = (1 << 63) - 2  # the trail's size, one more, is a signed 64-bit number
NO_OFFSET: Final = -1
"""The source offset of an entry behind which no record stands."""
LINK_HEADER: Final = b"sealtrail.link"

_MAGIC: Final = b"STL"
_VERSION: Final = 1
_SHA256: Final = 1
_PREFIX: Final = bytes((*_MAGIC, _VERSION))
# magic and version, kind, hash algorithm, sequence, previous hash, trail id, payload hash,
# source timestamp and its type, chained at, source offset, next source offset, extension length
_LAYOUT: Final = Struct(">4sBBQ32s32s32sqBqqqH")
_FROZEN: Final = Struct(">6xQ32s")
LEAF_BYTES: Final = _LAYOUT.size
"""The length of a leaf without an extension."""


class Kind(IntEnum):
    """What an entry is."""

    GENESIS = 0
    EVENT = 1
    REJECTED = 2
    HEARTBEAT = 3
    CONTROL = 4

    @property
    def has_source(self) -> bool:
        """Whether a record of the raw topic stands behind an entry of this kind."""
        return self is _EVENT or self is _REJECTED


_KINDS: Final = tuple(Kind)
_new_tuple: Final = tuple.__new__  # what Leaf._make calls, at half its cost
_GENESIS: Final = Kind.GENESIS
_EVENT: Final = Kind.EVENT
_REJECTED: Final = Kind.REJECTED


class Leaf(NamedTuple):
    """A leaf's fields. Hashes and trail id are 32 bytes; times are milliseconds since the Unix epoch."""

    kind: Kind
    sequence: int
    previous_hash: bytes
    trail_id: bytes
    payload_hash: bytes
    source_timestamp_ms: int
    source_timestamp_type: int
    chained_at_ms: int
    source_offset: int
    next_source_offset: int
    extension: bytes = b""

    def encode(self) -> bytes:
        """Encode the leaf.

        Raises:
            LeafError: the fields break a rule of docs/format.md, "Leaf".
        """
        _check(self)
        (
            kind,
            sequence,
            previous_hash,
            trail_id,
            payload_hash,
            source_timestamp_ms,
            source_timestamp_type,
            chained_at_ms,
            source_offset,
            next_source_offset,
            extension,
        ) = self
        if not len(previous_hash) == len(trail_id) == len(payload_hash) == HASH_BYTES:
            raise LeafError(f"a hash or the trail id is not {HASH_BYTES} bytes")
        try:
            fixed = _LAYOUT.pack(
                _PREFIX,
                kind,
                _SHA256,
                sequence,
                previous_hash,
                trail_id,
                payload_hash,
                source_timestamp_ms,
                source_timestamp_type,
                chained_at_ms,
                source_offset,
                next_source_offset,
                len(extension),
            )
        except StructError as error:
            raise LeafError(f"a field does not fit: {error}") from None
        return fixed + extension

    @staticmethod
    def parse(data: bytes) -> Leaf:
        """Parse a leaf.

        Raises:
            UnknownFormatError: the version, kind or hash algorithm is none that this program knows.
            LeafError: the data is no leaf, or breaks a rule of docs/format.md, "Leaf".
        """
        if len(data) < LEAF_BYTES or data[:4] != _PREFIX:
            raise _no_leaf(data)
        (
            _,
            kind,
            algorithm,
            sequence,
            previous_hash,
            trail_id,
            payload_hash,
            source_timestamp_ms,
            source_timestamp_type,
            chained_at_ms,
            source_offset,
            next_source_offset,
            extension_bytes,
        ) = _LAYOUT.unpack_from(data)
        if kind >= len(_KINDS):
            raise UnknownFormatError(f"kind {kind} is unknown to this program")
        if algorithm != _SHA256:
            raise UnknownFormatError(f"hash algorithm {algorithm} is unknown to this program")
        if len(data) != LEAF_BYTES + extension_bytes:
            raise LeafError(
                f"a leaf of {LEAF_BYTES + extension_bytes} bytes by its own count has {len(data)}"
            )
        fields = (
            _KINDS[kind],
            sequence,
            previous_hash,
            trail_id,
            payload_hash,
            source_timestamp_ms,
            source_timestamp_type,
            chained_at_ms,
            source_offset,
            next_source_offset,
            data[LEAF_BYTES:],
        )
        leaf = _new_tuple(Leaf, fields)
        _check(leaf)
        return leaf


def _no_leaf(data: bytes) -> LeafError | UnknownFormatError:
    """Why these bytes are no leaf of version 1, of which they lack the first four or have too few."""
    if data[:3] != _MAGIC or len(data) < len(_PREFIX):
        return LeafError("not a leaf: it does not begin with STL and a version")
    if data[3] != _VERSION:
        return UnknownFormatError(f"leaf version {data[3]} is unknown to this program")
    return LeafError(f"a leaf has at least {LEAF_BYTES} bytes, not {len(data)}")


def _check(leaf: Leaf) -> None:
    """Hold the rules of docs/format.md, "Leaf", that one leaf shows alone."""
    (
        kind,
        sequence,
        previous_hash,
        _,
        _,
        timestamp_ms,
        timestamp_type,
        chained_at_ms,
        offset,
        next_offset,
        _,
    ) = leaf
    if sequence > MAX_SEQUENCE:
        raise LeafError(f"sequence {sequence} is above 2^63 - 2")
    if (kind is _GENESIS) != (sequence == 0):
        raise LeafError(
            f"kind {kind.name.lower()} at sequence {sequence}: sequence 0 is genesis and nothing else is"
        )
    if kind is _GENESIS and previous_hash != ZERO_HASH:
        raise LeafError("genesis carries a previous entry hash")
    if timestamp_type > TIMESTAMP_APPEND:
        raise LeafError(f"source timestamp type {timestamp_type}, where 0, 1 or 2 is allowed")
    if timestamp_type == TIMESTAMP_NONE and timestamp_ms != NO_TIMESTAMP:
        raise LeafError(f"source timestamp {timestamp_ms} with type 0 (none), which goes with -1")
    if chained_at_ms < 0:
        raise LeafError(f"chained at {chained_at_ms}, which is before 1970")
    if kind is _EVENT or kind is _REJECTED:
        if not 0 <= offset < next_offset:
            raise LeafError(f"source offset {offset} and next source offset {next_offset} of a record")
    elif offset != NO_OFFSET or next_offset < 0 or timestamp_type != TIMESTAMP_NONE:
        raise LeafError(
            f"{kind.name.lower()} has source offset {offset}, next source offset {next_offset} and source "
            f"timestamp type {timestamp_type}, where -1, 0 or more, and 0 are allowed"
        )


def entry_hash(leaf: bytes) -> bytes:
    """The entry hash: SHA-256(0x00 || leaf), the leaf hash of RFC 6962, section 2.1."""
    return sha256(b"\x00" + leaf).digest()


def frozen_fields(data: bytes) -> tuple[int, bytes] | None:
    """Sequence and previous entry hash of a leaf of any version; None where it is no leaf."""
    if len(data) < _FROZEN.size or data[:3] != _MAGIC:
        return None
    sequence, previous_hash = _FROZEN.unpack_from(data)
    return sequence, previous_hash


def make_link(leaf: bytes, salt: bytes) -> bytes:
    """The value of the header `sealtrail.link`: leaf || salt."""
    return leaf + salt


def split_link(value: bytes) -> tuple[bytes, bytes]:
    """Split the value of a header `sealtrail.link` into leaf and salt, both still to be checked.

    Raises:
        UnknownFormatError: the leaf's version is none that this program knows.
        LeafError: the value is not the length that the leaf's extension length asks for.
    """
    if len(value) < LEAF_BYTES or value[:4] != _PREFIX:
        raise _no_leaf(value)
    end = LEAF_BYTES + (value[LEAF_BYTES - 2] << 8 | value[LEAF_BYTES - 1])
    if len(value) != end + SALT_BYTES:
        raise LeafError(f"a link of {end + SALT_BYTES} bytes by its own count has {len(value)}")
    return value[:end], value[end:]
