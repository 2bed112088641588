"""What verification costs in a long trail: reads in proportion to what was asked, and bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from auditor.builders import TrailMaker, policy_of, verify
from auditor.counting import CountingStore
from command_line import clean_environment
from sealtrail_auditor import workers
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.visit import Visit
from sealtrail_schemas.policy import format_policy
from sealtrail_transport.folder_store import FolderStore

pytestmark = pytest.mark.claim("C12")

BATCH_ENTRIES = 2_000
MAX_MEMORY_BYTES = 300 << 20
# A new program inherits the peak of the one that began it in ru_maxrss, and not in VmHWM.
_MEASURE = """
import re, resource, sys
from pathlib import Path
from sealtrail import app
from sealtrail_auditor import workers
workers.START_AFTER_BYTES = 1 << 20
try:
    app.app(sys.argv[1:])
finally:
    own_kb = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
    worker_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(own_kb + JOBS * worker_kb, file=sys.stderr)
"""


@pytest.fixture(scope="module", params=[50_000, pytest.param(1_000_000, marks=pytest.mark.full)])
def trail(request, tmp_path_factory):
    """A trail in a folder, of batches of 2,000 entries."""
    root = tmp_path_factory.mktemp("long")
    trail = TrailMaker(FolderStore(root / "archive"), until=None)
    trail.store.ensure_bucket()
    lengthen(trail, request.param)
    (root / "policy").write_bytes(format_policy([trail.signer.verifier]))
    trail.root = root
    return trail


def lengthen(trail, size):
    value = b'{"pad":"%s"}' % (b"x" * 200)
    while trail.size < size:
        while trail.size < size and len(trail.waiting) < BATCH_ENTRIES:
            trail.event(value)
        trail.seal()
        trail.entries_of, trail.leaves = {}, []
        trail.placed[-1].batch_bytes = b""


def counted(trail, **options):
    """Verify with a store that counts; returns the report and the store."""
    kept, trail.store = trail.store, CountingStore(trail.store)
    try:
        return verify(trail, progress=lambda _: None, **options), trail.store
    finally:
        trail.store = kept


def test_a_part_costs_what_it_holds(trail):
    middle = trail.size // 2
    report, store = counted(trail, scope=Scope(middle, middle + 99))
    assert report.trails[0].entries_verified <= 2 * BATCH_ENTRIES
    assert len([key for key in store.opened if "/batches/" in key]) <= 2
    assert len(store.opened) < 10
    assert store.requests < 80  # the search grows with the logarithm of the size


def test_a_visit_costs_what_is_new(trail):
    visit = Visit()
    verify(trail, visit=visit)
    lengthen(trail, trail.size + 3 * BATCH_ENTRIES)
    again = Visit.parse(visit.to_bytes(), policy_of(trail))
    report, store = counted(trail, visit=again)
    assert report.trails[0].entries_verified == 3 * BATCH_ENTRIES
    assert len([key for key in store.opened if "/batches/" in key]) == 3
    assert store.requests < 30
    assert len(store.listed) < 30
    assert len(again.to_bytes()) < 10_000


@pytest.mark.embedded
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "options", [[], ["--state", "state"], ["--sample", "50%"], ["--first", "1000"]], ids=" ".join
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_memory_does_not_grow_with_the_trail(trail, options, jobs, tmp_path):
    arguments = ["--policy", trail.root / "policy", "--json", "--jobs", jobs, *options]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            _MEASURE.replace("JOBS", str(jobs)),
            "verify",
            trail.root / "archive",
            *map(str, arguments),
        ],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 13, done.stderr  # a folder has no lock
    assert json.loads(done.stdout)["trails"][0]["size"] == str(trail.size)
    assert int(done.stderr.splitlines()[-1]) * 1024 < MAX_MEMORY_BYTES


def test_the_window_of_batches_is_bounded(trail, monkeypatch):
    """However quickly seals are walked, only so many batches are given out ahead of the slowest."""
    given = []

    class Eager(workers.Workers):
        def _give(self, task):
            given.append(task)
            return len(given)

        def _taken(self, step, ticket):
            ahead.append(len(given) - ticket)
            return step, None

    ahead = []
    monkeypatch.setattr(workers, "START_AFTER_BYTES", 0)
    monkeypatch.setattr("sealtrail_auditor.verify.Workers", Eager)
    verify(trail, jobs=2)
    assert len(given) == len(trail.placed)
    assert max(ahead) <= 8
