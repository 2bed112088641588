"""The payload: what an event was, byte for byte (docs/format.md, "Payload").

A payload is the Avro binary encoding of `payload.avsc` in its one canonical form, so that equal events have
equal bytes and therefore equal hashes. Any Avro library reads it; this module refuses what they let pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_schemas.errors import PayloadError
from sealtrail_schemas.varint import decode_varint, encode_varint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_schemas.record import Header

SALT_BYTES: Final = 16
MAX_PAYLOAD_BYTES: Final = 1 << 30
MAX_HEADERS: Final = 65_535

_NULL: Final = b"\x00"  # branch 0 of a ["null", "bytes"] union
_BYTES: Final = b"\x02"  # branch 1
_END: Final = b"\x00"  # the count that ends an array


class Payload(NamedTuple):
    """A decoded payload: the entry's 16-byte salt, and key, headers and value of the record."""

    salt: bytes
    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None


def encode_payload(salt: bytes, key: bytes | None, headers: Sequence[Header], value: bytes | None) -> bytes:
    """Encode a payload in its canonical form.

    Raises:
        PayloadError: the salt is not 16 bytes, or there are more than 65,535 headers, or the payload takes
            more than 2**30 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise PayloadError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    parts = [salt]
    if key is None:
        parts.append(_NULL)
    else:
        parts += (_BYTES, encode_varint(len(key)), key)
    if headers:
        if len(headers) > MAX_HEADERS:
            raise PayloadError(f"{len(headers)} headers, where at most {MAX_HEADERS} are allowed")
        parts.append(encode_varint(len(headers)))
        for name, content in headers:
            parts += (encode_varint(len(name)), name)
            if content is None:
                parts.append(_NULL)
            else:
                parts += (_BYTES, encode_varint(len(content)), content)
    parts.append(_END)
    if value is None:
        parts.append(_NULL)
    else:
        parts += (_BYTES, encode_varint(len(value)), value)
    payload = b"".join(parts)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadError(
            f"a payload of {len(payload)} bytes, where at most {MAX_PAYLOAD_BYTES} are allowed"
        )
    return payload


def decode_payload(data: bytes) -> Payload:
    """Decode a payload.

    Raises:
        PayloadError: the data is not the canonical encoding of any payload.
    """
    if len(data) > MAX_PAYLOAD_BYTES:
        raise PayloadError(f"a payload of {len(data)} bytes, where at most {MAX_PAYLOAD_BYTES} are allowed")
    try:
        return _decode(data)
    except IndexError:
        raise PayloadError(f"the payload ends early, after {len(data)} bytes") from None
    except ValueError as error:
        raise PayloadError(f"not a canonical payload: {error}") from None


def _decode(data: bytes) -> Payload:
    key, position = _decode_optional(data, SALT_BYTES)
    headers: tuple[Header, ...] = ()
    if data[position]:
        headers, position = _decode_headers(data, position)
    value, position = _decode_optional(data, position + 1)
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes follow the value")
    return Payload(data[:SALT_BYTES], key, headers, value)


def _decode_headers(data: bytes, position: int) -> tuple[tuple[Header, ...], int]:
    """Decode the one block of headers; returns them and where the zero count lies."""
    count, position = decode_varint(data, position)
    if count > MAX_HEADERS:
        raise ValueError(f"{count} headers, where at most {MAX_HEADERS} are allowed")
    headers = []
    for _ in range(count):
        length, start = decode_varint(data, position)
        name = data[start : start + length]
        content, position = _decode_optional(data, start + length)
        headers.append((name, content))
    if data[position]:
        raise ValueError("a second block of headers")
    return tuple(headers), position


def _decode_optional(data: bytes, position: int) -> tuple[bytes | None, int]:
    branch = data[position]
    if branch == 0:
        return None, position + 1
    if branch != 2:
        raise ValueError(f"union branch byte {branch:#04x} at offset {position}, which is 0x00 or 0x02")
    length, start = decode_varint(data, position + 1)
    end = start + length
    data[end - 1]  # the last byte is there
    return data[start:end], end
