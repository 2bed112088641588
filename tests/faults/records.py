"""What a producer notes down of what it published: an append-only file, one JSON object a line.

    {"n": 5, "at": 1790000000.1}                                      about to be published
    {"n": 5, "at": 1790000000.2, "partition": 0, "offset": 17}        acknowledged
    {"n": 6, "at": 1790000120.3, "failed": "…"}                       not delivered, as far as it knows
    {"n": 7, "at": 1790000121.4, "kept": true}                        in the outbox: that is acknowledged

The first line is written before the event is handed over, so nothing can be published that is not noted. A
number without an answer, or with `failed`, may have been stored or not.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ack:
    """When (seconds since the Unix epoch) a producer was told that an event will not be lost.

    `partition` and `offset` are where the log says that it lies; None where only an outbox has spoken yet.
    """

    partition: int | None
    offset: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Record:
    """All that one producer noted: numbers in the order of publishing, each with its answer or None."""

    producer: str
    acks: dict[int, Ack | None]

    @property
    def acknowledged(self) -> int:
        """How many events were acknowledged."""
        return sum(ack is not None for ack in self.acks.values())


class Notes:
    """Writes a producer's file. Safe for threads; what is written survives the end of the process."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def sending(self, number: int) -> None:
        self._write(n=number)

    def acknowledged(self, number: int, partition: int, offset: int) -> None:
        self._write(n=number, partition=partition, offset=offset)

    def kept(self, number: int) -> None:
        self._write(n=number, kept=True)

    def failed(self, number: int, why: str) -> None:
        self._write(n=number, failed=why)

    def close(self) -> None:
        self._file.close()

    def _write(self, **fields) -> None:
        with self._lock:
            self._file.write(json.dumps({"at": time.time()} | fields) + "\n")


def value_of(producer: str, number: int, padding: int = 0) -> bytes:
    """The value that a producer publishes under a number; no two are the same."""
    return json.dumps({"producer": producer, "n": number, "pad": "x" * padding}).encode()


def parse_value(value: bytes) -> tuple[str, int]:
    """The producer and the number of a value. Raises ValueError if it is none of `value_of`."""
    try:
        fields = json.loads(value)
        return str(fields["producer"]), int(fields["n"])
    except (TypeError, KeyError) as error:
        raise ValueError(f"no producer published {value[:80]!r}") from error


def read_record(path: Path) -> Record:
    """Read a producer's file; its name without the suffix is the producer's.

    A last line without its end was being written when the process was killed: what it was to say is not
    known.
    """
    acks: dict[int, Ack | None] = {}
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        fields = json.loads(line)
        number = fields["n"]
        acks.setdefault(number, None)
        told = acks[number]
        if "kept" in fields:
            acks[number] = Ack(None, None, fields["at"])
        elif "offset" in fields:
            at = fields["at"] if told is None else told.at
            acks[number] = Ack(fields["partition"], fields["offset"], at)
    return Record(path.stem, acks)
