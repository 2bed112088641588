"""SqliteLog in trouble: full and failing disks, other programs' files, locks, and hands in the database."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys

import pytest

from contracts.log_contract import read_all, read_values, value_records
from sealtrail_transport.errors import LogBusyError, LogError, LogUnavailableError, UncertainAppendError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.sqlite_log import SqliteLog
from sealtrail_transport.sqlite_schema import _enter_wal_mode


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


@pytest.fixture
def log(path):
    with SqliteLog(path, busy_timeout_s=0.01) as log:
        log.create_topic("raw", partitions=1, append_time=False)
        yield log


def edit(path, *statements):
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


class FailingCommit(sqlite3.Connection):
    """A disk that fails while a transaction is made durable."""

    code = sqlite3.SQLITE_IOERR_FSYNC

    def execute(self, statement, *parameters):
        if statement == "COMMIT" and self.in_transaction and self.total_changes:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self.code
            raise error
        return super().execute(statement, *parameters)


class FullOnCommit(FailingCommit):
    code = sqlite3.SQLITE_FULL


def test_a_full_disk_is_told_and_work_goes_on_when_there_is_room(log):
    writer = log.writer("raw", 0, name="w")
    with log._pool.lend() as connection:
        connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(LogUnavailableError, match=r"log\.db: the disk is full; free some space"):
        writer.append(value_records(*[bytes(500)] * 1000))
    assert read_values(log) == []
    writer.append(value_records(b"small"))  # the limited connection was thrown away with the failure
    assert read_values(log) == [b"small"]


@pytest.mark.parametrize(
    ("factory", "expected"), [(FailingCommit, UncertainAppendError), (FullOnCommit, LogUnavailableError)]
)
def test_only_a_failing_disk_leaves_a_commit_in_doubt(log, path, factory, expected):
    writer = log.writer("raw", 0, name="w")
    log.close()
    connect = log._pool._connect
    log._pool._connect = lambda: sqlite3.connect(path, isolation_level=None, factory=factory)
    with pytest.raises(expected) as caught:
        writer.append(value_records(b"x"))
    assert type(caught.value) is expected
    with pytest.raises(expected):
        log.append_events("raw", 0, value_records(b"x"))
    with pytest.raises(LogUnavailableError):
        log.create_topic("other", partitions=1, append_time=False)
    log._pool._connect = connect
    if expected is UncertainAppendError:
        with pytest.raises(LogError, match="closed"):
            writer.append(value_records(b"x"))
        writer = log.writer("raw", 0, name="w")
    writer.append(value_records(b"onward"))
    assert read_values(log) == [b"onward"]


WRITE_BEYOND_A_LIMIT = """
import resource, sys
from sealtrail_transport.errors import LogUnavailableError, UncertainAppendError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.sqlite_log import SqliteLog
log = SqliteLog(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
stored = 0
try:
    while True:
        stored += len(log.append_events("raw", 0, [NewRecord(None, bytes(10_000))]))
except (LogUnavailableError, UncertainAppendError) as error:
    assert "check it and its free space" in str(error), error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append_events("raw", 0, [NewRecord(None, b"onward")])
print(stored)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_file_that_cannot_grow_loses_nothing_acknowledged(log, path):
    child = subprocess.run(
        [sys.executable, "-c", WRITE_BEYOND_A_LIMIT, str(path)], capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    values = read_values(log)
    assert 0 < int(child.stdout) == len(values) - 1
    assert values[-1] == b"onward"


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"short"])
def test_a_file_that_is_no_database_is_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"log\.db: not a sealtrail log; move the file away"):
        SqliteLog(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(path):
    edit(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(LogError, match=r"log\.db: a database of another program; give another path"):
        SqliteLog(path)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("log")
def test_a_newer_version_is_refused(path):
    edit(path, "PRAGMA user_version = 2")
    with pytest.raises(
        LogError, match=r"a log of version 2, but .* version 1 only; use the sealtrail that wrote"
    ):
        SqliteLog(path)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(LogUnavailableError, match="can't be opened; check that the folder exists"):
        SqliteLog(tmp_path / "absent" / "log.db")


def test_a_file_without_permission_is_told(log, path):
    log.close()
    log._pool._connect = lambda: sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(LogUnavailableError, match="check permissions"):
        log.append_events("raw", 0, value_records(b"x"))


def test_a_long_lock_of_another_process_is_told(log, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogBusyError, match="another process holds its lock; wait for it or stop it"):
        log.append_events("raw", 0, value_records(b"x"))
    assert read_values(log) == []  # reading needs no lock
    other.execute("ROLLBACK")
    other.close()
    log.append_events("raw", 0, value_records(b"x"))
    assert read_values(log) == [b"x"]


@pytest.mark.parametrize("missing", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_record_taken_out_by_hand_is_not_skipped(log, path, missing):
    log.append_events("raw", 0, value_records(b"0", b"1", b"2"))
    edit(path, f"DELETE FROM records WHERE offset = {missing}")  # noqa: S608 - three known numbers
    with pytest.raises(LogError, match="removed by another program"):
        read_all(log)


def test_damaged_headers_make_an_unreadable_record(log, path):
    log.append_events("raw", 0, [NewRecord(b"k", b"v", ((b"h", b"1"),))])
    edit(path, "UPDATE records SET headers = x'00000005'")
    (record,) = read_all(log)
    assert (record.key, record.value, record.headers) == (b"k", b"v", ())
    assert "its headers are damaged" in record.unreadable


def test_a_trim_cut_short_is_finished_by_the_next(log, monkeypatch):
    log.append_events("raw", 0, value_records(*[b"x"] * 3_000))
    with monkeypatch.context() as patch:
        patch.setattr(log, "_delete_slice", lambda *_: False)
        log.trim("raw", 0, 2_500)
    assert len(read_all(log)) == 500
    log.trim("raw", 0, 2_600)
    with log._pool.lend() as connection:
        assert connection.execute("SELECT min(offset), count(*) FROM records").fetchone() == (2_600, 400)


class BusyConnection:
    """Lets the switch to write-ahead logging fail a number of times."""

    def __init__(self, times):
        self.times = times

    def execute(self, statement):
        assert statement == "PRAGMA journal_mode = WAL"
        if self.times:
            self.times -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error


def test_the_switch_to_write_ahead_logging_waits_for_another_process():
    connection = BusyConnection(times=3)
    _enter_wal_mode(connection, deadline=math.inf)
    assert connection.times == 0
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        _enter_wal_mode(BusyConnection(times=1), deadline=-math.inf)


def test_every_transaction_is_durable(log):
    with log._pool.lend() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
