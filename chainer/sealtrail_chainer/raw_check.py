"""Whether the raw partition still holds what is to be chained, and the record of the trail's newest event.

A raw partition that has lost its tail (an unclean leader election, a restored disk) gives its offsets away
again. Once it has grown past the place where reading goes on, its ends look as they always did: only what it
holds tells. So recovery compares one record, the newest that was chained.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.errors import FormatError, PayloadError
from sealtrail_schemas.leaf import LINK_HEADER, Kind, Leaf, entry_hash, split_link
from sealtrail_schemas.payload import SALT_BYTES, encode_payload

if TYPE_CHECKING:
    from sealtrail_chainer.scan import Scanned
    from sealtrail_chainer.trail import Trail
    from sealtrail_chainer.true_chain import Linked
    from sealtrail_schemas.chain import ChainState
    from sealtrail_transport.log import Log, LogRecord

_FIRST_SPAN: Final = 16
_LONGEST_SPAN: Final = 2**14
"""How many offsets of the chained topic are looked through in one go, on the way back. In all it is enough
for five weeks of heartbeats, one each five minutes and a marker behind each.
"""
_READ_RECORDS: Final = 1_000
_READ_BYTES: Final = 4 * 2**20


class ChainedSource(NamedTuple):
    """An entry that stands for a raw record, and the salt of its payload."""

    leaf: Leaf
    salt: bytes

    @classmethod
    def of(cls, entry: Linked) -> Self:
        """That of an entry of the true chain."""
        return cls(entry.leaf, entry.payload[:SALT_BYTES])


def check_raw_ends(log: Log, trail: Trail, state: ChainState) -> None:
    """Check that the raw partition still reaches to the place where chaining goes on.

    Raises:
        LineStoppedError: it begins behind that place (RAW_OVERTAKEN), or ends before it (RAW_TRUNCATED).
    """
    bounds = log.bounds(trail.raw_topic, trail.partition)
    wanted = state.next_source_offset
    if bounds.start > wanted:
        raise LineStoppedError(
            StopCode.RAW_OVERTAKEN,
            f"{trail.raw_topic} offsets {wanted} to {bounds.start - 1} were deleted before they were chained",
            first_lost=wanted,
            first_kept=bounds.start,
        )
    if bounds.end < wanted:
        raise LineStoppedError(
            StopCode.RAW_TRUNCATED,
            f"{trail.raw_topic} ends at offset {bounds.end}, but records up to {wanted - 1} were chained",
            end=bounds.end,
            chained_up_to=wanted,
        )


def check_newest(log: Log, trail: Trail, found: Scanned) -> None:
    """Compare the newest entry that stands for a raw record with that record.

    `found` is what reading the chain has found. Raises as `check_source`, and as `newest_source`.
    """
    if found.newest_source is not None:
        source: ChainedSource | None = ChainedSource.of(found.newest_source)
    else:
        source = newest_source(log, trail, found.state.last_hash, found.end)
    if source is not None:
        check_source(log, trail, source)


def newest_source(log: Log, trail: Trail, last_hash: bytes, end: int) -> ChainedSource | None:
    """Look for the newest entry that stands for a raw record, from chained offset `end` backwards.

    `last_hash` is that of the chain's last entry. The way back follows the links, which no stray can join: a
    copy of a link under another payload or salt is not looked at. None where that entry was trimmed, lies
    further back than is looked, or where there is none yet.

    Raises:
        LogUnavailableError, OffsetOutOfRangeError: as `Log.read`.
    """
    start, span, wanted = end, _FIRST_SPAN, last_hash
    least = log.bounds(trail.chained_topic, trail.partition).start
    while start > least and span <= _LONGEST_SPAN:
        end, start = start, max(least, start - span)
        sources = _sources(log, trail, start, end)
        while (found := sources.get(wanted)) is not None:
            if found.leaf.kind.has_source:
                return found
            wanted = found.leaf.previous_hash
        span *= 4
    return None


def check_source(log: Log, trail: Trail, source: ChainedSource) -> None:
    """Compare a raw record with what was chained from it, if the raw partition still holds one there.

    Its time is compared, too; of a rejected entry, nothing else.

    Raises:
        LineStoppedError: it is another record.
        LogUnavailableError, OffsetOutOfRangeError: as `Log.read`.
    """
    leaf = source.leaf
    record = _raw_record(log, trail, leaf.source_offset)
    if record is None:
        return
    expected, found = leaf.payload_hash.hex(), _content(record, source.salt)
    is_same = leaf.kind is Kind.REJECTED or record.unreadable is not None or found == expected
    if is_same and record.timestamp_ms == leaf.source_timestamp_ms:
        return
    raise LineStoppedError(
        StopCode.RAW_REPLACED,
        f"{trail.raw_topic} offset {leaf.source_offset} holds another record than the one that entry "
        f"{leaf.sequence} was chained from: expected the payload hash {expected} and the time "
        f"{leaf.source_timestamp_ms}, found {found} and {record.timestamp_ms}",
        source_offset=leaf.source_offset,
        sequence=leaf.sequence,
        expected=expected,
        found=found,
        expected_time_ms=leaf.source_timestamp_ms,
        found_time_ms=record.timestamp_ms,
    )


def _sources(log: Log, trail: Trail, start: int, end: int) -> dict[bytes, ChainedSource]:
    """The leaf of each chained record between two offsets that carries one, by entry hash."""
    found: dict[bytes, ChainedSource] = {}
    while start < end:
        most = min(_READ_RECORDS, end - start)
        chunk = log.read(trail.chained_topic, trail.partition, start, max_records=most, max_bytes=_READ_BYTES)
        for record in chunk.records:
            name, link = record.headers[-1] if record.headers else (b"", None)
            if name != LINK_HEADER or link is None:
                continue
            try:
                leaf_bytes, salt = split_link(link)
                leaf = Leaf.parse(leaf_bytes)
                payload = encode_payload(salt, record.key, record.headers[:-1], record.value)
            except FormatError:
                continue
            if sha256(payload).digest() == leaf.payload_hash:
                found[entry_hash(leaf_bytes)] = ChainedSource(leaf, salt)
        start = chunk.next_offset
    return found


def _raw_record(log: Log, trail: Trail, offset: int) -> LogRecord | None:
    """The raw record at an offset; None where retention or compaction has taken it."""
    bounds = log.bounds(trail.raw_topic, trail.partition)
    if not bounds.start <= offset < bounds.end:
        return None
    chunk = log.read(trail.raw_topic, trail.partition, offset, max_records=1, max_bytes=1)
    record = chunk.records[0] if chunk.records else None
    return record if record is not None and record.offset == offset else None


def _content(record: LogRecord, salt: bytes) -> str:
    """The hash of the payload that a record makes, in hex."""
    try:
        return sha256(encode_payload(salt, record.key, record.headers, record.value)).hexdigest()
    except PayloadError as error:
        return f"none: {error}"
