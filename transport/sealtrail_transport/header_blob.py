"""Headers as one byte string, for a column of the SQLite log.

Each header is its key and its value, each behind its length (i32, big-endian; -1 for a null value).
No headers make an empty string. The encoding never leaves the database, so it is no archive format.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sealtrail_schemas.record import Header

_LENGTH: Final = struct.Struct(">i")
_NULL: Final = -1


def encode_headers(headers: tuple[Header, ...]) -> bytes:
    """Encode headers in their order, duplicates included."""
    parts: list[bytes] = []
    for key, value in headers:
        parts += (_LENGTH.pack(len(key)), key)
        parts += (_LENGTH.pack(_NULL),) if value is None else (_LENGTH.pack(len(value)), value)
    return b"".join(parts)


def decode_headers(blob: bytes) -> tuple[Header, ...]:
    """Decode what `encode_headers` made. Raises ValueError for anything else."""
    headers: list[Header] = []
    position = 0
    while position < len(blob):
        key, position = _take(blob, position)
        value, position = _take(blob, position)
        if key is None:
            raise ValueError("a header key is null")
        headers.append((key, value))
    return tuple(headers)


def _take(blob: bytes, position: int) -> tuple[bytes | None, int]:
    """The length-prefixed string at `position`, and the position after it."""
    start = position + _LENGTH.size
    if start > len(blob):
        raise ValueError("a header's length is cut off")
    (length,) = _LENGTH.unpack_from(blob, position)
    if length == _NULL:
        return None, start
    if length < 0 or start + length > len(blob):
        raise ValueError("a header is longer than what is left")
    return blob[start : start + length], start + length
