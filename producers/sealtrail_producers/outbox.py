"""The outbox: a producer's events on disk, from before `record` returns until the log has them.

One SQLite file for one producer, one topic and one process at a time. Adding events is durable through a
loss of power (`synchronous=FULL`). What is noted of shipping is not flushed to the disk: if it is lost,
events that were shipped wait again, and the next start finds them in the log by their stamps.
"""

from __future__ import annotations

import os
import threading
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from filelock import FileLock, Timeout

from sealtrail_producers.outbox_tables import OUTBOX
from sealtrail_schemas.producer_stamp import INCARNATION_BYTES, check_stamp_name, runs_of
from sealtrail_transport.errors import LogBusyError, LogError, LogUnavailableError
from sealtrail_transport.header_blob import decode_headers, encode_headers
from sealtrail_transport.log import NewRecord
from sealtrail_transport.record_size import STAMP_ROOM_BYTES, record_bytes
from sealtrail_transport.sqlite_errors import translated
from sealtrail_transport.sqlite_pool import ConnectionPool
from sealtrail_transport.sqlite_schema import connect

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from sealtrail_schemas.producer_stamp import Numbers
    from sealtrail_transport.log import TopicInfo

_BUSY_TIMEOUT_S: Final = 10.0
_VOID_READ: Final = 1_000


class WaitingEvent(NamedTuple):
    """An event that the log may not have yet."""

    number: int
    size: int
    record: NewRecord


class Outbox:
    """The outbox in the file at `path`, which is made if there is none.

    It serves any number of threads. Before a fork its connections are closed; the child must not use it.

    Attributes:
        path: the file. SQLite keeps two more beside it, `-wal` and `-shm`, and `.lock` shows that it is used.
        producer: the producer's name.
        topic: where its events go.
        incarnation: 16 hex digits: whose numbers these are, for as long as the file lasts.
        partitions: how many partitions the topic has, as far as is known; 0 before `learn`.
        waiting_bytes: what the events that wait count together.

    Raises:
        StampError: a stamp can't hold the name.
        LogBusyError: another producer uses the outbox.
        LogUnavailableError: the file can't be opened or written.
        LogError: the file is damaged, is no outbox, or that of another producer or topic.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        producer: str,
        topic: str,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.path = Path(path).absolute()
        self.producer = check_stamp_name(producer)
        self.topic = topic
        self._write_lock = threading.Lock()  # guards the next two, and keeps SQLite from waiting by polling
        self._is_closed = False
        self.waiting_bytes = 0
        self._lock = _hold(self.path)
        self._pool = ConnectionPool(partial(connect, self.path, busy_timeout_s=_BUSY_TIMEOUT_S, kind=OUTBOX))
        try:
            self._check_pages()
            self.incarnation, self._topic_id, self.partitions = self._introduce(entropy)
            self._waiting, self.waiting_bytes = self._count()
            _flush_folder(self.path.parent)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the file. Closing again does nothing."""
        with self._write_lock:
            self._is_closed = True
        self._pool.close()
        self._lock.release()

    @property
    def waiting(self) -> dict[int, int]:
        """How many events wait in each partition that has some."""
        return {partition: count for partition, count in list(self._waiting.items()) if count > 0}

    def learn(self, topic: TopicInfo) -> bool:
        """Remember what the topic is. True: it is another one than before, which may hold nothing of ours.

        The partitions of waiting events stay as they were chosen.
        """
        if (self._topic_id, self.partitions) == (topic.topic_id, topic.partitions):
            return False
        is_other = self._topic_id not in (None, topic.topic_id)
        with self._writing() as connection:
            connection.execute(
                "UPDATE outbox SET topic_id = ?, partitions = ?", (topic.topic_id, topic.partitions)
            )
            if is_other:
                connection.execute("UPDATE lanes SET log_offset = 0 WHERE log_offset IS NOT NULL")
        self._topic_id, self.partitions = topic.topic_id, topic.partitions
        return is_other

    # Recording

    def add(self, events: Sequence[tuple[int, NewRecord]]) -> list[int]:
        """Take events, each for its partition, all or none; returns their numbers. Durable on return.

        Raises:
            LogUnavailableError: they can't be written (a full disk, a file that somebody else has locked).
        """
        counts: dict[int, int] = {}
        for partition, _ in events:
            counts[partition] = counts.get(partition, 0) + 1
        numbers = []
        with self._writing() as connection:
            following = {}
            for partition, count in counts.items():
                (end,) = connection.execute(
                    "INSERT INTO lanes (partition, next_number) VALUES (?, ?) ON CONFLICT DO"
                    " UPDATE SET next_number = next_number + excluded.next_number RETURNING next_number",
                    (partition, count),
                ).fetchone()
                following[partition] = end - count
            for partition, record in events:
                number = following[partition]
                following[partition] += 1
                numbers.append(number)
                connection.execute(
                    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", _row(partition, number, record)
                )
        for partition, count in counts.items():
            self._count_change(partition, count, 0)
        self._count_change(0, 0, sum(event_size(record) for _, record in events))
        return numbers

    # Shipping

    def numbered(self) -> dict[int, int]:
        """The next number of each partition where something may have been shipped already."""
        with self._reading() as connection:
            return dict(
                connection.execute("SELECT partition, next_number FROM lanes WHERE log_offset IS NOT NULL")
            )

    def next_number(self, partition: int) -> int:
        """The number that the next event of the partition gets."""
        return self._lane(partition)[0]

    def log_offset(self, partition: int) -> int | None:
        """Where to look for what was shipped before; None: nothing was."""
        return self._lane(partition)[1]

    def _lane(self, partition: int) -> tuple[int, int | None]:
        with self._reading() as connection:
            row = connection.execute(
                "SELECT next_number, log_offset FROM lanes WHERE partition = ?", (partition,)
            ).fetchone()
        return row or (0, None)

    def head(self, partition: int, *, max_records: int, max_bytes: int) -> list[WaitingEvent]:
        """The first events that wait in the partition, in order; at least one if there is one."""
        events: list[WaitingEvent] = []
        statement = (
            "SELECT number, size, timestamp_ms, key, headers, value FROM events"
            " WHERE partition = ? ORDER BY number LIMIT ?"
        )
        with (
            self._reading() as connection,
            closing(connection.execute(statement, (partition, max_records))) as rows,
        ):
            for row in rows:
                max_bytes -= row[1]
                if events and max_bytes < 0:
                    break
                events.append(self._event(row))
        return events

    def find(self, partition: int, number: int) -> WaitingEvent | None:
        """One event, if it waits."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT number, size, timestamp_ms, key, headers, value FROM events"
                " WHERE partition = ? AND number = ?",
                (partition, number),
            ).fetchone()
        return None if row is None else self._event(row)

    def void(self, partition: int) -> list[Numbers]:
        """The first runs of numbers that are to be declared void."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT number FROM void WHERE partition = ? ORDER BY number LIMIT ?", (partition, _VOID_READ)
            ).fetchall()
        return runs_of(number for (number,) in found)

    def remember(self, partition: int, offset: int, *, durable: bool = False) -> None:
        """Note that nothing of ours that still waits lies below `offset` in the log's partition."""
        with self._writing(durable=durable) as connection:
            connection.execute("UPDATE lanes SET log_offset = ? WHERE partition = ?", (offset, partition))

    def shipped(
        self, partition: int, numbers: Sequence[int], offset: int, *, declared: Sequence[Numbers] = ()
    ) -> None:
        """Forget events that the log has, and void numbers that they have declared; then `remember`."""
        with self._writing(durable=False) as connection:
            sizes = self._delete(connection, partition, numbers)
            connection.executemany(
                "DELETE FROM void WHERE partition = ? AND number BETWEEN ? AND ?",
                [(partition, *run) for run in declared],
            )
            connection.execute("UPDATE lanes SET log_offset = ? WHERE partition = ?", (offset, partition))
        self._count_change(partition, -len(sizes), -sum(sizes))

    def refuse(self, partition: int, number: int) -> None:
        """Give up an event that the log refuses; its number becomes void."""
        with self._writing(durable=False) as connection:
            sizes = self._delete(connection, partition, [number])
            connection.execute("INSERT INTO void VALUES (?, ?)", (partition, number))
        self._count_change(partition, -len(sizes), -sum(sizes))

    def _count_change(self, partition: int, events: int, size: int) -> None:
        with self._write_lock:
            self._waiting[partition] = self._waiting.get(partition, 0) + events
            self.waiting_bytes += size

    @staticmethod
    def _delete(connection: sqlite3.Connection, partition: int, numbers: Sequence[int]) -> list[int]:
        """Delete those of the events that are there; returns their sizes."""
        sizes = []
        for number in numbers:
            sizes += connection.execute(
                "DELETE FROM events WHERE partition = ? AND number = ? RETURNING size", (partition, number)
            ).fetchall()
        return [size for (size,) in sizes]

    def _event(self, row: tuple[int, int, int | None, bytes | None, bytes, bytes | None]) -> WaitingEvent:
        number, size, timestamp_ms, key, headers, value = row
        try:
            decoded = decode_headers(headers)
        except ValueError as error:
            raise LogError(f"{self.path}: the headers of event {number} are damaged: {error}") from error
        return WaitingEvent(number, size, NewRecord(key, value, decoded, timestamp_ms))

    # The file

    def _check_pages(self) -> None:
        """Find damage now rather than in the middle of an outage."""
        with self._reading() as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise LogError(f"{self.path}: the file is damaged ({found}); move it away to begin a new outbox")

    def _introduce(self, entropy: Callable[[int], bytes]) -> tuple[str, bytes | None, int]:
        """Whose outbox it is; a new one becomes ours."""
        with self._writing() as connection:
            row = connection.execute("SELECT * FROM outbox").fetchone()
            if row is None:
                row = (self.producer, self.topic, entropy(INCARNATION_BYTES).hex(), None, None)
                connection.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)", row)
        producer, topic, incarnation, topic_id, partitions = row
        if (producer, topic) != (self.producer, self.topic):
            raise LogError(
                f"{self.path}: the outbox of producer {producer!r} for topic {topic!r}, not of "
                f"{self.producer!r} for {self.topic!r}; give each its own file"
            )
        return incarnation, topic_id, partitions or 0

    def _count(self) -> tuple[dict[int, int], int]:
        with self._reading() as connection:
            found = connection.execute(
                "SELECT partition, count(*), sum(size) FROM events GROUP BY partition"
            ).fetchall()
        return {partition: count for partition, count, _ in found}, sum(size for _, _, size in found)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path, "outbox"), self._pool.lend() as connection:
            yield connection

    @contextmanager
    def _writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction that writes.

        A commit that fails may lie in the write-ahead log and come back after a crash, unless another
        transaction overwrites it: an event whose caller was told that it was not taken, whole and numbered.
        """
        with translated(self.path, "outbox"), self._pool.lend() as connection, self._write_lock:
            if self._is_closed:
                raise LogError(f"{self.path}: this outbox is closed; open another")
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            self._commit(connection)

    def _commit(self, connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")


def _row(partition: int, number: int, record: NewRecord) -> tuple[object, ...]:
    size = event_size(record)
    headers = encode_headers(record.headers)
    return partition, number, size, record.timestamp_ms, record.key, headers, record.value


def event_size(record: NewRecord) -> int:
    """What an event counts against the bound of an outbox."""
    return record_bytes(record) + STAMP_ROOM_BYTES


def _hold(path: Path) -> FileLock:
    """Lock the outbox for this producer. The operating system drops the lock when its holder dies."""
    if not path.parent.is_dir():
        raise LogUnavailableError(f"{path}: there is no folder {path.parent}; make it first")
    lock = FileLock(f"{path}.lock", timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise LogBusyError(
            f"{path}: another producer uses this outbox; give each process its own, forked children too"
        ) from None
    except OSError as error:
        raise LogUnavailableError(f"{path}: can't be locked: {error}; check permissions") from error
    return lock


def _flush_folder(folder: Path) -> None:
    """Make the names of new files durable. Windows has no such call, and no need of it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
