"""Views beside a running archiver: they come by themselves, and never get in its way."""

from __future__ import annotations

import io
import json
import sys
import threading
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from auditor.builders import make_trail
from auditor.viewed import fill, rows_of
from command_line import call
from sealtrail import view_worker
from sealtrail.view_writer import MOST_WAITING, ViewWriter
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.recognise_json import parse_mapping
from sealtrail_schemas.view import header_of
from sealtrail_transport.errors import StoreDeniedError, StoreUnavailableError

pytestmark = pytest.mark.embedded  # each view is made by a child process


@pytest.fixture
def trail():
    return fill(make_trail(3), 5)


def sealed(trail, number: int):
    """A sealed batch as the archiver tells of it."""
    return SimpleNamespace(placed=SimpleNamespace(key=trail.placed[number].seal, opened=trail.opened(number)))


class Told(list):
    def __call__(self, origin, text):
        self.append((origin, text))


def views_of(trail) -> dict[str, list[int]]:
    found = {}
    for line in trail.store.versions("views/"):
        with trail.store.open(line.key, line.version_id) as stream:
            table = pq.read_table(io.BytesIO(stream.read()))
        found[line.key.removeprefix(f"views/{trail.folder}")] = table.column("sequence").to_pylist()
    return found


def write(trail, *numbers, mappings=(), finishes=lambda: True) -> Told:
    told = Told()
    with ViewWriter(mappings, tell=told, finishes=finishes) as writer:
        for number in numbers:
            writer.sealed(trail.store, sealed(trail, number))
    return told


def test_each_sealed_batch_gets_its_view(trail):
    assert write(trail, 0, 1) == []
    assert views_of(trail) == {
        "00000000000000000000.parquet": [0, 1, 2],
        "00000000000000000003.parquet": [3, 4, 5, 6, 7],
    }


def test_views_are_made_with_the_mappings_of_the_settings(trail):
    mapping = parse_mapping("ours", {"actor": "eventName"})
    assert write(trail, 1, mappings=(mapping,)) == []
    (line,) = trail.store.versions("views/")
    with trail.store.open(line.key, line.version_id) as stream:
        file = pq.ParquetFile(io.BytesIO(stream.read()))
    assert file.read(["recogniser"]).column(0).to_pylist() == ["json:ours"] * 5
    assert file.metadata.metadata[b"sealtrail.recognisers"].decode() == mapping.identity


def test_a_view_that_can_not_be_written_is_told_once_and_the_next_one_is_made(trail):
    refusals = [1, 2]

    def refuse(operation, _key, phase):
        if (operation, phase) == ("put", "before") and refusals:
            refusals.pop()
            raise StoreDeniedError("no right to write views")

    trail.store.fault = refuse
    told = write(trail, 0, 0, 1)
    assert told == [
        (trail.origin, "no view was written: no right to write views"),
        (None, "2 sealed batches without a view: `sealtrail index` makes them"),
    ]
    assert list(views_of(trail)) == ["00000000000000000003.parquet"]


def test_without_a_place_for_files_it_is_told_and_nothing_else_happens(trail, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    first, second = write(trail, 0)
    assert first[1].startswith("no views are written from now on: ")
    assert second == (None, "1 sealed batch without a view: `sealtrail index` makes them")


def test_no_view_is_made_of_what_was_not_sealed(trail):
    trail.store.corrupt(trail.placed[1].batch, trail.placed[1].batch_version, trail.placed[0].batch_bytes)
    ((origin, text), _) = write(trail, 1)
    assert origin == trail.origin
    assert "is not what was sealed" in text
    assert views_of(trail) == {}


def test_what_waits_is_left_out_when_nobody_wants_to_wait(trail):
    told = write(trail, *[0, 1] * 20, finishes=lambda: False)
    ((origin, text),) = told
    assert origin is None
    assert "without a view" in text


def test_after_an_error_nothing_more_is_made(trail):
    """The line has stopped, say: ten thousand views must not stand between that and the exit code."""
    asked, told = [], Told()
    writer = ViewWriter((), tell=told, finishes=lambda: not asked.append(None))
    for _ in range(40):
        writer.sealed(trail.store, sealed_once(trail))
    with pytest.raises(LineStoppedError), writer:
        raise LineStoppedError(StopCode.RAW_REPLACED, "another record")
    assert not asked
    ((origin, text),) = told
    assert origin is None
    assert "without a view" in text


def test_at_the_end_a_store_that_is_away_is_not_asked_for_each_view(trail):
    ending, puts = threading.Event(), []

    def be_away(operation, _key, phase):
        if (operation, phase) == ("put", "before"):
            ending.wait()
            puts.append(None)
            raise StoreUnavailableError("no answer")

    trail.store.fault = be_away
    told = Told()
    with ViewWriter((), tell=told, finishes=lambda: not ending.set()) as writer:
        for _ in range(5):
            writer.sealed(trail.store, sealed_once(trail))
    assert len(puts) == 1
    assert told == [
        (trail.origin, "no view was written: no answer"),
        (None, "5 sealed batches without a view: `sealtrail index` makes them"),
    ]


def test_the_worker_imports_nothing_from_the_folder_where_the_archiver_was_started(
    trail, tmp_path, monkeypatch
):
    (tmp_path / "sealtrail.py").write_text("raise SystemExit('of somebody else')")
    monkeypatch.chdir(tmp_path)
    assert write(trail, 0) == []
    assert list(views_of(trail)) == ["00000000000000000000.parquet"]


def test_noting_a_batch_never_waits(trail):
    """Also when the store hangs and far more was sealed than can be kept in mind."""
    hanging = threading.Event()
    trail.store.fault = lambda *_: hanging.wait()
    told = Told()
    with ViewWriter((), tell=told, finishes=lambda: False) as writer:
        for _ in range(MOST_WAITING + 2):
            writer.sealed(trail.store, sealed_once(trail))
        hanging.set()
    assert (trail.origin, "no view was written: too many sealed batches wait for theirs") in told


def sealed_once(trail, memo={}):  # noqa: B006 - opening a seal ten thousand times takes seconds
    return memo.setdefault(id(trail), sealed(trail, 0))


def test_a_worker_that_dies_is_told_and_replaced(trail, monkeypatch, tmp_path):
    lived = tmp_path / "lived"
    dying = f"import os, sys; sys.stdin.readline(); open({str(lived)!r}, 'w'); os._exit(9)"
    script = tmp_path / "python"
    script.write_text(
        f'#!/bin/sh\ntest -e {lived} && exec {sys.executable} "$@"\nexec {sys.executable} -c "{dying}"\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    told = write(trail, 0, 1)
    assert told[0] == (trail.origin, "no view was written: the process that makes views has ended with 9")
    assert list(views_of(trail)) == ["00000000000000000003.parquet"]


def test_the_worker_answers_each_order(trail, tmp_path):
    (tmp_path / "batch").write_bytes(trail.placed[1].batch_bytes)
    order = {
        "batch": str(tmp_path / "batch"),
        "view": str(tmp_path / "view"),
        "header": header_of(trail.opened(1)).to_metadata(),
        "mappings": [],
    }
    wrong = order | {"header": header_of(trail.opened(0)).to_metadata()}
    orders = [order, wrong, {}, order]
    answers = io.StringIO()
    view_worker.main(io.StringIO("".join(json.dumps(each) + "\n" for each in orders)), answers)
    good, other, none, again = map(json.loads, answers.getvalue().splitlines())
    assert good == again == {"rows": 5}
    assert "5 entries instead of 3" in other["error"]
    assert none["error"]
    table = pq.read_table(tmp_path / "view")
    assert table.column("value").to_pylist() == [row.value for row in rows_of(trail.entries_of[3])]


@pytest.mark.parametrize(
    ("setting", "views"), [('views = "true"', 1), ("views = true", 1), ("views = false", 0), ("", 1)]
)
def test_the_pipeline_writes_views_as_the_settings_say(trail_folder, setting, views, monkeypatch):
    monkeypatch.delenv("SEALTRAIL_VIEWS")
    (trail_folder.parent / "sealtrail.toml").write_text(setting + "\n")
    call("produce", "-", stdin='{"a": 1}\n')
    assert call("up", "--drain").exit_code == 0
    assert len(list(trail_folder.rglob("*.parquet"))) == views
    if views:
        assert call("search", "--count").stdout == "2\n"


def test_the_service_writes_views_too(trail_folder, monkeypatch):
    monkeypatch.setenv("SEALTRAIL_VIEWS", "true")
    call("produce", "-", stdin='{"a": 1}\n')
    assert call("chain", "--drain").exit_code == 0
    assert call("archive", "--drain").exit_code == 0
    assert len(list(trail_folder.rglob("*.parquet"))) == 1


@pytest.mark.usefixtures("trail_folder")
def test_views_that_were_asked_for_need_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setenv("SEALTRAIL_VIEWS", "true")
    result = call("up", "--drain")
    assert result.exit_code == 5
    assert "pip install 'sealtrail[views]'" in result.stderr


def test_views_that_nobody_asked_for_keep_no_archiver_from_its_work(trail_folder, monkeypatch):
    """Whether pyarrow can be imported is then for the process to find out that makes views."""
    monkeypatch.delenv("SEALTRAIL_VIEWS")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert call("up", "--drain").exit_code == 0
    assert len(list(trail_folder.rglob("*.seal"))) == 1


@pytest.fixture
def trail_folder(here):
    assert call("init", "--archive", "folder", "--base", "audit.example.com").exit_code == 0
    return here / ".sealtrail"
