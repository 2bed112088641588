"""The embedded log: one SQLite file, for one machine and any number of processes.

Write-ahead logging lets readers and one writer work at once; `synchronous=FULL` makes every transaction
durable before its call returns, also through a loss of power. Offsets have no gaps here: a record missing
between both ends of a partition was taken out by somebody else, and reading it is an error.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_transport.acceptance import refuse_unacceptable, stamp
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import (
    LogError,
    LogUnavailableError,
    OffsetOutOfRangeError,
    TopicMissingError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.header_blob import decode_headers, encode_headers
from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES, Appended, Bounds, Chunk, LogRecord, TopicInfo
from sealtrail_transport.record_size import content_bytes
from sealtrail_transport.sqlite_errors import log_error, primary_code, translated
from sealtrail_transport.sqlite_pool import ConnectionPool
from sealtrail_transport.sqlite_schema import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from sealtrail_transport.log import NewRecord

TOPIC_ID_BYTES: Final = 16
DEFAULT_BUSY_TIMEOUT_S: Final = 10.0
_TRIM_SLICE: Final = 1_000

_Row = tuple[int, int, int, bytes | None, bytes, bytes | None]


class _Partition(NamedTuple):
    """A partition's row, with what its topic prescribes."""

    id: int
    start: int
    end: int
    append_time: bool
    max_record_bytes: int


class SqliteLog:
    """`Log`, `LogAdmin` and `EventLog` in the SQLite file at `path`, which is made if there is none.

    One object serves any number of threads. Closing it releases the file; a forked child may go on using it.

    Args:
        path: the database file. SQLite keeps two more beside it, `-wal` and `-shm`.
        clock_ms: milliseconds since the Unix epoch.
        entropy: that many random bytes; used for topic ids.
        busy_timeout_s: how many seconds to wait for another process's lock.

    Raises:
        LogError: the file is not a sealtrail log, or of another version.
        LogUnavailableError: the file can't be opened or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock_ms: Callable[[], int] = system_clock_ms,
        entropy: Callable[[int], bytes] = os.urandom,
        busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S,
    ) -> None:
        self._path = Path(path).absolute()
        self._clock_ms = clock_ms
        self._entropy = entropy
        self._pool = ConnectionPool(partial(connect, self._path, busy_timeout_s=busy_timeout_s))
        # Threads queue here, in turn and without polling, rather than in SQLite's busy handler.
        self._write_lock = threading.Lock()
        with self._reading():
            pass  # a file that can't be used is told now, not at the first call

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. A later call opens new ones, which then close at once after use."""
        self._pool.close()

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
        topic_id = self._entropy(TOPIC_ID_BYTES)
        with self._writing() as connection:
            added = connection.execute(
                "INSERT INTO topics VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (name, topic_id, append_time, max_record_bytes),
            )
            if added.rowcount:
                connection.executemany(
                    "INSERT INTO partitions (topic, partition) VALUES (?, ?)",
                    [(name, number) for number in range(partitions)],
                )
        return self.topic(name)

    def topic(self, name: str) -> TopicInfo:
        """See `Log.topic`."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT topic_id, max_record_bytes, append_time,"
                " (SELECT count(*) FROM partitions WHERE topic = name) FROM topics WHERE name = ?",
                (name,),
            ).fetchone()
        if row is None:
            raise TopicMissingError(f"there is no topic {name!r} in {self._path}")
        topic_id, max_record_bytes, append_time, partitions = row
        return TopicInfo(name, topic_id, partitions, max_record_bytes, bool(append_time))

    def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Log.bounds`."""
        with self._reading() as connection:
            row = self._partition(connection, topic, partition)
        return Bounds(row.start, row.end)

    def written_end(self, topic: str, partition: int) -> int:
        """See `Log.written_end`; transactions end before others see anything of them."""
        return self.bounds(topic, partition).end

    def read(self, topic: str, partition: int, offset: int, *, max_records: int, max_bytes: int) -> Chunk:
        """See `Log.read`."""
        records: list[LogRecord] = []
        room = max_bytes
        # One read transaction over both statements: a trim between them must not look like an end.
        with self._reading() as connection:
            row = self._partition(connection, topic, partition)
            if not row.start <= offset <= row.end:
                raise OffsetOutOfRangeError(
                    f"{topic}/{partition} holds offsets {row.start} to {row.end}; {offset} lies outside"
                )
            for found in connection.execute(
                "SELECT offset, timestamp_ms, timestamp_type, key, headers, value FROM records"
                " WHERE partition_id = ? AND offset >= ? ORDER BY offset LIMIT ?",
                (row.id, offset, max(max_records, 1)),
            ):
                record = _record(found)
                room -= content_bytes(record.key, record.value, record.headers)
                if records and room < 0:
                    break
                self._check_unbroken(record.offset, offset + len(records))
                records.append(record)
        next_offset = offset + len(records)
        if not records and next_offset < row.end:
            self._check_unbroken(row.end, next_offset)
        return Chunk(tuple(records), next_offset)

    def _check_unbroken(self, found: int, expected: int) -> None:
        if found != expected:
            raise LogError(f"{self._path}: records {expected} to {found - 1} were removed by another program")

    def writer(self, topic: str, partition: int, *, name: str, each_offset: bool = False) -> SqliteWriter:
        """See `Log.writer`."""
        with self._writing() as connection:
            self._partition(connection, topic, partition)
            connection.execute(
                "INSERT INTO writers VALUES (?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1", (name,)
            )
            epoch = _Epoch.newest(connection, name)
        return SqliteWriter(self, topic, partition, epoch, each_offset=each_offset)

    def append_events(self, topic: str, partition: int, records: Sequence[NewRecord]) -> list[int]:
        """See `EventLog.append_events`."""
        appended = self._append(topic, partition, records, epoch=None)
        return list(range(appended.first_offset, appended.next_offset))

    def trim(self, topic: str, partition: int, offset: int) -> None:
        """See `Log.trim`. The file does not shrink: freed pages are filled again."""
        with self._writing() as connection:
            row = self._partition(connection, topic, partition)
            if offset > row.end:
                raise OffsetOutOfRangeError(
                    f"{topic}/{partition} ends at {row.end}; can't trim below {offset}"
                )
            start = max(row.start, offset)
            connection.execute("UPDATE partitions SET start_offset = ? WHERE id = ?", (start, row.id))
        # A crash from here on leaves records below the start, which nobody reads and the next trim deletes.
        while self._delete_slice(row.id, start):
            pass

    def _delete_slice(self, partition_id: int, start: int) -> bool:
        """Delete some of what lies below `start`, so that others get their turn. False: nothing was left."""
        with self._writing() as connection:
            deleted = connection.execute(
                "DELETE FROM records WHERE partition_id = :id AND offset < min(:start, :slice +"
                " (SELECT min(offset) FROM records WHERE partition_id = :id))",
                {"id": partition_id, "start": start, "slice": _TRIM_SLICE},
            )
        return deleted.rowcount > 0

    def _append(
        self, topic: str, partition: int, records: Sequence[NewRecord], *, epoch: _Epoch | None
    ) -> Appended:
        with self._reading() as connection:
            topic_row = self._partition(connection, topic, partition)
        refuse_unacceptable(records, max_record_bytes=topic_row.max_record_bytes)
        with self._writing(doubt=UncertainAppendError) as connection:
            if epoch is not None:
                epoch.check(connection)
            row = self._partition(connection, topic, partition)
            connection.executemany(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", self._rows(row, records, self._clock_ms())
            )
            end = row.end + len(records)
            connection.execute("UPDATE partitions SET end_offset = ? WHERE id = ?", (end, row.id))
        return Appended(row.end, end)

    def _rows(
        self, row: _Partition, records: Sequence[NewRecord], now_ms: int
    ) -> Iterator[tuple[object, ...]]:
        for offset, record in enumerate(records, row.end):
            time_ms, time_type = stamp(record, append_time=row.append_time, now_ms=now_ms)
            headers = encode_headers(record.headers)
            yield row.id, offset, time_ms, time_type, record.key, headers, record.value

    def _partition(self, connection: sqlite3.Connection, topic: str, partition: int) -> _Partition:
        found = connection.execute(
            "SELECT id, start_offset, end_offset, append_time, max_record_bytes"
            " FROM partitions JOIN topics ON name = topic WHERE topic = ? AND partition = ?",
            (topic, partition),
        ).fetchone()
        if found is None:
            raise TopicMissingError(f"there is no partition {topic}/{partition} in {self._path}")
        return _Partition(*found)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees the log as it is at its first statement."""
        with translated(self._path), self._pool.lend() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _writing(self, doubt: type[LogError] = LogUnavailableError) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; `doubt` is raised when nobody can say whether its commit took effect."""
        with translated(self._path), self._pool.lend() as connection, self._write_lock:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            try:
                connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                # The commit may lie in the write-ahead log, unseen, and come back after a crash. The next
                # transaction overwrites it. Any other failure comes before the commit is written.
                if primary_code(error) == sqlite3.SQLITE_IOERR:
                    raise doubt(str(log_error(error, self._path))) from error
                raise


@dataclass(frozen=True, slots=True)
class _Epoch:
    """Which writer of a name this is; the table holds the newest."""

    name: str
    number: int

    @classmethod
    def newest(cls, connection: sqlite3.Connection, name: str) -> _Epoch:
        (number,) = connection.execute("SELECT epoch FROM writers WHERE name = ?", (name,)).fetchone()
        return cls(name, number)

    def check(self, connection: sqlite3.Connection) -> None:
        if self != self.newest(connection, self.name):
            raise WriterFencedError(f"a newer writer {self.name!r} was opened")


class SqliteWriter:
    """`PartitionWriter` of a SqliteLog; made by `SqliteLog.writer`."""

    def __init__(
        self, log: SqliteLog, topic: str, partition: int, epoch: _Epoch, *, each_offset: bool
    ) -> None:
        self._each_offset = each_offset
        self._log = log
        self._topic = topic
        self._partition = partition
        self._epoch = epoch
        self._closed = False

    def append(self, records: Sequence[NewRecord]) -> Appended:
        """See `PartitionWriter.append`."""
        if self._closed:
            raise LogError("this writer is closed; open another")
        try:
            appended = self._log._append(self._topic, self._partition, records, epoch=self._epoch)  # noqa: SLF001 - one unit
        except UncertainAppendError:
            self._closed = True
            raise
        if not self._each_offset:
            return appended
        return replace(appended, offsets=range(appended.first_offset, appended.next_offset))

    def close(self) -> None:
        """See `PartitionWriter.close`."""
        self._closed = True


def _record(row: _Row) -> LogRecord:
    offset, timestamp_ms, timestamp_type, key, headers, value = row
    try:
        decoded = decode_headers(headers) if headers else ()
    except ValueError as error:
        unreadable = f"its headers are damaged: {error}"
        return LogRecord(offset, key, value, (), timestamp_ms, timestamp_type, unreadable)
    return LogRecord(offset, key, value, decoded, timestamp_ms, timestamp_type)
