"""`sealtrail init`: what it makes, who may read it, and that it does so once."""

import json
import os
from pathlib import Path

import pytest

from command_line import call
from sealtrail.data_folder import DataFolder, Deployment
from sealtrail.durations import parse_duration
from sealtrail_schemas.body import GenesisBody, parse_body
from sealtrail_schemas.keys import parse_signing_key
from sealtrail_schemas.layout import format_documents
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.policy import Policy
from sealtrail_transport.sqlite_log import SqliteLog

DATA = Path(".sealtrail")


def init(*arguments):
    return call("init", "--archive", "folder", "--base", "audit.example.com", *arguments)


def everything(folder):
    """All files with their contents, but for the log's own, which SQLite touches when it looks."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "log.db" not in path.name)
    return {str(path): path.read_bytes() for path in files}


def test_it_makes_keys_policy_topics_and_the_beginning_of_each_trail():
    answer = init("--topic", "payments", "--partitions", "2")
    assert answer.exit_code == 0, answer.stderr
    origins = ["audit.example.com/payments/0", "audit.example.com/payments/1"]
    policy = Policy.parse((DATA / "policy").read_bytes())
    assert list(policy.logs) == origins
    with SqliteLog(DATA / "log.db") as log:
        raw, chained = log.topic("payments"), log.topic("payments.chained")
        assert raw.partitions == chained.partitions == 2
        assert chained.max_record_bytes > raw.max_record_bytes + 2**16
        for partition, origin in enumerate(origins):
            signer = parse_signing_key((DATA / f"keys/payments-{partition}.key").read_text())
            assert signer.verifier == policy.logs[origin]
            assert signer.verifier.fingerprint in answer.stdout
            (record,) = log.read("payments.chained", partition, 0, max_records=9, max_bytes=9).records
            body = parse_body(Kind.GENESIS, record.value)
            assert isinstance(body, GenesisBody)
            assert body.origin == origin
    for key, text in format_documents().items():
        assert (DATA / "store" / key).read_bytes() == text


def test_what_is_secret_is_for_the_owner_only():
    old = os.umask(0)
    try:
        init()
    finally:
        os.umask(old)
    assert DATA.stat().st_mode & 0o777 == 0o700
    assert (DATA / "keys").stat().st_mode & 0o777 == 0o700
    assert (DATA / "keys/events-0.key").stat().st_mode & 0o777 == 0o600
    assert (DATA / ".gitignore").read_text() == "*\n"


def test_a_second_call_changes_nothing_and_says_so():
    init()
    before = everything(DATA)
    answer = init()
    assert answer.exit_code == 0
    assert answer.stdout.startswith("Nothing to do")
    assert everything(DATA) == before
    assert call("init").exit_code == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--retention", "7d"),
        ("--topic", "other"),
        ("--partitions", "2"),
        ("--archive", "s3://bucket"),
        ("--base", "b"),
    ],
)
def test_what_was_chosen_stays(option, value):
    init()
    before = everything(DATA)
    answer = init(option, value)
    assert answer.exit_code == 2
    assert option.strip("-") in answer.stderr
    assert "--data" in answer.stderr
    assert everything(DATA) == before


def test_a_run_that_was_cut_short_is_completed():
    init()
    keys = everything(DATA / "keys")
    (DATA / "deployment.toml").unlink()
    (DATA / "policy").unlink()
    answer = init()
    assert answer.stdout.startswith("Begun a trail")
    assert everything(DATA / "keys") == keys
    with SqliteLog(DATA / "log.db") as log:
        assert log.bounds("events.chained", 0).end == 1


def test_it_leaves_a_folder_alone_that_holds_something_else():
    DATA.mkdir()
    (DATA / "thesis.tex").write_text("years of work")
    answer = init()
    assert answer.exit_code == 2
    assert "thesis.tex" in answer.stderr
    assert [path.name for path in DATA.iterdir()] == ["thesis.tex"]


def test_as_json():
    answer = init("--json")
    told = json.loads(answer.stdout)
    assert told["made"] is True
    assert told["trails"][0]["origin"] == "audit.example.com/events/0"
    assert json.loads(init("--json").stdout) == told | {"made": False}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--base", "not a base"], "is not a URL without its scheme"),
        (["--topic", "a/b"], "is not a topic name"),
        (["--archive", "ftp://x"], "--archive is s3://bucket[/prefix], embedded or folder"),
        (["--archive", "s3://bucket"], "--retention"),
        (["--partitions", "0"], "0 is not in the range"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_made(arguments, told):
    answer = init(*arguments)
    assert answer.exit_code == 2
    assert told in answer.stderr
    assert not DATA.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_made(here):
    here.chmod(0o500)
    answer = init()
    assert answer.exit_code == 5
    assert answer.stderr.count("\n") == 1
    assert "Permission denied" in answer.stderr


def test_a_path_through_a_file_is_one_line():
    Path("file").write_text("")
    answer = init("--data", "file/data")
    assert answer.exit_code == 5
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "deployment",
    [
        Deployment("b", "t", 3, parse_duration("7y"), "s3://b/p", "https://s3.example", "audit"),
        Deployment("b", "t", 1, None, "folder"),
    ],
)
def test_what_was_chosen_is_written_and_read_back(deployment):
    assert Deployment.parse(deployment.to_toml()) == deployment


@pytest.mark.parametrize("text", ["", "base = 1", 'nonsense = "x"', "not toml", 'retention = "soon"'])
def test_a_damaged_note_of_it_is_one_line(text):
    init()
    (DATA / "deployment.toml").write_text(text)
    answer = call("status")
    assert answer.exit_code == 5
    assert "deployment.toml is damaged" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_without_a_trail_each_command_says_what_to_do():
    for command in (["status"], ["up"], ["produce", "-"]):
        answer = call(*command)
        assert answer.exit_code == 5
        assert "run `sealtrail init`" in answer.stderr
    assert not DataFolder(DATA).exists
