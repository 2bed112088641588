"""SQLite's errors as errors of the log port, each with one line that says what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sealtrail_transport.errors import LogBusyError, LogError, LogUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_MEANINGS: Final[dict[int | None, tuple[type[LogError], str]]] = {
    sqlite3.SQLITE_FULL: (LogUnavailableError, "the disk is full; free some space"),
    sqlite3.SQLITE_IOERR: (
        LogUnavailableError,
        "the disk answers with an error; check it and its free space",
    ),
    sqlite3.SQLITE_READONLY: (
        LogUnavailableError,
        "can't be written; check permissions and whether the file system is mounted read-only",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        LogUnavailableError,
        "can't be opened; check that the folder exists and that you may write to it",
    ),
    sqlite3.SQLITE_BUSY: (LogBusyError, "another process holds its lock; wait for it or stop it"),
    sqlite3.SQLITE_NOTADB: (LogError, "not a sealtrail {what}; move the file away or give another path"),
    sqlite3.SQLITE_CORRUPT: (LogError, "the file is damaged; move it away, restore a copy if there is one"),
}


def primary_code(error: sqlite3.Error) -> int | None:
    """The primary result code (https://sqlite.org/rescode.html); None for errors of Python's own making."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def log_error(error: sqlite3.Error, path: Path, what: str = "log") -> LogError:
    """The LogError that says what `error` means for the log, or what it is, at `path`."""
    kind, advice = _MEANINGS.get(primary_code(error), (LogError, ""))
    return kind(f"{path}: {advice.format(what=what) or error}")


@contextmanager
def translated(path: Path, what: str = "log") -> Iterator[None]:
    """Turn any error of SQLite into a LogError."""
    try:
        yield
    except sqlite3.Error as error:
        raise log_error(error, path, what) from error
