"""SqliteLog between processes: fencing, kill -9 while appending, fork, creation by many at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from itertools import groupby

import pytest

from contracts.log_contract import read_all, read_values, value_records
from sealtrail_transport.errors import WriterFencedError
from sealtrail_transport.sqlite_log import SqliteLog

# Every process under pytest-xdist has threads; that a fork copies only one of them is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

OPEN_WRITER = """
import sys
from sealtrail_transport.sqlite_log import SqliteLog
from sealtrail_transport.log import NewRecord
SqliteLog(sys.argv[1]).writer("raw", 0, name="w").append([NewRecord(None, b"from the child")])
"""

APPEND_UNTIL_KILLED = """
import sys
from itertools import count
from sealtrail_transport.sqlite_log import SqliteLog
from sealtrail_transport.log import NewRecord
writer = SqliteLog(sys.argv[1]).writer("raw", 0, name="w")
for number in count():
    writer.append([NewRecord(None, b"%d" % number + bytes(500))] * 50)
    print(number, flush=True)
"""

CREATE = """
import sys
from sealtrail_transport.sqlite_log import SqliteLog
sys.stdin.read()
SqliteLog(sys.argv[1]).create_topic("raw", partitions=1, append_time=False)
"""


def start(program, path, **options):
    return subprocess.Popen([sys.executable, "-c", program, str(path)], text=True, **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


@pytest.fixture
def log(path):
    with SqliteLog(path) as log:
        log.create_topic("raw", partitions=1, append_time=False)
        yield log


def test_a_writer_in_another_process_fences_this_one(log, path):
    writer = log.writer("raw", 0, name="w")
    writer.append(value_records(b"from the parent"))
    assert start(OPEN_WRITER, path).wait() == 0
    with pytest.raises(WriterFencedError):
        writer.append(value_records(b"zombie"))
    assert read_values(log) == [b"from the parent", b"from the child"]


@pytest.mark.parametrize("appends_before_kill", [1, 3, 9])
def test_kill_9_loses_nothing_acknowledged_and_leaves_no_half_transaction(log, path, appends_before_kill):
    child = start(APPEND_UNTIL_KILLED, path, stdout=subprocess.PIPE)
    acknowledged = [child.stdout.readline() for _ in range(appends_before_kill)]
    child.kill()
    acknowledged += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    numbers = [int(value.rstrip(b"\0")) for value in read_values(log)]
    sizes = [(number, len(list(run))) for number, run in groupby(numbers)]
    assert sizes == [(number, 50) for number in range(len(sizes))]
    whole_lines = [line for line in acknowledged if line.endswith("\n")]
    assert len(sizes) >= len(whole_lines) >= appends_before_kill
    log.writer("raw", 0, name="w").append(value_records(b"onward"))
    assert read_values(log)[-1] == b"onward"


def test_many_processes_may_create_the_same_log_at_once(path):
    children = [start(CREATE, path, stdin=subprocess.PIPE) for _ in range(4)]
    for child in children:
        child.stdin.close()
    assert [child.wait() for child in children] == [0, 0, 0, 0]
    with SqliteLog(path) as log:
        assert log.topic("raw").partitions == 1


def in_child(action):
    """Run `action` in a forked child; True if it raised nothing."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - a child must not return into pytest
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_forked_child_appends_through_the_log_of_its_parent(log):
    log.append_events("raw", 0, value_records(b"before"))
    assert in_child(lambda: log.append_events("raw", 0, value_records(b"child")))
    log.append_events("raw", 0, value_records(b"after"))
    assert read_values(log) == [b"before", b"child", b"after"]


def test_no_connection_lives_through_a_fork(log):
    log.append_events("raw", 0, value_records(b"x"))
    assert log._pool._idle

    def nothing_is_inherited():
        assert not log._pool._idle

    assert in_child(nothing_is_inherited)
    assert not log._pool._idle


def test_forks_between_appends_of_a_thread_lose_nothing(log):
    stop = threading.Event()
    appended = []

    def append():
        while not stop.wait(0.005):  # SQLite's lock is not fair: without a pause, a child may never get it
            appended.extend(log.append_events("raw", 0, value_records(b"thread")))

    thread = threading.Thread(target=append)
    thread.start()
    try:
        for _ in range(5):
            assert in_child(lambda: log.append_events("raw", 0, value_records(b"child")))
    finally:
        stop.set()
        thread.join()
    records = read_all(log)
    assert [record.offset for record in records if record.value == b"thread"] == appended
    assert sum(record.value == b"child" for record in records) == 5
