"""Several processes say, byte for byte, what one says; and none is left behind, whatever happens."""

from __future__ import annotations

import json
import os
import pickle
import signal
from functools import partial

import pytest

from auditor.builders import NOW, make_trail, policy_of, verify
from cli.archives import archive_of
from sealtrail_auditor import workers
from sealtrail_auditor.errors import WorkerLostError
from sealtrail_auditor.sample import Sampling
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.verify import verify_archive
from sealtrail_auditor.visit import Visit
from sealtrail_auditor.workers import Workers
from sealtrail_schemas.layout import batch_key
from sealtrail_schemas.producer_stamp import Stamp, stamp_headers
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.s3_access import S3Access, open_s3

pytestmark = pytest.mark.embedded


class FailingStore(FolderStore):
    """A copy of which one object can't be read, or kills whoever reads it."""

    def __init__(self, root, key, *, kills=False):
        super().__init__(root)
        self._key, self._kills = key, kills

    @property
    def opener(self):
        return partial(FailingStore, self._root, self._key, kills=self._kills)

    def open(self, key, version_id):
        if key == self._key and self._kills:
            os.kill(os.getpid(), signal.SIGKILL)
        if key == self._key:
            raise StoreUnavailableError("away")
        return super().open(key, version_id)


@pytest.fixture(autouse=True)
def begun_at_once(monkeypatch):
    monkeypatch.setattr(workers, "START_AFTER_BYTES", 0)


@pytest.fixture
def trail():
    """A trail in which much is wrong, beside one in which nothing is."""
    trail = make_trail(3, 2)
    trail.rejected()
    trail.control()
    trail.seal()
    for number in range(20):
        trail.event(headers=stamp_headers(Stamp("p", "a" * 16, number)))
        trail.heartbeat()
        trail.seal()
    store, placed = trail.store, trail.placed
    store.corrupt(placed[1].batch, placed[1].batch_version, placed[1].batch_bytes[:-9])
    store.corrupt(placed[8].batch, placed[8].batch_version, b"")
    store.erase(placed[3].seal)
    store.erase(placed[12].batch)
    store.put(trail.folder + batch_key(4), b"junk", retention=None)
    make_trail(3, 3, store=store, origin="audit.example.com/refunds/0", seed=b"\x05" * 32)
    return trail


def verified(archive, *, store=None, **options):
    store = store or FolderStore(archive.copy)
    return json.dumps(verify_archive(store, policy_of(*archive.trails), now=NOW, **options).to_json())


def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123 - no file, and Linux only
        pids = file.read().split()
    return [pid for pid in pids if b"spawn_main" in _command_line(pid)]


def _command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scope": Scope(first=3, last=30)},
        {"scope": Scope(sampling=Sampling("seed", count=5))},
        {"pinned": True},
    ],
    ids=["whole", "part", "sample", "head within a batch"],
)
def test_the_report_is_the_same_to_the_byte(tmp_path, trail, options):
    archive = archive_of(tmp_path, trail)
    if "pinned" in options:
        options = {"pinned": [trail.checkpoint_at(2), trail.head]}
    alone = verified(archive, jobs=1, **options)
    assert verified(archive, jobs=3, **options) == alone
    assert not children()


def test_a_small_archive_begins_no_process(tmp_path, trail, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(Workers, "_begin", None)
    archive = archive_of(tmp_path, trail)
    assert verified(archive, jobs=3) == verified(archive, jobs=1)


def test_an_archive_that_grows_large_is_handed_over_in_between(tmp_path, trail, monkeypatch):
    monkeypatch.setattr(workers, "START_AFTER_BYTES", 4_000)
    archive = archive_of(tmp_path, trail)
    assert verified(archive, jobs=2) == verified(archive, jobs=1)


def test_an_error_of_the_store_comes_back_as_it_is(tmp_path, trail):
    archive = archive_of(tmp_path, trail)
    store = FailingStore(archive.copy, trail.placed[9].batch)
    with pytest.raises(StoreUnavailableError, match="away"):
        verified(archive, jobs=2, store=store)
    assert not children()


def test_a_visit_resumes_behind_what_was_put_together(tmp_path, trail):
    archive = archive_of(tmp_path, trail)
    policy = policy_of(*archive.trails)
    whole = verified(archive, jobs=1, visit=Visit())
    visit = Visit()
    with pytest.raises(StoreUnavailableError):
        verified(archive, jobs=2, visit=visit, store=FailingStore(archive.copy, trail.placed[9].batch))
    assert visit.is_interrupted
    assert verified(archive, jobs=2, visit=Visit.parse(visit.to_bytes(), policy)) == whole


@pytest.mark.timeout(60)
def test_a_killed_worker_is_told(tmp_path, trail):
    archive = archive_of(tmp_path, trail)
    store = FailingStore(archive.copy, trail.placed[9].batch, kills=True)
    with pytest.raises(WorkerLostError, match="exit code -9"):
        verified(archive, jobs=2, store=store)
    assert not children()


def test_an_interruption_ends_the_workers(tmp_path, trail):
    archive = archive_of(tmp_path, trail)

    def interrupt(progress):
        if progress.entries > 10:
            assert children()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verified(archive, jobs=2, progress=interrupt)
    assert not children()


def test_a_store_that_no_other_process_can_open_is_read_by_this_one(trail, monkeypatch):
    monkeypatch.setattr(Workers, "_begin", None)
    assert verify(trail, jobs=4).to_json() == verify(trail).to_json()


def test_a_bucket_is_opened_again_with_the_same_access():
    access = S3Access(endpoint_url="http://127.0.0.1:9", access_key="key", secret_key="secret")
    opener = pickle.loads(pickle.dumps(open_s3("s3://audit/prod", access).opener))  # noqa: S301 - our own
    again = opener()
    assert again.url == "s3://audit/prod"
    assert again.client.meta.endpoint_url == "http://127.0.0.1:9"
