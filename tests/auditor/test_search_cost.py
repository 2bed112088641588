"""What a search costs in a large archive: bytes read, and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from auditor.builders import TrailMaker, policy_of
from auditor.viewed import START, cloudtrail, put_view
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_auditor.reading import TimeRange, find_trails
from sealtrail_auditor.search import Search
from sealtrail_schemas.policy import format_policy
from sealtrail_transport.folder_store import FolderStore

HOUR = timedelta(hours=1)
ACTORS = 50


class CountingStore:
    """A folder that counts the bytes read from it."""

    def __init__(self, root):
        self._store = FolderStore(root)
        self.read = 0
        self.head, self.versions, self.lock_knowledge = (
            self._store.head,
            self._store.versions,
            self._store.lock_knowledge,
        )

    def open(self, key, version_id):
        self.read += self._store.head(key, version_id).size
        return self._store.open(key, version_id)

    def read_range(self, key, version_id, *, start, length):
        data = self._store.read_range(key, version_id, start=start, length=length)
        self.read += len(data)
        return data


def build(root, *, batches: int, entries: int, hours: int) -> TrailMaker:
    """An archive with views, its events spread evenly over some hours."""
    store = FolderStore(root)
    store.ensure_bucket()
    trail = TrailMaker(store, until=None, codec="deflate")
    step = timedelta(hours=hours) / (batches * entries)
    for number in range(batches):
        for _ in range(entries - (number == 0)):
            at = START + trail.size * step
            actor = f"user-{trail.size * 7 % ACTORS}"
            parameters = {"bucketName": f"bucket-{trail.size % 97}", "key": f"objects/{trail.size:08}.json"}
            trail.event(
                cloudtrail(
                    actor,
                    "s3:GetObject",
                    at,
                    eventID=f"{trail.size * 0x9E3779B97F4A7C15 % 2**128:032x}",
                    sourceIPAddress=f"10.0.{trail.size % 256}.{trail.size % 199}",
                    requestParameters=parameters,
                )
            )
        trail.seal()
        put_view(trail, number)
        trail.entries_of.clear()  # a million of them need not be held
        trail.leaves.clear()
    return trail


def one_actor_in_one_hour(root, trail, *, hour: int):
    """Search; returns the hits, and which share of the archive's bytes was read."""
    total = sum(line.size for line in FolderStore(root).versions(trail.folder))
    store = CountingStore(root)
    (folder,) = find_trails(store, policy_of(trail))
    begin = int((START + hour * HOUR).timestamp() * 1000)
    query = Query(patterns={"actor": (TextPattern("*/user-7"),)}, time=TimeRange(begin, begin + 3_600_000))
    hits = list(Search(store, folder, query, columns=("time", "actor", "action", "resource"), now=START))
    return hits, store.read / total


def test_an_hour_of_one_actor_reads_a_twentieth(tmp_path, record_property):
    trail = build(tmp_path, batches=10, entries=5_000, hours=50)
    hits, share = one_actor_in_one_hour(tmp_path, trail, hour=31)
    record_property("share_read", share)
    assert len(hits) == 1_000 // ACTORS
    assert share < 0.05


@pytest.mark.full
@pytest.mark.timeout(1_200)
def test_a_million_entries(tmp_path, record_property):
    trail = build(tmp_path / "archive", batches=100, entries=10_000, hours=720)
    hits, share = one_actor_in_one_hour(tmp_path / "archive", trail, hour=500)
    record_property("share_read", share)
    assert len(hits) in {1_000_000 // 720 // ACTORS, 1_000_000 // 720 // ACTORS + 1}
    assert share < 0.05
    (tmp_path / "policy").write_bytes(format_policy([trail.signer.verifier]))
    arguments = [
        "search",
        "--actor",
        "*/user-7",
        "--from",
        "2026-11-21T20:00:00Z",
        "--to",
        "2026-11-21T21:00:00Z",
    ]
    for how in ([], ["--prove"], ["--full"]):
        peak_kib, said = run_measured(tmp_path, [*arguments, *how])
        record_property(f"peak_mib{''.join(how)}", peak_kib / 1024)
        assert said == len(hits)
        assert peak_kib < 300 * 1024


MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "sealtrail", *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run_measured(folder, arguments):
    """Run a command on the archive; returns its greatest memory in KiB, and the hits that it counted."""
    command = [*arguments[:1], "archive", "--policy", "policy", *arguments[1:], "--count", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *_, searched, peak = done.stdout.splitlines()
    return int(peak), json.loads(searched)["searched"]["hits"]
