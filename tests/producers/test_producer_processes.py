"""AuditProducer between processes: forks, ends of processes, what an import loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sealtrail_schemas.audit_event import decode_event
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C15")

# Python warns of forks where there are threads. That is just what is tried here.
PYTHON = [sys.executable, "-W", "ignore::DeprecationWarning", "-c"]

PRELUDE = """
import os, sys
from sealtrail_producers import AuditProducer
audit = AuditProducer.connect("sqlite:" + sys.argv[1], topic="raw", source="test")

def record(action):
    return audit.record(actor="u-1", action=action)

def in_child(action):
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


@pytest.fixture
def run(tmp_path):
    """Run a program against a log of its own; returns the actions that the log then holds."""
    with SqliteLog(tmp_path / "log.db") as log:
        log.create_topic("raw", partitions=1, append_time=False)

        def run(program):
            command = [*PYTHON, PRELUDE + program, str(tmp_path / "log.db")]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")
            chunk = log.read("raw", 0, 0, max_records=1000, max_bytes=1 << 20)
            return [decode_event(record.value).action for record in chunk.records]

        yield run


def test_what_is_buffered_is_delivered_at_exit(run):
    assert run("for n in range(100): record(str(n))") == [str(n) for n in range(100)]


def test_what_fails_at_exit_is_logged(tmp_path):
    with SqliteLog(tmp_path / "log.db") as log:
        log.create_topic("raw", partitions=1, append_time=False, max_record_bytes=200)
    program = PRELUDE + "record('x' * 1000)"
    command = [*PYTHON, program, str(tmp_path / "log.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stderr.startswith("audit events not delivered: 1 failed; first cause: ")
    assert "Traceback" not in done.stderr


def test_a_closed_producer_leaves_no_callback(run):
    program = """
import gc, weakref
record("x")
audit.close()
producer = weakref.ref(audit)
del audit
gc.collect()
assert producer() is None
"""
    assert run(program) == ["x"]


def test_a_forked_child_records_through_a_sink_of_its_own(run):
    program = """
record("before").result()

def child():
    record("in the child").result()
    audit.close()

in_child(child)
record("after").result()
"""
    assert run(program) == ["before", "in the child", "after"]


def test_what_the_parent_buffered_is_sent_once(run):
    program = """
from concurrent.futures import Future
from sealtrail_transport.buffered_sink import BufferedSink
import threading

gate = threading.Event()
deliver = BufferedSink._deliver

def wait_at_the_gate(sink, *arguments):
    gate.wait()
    deliver(sink, *arguments)

BufferedSink._deliver = wait_at_the_gate
record("parent 1"), record("parent 2")

def child():
    gate.set()
    audit.flush()
    record("child").result()
    audit.close()

in_child(child)
gate.set()
"""
    assert run(program) == ["child", "parent 1", "parent 2"]


def test_a_child_that_records_nothing_opens_nothing(run):
    program = """
record("parent").result()

def child():
    audit.flush()
    assert audit._sink is None
    audit.close()

in_child(child)
"""
    assert run(program) == ["parent"]


def test_a_child_that_exits_in_the_usual_way_delivers(run):
    program = """
pid = os.fork()
record("child" if pid == 0 else "parent")
if pid:
    os.waitpid(pid, 0)
"""
    assert sorted(run(program)) == ["child", "parent"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_multiprocessing_child_delivers(run, tmp_path, method):
    (tmp_path / "work.py").write_text("""
from sealtrail_producers import AuditProducer

def work(path, inherited=None):
    audit = inherited or AuditProducer.connect("sqlite:" + path, topic="raw", source="test")
    audit.record(actor="u-1", action="work")
""")
    program = f"""
import multiprocessing
sys.path.insert(0, {str(tmp_path)!r})
from work import work
context = multiprocessing.get_context({method!r})
arguments = (sys.argv[1], audit) if {method!r} == "fork" else (sys.argv[1],)
process = context.Process(target=work, args=arguments)
process.start()
process.join()
assert process.exitcode == 0
"""
    assert run(program) == ["work"]


def test_importing_the_producer_loads_nothing_heavy():
    program = "import sealtrail_producers, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "sealtrail_transport" in loaded
    assert loaded.isdisjoint(
        {"boto3", "botocore", "click", "rich", "pyarrow", "confluent_kafka", "cryptography", "sqlite3"}
    )
