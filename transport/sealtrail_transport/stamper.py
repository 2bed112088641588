"""Numbers for the events of one producer that keeps them in memory (docs/format.md, "Producer's stamp")."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_schemas.producer_stamp import (
    Numbers,
    Stamp,
    check_stamp_name,
    fitting_void,
    stamp_headers,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_transport.log import NewRecord


class Numbered(NamedTuple):
    """A record with its stamp, and what that says.

    Attributes:
        record: What to send.
        partition: The partition that it is numbered for.
        number: Its number.
        void: The numbers that it declares void.
    """

    record: NewRecord
    partition: int
    number: int
    void: Sequence[Numbers]


class Stamper:
    """Numbers the events of one incarnation of a producer, from 0 in each partition.

    `number` and `give_back` are for one thread at a time, and in the order of the events; `fail` is for any.

    Args:
        producer: the producer's name.
        incarnation: 8 random bytes.

    Raises:
        StampError: a stamp can't hold the name.
    """

    def __init__(self, producer: str, incarnation: bytes) -> None:
        self._producer = check_stamp_name(producer)
        self._incarnation = incarnation.hex()
        self._next: dict[int, int] = {}
        self._lock = threading.Lock()  # guards the next
        self._void: dict[int, list[Numbers]] = {}

    def number(self, record: NewRecord, partition: int) -> Numbered:
        """The record with the partition's next number."""
        number = self._next.get(partition, 0)
        self._next[partition] = number + 1
        void = self._take_void(partition) if self._void else ()
        stamp = Stamp(self._producer, self._incarnation, number)
        stamped = record._replace(headers=record.headers + stamp_headers(stamp, void))
        return Numbered(stamped, partition, number, void)

    def give_back(self, numbered: Numbered) -> None:
        """The record, the newest of its partition, was not sent at all: the next one gets its number."""
        self._next[numbered.partition] = numbered.number
        if numbered.void:
            self._declare(numbered.partition, numbered.void)

    def fail(self, numbered: Numbered) -> None:
        """The record was not delivered: a later one declares its number void, and what it should have."""
        self._declare(numbered.partition, [*numbered.void, Numbers(numbered.number, numbered.number)])

    def _take_void(self, partition: int) -> Sequence[Numbers]:
        """What the partition's next event declares void."""
        with self._lock:
            pending = self._void.pop(partition, [])
            void = fitting_void(pending)
            if left := pending[len(void) :]:
                self._void[partition] = left
        return void

    def _declare(self, partition: int, void: Sequence[Numbers]) -> None:
        """Have a later event declare these."""
        with self._lock:
            self._void[partition] = union(self._void.get(partition, ()), void)
