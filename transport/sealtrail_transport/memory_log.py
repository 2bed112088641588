"""A log in memory, for tests and simulation: the promises of the port, and a broker's manners.

Like Kafka it spends an offset on the marker that ends each transaction, so offsets have gaps. What a broker
can do wrong is requested through `MemoryLog.faults`; see `sealtrail_transport.memory_faults`.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sealtrail_transport.acceptance import refuse_unacceptable, stamp
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import (
    LogError,
    OffsetOutOfRangeError,
    TopicMissingError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES, Appended, Bounds, Chunk, LogRecord, TopicInfo
from sealtrail_transport.memory_faults import MemoryFaults
from sealtrail_transport.record_size import content_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_transport.log import NewRecord


@dataclass(slots=True)
class MemoryPartition:
    """One partition: what can be read, by offset. An offset without a record is a gap."""

    append_time: bool
    max_record_bytes: int
    start: int = 0
    end: int = 0
    open_from: int | None = None  # where a stranger's open transaction begins: nobody reads on from there
    records: dict[int, LogRecord] = field(default_factory=dict)

    @property
    def stable_end(self) -> int:
        """The committed end."""
        return self.end if self.open_from is None else min(self.open_from, self.end)

    def drop_below(self, offset: int) -> None:
        """Move the start up to `offset`."""
        self.start = max(self.start, offset)
        self.records = {at: record for at, record in self.records.items() if at >= self.start}

    def drop_from(self, offset: int) -> None:
        """Move the end back to `offset`."""
        self.end = min(self.end, offset)
        self.records = {at: record for at, record in self.records.items() if at < self.end}

    def make_unreadable(self, offset: int, reason: str) -> None:
        """Mark one record as unreadable, without its headers."""
        self.records[offset] = self.records[offset]._replace(headers=(), unreadable=reason)


@dataclass(frozen=True, slots=True)
class _Topic:
    info: TopicInfo
    append_time: bool
    partitions: tuple[MemoryPartition, ...]


class MemoryLog:
    """`Log`, `LogAdmin` and `EventLog` in memory, safe for threads.

    Args:
        clock_ms: milliseconds since the Unix epoch.
        entropy: that many random bytes; used for topic ids.
        markers: whether each append takes one offset more, as Kafka's transactions do.
    """

    def __init__(
        self,
        *,
        clock_ms: Callable[[], int] = system_clock_ms,
        entropy: Callable[[int], bytes] = os.urandom,
        markers: bool = True,
    ) -> None:
        self.faults = MemoryFaults(self)
        self._clock_ms = clock_ms
        self._entropy = entropy
        self._markers = markers
        self._lock = threading.RLock()
        self._topics: dict[str, _Topic] = {}
        self._epochs: dict[str, int] = {}

    def create_topic(
        self,
        name: str,
        *,
        partitions: int,
        append_time: bool,
        max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES,
    ) -> TopicInfo:
        """See `LogAdmin.create_topic`."""
        if partitions < 1:
            raise ValueError(f"a topic has at least one partition, not {partitions}")
        with self._lock:
            self.faults.on_call()
            if name not in self._topics:
                info = TopicInfo(name, self._entropy(16), partitions, max_record_bytes, append_time)
                self._topics[name] = _new_topic(info, append_time=append_time)
            return self._topics[name].info

    def topic(self, name: str) -> TopicInfo:
        """See `Log.topic`."""
        with self._lock:
            self.faults.on_call()
            return self._find(name).info

    def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Log.bounds`."""
        with self._lock:
            self.faults.on_call()
            held = self.partition(topic, partition)
            return Bounds(held.start, held.stable_end)

    def written_end(self, topic: str, partition: int) -> int:
        """See `Log.written_end`."""
        with self._lock:
            self.faults.on_call()
            return self.partition(topic, partition).end

    def read(self, topic: str, partition: int, offset: int, *, max_records: int, max_bytes: int) -> Chunk:
        """See `Log.read`."""
        with self._lock:
            self.faults.on_call()
            held = self.partition(topic, partition)
            if not held.start <= offset <= held.stable_end:
                raise OffsetOutOfRangeError(
                    f"{topic}/{partition} holds offsets {held.start} to {held.stable_end}; {offset} lies "
                    "outside"
                )
            return _read(held, offset, max_records=max(max_records, 1), max_bytes=max_bytes)

    def writer(self, topic: str, partition: int, *, name: str, each_offset: bool = False) -> MemoryWriter:
        """See `Log.writer`."""
        with self._lock:
            self.faults.on_call()
            self.partition(topic, partition)
            self._epochs[name] = self._epochs.get(name, 0) + 1
            return MemoryWriter(
                self, topic, partition, name=name, epoch=self._epochs[name], each_offset=each_offset
            )

    def append_events(self, topic: str, partition: int, records: Sequence[NewRecord]) -> list[int]:
        """See `EventLog.append_events`."""
        with self._lock:
            self.faults.on_call()
            return self._append(self.partition(topic, partition), records)

    def append_fenced(
        self, topic: str, partition: int, records: Sequence[NewRecord], *, name: str, epoch: int
    ) -> Appended:
        """Append as the writer `name` of that epoch; what `MemoryWriter.append` calls."""
        with self._lock:
            self.faults.on_call()
            if self._epochs[name] != epoch:
                raise WriterFencedError(f"a newer writer {name!r} was opened")
            held = self.partition(topic, partition)
            offsets = self._append(held, records)
            return Appended(offsets[0] if offsets else held.end, held.end, offsets)

    def trim(self, topic: str, partition: int, offset: int) -> None:
        """See `Log.trim`."""
        with self._lock:
            self.faults.on_call()
            held = self.partition(topic, partition)
            if offset > held.end:
                raise OffsetOutOfRangeError(
                    f"{topic}/{partition} ends at {held.end}; can't trim below {offset}"
                )
            held.drop_below(offset)

    def partition(self, topic: str, partition: int) -> MemoryPartition:
        """The partition itself, for faults. Raises TopicMissingError when there is none."""
        partitions = self._find(topic).partitions
        if not 0 <= partition < len(partitions):
            raise TopicMissingError(f"there is no partition {topic}/{partition}")
        return partitions[partition]

    def commit(self, partition: MemoryPartition, records: Sequence[NewRecord]) -> list[int]:
        """Append without any check, followed by a marker; for faults."""
        with self._lock:
            now_ms = self._clock_ms()
            offsets = list(range(partition.end, partition.end + len(records)))
            for offset, record in zip(offsets, records, strict=True):
                time_ms, time_type = stamp(record, append_time=partition.append_time, now_ms=now_ms)
                partition.records[offset] = LogRecord(
                    offset, record.key, record.value, record.headers, time_ms, time_type
                )
            partition.end += len(records) + self._markers
            return offsets

    def recreate(self, name: str) -> None:
        """Make the topic again, empty and with another topic id; for faults."""
        with self._lock:
            old = self._find(name)
            info = replace(old.info, topic_id=self._entropy(16))
            self._topics[name] = _new_topic(info, append_time=old.append_time)

    def _find(self, name: str) -> _Topic:
        try:
            return self._topics[name]
        except KeyError:
            raise TopicMissingError(f"there is no topic {name!r}") from None

    def _append(self, partition: MemoryPartition, records: Sequence[NewRecord]) -> list[int]:
        refuse_unacceptable(records, max_record_bytes=partition.max_record_bytes)
        self.faults.on_append(partition, records)
        return self.commit(partition, records)


class MemoryWriter:
    """`PartitionWriter` of a MemoryLog; made by `MemoryLog.writer`."""

    def __init__(
        self, log: MemoryLog, topic: str, partition: int, *, name: str, epoch: int, each_offset: bool
    ) -> None:
        self._log = log
        self._topic = topic
        self._partition = partition
        self._name = name
        self._epoch = epoch
        self._each_offset = each_offset
        self._closed = False

    def append(self, records: Sequence[NewRecord]) -> Appended:
        """See `PartitionWriter.append`."""
        if self._closed:
            raise LogError("this writer is closed; open another")
        try:
            appended = self._log.append_fenced(
                self._topic, self._partition, records, name=self._name, epoch=self._epoch
            )
        except UncertainAppendError:
            self._closed = True
            raise
        return appended if self._each_offset else replace(appended, offsets=())

    def close(self) -> None:
        """See `PartitionWriter.close`."""
        self._closed = True


def _new_topic(info: TopicInfo, *, append_time: bool) -> _Topic:
    partitions = tuple(MemoryPartition(append_time, info.max_record_bytes) for _ in range(info.partitions))
    return _Topic(info, append_time, partitions)


def _read(partition: MemoryPartition, offset: int, *, max_records: int, max_bytes: int) -> Chunk:
    records: list[LogRecord] = []
    for at in range(offset, partition.stable_end):
        record = partition.records.get(at)
        if record is None:
            continue
        max_bytes -= content_bytes(record.key, record.value, record.headers)
        if records and (max_bytes < 0 or len(records) == max_records):
            return Chunk(tuple(records), at)
        records.append(record)
    return Chunk(tuple(records), partition.stable_end)
