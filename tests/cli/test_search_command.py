"""`sealtrail index` and `sealtrail search`."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest

from auditor.viewed import ACTORS, fill
from cli.archives import archive_of, json_of, lasting_trail
from command_line import call
from sealtrail_schemas.policy import format_policy
from sealtrail_transport.folder_store import FolderStore


@pytest.fixture
def archive(tmp_path):
    """Genesis, then batches of six and five events; a copy, which is only read."""
    return archive_of(tmp_path, fill(lasting_trail(1), 6, 5))


@pytest.fixture
def views(archive, tmp_path):
    assert archive.run("index", "--views", tmp_path / "views").exit_code == 0
    return tmp_path / "views"


def lines_of(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def hits_of(result) -> list[int]:
    return [line["sequence"] for line in lines_of(result) if "sequence" in line]


def test_views_are_made_once(archive, tmp_path):
    run = json_of(archive.run("index", "--views", tmp_path / "views", "--json"))
    assert (run["written"], run["kept"], run["damaged"]) == (3, 0, [])
    again = json_of(archive.run("index", "--views", tmp_path / "views", "--json"))
    assert (again["written"], again["kept"]) == (0, 3)
    rebuilt = json_of(archive.run("index", "--views", tmp_path / "views", "--rebuild", "--json"))
    assert (rebuilt["written"], rebuilt["kept"]) == (3, 0)


def test_views_go_into_an_archive_that_can_be_written(trail):
    call("produce", "-", stdin='{"a": 1}\n')
    call("up", "--drain")
    before = json_of(call("verify", "--json"))
    assert call("index").exit_code == 0
    (view,) = trail.rglob("*.parquet")
    assert view.relative_to(trail / "store").parts[:2] == ("views", "events")
    after = json_of(call("verify", "--json"))
    assert [trail["findings"] for trail in after["trails"]] == [
        trail["findings"] for trail in before["trails"]
    ]
    assert call("search", "--count").stdout == "2\n"


def test_a_copy_says_where_its_views_can_go(archive):
    result = archive.run("index")
    assert result.exit_code == 5
    assert "--views FOLDER" in result.stderr


def test_a_damaged_batch_gets_no_view_and_the_others_do(archive, tmp_path):
    archive.batch(1).write_bytes(archive.batch(1).read_bytes()[:-1])
    result = archive.run("index", "--views", tmp_path / "views", "--json")
    assert result.exit_code == 10
    said = json_of(result)
    assert (said["written"], said["damaged"]) == (2, [[1, 6]])


def test_stale_views_are_made_anew(archive, views):
    (_, second, third) = sorted(views.rglob("*.parquet"))
    second.write_bytes(third.read_bytes())
    third.write_bytes(b"no view")
    assert json_of(archive.run("index", "--views", views, "--json"))["written"] == 2


def test_a_table_for_people(archive, views):
    result = archive.run("search", "--views", views, "--actor", "*/alice", "--from", "2026-11-01T00:06:00Z")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines() if "alice" in line]
    assert [row[:2] for row in rows] == [["6", "2026-11-01T00:06:00Z"], ["9", "2026-11-01T00:09:00Z"]]
    assert "2 hits from views (3 of 3 batches): no evidence" in " ".join(result.stderr.split())


def test_a_table_has_a_line_for_each_hit_however_long(tmp_path):
    trail = lasting_trail(1)
    trail.event(b"x" * 250, key=b"y" * 5_000_000)
    trail.seal()
    result = archive_of(tmp_path, trail).run(
        "search", "--full", "--first", "1", "--columns", "sequence,value,key"
    )
    (row,) = [line.split() for line in result.stdout.splitlines() if "xxx" in line]
    assert row == ["1", "x" * 250, "y" * 299 + "…"]


def test_json_lines_for_programs(archive, views):
    *hits, last = lines_of(archive.run("search", "--views", views, "--action", "iam:*", "--json"))
    assert [hit["sequence"] for hit in hits] == [2, 6, 10]
    assert hits[0]["trail"] == "audit.example.com/payments/0"
    assert (hits[0]["time"], hits[0]["from"]) == ("2026-11-01T00:02:00Z", "view")
    assert (last["searched"]["hits"], last["searched"]["from"]) == (3, "views")


def test_csv_for_spreadsheets_holds_no_formula(tmp_path):
    trail = lasting_trail(1)
    for key in (b"=1+1", b"+1", b"-1", b"@x", b"\tx", b"\rx", b"fine", b"a,b", b"\xff"):
        trail.event(b"{}", key=key)
    trail.seal()
    result = archive_of(tmp_path, trail).run(
        "search", "--full", "--csv", "--columns", "sequence,key,key_base64"
    )
    _, genesis, *rows = csv.reader(io.StringIO(result.stdout, newline=""))
    assert genesis[2] == ""
    assert [row[2] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "fine", "a,b", ""]
    assert rows[-1][3] == "/w=="


def test_no_event_can_write_to_the_terminal(tmp_path):
    trail = lasting_trail(1)
    trail.event(b"{}", key=b"\x1b[2J\xe2\x80\xae")
    trail.seal()
    result = archive_of(tmp_path, trail).run("search", "--full", "--columns", "key", "--first", "1")
    assert r"\x1b[2J\u202e" in result.stdout


def test_values_are_given_when_they_are_asked_for(archive, views):
    result = archive.run(
        "search", "--views", views, "--columns", "sequence,value,headers", "--last", "1", "--json"
    )
    genesis, first, _ = lines_of(result)
    assert json.loads(genesis["value"])["type"] == "genesis"
    assert (json.loads(first["value"])["eventName"], first["headers"]) == ("PutObject", [])


@pytest.mark.parametrize(
    ("arguments", "sequences"),
    [
        (["--text", "USER/ALICE"], [3, 6, 9]),
        (
            ["--where", "userIdentity.arn=arn:aws:iam::123456789012:user/alice", "--outcome", "success"],
            [3, 6, 9],
        ),
        (["--where", "eventName=CreateUser", "--where", "eventName=PutObject"], [1, 2, 5, 6, 9, 10]),
        (["--type", "AwsApi*", "--first", "2", "--last", "3"], [2, 3]),
        (["--resource", "*"], []),
        (["--to", "2026-11-01T00:03:00Z"], [1, 2]),
        (["--chained-from", "2026-11-24"], []),
        (["--actor", "*/alice", "--actor", "*/bob", "--limit", "2"], [1, 3]),
    ],
)
@pytest.mark.parametrize("how", [[], ["--prove"], ["--full"]])
def test_what_is_asked_is_found(archive, views, arguments, sequences, how):
    place = [] if how == ["--full"] else ["--views", views]
    result = archive.run("search", *place, *arguments, *how, "--json")
    assert (result.exit_code, hits_of(result)) == (0, sequences)


def test_hits_are_counted(archive, views):
    result = archive.run("search", "--views", views, "--actor", "*/bob", "--count")
    assert result.stdout == "4\n"
    said = json_of(archive.run("search", "--views", views, "--actor", "*/bob", "--count", "--json"))
    assert said["searched"]["hits"] == 4


def test_a_limit_is_said(archive, views):
    result = archive.run("search", "--views", views, "--limit", "3", "--count")
    assert result.stdout == "3\n"
    assert "there may be more" in result.stderr


def test_missing_and_distrusted_views_are_said(archive, views):
    first, second, third = sorted(views.rglob("*.parquet"))
    third.write_bytes(second.read_bytes())
    first.unlink()
    result = archive.run("search", "--views", views, "--json")
    assert (result.exit_code, hits_of(result)) == (0, [1, 2, 3, 4, 5, 6])
    said = " ".join(result.stderr.split())
    assert "without a view, not searched: 0-0" in said
    assert "is not believed (entries 7 to 11): it is not of the batch that is sealed" in said
    (searched,) = lines_of(result)[-1]["searched"]["trails"]
    assert searched["without_view"] == [[0, 0]]
    assert len(searched["distrusted"]) == 1


def test_a_hit_that_its_batch_does_not_bear_out_ends_with_ten(archive, views):
    import pyarrow.parquet as pq

    (_, second, _) = sorted(views.rglob("*.parquet"))
    table = pq.read_table(second)
    actors = table.column("actor").to_pylist()
    place = table.column_names.index("actor")
    doctored = table.set_column(place, table.schema.field(place), [["arn:mallory", *actors[1:]]])
    metadata = pq.read_metadata(second).metadata
    with pq.ParquetWriter(second, table.schema) as writer:
        writer.write_table(doctored)
        writer.add_key_value_metadata(metadata)
    assert archive.run("search", "--views", views, "--actor", "arn:mallory", "--count").stdout == "1\n"
    result = archive.run("search", "--views", views, "--actor", "arn:mallory", "--prove", "--json")
    assert result.exit_code == 10
    hit, _ = lines_of(result)
    assert hit["proof"]["verdict"] == "tampered"
    assert hit["proof"]["reason"] == "the sealed entry differs in actor"


def test_full_ends_with_the_verdict_of_what_it_met(archive):
    archive.batch(1).unlink()
    result = archive.run("search", "--full", "--json")
    assert (result.exit_code, hits_of(result)) == (11, [0, 7, 8, 9, 10, 11])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "2026-11-02", "--to", "2026-11-01"], "the range is empty"),
        (["--from", "2026-11-02", "--to", "2026-11-02"], "the range is empty"),
        (["--chained-from", "2026-11-02", "--chained-to", "2026-11-01"], "the range is empty"),
        (["--first", "5", "--last", "4"], "the range is empty"),
        (["--from", "yesterday"], "is no time"),
        (["--from", "2026-11-02T10:00:00"], "is no time"),
        (["--where", "a"], "PATH=VALUE"),
        (["--columns", "actr"], "there is no column 'actr'"),
        (["--limit", "0"], "--limit"),
        (["--csv", "--json"], "not both"),
        (["--prove", "--full"], "--full"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(archive, arguments, says):
    result = archive.run("search", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["search", "index"])
def test_no_hit_in_a_trail_that_is_not_there_means_nothing(archive, tmp_path, command):
    other = lasting_trail(1, origin="audit.example.com/payments/1", seed=b"\x09" * 32)
    keys = [trail.signer.verifier for trail in (*archive.trails, other)]
    archive.policy.write_bytes(format_policy(keys))
    archive.run("index", "--views", tmp_path / "views")
    result = archive.run(command, "--views", tmp_path / "views", "--json")
    assert result.exit_code == 11
    assert "the archive holds nothing of the trail audit.example.com/payments/1" in " ".join(
        result.stderr.split()
    )
    archive.policy.write_bytes(format_policy(keys[1:]))
    result = archive.run(command, "--views", tmp_path / "views")
    assert result.exit_code == 2
    assert "holds nothing of the trails of the policy" in result.stderr


def test_mappings_of_the_settings_read_any_json(tmp_path):
    trail = lasting_trail(1)
    trail.event(json.dumps({"who": ACTORS[0], "kind": "login"}).encode())
    trail.event(json.dumps({"who": ACTORS[1], "kind": "logout"}).encode())
    trail.seal()
    archive = archive_of(tmp_path, trail)
    settings = tmp_path / "sealtrail.toml"
    settings.write_text('[recognise.ours]\ntest = "kind=login"\nactor = "who"\n')
    assert archive.run("index", "--views", tmp_path / "views").exit_code == 0
    found = archive.run("search", "--views", tmp_path / "views", "--actor", "alice", "--prove", "--json")
    assert hits_of(found) == [1]
    assert archive.run("search", "--actor", "bob", "--full", "--count").stdout == "0\n"
    settings.unlink()
    other = archive.run("search", "--views", tmp_path / "views", "--actor", "alice", "--count")
    assert other.stdout == "1\n"
    assert "made with other mappings" in " ".join(other.stderr.split())
    assert json_of(archive.run("index", "--views", tmp_path / "views", "--json"))["written"] == 2


@pytest.mark.parametrize("command", [["index"], ["search"]])
def test_without_the_extra_one_line_names_it(archive, command, monkeypatch):
    FolderStore(archive.copy)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    folder = archive.copy.parent / "views" / "views" / archive.trails[0].folder
    folder.mkdir(parents=True)
    (folder / f"{0:020}.parquet").write_bytes(b"")
    result = archive.run(*command, "--views", archive.copy.parent / "views")
    assert result.exit_code == 5
    assert "pip install 'sealtrail[views]'" in result.stderr
    assert archive.run("search", "--full", "--count").stdout == "12\n"
