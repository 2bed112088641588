"""Settings of one archiver, and what its steps tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

MOST_BATCH_ENTRIES: Final = 100_000
MOST_BATCH_BYTES: Final = 64 * 2**20
"""Bounds of the settings, and so of what an archiver reads into memory to judge a batch that it finds in the
store.
"""

if TYPE_CHECKING:
    from datetime import timedelta

    from sealtrail_transport.seal_shelf import PlacedSeal


@dataclass(frozen=True, slots=True)
class ArchiverSettings:
    """Limits of batches and the trail's one retention class.

    A batch is closed when it has `batch_entries` entries, `batch_bytes` bytes of entries, or is
    `batch_age_ms` old. Two batches are in memory at most: one being written, one being built. `retention`
    None is for stores that can't lock: every seal then says so. `trim_after_ms` frees chained records that
    long after they were sealed; None keeps them.
    """

    retention: timedelta | None
    batch_entries: int = 10_000
    batch_bytes: int = 8 * 2**20
    batch_age_ms: int = 10_000
    codec: Literal["deflate", "null"] = "deflate"
    read_records: int = 1_000
    read_bytes: int = 4 * 2**20
    trim_after_ms: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.batch_entries <= MOST_BATCH_ENTRIES:
            raise ValueError(f"batch_entries is {self.batch_entries}; allowed are 1 to {MOST_BATCH_ENTRIES}")
        if not 1 <= self.batch_bytes <= MOST_BATCH_BYTES:
            raise ValueError(f"batch_bytes is {self.batch_bytes}; allowed are 1 to {MOST_BATCH_BYTES}")


class Did(StrEnum):
    """What a step did."""

    RECOVERED = "recovered"
    WAITING = "waiting"  # the trail has no genesis yet
    READ = "read"
    SEALED = "sealed"
    BUSY = "busy"  # the store works on a batch and the next one is full, or there is nothing else to do
    IDLE = "idle"  # nothing to do: wait for new entries


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that an operator has to look at, though the line goes on. `code` is stable."""

    code: Literal["stray", "name-spoiled", "seal-name-spoiled", "extra-version", "rejected"]
    message: str


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A sealed batch: its seal, its number of entries, and whether an object found there was adopted."""

    placed: PlacedSeal
    entries: int
    adopted: bool


@dataclass(frozen=True, slots=True)
class ArchiverStep:
    """What a step did, with what has to be told about it."""

    did: Did
    entries: int = 0
    sealed: SealedBatch | None = None
    alarms: tuple[Alarm, ...] = ()
