"""FolderStore: the contract, and what a folder may hold that is no object."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.store_contract import (
    StoreContract,
    UnlockedStoreContract,
    UnversionedStoreContract,
    keys,
    put,
    read,
)
from fixtures.sudden_end import killed_at
from sealtrail_transport.errors import ObjectMissingError, StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.folder_files import TEMP_DIR
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.store import LockKnowledge

NO_KEYS = [
    "",
    "/etc/passwd",
    "../out",
    "a/../../out",
    "a//b",
    "a/",
    "./a",
    "nul\0",
    "x" * 2000,
    ".sealtrail-tmp/lock",
]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "archive"
    root.mkdir()
    return root


@pytest.fixture
def store(root):
    return FolderStore(root)


class TestFolderStore(UnversionedStoreContract, UnlockedStoreContract, StoreContract):
    knowledge = LockKnowledge.NONE

    @pytest.fixture
    def store(self, root):
        return FolderStore(root)


def test_the_folder_is_made_once(tmp_path):
    store = FolderStore(tmp_path / "new" / "archive")
    with pytest.raises(StoreError, match="there is no folder"):
        store.versions("")
    assert [store.ensure_bucket(), store.ensure_bucket()] == [True, False]
    assert list(store.versions("")) == []


@pytest.mark.parametrize("key", NO_KEYS)
def test_no_key_leads_out_of_the_folder(store, root, key):
    with pytest.raises(StoreError):
        put(store, key)
    with pytest.raises(StoreError):
        store.open(key, "null")
    with pytest.raises(StoreError):
        store.head(key, "null")
    assert sorted(path.name for path in root.parent.iterdir()) == ["archive"]


@pytest.mark.parametrize("inside", [False, True])
def test_links_are_neither_followed_nor_listed(store, root, tmp_path, inside):
    target = (root if inside else tmp_path) / "target"
    target.mkdir()
    (target / "file").write_bytes(b"secret")
    (root / "link").symlink_to(target / "file")
    (root / "linked").symlink_to(target)
    assert keys(store.versions("")) == (["target/file"] if inside else [])
    for key in ["link", "linked/file"]:
        with pytest.raises(ObjectMissingError):
            store.open(key, "null")
        with pytest.raises(ObjectMissingError):
            store.head(key, "null")
    with pytest.raises(StoreDeniedError):
        put(store, "linked/new")
    assert [path.name for path in target.iterdir()] == ["file"]


def test_special_files_are_left_out(store, root):
    os.mkfifo(root / "pipe")
    assert list(store.versions("")) == []
    with pytest.raises(ObjectMissingError):
        store.open("pipe", "null")


def test_a_name_that_is_not_utf_8_does_not_stop_a_listing(store, root):
    (root / os.fsdecode(b"caf\xe9")).write_bytes(b"")
    put(store, "key")
    assert keys(store.versions("")) == ["caf\\udce9", "key"]


def test_a_name_can_not_be_an_object_and_a_folder(store):
    put(store, "a/b")
    with pytest.raises(StoreError):
        put(store, "a")
    with pytest.raises(StoreError):
        put(store, "a/b/c")
    assert keys(store.versions("")) == ["a/b"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StoreUnavailableError),
        (errno.EIO, StoreUnavailableError),
        (errno.EACCES, StoreDeniedError),
        (errno.EROFS, StoreDeniedError),
        (errno.EINVAL, StoreError),
    ],
)
def test_what_the_system_refuses_leaves_nothing(store, monkeypatch, number, expected):
    def refuse(_handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match=os.strerror(number)) as caught:
        put(store, "key")
    assert type(caught.value) is expected
    monkeypatch.undo()
    assert list(store.versions("")) == []
    put(store, "key")


@pytest.mark.parametrize("replaces", [False, True], ids=["new", "replacing"])
@pytest.mark.parametrize("fatal_call", range(12))
def test_a_death_at_any_call_leaves_the_whole_object_or_the_old_state(store, root, fatal_call, replaces):
    old = [b"old"] if replaces else []
    if replaces:
        put(store, "a/b/key", b"old")
    with killed_at(fatal_call) as died:
        put(store, "a/b/key", b"new", only_if_absent=not replaces)
    after = FolderStore(root)
    bodies = [read(after, version.key, version.version_id) for version in after.versions("")]
    assert bodies in ([[b"new"], old] if died else [[b"new"]])
    put(after, "a/b/next")
    assert [read(after, key, "null") for key in keys(after.versions("")) if key == "a/b/key"] == bodies
    assert [path.name for path in (root / TEMP_DIR).iterdir()] == ["lock"]


def test_writers_take_turns(store, root):
    """Without turns one writer would clean away what another is about to link."""
    put(store, "first")
    with (root / TEMP_DIR / "lock").open("ab") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = pool.submit(put, store, "second")
        with pytest.raises(TimeoutError):
            second.result(timeout=0.2)
        assert keys(store.versions("")) == ["first"]
        fcntl.flock(lock, fcntl.LOCK_UN)
        second.result()
    assert keys(store.versions("")) == ["first", "second"]


WRITER = """
import sys
from pathlib import Path
from sealtrail_transport.folder_store import FolderStore
store = FolderStore(Path(sys.argv[1]))
for number in range(10_000):
    store.put(f"trail/{number:05}", number.to_bytes(4) * 250_000, retention=None)
    print(number, flush=True)
"""


@pytest.mark.embedded
def test_kill_nine_leaves_only_whole_objects(store, root):
    with subprocess.Popen([sys.executable, "-c", WRITER, root], stdout=subprocess.PIPE) as writer:
        said = [int(writer.stdout.readline()) for _ in range(20)]
        writer.kill()
        said += [int(line) for line in writer.stdout]
    listed = keys(store.versions(""))
    assert len(listed) in {len(said), len(said) + 1}
    for number, key in enumerate(listed):
        assert read(store, key, "null") == number.to_bytes(4) * 250_000
    put(store, f"trail/{len(listed):05}")
    assert [path.name for path in (root / TEMP_DIR).iterdir()] == ["lock"]
