"""The embedded pipeline, killed with -9 at random points while events flow: each exactly once, in order,
intact.

Half of the kills take the whole process group, as an out-of-memory killer or a closed terminal may; the
other half only the pipeline, so that the next run meets an orphaned store.
"""

import json
import os
import random
import signal
import subprocess
import sys

import pytest

from copied_archive import archived_values

pytestmark = pytest.mark.claim("C1", "C5")

SEALTRAIL = [sys.executable, "-m", "sealtrail"]


def run(folder, *arguments):
    done = subprocess.run([*SEALTRAIL, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


class Flow:
    """`sealtrail produce -`, fed a share of the events between one kill and the next."""

    def __init__(self, folder, events, rounds):
        self.process = subprocess.Popen(
            [*SEALTRAIL, "produce", "--format", "jsonl", "-"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.events = events
        self.share = -(-len(events) // rounds)
        self.sent = 0

    def pour(self):
        share = self.events[self.sent : self.sent + self.share]
        self.sent += len(share)
        self.process.stdin.write(b"".join(event + b"\n" for event in share))
        self.process.stdin.flush()

    def finish(self):
        assert self.sent == len(self.events)
        with self.process:
            _, errors = self.process.communicate()
        assert self.process.returncode == 0, errors.decode()


def kill_once(folder, chance, *, whole_group, seconds):
    """Start the pipeline and kill it after a random time, whatever it is doing then."""
    told = folder / "up.log"
    with told.open("wb") as stderr:
        pipeline = subprocess.Popen(
            [*SEALTRAIL, "up", "--quiet"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        pipeline.wait(timeout=chance.uniform(0, seconds))
    except subprocess.TimeoutExpired:
        if whole_group:
            os.killpg(pipeline.pid, signal.SIGKILL)
        else:
            pipeline.kill()
        pipeline.wait()
    else:
        pytest.fail(f"the pipeline ended by itself: {told.read_text()}")


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("kills", "count"),
    [(6, 2_400), pytest.param(50, 20_000, marks=[pytest.mark.full, pytest.mark.timeout(1_800)])],
)
def test_a_pipeline_killed_at_random_points_loses_and_doubles_nothing(tmp_path, kills, count):
    chance = random.Random(kills)
    events = [json.dumps({"number": number, "pad": "x" * 300}).encode() for number in range(count)]
    run(tmp_path, "init")
    flow = Flow(tmp_path, events, kills)
    for number in range(kills):
        flow.pour()
        kill_once(tmp_path, chance, whole_group=number % 2 == 0, seconds=8)
    flow.finish()
    run(tmp_path, "up", "--drain")
    run(tmp_path, "verify")
    run(tmp_path, "fetch", ".sealtrail", "copy")
    assert archived_values(tmp_path / "copy", tmp_path / ".sealtrail" / "policy") == events
