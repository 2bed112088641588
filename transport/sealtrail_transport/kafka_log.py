"""The log port over Kafka: read_committed consumers, and transactional producers that fence each other.

One object serves any number of threads. Not for use after a fork.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from functools import partial as bind
from typing import TYPE_CHECKING, Final

from sealtrail_transport.errors import LogError, OffsetOutOfRangeError, TopicMissingError
from sealtrail_transport.kafka_admin import KafkaAdmin, check_partition, topic_properties
from sealtrail_transport.kafka_ends import KafkaEnds
from sealtrail_transport.kafka_reader import PartitionReader
from sealtrail_transport.kafka_writer import KafkaWriter
from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES, Bounds, Chunk, TopicInfo

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sealtrail_transport.kafka_settings import KafkaSettings

_VISIBLE_TIMEOUT_S: Final = 5.0
_VISIBLE_PAUSE_S: Final = 0.002


class KafkaLog:
    """`Log` and `LogAdmin` over a Kafka cluster.

    Raises:
        LogError: librdkafka does not take a setting.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = KafkaAdmin(settings)
        self._ends = KafkaEnds(settings)
        self._lock = threading.Lock()  # guards all below
        self._readers: OrderedDict[tuple[str, int], PartitionReader] = OrderedDict()
        self._appended: dict[tuple[str, int], int] = {}
        self._read_ids: dict[str, bytes] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all consumers. Writers are closed by who opened them."""
        with self._lock:
            readers, self._readers = self._readers, OrderedDict()
            self._closed = True
        for reader in readers.values():
            reader.close()
        self._ends.close()

    def create_topic(
        self,
        name: str,
        *,
        partitions: int,
        append_time: bool,
        max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES,
        replication_factor: int | None = None,
        min_insync_replicas: int | None = None,
    ) -> TopicInfo:
        """See `LogAdmin.create_topic`; what is None is the broker's default.

        A topic with append time never loses a record by age or size.
        """
        if partitions < 1:
            raise ValueError(f"a topic has at least one partition, not {partitions}")
        properties = topic_properties(
            append_time=append_time,
            max_record_bytes=max_record_bytes,
            min_insync_replicas=min_insync_replicas,
        )
        self._admin.create(name, properties, partitions=partitions, replication_factor=replication_factor)
        return self.topic(name)

    def topic(self, name: str) -> TopicInfo:
        """See `Log.topic`."""
        return self._admin.topic(name)

    def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Log.bounds`; the end is the last stable offset.

        A commit is acknowledged before its marker is written. What writers of this object have appended is
        waited for, so that `end` counts it.
        """
        bounds = self._ends.bounds(topic, partition)
        appended = self._appended.get((topic, partition), 0)
        deadline = time.monotonic() + _VISIBLE_TIMEOUT_S
        while bounds.end < appended:
            if time.monotonic() > deadline:  # it is lost; the caller must see that
                self._appended.pop((topic, partition), None)
                break
            time.sleep(_VISIBLE_PAUSE_S)
            bounds = self._ends.bounds(topic, partition)
        return bounds

    def written_end(self, topic: str, partition: int) -> int:
        """See `Log.written_end`; the high watermark."""
        return self._admin.written_end(topic, partition)

    def read(self, topic: str, partition: int, offset: int, *, max_records: int, max_bytes: int) -> Chunk:
        """See `Log.read`."""
        reader = self._reader(topic, partition)
        return reader.read(offset, max_records=max_records, max_bytes=max_bytes)

    def writer(self, topic: str, partition: int, *, name: str, each_offset: bool = False) -> KafkaWriter:
        """See `Log.writer`; `name` is the transactional id."""
        described = self._admin.topic(topic)
        check_partition(topic, partition, partitions=described.partitions)
        return KafkaWriter(
            self._settings,
            described,
            partition,
            name=name,
            each_offset=each_offset,
            end=lambda: self.bounds(topic, partition).end,
            on_append=bind(self._on_append, (topic, partition)),
        )

    def trim(self, topic: str, partition: int, offset: int) -> None:
        """See `Log.trim`; DeleteRecords (KIP-107)."""
        bounds = self.bounds(topic, partition)
        if offset > bounds.end:
            raise OffsetOutOfRangeError(
                f"{topic}/{partition} ends at {bounds.end}; can't trim below {offset}"
            )
        if offset > bounds.start:
            self._admin.delete_records(topic, partition, offset)

    def _on_append(self, key: tuple[str, int], end: int) -> None:
        """Note where an append ended, and let go of the reader: it would fetch ahead what is written here."""
        self._appended[key] = end
        with self._lock:
            reader = self._readers.pop(key, None)
        if reader is not None:
            reader.close()

    def _confirm(self, topic: str) -> None:
        """Raise TopicMissingError if the topic was made anew since this log first read it."""
        topic_id, _ = self._admin.describe(topic)
        if self._read_ids.setdefault(topic, topic_id) != topic_id:
            raise TopicMissingError(
                f"topic {topic} was deleted while it was read; the one of that name now is another"
            )

    def _reader(self, topic: str, partition: int) -> PartitionReader:
        """The partition's reader; the one that was idle for longest makes room for a new one."""
        key = (topic, partition)
        with self._lock:
            if self._closed:
                raise LogError("this log is closed; open another")
            if key in self._readers:
                self._readers.move_to_end(key)
                return self._readers[key]
        _, partitions = self._admin.describe(topic)
        check_partition(topic, partition, partitions=partitions)
        self._confirm(topic)
        reader = PartitionReader(
            self._settings,
            topic,
            partition,
            bounds=bind(self.bounds, topic, partition),
            confirm=bind(self._confirm, topic),
        )
        with self._lock:
            kept = self._readers.setdefault(key, reader)
            surplus = [reader] if kept is not reader else []
            while len(self._readers) > self._settings.max_readers:
                surplus.append(self._readers.popitem(last=False)[1])
        for idle in surplus:
            idle.close()
        return kept
