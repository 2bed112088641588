"""A quick answer to "is this payload canonical?" for the verifier's inner loop, and where its last header is.

`decode_payload` is the authority. It builds what it decodes, which costs as much as all the hashing of an
entry; this walks over the lengths alone, and leaves whatever is out of the ordinary to `decode_payload`.
"""

from __future__ import annotations

from typing import Final

from sealtrail_schemas.payload import SALT_BYTES
from sealtrail_schemas.varint import encode_varint

_MAX_SHORT: Final = 0x7F  # the largest varint of one byte, zig-zagged
_MAX_TWO_BYTES: Final = 8_191  # the largest length of which the varint has two bytes


def _value_start(rest: int) -> bytes:
    """How a payload without headers ends: their zero count, and the start of a value of `rest` bytes."""
    if rest == 65:  # no length fits: 63 bytes and a one-byte length take 64, 64 and a two-byte length take 66
        return bytes(rest + 3)  # longer than what is left, so nothing begins so
    length = rest - 1 if rest < 65 else rest - 2
    return b"\x00\x02" + encode_varint(max(length, 0))


# By the bytes that are left after these two: nearly every payload ends so, and one comparison shows it.
_VALUE_STARTS: Final = tuple(_value_start(rest) for rest in range(_MAX_TWO_BYTES + 3))


UNKNOWN: Final = 0
BARE: Final = 1


def plain_form(data: bytes) -> int:
    """UNKNOWN where only `decode_payload` can tell whether the payload is canonical; what else it is if so.

    BARE: it has no headers. Any other number: the offset at which its last header begins, with the length of
    its key.
    """
    try:
        if data[SALT_BYTES] == 0:
            at = SALT_BYTES + 1
        elif data[SALT_BYTES] == 2 and not data[SALT_BYTES + 1] & 0x81:  # a key of less than 64 bytes
            at = SALT_BYTES + 2 + (data[SALT_BYTES + 1] >> 1)
        else:
            return _walk(data)
        rest = len(data) - at - 2
        if 0 < rest < len(_VALUE_STARTS) and data.startswith(_VALUE_STARTS[rest], at):
            return BARE
        return _walk(data)
    except (IndexError, _OutOfTheOrdinaryError):
        return UNKNOWN


def _walk(data: bytes) -> int:
    at = _skip_optional(data, SALT_BYTES)
    count = data[at]
    at += 1
    form = BARE
    if count:
        if count > _MAX_SHORT or count & 1:
            return UNKNOWN
        for _ in range(count >> 1):
            form = at
            at = _skip_optional(data, _skip_bytes(data, at))
        if data[at]:
            return UNKNOWN
        at += 1
    return form if _skip_optional(data, at) == len(data) else UNKNOWN


class _OutOfTheOrdinaryError(Exception):
    """Longer than a two-byte length can say, or wrong."""


def _skip_optional(data: bytes, at: int) -> int:
    """The position after a union of null and bytes."""
    branch = data[at]
    if branch == 2:
        return _skip_bytes(data, at + 1)
    if branch:
        raise _OutOfTheOrdinaryError
    return at + 1


def _skip_bytes(data: bytes, at: int) -> int:
    """The position after a length and its bytes. It may lie behind the end, where no reading succeeds."""
    length = data[at]
    at += 1
    if length > _MAX_SHORT:
        high = data[at]
        at += 1
        if not 0 < high <= _MAX_SHORT:  # not the shortest form, or a third byte
            raise _OutOfTheOrdinaryError
        length = length & _MAX_SHORT | high << 7
    if length & 1:  # negative
        raise _OutOfTheOrdinaryError
    return at + (length >> 1)
