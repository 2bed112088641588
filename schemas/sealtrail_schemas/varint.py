"""Avro's integers, zig-zag varints, of which only the shortest is accepted (Avro 1.11, "Binary Encoding").

Whatever this package writes as a varint is a length or a count, so only numbers from 0 up are written.
"""

from __future__ import annotations

from typing import Final

MAX_VARINT_BYTES: Final = 10
_SHORT: Final = 1 << 13  # below this, a number takes at most two bytes


def _encode(number: int) -> bytes:
    rest = number << 1
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


_TABLE: Final = tuple(_encode(number) for number in range(_SHORT))


def encode_varint(number: int) -> bytes:
    """Encode a number from 0 to 2**63 - 1."""
    if number < _SHORT:
        return _TABLE[number]
    return _encode(number)


def decode_varint(data: bytes, position: int) -> tuple[int, int]:
    """Decode the number at `position`; returns it and the position after it.

    Raises:
        IndexError: the data ends inside the number.
        ValueError: the number is negative, not in its shortest form, or above 2**63 - 1.
    """
    low = data[position]
    if low & 1:
        raise ValueError("a negative number")
    if low < 0x80:
        return low >> 1, position + 1
    high = data[position + 1]
    if 0 < high < 0x80:
        return low >> 1 & 0x3F | high << 6, position + 2
    return _decode_long(data, position)


def _decode_long(data: bytes, position: int) -> tuple[int, int]:
    """Decode as `decode_varint` does, whatever the length."""
    number = 0
    for shift in range(0, 7 * MAX_VARINT_BYTES, 7):
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    else:
        raise ValueError("a number of more than 64 bits")
    if byte == 0:
        raise ValueError("a number that is not in its shortest form")
    if number >> 64:
        raise ValueError("a number of more than 64 bits")
    return number >> 1, position
