"""`sealtrail export`: the rows, the manifest, and what does not get into them."""

from __future__ import annotations

import base64
import csv
import json
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor.replayed import HOSTILE, numbered, trail_of
from auditor.viewed import fill, rows_of
from cli.archives import LASTING, archive_of, json_of, lasting_trail
from sealtrail_schemas.canonical_json import dumps_canonical
from sealtrail_schemas.checkpoint import open_checkpoint
from sealtrail_transport.log import NewRecord


@pytest.fixture
def archive(tmp_path):
    return archive_of(tmp_path, trail_of(*HOSTILE, until=LASTING))


def expected_rows(trail):
    entries = [entry for first in sorted(trail.entries_of) for entry in trail.entries_of[first]]
    return rows_of(entries)


def manifest(name="events") -> dict:
    content = Path(f"{name}.manifest.json").read_bytes()
    members = json.loads(content)
    assert dumps_canonical(members) == content
    return members


def test_parquet_has_every_row(archive):
    answer = archive.run("export", "-o", "events.parquet")
    assert answer.exit_code == 0, answer.stderr
    table = pq.read_table("events.parquet")
    rows = expected_rows(archive.trails[0])
    assert table.column("origin").unique().to_pylist() == ["audit.example.com/payments/0"]
    for name in ("sequence", "kind", "key", "key_base64", "value", "value_base64"):
        assert table.column(name).to_pylist() == [getattr(row, name) for row in rows], name
    times = table.column("source_timestamp").cast("int64").to_pylist()
    assert times == [row.source_timestamp for row in rows]


def test_csv_has_every_row_and_no_formula(archive):
    assert archive.run("export", "-o", "events.csv").exit_code == 0
    with Path("events.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rows = expected_rows(archive.trails[0])
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        expected = "" if row.value is None else row.value
        assert line["value"] == (f"'{expected}" if expected.startswith("=") else expected)
        assert line["value_base64"] == (row.value_base64 or "")
        assert json.loads(line["headers"]) == [list(header) for header in row.headers]
    assert base64.b64decode(lines[4]["value_base64"]) == bytes(range(256))
    assert lines[5]["value"].startswith("'=1+1\r\n")


def test_no_cell_begins_as_a_formula(tmp_path):
    starts = ["=", "+", "-", "@", "\t", "\r"]
    records = [NewRecord(start.encode(), f"{start}cmd".encode(), (), 5) for start in starts]
    archive_of(tmp_path, trail_of(*records, until=LASTING)).run("export", "-o", "events.csv")
    with Path("events.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert sum(cell.startswith("'") for cell in cells) == 2 * len(starts)
    assert not [cell for cell in cells if cell.startswith(tuple(starts))]


@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_the_manifest_ties_the_file_to_the_sealed_head(archive, name):
    trail = archive.trails[0]
    answer = json_of(archive.run("export", "-o", name, "--last", "5", "--text", "n", "--json"))
    told, content = manifest(), Path(name).read_bytes()
    assert told["file"]["sha256"] == sha256(content).hexdigest() == answer["sha256"]
    assert (told["file"]["length"], told["file"]["name"]) == (str(len(content)), name)
    assert told["query"] == {"text": ["n"], "first": "0", "last": "5"}
    [of_trail] = told["trails"]
    head = of_trail["head"]
    checkpoint = open_checkpoint(head["checkpoint"].encode(), trail.signer.verifier)
    assert head["checkpoint"].encode() == trail.placed[2].text.checkpoint
    assert (head["size"], head["root"]) == (str(checkpoint.size), base64.b64encode(checkpoint.root).decode())
    assert int(of_trail["last"]) < checkpoint.size
    assert (of_trail["first"], of_trail["rows"], told["file"]["rows"]) == ("0", "2", "2")
    assert of_trail["verdict"] == "intact"


def test_several_trails(tmp_path):
    one = fill(lasting_trail(1), 5)
    two = trail_of(
        *numbered(3), until=LASTING, store=one.store, origin="audit.example.com/payments/1", seed=b"\x07" * 32
    )
    archive_of(tmp_path, one, two).run("export", "-o", "events.parquet")
    origins = pq.read_table("events.parquet").column("origin").to_pylist()
    assert origins == ["audit.example.com/payments/0"] * 6 + ["audit.example.com/payments/1"] * 4
    assert [trail["rows"] for trail in manifest()["trails"]] == ["6", "4"]


def test_filters_are_those_of_search(tmp_path):
    archive = archive_of(tmp_path, fill(lasting_trail(1), 12))
    assert archive.run("export", "-o", "events.csv", "--actor", "*/alice").exit_code == 0
    with Path("events.csv").open(newline="", encoding="utf-8") as file:
        assert {line["actor"].rpartition("/")[2] for line in csv.DictReader(file)} == {"alice"}


@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_a_damaged_batch_is_left_out_and_told_of(archive, name):
    archive.batch(2).write_bytes(archive.batch(2).read_bytes().replace(b"=1+1", b"=1-1"))
    answer = archive.run("export", "-o", name)
    assert answer.exit_code == 10
    assert "not exported: 4-6" in " ".join(answer.stderr.split())
    [trail] = manifest()["trails"]
    assert (trail["damaged"], trail["verdict"], trail["rows"]) == ([["4", "6"]], "tampered", "6")
    assert trail["findings"][0]["key"] == archive.trails[0].placed[2].batch


def test_nothing_fits(archive):
    assert archive.run("export", "-o", "events.parquet", "--actor", "nobody").exit_code == 0
    assert pq.read_table("events.parquet").num_rows == 0
    assert manifest()["trails"][0]["first"] is None


@pytest.mark.parametrize(
    ("there", "name"), [("events.csv", "events.csv"), ("events.manifest.json", "events.csv")]
)
def test_nothing_is_written_over(archive, there, name):
    Path(there).write_bytes(b"precious")
    answer = archive.run("export", "-o", name)
    assert (answer.exit_code, "is there already" in answer.stderr) == (2, True)
    assert Path(there).read_bytes() == b"precious"
    assert [path.name for path in Path().iterdir() if "events" in path.name] == [there]


def test_a_file_of_neither_kind(archive):
    answer = archive.run("export", "-o", "events.xlsx")
    assert (answer.exit_code, "events.parquet or events.csv" in answer.stderr) == (2, True)


def test_a_failure_leaves_nothing(archive, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sealtrail.commands.export._manifest", fail)
    assert archive.run("export", "-o", "events.csv").exit_code == 5
    assert [path.name for path in Path().iterdir() if "events" in path.name] == []
