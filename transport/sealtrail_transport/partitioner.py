"""Which partition a key belongs to: Kafka's default, so that every client of a topic agrees.

Keys are placed by MurmurHash2 with the seed of Kafka's Java client (`Utils.murmur2`, `BuiltInPartitioner`;
librdkafka calls it `murmur2_random`). Records without a key take the partitions in turn.
"""

from __future__ import annotations

from itertools import count
from typing import Final

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Austin Appleby's 32-bit MurmurHash2 of `data` with Kafka's seed, as an unsigned number."""
    state = _SEED ^ len(data)
    whole = len(data) & ~3
    for position in range(0, whole, 4):
        word = int.from_bytes(data[position : position + 4], "little") * _FACTOR & _MASK
        word = (word ^ word >> 24) * _FACTOR & _MASK
        state = (state * _FACTOR & _MASK) ^ word
    if whole < len(data):
        state = (state ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK
    state = (state ^ state >> 13) * _FACTOR & _MASK
    return state ^ state >> 15


class Partitioner:
    """Chooses partitions for one producer."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._turn = count()

    def partition(self, key: bytes | None) -> int:
        """The partition, from 0, of a record with this key."""
        if key is None:
            return next(self._turn) % self._partitions
        return (murmur2(key) & 0x7FFFFFFF) % self._partitions
