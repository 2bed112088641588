"""A fetched copy: made by copy_store, read by FolderStore."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from contracts.store_contract import a_day, keys, put, read
from fixtures.sudden_end import killed_at
from sealtrail_transport.copy_notes import MANIFEST, PARTIAL_MANIFEST
from sealtrail_transport.copy_writer import CopyWriter, copy_store
from sealtrail_transport.errors import (
    CopyDamagedError,
    CopyIncompleteError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.memory_store import MemoryStore
from sealtrail_transport.store import LockKnowledge, LockMode, Retention

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def source():
    """A bucket with locked objects, a second version, a marker, and a hold."""
    store = MemoryStore(lambda: datetime.now(UTC))
    put(store, "trail/batches/1.avro", b"batch one", retention=a_day())
    put(store, "trail/batches/2.avro", b"batch two", retention=a_day())
    put(store, "trail/batches/2.avro", b"two, forged", only_if_absent=False)
    held = put(store, "trail/seals/1.seal", b"seal", retention=a_day(LockMode.GOVERNANCE))
    store.set_legal_hold("trail/seals/1.seal", held, held=True)
    store.delete("trail/seals/1.seal")
    put(store, "trail/ünï", b"")
    return store


def copy(source, root, **options) -> int:
    with CopyWriter(root, source_url=source.url, locks=source.lock_knowledge, copied_at=NOW) as writer:
        return copy_store(source, writer, **options)


def contents(store) -> list:
    """Everything that the port says of a store."""
    return [
        (
            line,
            None if line.is_delete_marker else (store.head(line.key, line.version_id), bytes_of(store, line)),
        )
        for line in store.versions("")
    ]


def bytes_of(store, line) -> bytes:
    return read(store, line.key, line.version_id)


def test_a_copy_says_what_its_source_said(source, tmp_path):
    assert copy(source, tmp_path / "copy") == 6
    store = FolderStore(tmp_path / "copy")
    assert contents(store) == contents(source)
    assert store.lock_knowledge is LockKnowledge.NOTED
    assert (
        tmp_path / "copy" / "trail/batches/2.avro"
    ).read_bytes() == b"batch two"  # the oldest is the one that counts
    assert (
        keys(store.versions("trail/", after="trail/batches/1.avro", limit=2)) == ["trail/batches/2.avro"] * 2
    )


def test_a_copy_is_only_read(source, tmp_path):
    copy(source, tmp_path)
    with pytest.raises(StoreDeniedError, match="copy of memory://bucket"):
        put(FolderStore(tmp_path), "new")


def test_a_copy_of_a_plain_folder_knows_nothing_of_locks(tmp_path):
    plain = FolderStore(tmp_path / "plain")
    plain.ensure_bucket()
    put(plain, "key", b"body")
    copy(plain, tmp_path / "copy")
    assert FolderStore(tmp_path / "copy").lock_knowledge is LockKnowledge.NONE
    assert contents(FolderStore(tmp_path / "copy")) == contents(plain)


def test_a_copy_of_a_copy_is_the_same(source, tmp_path):
    copy(source, tmp_path / "one")
    copy(FolderStore(tmp_path / "one"), tmp_path / "two")
    assert contents(FolderStore(tmp_path / "two")) == contents(source)


class Line:
    """A fault hook that notes what was fetched, and is cut at the n-th call."""

    def __init__(self, fatal_call: int) -> None:
        self.calls_left = fatal_call
        self.fetched: list[str] = []

    def __call__(self, operation, key, phase):
        if self.calls_left == 0:
            raise StoreUnavailableError("the line is cut")
        self.calls_left -= 1
        if (operation, phase) == ("open", "after"):
            self.fetched.append(key)


@pytest.mark.parametrize("fatal_call", range(35))
def test_an_interrupted_copy_shows_and_goes_on(source, tmp_path, fatal_call):
    source.fault = first = Line(fatal_call)
    with pytest.raises(StoreUnavailableError):
        copy(source, tmp_path)
    with pytest.raises(CopyIncompleteError, match="sealtrail fetch"):
        FolderStore(tmp_path)
    source.fault = second = Line(-1)
    copy(source, tmp_path)
    assert 5 <= len(first.fetched + second.fetched) <= 6  # what was cut while being read is fetched again
    source.fault = None
    assert contents(FolderStore(tmp_path)) == contents(source)


@pytest.mark.parametrize("finished_before", [False, True], ids=["first", "again"])
def test_a_death_at_any_call_shows_and_is_survived(source, tmp_path, finished_before):
    died, fatal_call = ["unknown"], 0
    while died:
        root = tmp_path / str(fatal_call)
        if finished_before:
            copy(source, root)
        with killed_at(fatal_call) as died:
            copy(source, root)
        try:
            store = FolderStore(root)
        except CopyIncompleteError:
            assert died
        else:
            assert not any(root.glob("*")) or contents(store) == contents(source)
        copy(source, root)
        assert contents(FolderStore(root)) == contents(source)
        fatal_call += 1
    assert fatal_call > (5 if finished_before else 25)


def test_a_finished_copy_is_brought_up_to_date(source, tmp_path):
    copy(source, tmp_path)
    version = next(source.versions("trail/batches/1.avro"))
    longer = Retention(LockMode.COMPLIANCE, datetime.now(UTC) + timedelta(days=9))
    source.set_retention(version.key, version.version_id, longer)
    put(source, "trail/batches/3.avro", b"batch three")
    source.fault = line = Line(-1)
    copy(source, tmp_path)
    source.fault = None
    assert line.fetched == ["trail/batches/3.avro"]
    assert contents(FolderStore(tmp_path)) == contents(source)


def test_a_line_that_was_cut_is_fetched_again(source, tmp_path):
    def cut_after(calls):
        source.fault = line = Line(calls)
        with pytest.raises(StoreUnavailableError):
            copy(source, tmp_path)
        return line.fetched

    assert cut_after(17) == ["trail/batches/1.avro", "trail/batches/2.avro"]
    journal = tmp_path / PARTIAL_MANIFEST
    journal.write_bytes(journal.read_bytes()[:-30])
    assert cut_after(20) == ["trail/batches/2.avro", "trail/batches/2.avro"]
    source.fault = line = Line(-1)
    copy(source, tmp_path)
    source.fault = None
    assert line.fetched == ["trail/seals/1.seal", "trail/ünï"]
    assert contents(FolderStore(tmp_path)) == contents(source)


def test_a_file_of_another_size_is_fetched_again(source, tmp_path):
    copy(source, tmp_path)
    (tmp_path / "trail/batches/1.avro").write_bytes(b"cut")
    copy(source, tmp_path)
    assert contents(FolderStore(tmp_path)) == contents(source)


def test_bytes_that_end_early_are_no_copy(source, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "open", lambda _key, _version_id: io.BytesIO(b"cut"))
    with pytest.raises(StoreUnavailableError, match=r"1\.avro has not the 9 bytes"):
        copy(source, tmp_path)
    with pytest.raises(CopyIncompleteError):
        FolderStore(tmp_path)


def test_what_expires_while_it_is_copied_is_left_out(source, tmp_path, monkeypatch):
    lines = list(source.versions(""))
    monkeypatch.setattr(source, "versions", lambda _prefix: iter(lines))
    source.erase("trail/batches/1.avro")
    assert copy(source, tmp_path) == 5
    assert "trail/batches/1.avro" not in keys(FolderStore(tmp_path).versions(""))


HOSTILE = [
    "../out",
    "/absolute",
    "a//b",
    "a/",
    "./a",
    "line\nfeed",
    ".sealtrail-copy/manifest.jsonl",
    "x" * 300,
    "a",
    "a/b",
]


def test_keys_that_are_no_paths_are_copied_all_the_same(tmp_path):
    source = MemoryStore(lambda: datetime.now(UTC))
    for key in HOSTILE:
        put(source, key, key.encode())
    copy(source, tmp_path / "copy")
    assert contents(FolderStore(tmp_path / "copy")) == contents(source)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_copy_of_another_source_is_not_mixed_in(source, tmp_path):
    copy(source, tmp_path)
    with pytest.raises(StoreError, match="holds a copy of memory://bucket"):
        CopyWriter(tmp_path, source_url="s3://other", locks=LockKnowledge.ENFORCED, copied_at=NOW)


def test_a_folder_with_other_files_is_refused(source, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="not empty"):
        copy(source, tmp_path)


def test_two_can_not_copy_into_one_folder(source, tmp_path):
    with (
        CopyWriter(tmp_path, source_url=source.url, locks=source.lock_knowledge, copied_at=NOW),
        pytest.raises(StoreError, match="another process"),
    ):
        copy(source, tmp_path)


def test_a_file_that_is_gone_is_missing(source, tmp_path):
    copy(source, tmp_path)
    (tmp_path / "trail/batches/1.avro").unlink()
    store = FolderStore(tmp_path)
    assert "trail/batches/1.avro" not in keys(store.versions(""))
    (version,) = source.versions("trail/batches/1.avro")
    with pytest.raises(ObjectMissingError):
        store.open(version.key, version.version_id)
    with pytest.raises(ObjectMissingError):
        store.head(version.key, version.version_id)


def test_a_file_that_became_a_link_is_missing(source, tmp_path):
    copy(source, tmp_path)
    (tmp_path / "trail/batches/1.avro").unlink()
    (tmp_path / "trail/batches/1.avro").symlink_to(tmp_path / "trail/batches/2.avro")
    assert "trail/batches/1.avro" not in keys(FolderStore(tmp_path).versions(""))


def test_sizes_are_those_of_the_files(source, tmp_path):
    copy(source, tmp_path)
    (tmp_path / "trail/batches/1.avro").write_bytes(b"cut")
    (version,) = FolderStore(tmp_path).versions("trail/batches/1.avro")
    assert version.size == 3
    assert FolderStore(tmp_path).head(version.key, version.version_id).size == 3


def test_a_file_that_no_note_names_is_foreign(source, tmp_path):
    copy(source, tmp_path)
    (tmp_path / "trail/batches/9.avro").write_bytes(b"foreign")
    store = FolderStore(tmp_path)
    (version,) = store.versions("trail/batches/9")
    assert (version.version_id, version.size, version.is_latest) == ("null", 7, True)
    assert store.head(version.key, "null").retention is None
    assert bytes_of(store, version) == b"foreign"
    assert keys(store.versions("")) == sorted(keys(store.versions("")))
    with pytest.raises(
        ObjectMissingError
    ):  # but a key that the notes know has only the versions that they name
        store.open("trail/batches/1.avro", "null")


def changed(**fields):
    """Change fields of the notes' second line."""

    def damage(lines: list[bytes]) -> None:
        line = {**json.loads(lines[1]), **fields}
        lines[1] = (
            json.dumps({name: value for name, value in line.items() if value is not ...}).encode() + b"\n"
        )

    return damage


DAMAGE = {
    "empty": lambda lines: lines.clear(),
    "first line gone": lambda lines: lines.pop(0),
    "a line gone": lambda lines: lines.pop(3),
    "last line cut": lambda lines: lines.append(lines.pop()[:-9]),
    "a line twice": lambda lines: lines.insert(2, lines[1]),
    "another format": lambda lines: lines.insert(0, lines.pop(0).replace(b"copy/v1", b"copy/v2")),
    "an unknown way to know": lambda lines: lines.insert(0, lines.pop(0).replace(b"enforced", b"hoped")),
    "not JSON": lambda lines: lines.insert(1, b"\x00\xff\n"),
    "not an object": lambda lines: lines.insert(1, b"[1]\n"),
    "deep JSON": lambda lines: lines.insert(1, b"[" * 15_000 + b"\n"),
    "a long line": lambda lines: lines.insert(1, b'{"key":"' + b"x" * 20_000 + b'"}\n'),
    "a long number": lambda lines: lines.insert(1, b'{"size":' + b"9" * 6_000 + b"}\n"),
    "no key": changed(key=...),
    "a key that is no text": changed(key=7),
    "a key of half a letter": changed(key="\ud800"),
    "a negative size": changed(size=-1),
    "a true size": changed(size=True),
    "a time without zone": changed(last_modified="2026-03-01T09:00:00"),
    "no such day": changed(until="2026-02-30T09:00:00Z"),
    "an unknown mode": changed(mode="HOPE"),
    "a mode without date": changed(until=None),
    "a marker that is a word": changed(marker="false"),
    "no file": changed(file=None),
    "a file outside": changed(file="../../etc/passwd"),
    "an absolute file": changed(file="/etc/passwd"),
    "a file with NUL": changed(file="a\0b"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_notes_are_said_so(source, tmp_path, damage):
    copy(source, tmp_path)
    lines = (tmp_path / MANIFEST).read_bytes().splitlines(keepends=True)
    damage(lines)
    (tmp_path / MANIFEST).write_bytes(b"".join(lines))
    with pytest.raises(CopyDamagedError, match=r"manifest\.jsonl is damaged: ") as caught:
        FolderStore(tmp_path)
    assert "\n" not in str(caught.value)


def test_two_latest_versions_contradict_each_other(source, tmp_path):
    copy(source, tmp_path)
    notes = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / MANIFEST).write_bytes(notes.replace(b'"latest":false', b'"latest":true'))
    with pytest.raises(CopyDamagedError, match="newest first"):
        FolderStore(tmp_path)
