"""Event ids that sort by time: UUID version 7 (RFC 9562, section 5.7). Python has its own from 3.14 on."""

from __future__ import annotations

from typing import Final
from uuid import UUID

RANDOM_BYTES: Final = 10
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_TIME_MASK: Final = (1 << 48) - 1
_RANDOM_MASK: Final = ~(0xF << 76 | 0b11 << 62) & ((1 << 80) - 1)


def uuid7(time_ms: int, random: bytes) -> UUID:
    """The UUID of a time (milliseconds since the Unix epoch) and 10 random bytes, 74 bits of which count."""
    tail = int.from_bytes(random[:RANDOM_BYTES], "big") & _RANDOM_MASK
    return UUID(int=(time_ms & _TIME_MASK) << 80 | _VERSION | _VARIANT | tail)
