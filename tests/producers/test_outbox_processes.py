"""An outbox between processes: killed ones, forked ones, a second one, and the end of a process."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from outbox_service import Service, read_all
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C15")

# Python warns of forks where there are threads. That is just what is tried here.
PYTHON = [sys.executable, "-W", "ignore::DeprecationWarning", "-c"]

PRELUDE = """
import os, sys
from sealtrail_producers import AuditProducer

def connect():
    folder = sys.argv[1]
    return AuditProducer.connect(
        f"sqlite:{folder}/log.db", topic="raw", source="test", outbox=f"{folder}/outbox.db"
    )
"""


@pytest.fixture
def log(tmp_path):
    with SqliteLog(tmp_path / "log.db") as log:
        log.create_topic("raw", partitions=3, append_time=False)
        yield log


def run(tmp_path, program):
    done = subprocess.run(
        [*PYTHON, PRELUDE + program, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def values(log):
    return sorted(record.value for partition in range(3) for record in read_all(log, "raw", partition))


@pytest.mark.embedded
@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=[pytest.mark.full, pytest.mark.timeout(900)])])
def test_a_service_killed_at_random_points_loses_and_repeats_nothing(log, tmp_path, kills):
    service = Service(f"sqlite:{tmp_path}/log.db", "raw", tmp_path / "outbox.db")
    chance = random.Random(kills)
    for _ in range(kills):
        service.run(count=10**6, kill_after=chance.randint(1, 1_000))
    service.run(count=100)
    assert service.check(log, "raw") > 100


def test_a_forked_child_leaves_the_outbox_to_its_parent(log, tmp_path):
    errors = run(
        tmp_path,
        """
audit = connect()
audit.publish(b"before").result(30)
child = os.fork()
if child == 0:
    try:
        audit.publish(b"in the child")
    except Exception as error:
        print(type(error).__name__, error, file=sys.stderr)
    audit.close()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
audit.publish(b"after").result(30)
audit.close()
""",
    )
    assert "LogBusyError" in errors
    assert "give each process its own, forked children too" in errors
    assert values(log) == [b"after", b"before"]


def test_a_lingering_child_does_not_hold_the_outbox(log, tmp_path):
    """Its parent has died; the next process must not wait for it."""
    run(
        tmp_path,
        """
done = os.pipe()
parent = os.fork()
if parent == 0:
    audit = connect()
    audit.publish(b"first").result(30)
    if os.fork() == 0:  # stays until the second producer has come and gone
        os.close(done[1])
        os.read(done[0], 1)
    os._exit(0)
assert os.waitpid(parent, 0)[1] == 0
second = connect()
second.publish(b"second").result(30)
second.close()
os.close(done[1])
""",
    )
    assert values(log) == [b"first", b"second"]
    assert values(log) == [b"first", b"second"]


def test_what_waits_is_delivered_at_the_end_of_the_process(log, tmp_path):
    run(tmp_path, "audit = connect()\nfor n in range(50): audit.publish(b'%02d' % n)")
    assert values(log) == [b"%02d" % number for number in range(50)]
