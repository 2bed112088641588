"""The log port: what sealtrail needs of a partitioned, append-only log.

A log holds topics; a topic holds partitions; a partition holds records at rising offsets. Offsets may have
gaps (Kafka's transaction markers take offsets too), so nobody may count with them.

Adapters: `sealtrail_transport.sqlite_log` (the embedded default), `sealtrail_transport.memory_log` (for
tests; it can misbehave as a real broker can). `tests/contracts/log_contract.py` runs over every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_NONE, Header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

DEFAULT_MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
"""How large one record of a raw topic may be. A chained topic needs more: each record gains a header."""


class NewRecord(NamedTuple):
    """A record to be appended.

    `timestamp_ms` is milliseconds since the Unix epoch, any signed 64-bit number, and is heeded only by
    topics that keep the producer's time. None lets the log choose; NO_TIMESTAMP asks for a record without
    one. A log may refuse other negative times.
    """

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None


class LogRecord(NamedTuple):
    """A committed record at its place in a partition.

    `unreadable` is None for a record that was read whole. Otherwise it says in one line why the adapter could
    not hand the record over (a header key that the client library can't decode, for instance), and key,
    value and headers hold what could be read.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int = NO_TIMESTAMP
    timestamp_type: int = TIMESTAMP_NONE
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one read returned: committed records in offset order, and where the next read goes on.

    `next_offset` can lie beyond the last record's offset + 1, and moves on even when `records` is empty,
    where the log holds markers or aborted records.
    """

    records: tuple[LogRecord, ...]
    next_offset: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Both ends of a partition: the first offset still held, and the one after the last committed record."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as the log describes it.

    `topic_id` is the log's own 16-byte identity of the topic: a topic that was deleted and made again under
    the same name has another one (Kafka: KIP-516). `max_record_bytes` bounds one record as the log counts it.
    `append_time`: the log stamps records with its own clock, whatever their producers say.
    """

    name: str
    topic_id: bytes
    partitions: int
    max_record_bytes: int
    append_time: bool


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an append went: its first offset, and where the next append begins if nobody else writes.

    `offsets` are those of all records, in order, if the writer was opened to tell: where others write to the
    partition too, their records may lie between those of one append.
    """

    first_offset: int
    next_offset: int
    offsets: Sequence[int] = ()


class PartitionWriter(Protocol):
    """Appends to one partition in atomic transactions, as the only writer of its name.

    Durable on return: `append` returns only when every record would survive what the log's durability
    promises (Kafka: acks=all and a committed transaction; SQLite: synchronous=FULL).
    """

    def append(self, records: Sequence[NewRecord]) -> Appended:
        """Append all records, in order, or none of them.

        Raises:
            RecordRefusedError: the log refuses one or more of the records as they are; nothing was appended
                and the writer can go on.
            WriterFencedError: a newer writer of this name exists; nothing was appended.
            UncertainAppendError: whether the records were appended is not known. The caller must close this
                writer, open another (which settles the matter) and read what the partition holds.
            LogUnavailableError: the log can't be reached or can't store (a full disk); nothing was appended.
            LogError: the writer is closed, or an append of it has ended uncertain.
        """
        ...

    def close(self) -> None:
        """Release the writer. Never raises; an open transaction is given up."""
        ...


class Log(Protocol):
    """Topics and partitions, read by offset and written by fenced writers.

    Every method may raise LogUnavailableError: the caller waits and calls again. No method waits for new
    records.
    """

    def topic(self, name: str) -> TopicInfo:
        """Describe a topic. Raises TopicMissingError when there is none of that name."""
        ...

    def bounds(self, topic: str, partition: int) -> Bounds:
        """Both ends of a partition, as they are now, not as cached.

        Raises:
            TopicMissingError: there is no such topic or partition.
        """
        ...

    def written_end(self, topic: str, partition: int) -> int:
        """The offset after the last record that anybody has written, committed or not.

        The committed end lies below it while anybody's transaction is open, and hides what others have
        committed behind that transaction's first record. All that a fenced writer has appended lies below
        what is returned after the fencing.

        Raises:
            TopicMissingError: there is no such topic or partition.
        """
        ...

    def read(self, topic: str, partition: int, offset: int, *, max_records: int, max_bytes: int) -> Chunk:
        """Read committed records from `offset` on, at least one if there is one, whatever its size.

        `max_records` and `max_bytes` (keys + values + headers) bound what is returned beyond the first
        record. At the end of the partition the chunk is empty.

        Raises:
            OffsetOutOfRangeError: `offset` lies below the start or above the end. Nothing is ever skipped to
                mend that.
            TopicMissingError: there is no such topic or partition.
        """
        ...

    def writer(self, topic: str, partition: int, *, name: str, each_offset: bool = False) -> PartitionWriter:
        """Open the writer of that name and fence every older one: on return none of them can append any more.

        What an older writer has in flight is settled before this returns: appended whole, or never. A name
        belongs to one partition, but fences wherever it was used before (Kafka: `transactional.id`).
        With `each_offset`, appends tell where each record went, which some logs charge for.

        Raises:
            TopicMissingError: there is no such topic or partition.
        """
        ...

    def trim(self, topic: str, partition: int, offset: int) -> None:
        """Free the space of all records below `offset`; `bounds().start` becomes at least `offset`.

        Trimming again, or below the start, changes nothing.

        Raises:
            OffsetOutOfRangeError: `offset` lies above the end.
            TopicMissingError: there is no such topic or partition.
        """
        ...


class EventLog(Protocol):
    """What many producers append to at once, without fencing. `BufferedSink` makes an EventSink of it."""

    def topic(self, name: str) -> TopicInfo:
        """Describe a topic. Raises TopicMissingError when there is none of that name."""
        ...

    def append_events(self, topic: str, partition: int, records: Sequence[NewRecord]) -> list[int]:
        """Append all records, in order, or none of them; returns their offsets. Durable on return.

        Raises:
            RecordRefusedError: the log refuses one or more of the records as they are; nothing was appended.
            UncertainAppendError: whether the records were appended is not known; repeating the call may store
                them twice.
            LogUnavailableError: the log can't be reached or can't store; nothing was appended.
            TopicMissingError: there is no such topic or partition.
        """
        ...


class LogAdmin(Protocol):
    """What `init` needs beside `Log`."""

    def create_topic(
        self,
        name: str,
        *,
        partitions: int,
        append_time: bool,
        max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES,
    ) -> TopicInfo:
        """Create a topic, or return the one that is there, unchanged.

        `append_time` makes the log stamp records with its own clock (Kafka: LogAppendTime) and ignore
        `NewRecord.timestamp_ms`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event was stored: the answer to a delivered `EventSink.publish`."""

    topic: str
    partition: int
    offset: int


class EventSink(Protocol):
    """Where producers publish: buffered, asynchronous, in order within a partition."""

    def publish(self, record: NewRecord, *, max_block_s: float) -> Future[Position]:
        """Buffer one record and return at once, or wait at most `max_block_s` seconds for room.

        The future resolves when the log has the record durably, or carries the DeliveryError. The record's
        key chooses the partition.

        Raises:
            BufferFullError: there was no room within `max_block_s`.
            DeliveryError: the sink is closed.
        """
        ...

    def flush(self, *, timeout_s: float) -> int:
        """Wait until all that is buffered was delivered or failed; returns how many are outstanding.

        On return the future of every other one has its answer.
        """
        ...

    def close(self) -> None:
        """Give up what is still buffered (its futures fail) and release all resources."""
        ...
