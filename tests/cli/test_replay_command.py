"""`sealtrail replay`: targets, options, and what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from auditor.replayed import HOSTILE, as_new, numbered, trail_of
from cli.archives import LASTING, archive_of, json_of
from command_line import call
from contracts.log_contract import read_all
from sealtrail_schemas.policy import format_policy
from sealtrail_schemas.record import NO_TIMESTAMP
from sealtrail_transport.log import NewRecord
from sealtrail_transport.sqlite_log import SqliteLog


@pytest.fixture
def archive(tmp_path):
    return archive_of(tmp_path, trail_of(*HOSTILE, until=LASTING))


def records_in(file, topic="t", partition=0) -> list[NewRecord]:
    with SqliteLog(file) as log:
        return as_new(read_all(log, topic, partition))


def restored(line: str) -> NewRecord:
    """The record that a line of JSON stands for."""
    members = json.loads(line)

    def data(of, name):
        if of[f"{name}_base64"] is not None:
            return base64.b64decode(of[f"{name}_base64"])
        return None if of[name] is None else of[name].encode()

    headers = tuple((data(header, "key"), data(header, "value")) for header in members["headers"])
    time_ms = members["timestamp_ms"]
    return NewRecord(
        data(members, "key"), data(members, "value"), headers, NO_TIMESTAMP if time_ms is None else time_ms
    )


def test_into_a_log_of_its_own(archive):
    first = archive.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--create-topic")
    assert first.exit_code == 0, first.stderr
    assert first.stdout == "audit.example.com/payments/0: replayed 8 records to topic t.\n"
    assert records_in("r.db") == list(HOSTILE)
    again = json_of(archive.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--json"))
    assert (again["replayed"], again["found"], again["verdict"]) == (0, 8, "intact")
    assert records_in("r.db") == list(HOSTILE)


@pytest.mark.parametrize("options", [[], ["--base64"]], ids=["text", "base64"])
def test_json_lines_restore_every_record(archive, options):
    answer = archive.run("replay", "--into", "-", *options)
    assert answer.exit_code == 0
    assert [restored(line) for line in answer.stdout.splitlines()] == list(HOSTILE)
    assert "replayed 8 records to standard output" in answer.stderr
    assert archive.run("replay", "--into", "file:out.jsonl", *options).exit_code == 0
    assert Path("out.jsonl").read_text() == answer.stdout


def test_a_line_says_where_it_comes_from(archive):
    line = json.loads(archive.run("replay", "--into", "-", "--first", "2", "--last", "2").stdout)
    assert line == {
        "origin": "audit.example.com/payments/0",
        "partition": 0,
        "sequence": 2,
        "timestamp_ms": 1,
        "timestamp_type": "create",
        "key": "k",
        "key_base64": None,
        "headers": [],
        "value": None,
        "value_base64": None,
    }


def test_a_file_for_each_value(archive):
    assert archive.run("replay", "--into", "values").exit_code == 0
    files = sorted(path for path in Path("values").rglob("*") if path.is_file())
    assert [file.name for file in files] == [
        f"{sequence:020}.{'null' if record.value is None else 'value'}"
        for sequence, record in enumerate(HOSTILE, 1)
    ]
    assert [file.read_bytes() for file in files] == [record.value or b"" for record in HOSTILE]
    assert {file.parent for file in files} == {Path("values") / archive.trails[0].folder}


@pytest.mark.parametrize("target", ["file:there", "there"])
def test_what_is_there_is_not_written_over(archive, target):
    Path("there").write_bytes(b"precious")
    answer = archive.run("replay", "--into", target)
    assert answer.exit_code == 2
    assert "there is there already" in answer.stderr
    assert Path("there").read_bytes() == b"precious"


def test_filters_are_those_of_search(archive):
    answer = archive.run("replay", "--into", "-", "--text", '"N":1', "--last", "3")
    assert [json.loads(line)["sequence"] for line in answer.stdout.splitlines()] == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--into", "sqlite:r.db"], "say with --topic"),
        (["--into", "sqlite:r.db", "--topic", "t"], "have it made with --create-topic"),
        (["--into", "sqlite:"], "wants a path"),
        (["--into", "out.jsonl"], "write --into file:out.jsonl"),
        (["--into", "http://x"], "--into is kafka://"),
        (["--into", "kafka://user:secret@broker", "--topic", "t"], "are settings"),
        (["--into", "-", "--topic", "t"], "--topic is not for standard output"),
        (["--into", "folder", "--unverified"], "--unverified is not for folder"),
        (["--into", "folder", "--base64"], "--base64 is not for folder"),
        (["--into", "-", "--json"], "leave --json out"),
        (["--into", "sqlite:r.db", "--topic", "t", "--append"], "--append needs --provenance"),
        (["--into", "-", "--first", "5", "--last", "4"], "the range is empty"),
        (["--into", "-", "--folder", "payments/0/00000000/"], "holds nothing of these trails"),
        ([], "Missing option '--into'"),
    ],
)
def test_mistakes_are_one_line(archive, options, message):
    answer = archive.run("replay", *options)
    assert answer.exit_code == 2
    assert message in " ".join(answer.stderr.split())
    assert "secret" not in answer.stderr
    assert not Path("r.db").exists()


def test_partitions(tmp_path):
    one = trail_of(*numbered(2), until=LASTING)
    two = trail_of(
        *numbered(3), until=LASTING, store=one.store, origin="audit.example.com/payments/1", seed=b"\x07" * 32
    )
    archive = archive_of(tmp_path, one, two)
    made = archive.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--create-topic")
    assert made.exit_code == 0, made.stderr
    assert records_in("r.db", partition=0) == numbered(2)
    assert records_in("r.db", partition=1) == numbered(3)
    shared = archive.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--partition", "0")
    assert (shared.exit_code, "choose one with --trail" in shared.stderr) == (2, True)
    only = ["--trail", "payments/1", "--partition", "0", "--create-topic"]
    assert archive.run("replay", "--into", "sqlite:r.db", "--topic", "u", *only).exit_code == 0
    assert records_in("r.db", "u") == numbered(3)
    few = archive.run("replay", "--into", "sqlite:r.db", "--topic", "u")
    assert (few.exit_code, "topic u has 1 partition" in few.stderr) == (2, True)
    assert records_in("r.db", "u") == numbered(3)


def test_a_topic_that_holds_something_else(archive):
    with SqliteLog("r.db") as log:
        log.create_topic("t", partitions=1, append_time=False)
        log.append_events("t", 0, numbered(1))
    answer = archive.run("replay", "--into", "sqlite:r.db", "--topic", "t")
    assert answer.exit_code == 2
    assert "holds something else" in answer.stderr
    added = archive.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--append", "--provenance")
    assert added.exit_code == 0, added.stderr
    assert [record.value for record in records_in("r.db")] == [b"0", *(each.value for each in HOSTILE)]


@pytest.fixture
def damaged(archive):
    """The second of three batches of events: entries 4 to 6."""
    content = archive.batch(2).read_bytes()
    archive.batch(2).write_bytes(content.replace(b"=1+1", b"=1-1"))
    return archive


def test_a_damaged_batch_ends_it_with_the_verdict(damaged):
    answer = damaged.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--create-topic")
    assert answer.exit_code == 10
    assert "stopped before entries 4 to 6" in " ".join(answer.stderr.split())
    assert records_in("r.db") == list(HOSTILE[:3])
    told = json_of(damaged.run("replay", "--into", "sqlite:r.db", "--topic", "t", "--json"))
    assert told["trails"][0]["stopped_before"] == [4, 6]
    assert told["trails"][0]["findings"][0]["key"] == damaged.trails[0].placed[2].batch


def test_a_damaged_batch_on_purpose(damaged):
    answer = damaged.run("replay", "--into", "-", "--unverified")
    assert answer.exit_code == 10
    marked = [
        any(name == b"sealtrail.unverified" for name, _ in restored(line).headers)
        for line in answer.stdout.splitlines()
    ]
    assert marked == [False] * 3 + [True] * 3 + [False] * 2
    assert "though not verified" in " ".join(answer.stderr.split())


def test_rejected_records_are_told_of(tmp_path):
    trail = trail_of(*numbered(1), until=LASTING)
    trail.rejected()
    trail.seal()
    answer = archive_of(tmp_path, trail).run("replay", "--into", "-")
    assert answer.exit_code == 0
    assert "1 record could not be chained" in " ".join(answer.stderr.split())


def test_under_another_key_nothing_is_replayed(archive):
    other = trail_of(seed=b"\x09" * 32)
    archive.policy.write_bytes(format_policy([other.signer.verifier]))
    answer = archive.run("replay", "--into", "-")
    assert (answer.exit_code, answer.stdout) == (12, "")


def test_the_topic_that_is_chained_takes_no_replay(trail):
    """What is put into it would be chained, sealed and replayed without end."""
    call("produce", "-", stdin='{"n": 1}\n')
    call("up", "--drain")
    for options in ([], ["--append", "--provenance"]):
        answer = call("replay", "--into", f"sqlite:{trail / 'log.db'}", "--topic", "events", *options)
        assert (answer.exit_code, "chains topic events" in answer.stderr) == (2, True)
    answer = call("replay", "--into", f"sqlite:{trail / 'log.db'}", "--topic", "events.chained")
    assert (answer.exit_code, "with its own clock" in answer.stderr) == (2, True)
