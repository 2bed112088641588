"""Reading back a batch: is this object version the batch of these entries?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_archiver.settings import MOST_BATCH_BYTES, MOST_BATCH_ENTRIES
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.hashing_stream import HashingStream
from sealtrail_schemas.leaf import entry_hash
from sealtrail_transport.store import LockMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sealtrail_chainer.true_chain import Linked
    from sealtrail_transport.store import ObjectInfo, ObjectVersion, Store


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A version that holds the first of the entries asked for, with hashes computed from its bytes."""

    info: ObjectInfo
    sha256: bytes
    entry_hashes: tuple[bytes, ...]
    adopted: bool

    @property
    def entries(self) -> int:
        """How many entries it holds."""
        return len(self.entry_hashes)


@dataclass(frozen=True, slots=True)
class NeedsMore:
    """All entries fit so far, but the version holds `entries` of them: read on before judging it."""

    entries: int


@dataclass(frozen=True, slots=True)
class Misfit:
    """The version is not the batch. `unlocked` when only its lock is not what it must be."""

    why: str
    unlocked: bool = False


def read_back(
    store: Store,
    version: ObjectVersion,
    entries: Sequence[Linked],
    *,
    origin: str,
    locked_until: datetime | None,
    at_end: bool,
    adopted: bool,
) -> ReadBack | NeedsMore | Misfit:
    """Compare every entry of a version with the committed entry of its sequence.

    `locked_until` is the least COMPLIANCE date that will do; None where the store can't lock. `at_end`: no
    more entries than `entries` are committed.
    """
    info = store.head(version.key, version.version_id)
    with store.open(version.key, version.version_id) as raw:
        stream = HashingStream(raw)
        try:
            largest = max(len(entry.leaf_bytes) + len(entry.payload) for entry in entries)
            reader = BatchReader(stream, max_entry_bytes=max(MOST_BATCH_BYTES, largest + 64))
            if reader.origin != origin:
                return Misfit(f"it is a batch of {reader.origin}")
            compared = _compare(reader, entries, at_end=at_end)
        except FormatError as error:
            return Misfit(str(error))
    if isinstance(compared, (NeedsMore, Misfit)):
        return compared
    lock = info.retention
    if locked_until is not None and (
        lock is None or lock.mode is not LockMode.COMPLIANCE or lock.until < locked_until
    ):
        return Misfit(f"it is not locked in COMPLIANCE mode until {locked_until.isoformat()}", unlocked=True)
    return ReadBack(info, stream.digest(), tuple(compared), adopted)


def _compare(
    reader: BatchReader, entries: Sequence[Linked], *, at_end: bool
) -> list[bytes] | NeedsMore | Misfit:
    hashes: list[bytes] = []
    found = iter(reader)
    for expected, (leaf, payload) in zip(entries, found, strict=False):
        hashed = entry_hash(leaf)  # from the bytes read back, not from memory
        if hashed != expected.entry_hash or payload != expected.payload:
            return Misfit(
                f"its entry {len(hashes)} is not sequence {expected.leaf.sequence} of the chained topic"
            )
        hashes.append(hashed)
    more = more_bytes = 0
    for leaf, payload in found:
        more += 1
        more_bytes += len(leaf) + len(payload)
        if at_end or more > MOST_BATCH_ENTRIES or more_bytes > MOST_BATCH_BYTES:
            return Misfit(f"it goes on after sequence {entries[-1].leaf.sequence}, the last one committed")
    # Twice as many at a time: what is read into memory follows what was found to fit, not what is claimed.
    return NeedsMore(min(len(hashes) + more, 2 * len(hashes))) if more else hashes
