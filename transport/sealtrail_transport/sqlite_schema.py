"""The tables of the SQLite log, and how a connection to a database of sealtrail's is opened."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_transport.errors import LogError
from sealtrail_transport.sqlite_errors import primary_code

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID: Final = int.from_bytes(b"seal", "big")
SCHEMA_VERSION: Final = 1

# WITHOUT ROWID keeps a partition's records side by side in offset order. The end is a column of its own since
# it outlives the records; so does the start, which moves before what lies below it is deleted.
_TABLES: Final = (
    """
    CREATE TABLE topics (
        name TEXT PRIMARY KEY,
        topic_id BLOB NOT NULL,
        append_time INTEGER NOT NULL,
        max_record_bytes INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE partitions (
        id INTEGER PRIMARY KEY,
        topic TEXT NOT NULL REFERENCES topics (name),
        partition INTEGER NOT NULL,
        start_offset INTEGER NOT NULL DEFAULT 0,
        end_offset INTEGER NOT NULL DEFAULT 0,
        UNIQUE (topic, partition)
    )
    """,
    """
    CREATE TABLE records (
        partition_id INTEGER NOT NULL REFERENCES partitions (id),
        offset INTEGER NOT NULL,
        timestamp_ms INTEGER NOT NULL,
        timestamp_type INTEGER NOT NULL,
        key BLOB,
        headers BLOB NOT NULL,
        value BLOB,
        PRIMARY KEY (partition_id, offset)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE writers (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """What a file of sealtrail's holds.

    Attributes:
        what: its name in messages.
        application_id: tells it from other programs' databases (https://sqlite.org/fileformat2.html, 1.3.14).
        version: of its tables.
        tables: the statements that make them.
    """

    what: str
    application_id: int
    version: int
    tables: tuple[str, ...]


LOG: Final = DatabaseKind("a log", APPLICATION_ID, SCHEMA_VERSION, _TABLES)

# 8 KiB pages append records of 500 bytes about 15 % faster than SQLite's default of 4 KiB.
_PAGE_BYTES: Final = 8192
_WAL_KEPT_BYTES: Final = 64 * 1024 * 1024
_WAL_RETRY_S: Final = 0.01


def connect(path: Path, *, busy_timeout_s: float, kind: DatabaseKind = LOG) -> sqlite3.Connection:
    """Open the database at `path`, which is made if there is none.

    The connection is in autocommit mode, may move between threads, and waits up to `busy_timeout_s` seconds
    for other processes' locks.

    Raises:
        LogError: the file is something else, or of a version this program does not know.
        sqlite3.Error: as SQLite has it.
    """
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # heeded only while the file is empty
        if _is_empty(connection):
            _create_tables(connection, kind)
        _check_identity(connection, path, kind)
        _enter_wal_mode(connection, deadline=time.monotonic() + busy_timeout_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync does not reach the disk
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _is_empty(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return (
        not tables and not _pragma(connection, "application_id") and not _pragma(connection, "user_version")
    )


def _create_tables(connection: sqlite3.Connection, kind: DatabaseKind) -> None:
    """Make tables and identity in one transaction, unless another process was faster."""
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):
        for statement in kind.tables:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {kind.application_id}")
        connection.execute(f"PRAGMA user_version = {kind.version}")
    connection.execute("COMMIT")


def _check_identity(connection: sqlite3.Connection, path: Path, kind: DatabaseKind) -> None:
    if _pragma(connection, "application_id") != kind.application_id:
        raise LogError(f"{path}: a database of another program; give another path")
    version = _pragma(connection, "user_version")
    if version != kind.version:
        raise LogError(
            f"{path}: {kind.what} of version {version}, but this sealtrail knows version {kind.version} "
            "only; use the sealtrail that wrote it"
        )


def _enter_wal_mode(connection: sqlite3.Connection, *, deadline: float) -> None:
    """Switch to write-ahead logging, which the file then remembers.

    SQLite does not apply its busy timeout to the first switch, so one of two processes that make the same
    log at once would otherwise see "database is locked".
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return
