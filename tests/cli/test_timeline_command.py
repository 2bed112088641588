"""`sealtrail timeline`."""

from __future__ import annotations

import json

import pytest

from auditor.builders import NOW, policy_of
from auditor.steps import event
from cli.archives import archive_of, lasting_trail
from sealtrail.timeline_text import timeline_lines
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_auditor.reading import Reading, find_trails
from sealtrail_auditor.timeline import make_timeline

HOSTILE = "eve\x1b[2J\u202e\n0 steps"


def fill(trail, *batches):
    for values in batches:
        for value in values:
            trail.event(value)
        trail.seal()
    return trail


def story_trail(**settings):
    return fill(
        lasting_trail(1, **settings),
        [
            event(60, "iam:CreateUser", requestParameters={"userName": "mallory"}),
            event(0, "iam:GetUser"),
            event(30, "cloudtrail:StopLogging", errorCode="AccessDenied"),
        ],
        [event(90, "s3:PutObject", key="AKIA2"), event(95, "s3:PutObject", actor="bob")],
        [event(120, "iam:DeleteUser")],
    )


@pytest.fixture
def archive(tmp_path):
    """Genesis, then three batches: entries 1 to 3, 4 and 5, and 6."""
    return archive_of(tmp_path, story_trail())


def lines_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def damage(archive, number):
    file = archive.batch(number)
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)


def test_the_story_is_told_in_order(archive):
    result = archive.run("timeline", "alice")
    assert (result.exit_code, result.stderr) == (0, "")
    told = result.stdout.splitlines()
    assert told[:3] == [
        "alice",
        "5 steps in 2 min, from 2023-07-10T12:00:00Z to 2023-07-10T12:02:00Z (UTC, by the events' own word)",
        "7 entries of audit.example.com/payments/0 read, each verified against its seal",
    ]
    story = told[told.index("Step by step") + 1 :]
    assert [line.rstrip() for line in story] == [
        "  2023-07-10",
        "  12:00:00           s1             iam:GetUser  #2",
        "  12:00:30           s1   watching  cloudtrail:StopLogging  [denied: AccessDenied]  #3",
        "  12:01:00           s1   rights    iam:CreateUser  mallory  #1",
        "  12:01:30           s2             s3:PutObject  #4",
        "  12:02:00           s1   removed   iam:DeleteUser  #6",
    ]
    assert "  s1    2023-07-10 12:00:00-12:02:00  AKIA1 from 192.0.2.7, 4 steps, 1 failed" in told
    assert "  Watching stopped or changed: 1 step" in told
    assert "    denied: AccessDenied: cloudtrail:StopLogging  #3" in told


def test_several_actors(archive):
    result = archive.run("timeline", "alice", "--actor", "b*")
    assert result.stdout.startswith("alice: 5 steps\nbob: 1 step\n")
    assert "1 step, by bob" in result.stdout


def test_a_part(archive):
    assert archive.run("timeline", "alice", "--to", "2023-07-10T12:01:00Z").stdout.count("  #") == 4
    [step, end] = lines_of(archive.run("timeline", "alice", "--first", 4, "--last", 5, "--json"))
    assert step["sequence"] == 4
    assert end["timeline"]["entries_read"] == 2


def test_json_lines(archive):
    *steps, end = lines_of(archive.run("timeline", "alice", "--json"))
    assert [step["sequence"] for step in steps] == [2, 3, 1, 4, 6]
    assert steps[1] == {
        "trail": "audit.example.com/payments/0",
        "sequence": 3,
        "time": "2023-07-10T12:00:30Z",
        "actor": "alice",
        "action": "cloudtrail:StopLogging",
        "resource": None,
        "outcome": "denied",
        "mark": "watching",
        "session": 1,
        "credential": "AKIA1",
        "signed_in": None,
        "address": "192.0.2.7",
        "through": None,
        "gained": None,
        "reason": "AccessDenied",
        "detail": None,
    }
    summary = end["timeline"]
    assert (summary["steps"], summary["failed"], summary["verdict"]) == (5, 1, "intact")
    assert summary["actors"] == [{"actor": "alice", "steps": 5}]
    assert [session["steps"] for session in summary["sessions"]] == [4, 1]


def test_damage_is_told_at_its_place_and_by_the_exit_code(archive):
    damage(archive, 2)
    result = archive.run("timeline", "alice")
    assert result.exit_code == 10
    gap = (
        "entries 4 to 5 could not be read: an event was changed "
        "(between 2023-07-10T12:00:30Z and 2023-07-10T12:02:00Z)"
    )
    told = result.stdout.splitlines()
    assert told[3] == gap
    place = told.index(f"  ---- {gap}")
    assert told[place - 1].endswith("#3")
    assert told[place + 1].endswith("#1")
    assert "Steps may be missing there." in told
    assert "ST-" in result.stderr
    *_, unread, end = lines_of(archive.run("timeline", "alice", "--json"))
    assert (unread["unread"]["first"], unread["unread"]["last"]) == (4, 5)
    assert end["timeline"]["verdict"] == "tampered"


def test_nobody_of_that_name(archive):
    result = archive.run("timeline", "alcie")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No step by alcie in 7 verified entries. There are: alice\n"
    [end] = lines_of(archive.run("timeline", "alcie", "--json"))
    assert end["timeline"]["resembling"] == ["alice"]
    assert "There are" not in archive.run("timeline", "zzzzzz").stderr


def test_the_page(archive, tmp_path):
    page = tmp_path / "alice.html"
    result = archive.run("timeline", "alice", "--html", page)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "cloudtrail:StopLogging" in page.read_text("utf-8")
    again = archive.run("timeline", "alice", "--html", page)
    assert again.exit_code == 2
    assert "is there already" in again.stderr


def test_no_page_of_nobody(archive, tmp_path):
    assert archive.run("timeline", "nobody", "--html", tmp_path / "page.html").exit_code == 0
    assert not (tmp_path / "page.html").exists()


def test_an_archive_without_the_trails_of_the_policy(archive, tmp_path):
    (tmp_path / "empty").mkdir()
    archive.copy = tmp_path / "empty"
    result = archive.run("timeline", "alice")
    assert result.exit_code != 0
    assert len(result.stderr.splitlines()) == 1


def test_hostile_events_stay_on_their_line(tmp_path):
    values = [
        event(1, f"x:{HOSTILE}", actor=HOSTILE, key=HOSTILE, sourceIPAddress=HOSTILE, errorCode=HOSTILE),
        event(2, "sts:AssumeRole", actor=HOSTILE, responseElements={"assumedRoleUser": {"arn": HOSTILE}}),
        event(3, "x:Y", actor="bob"),
    ]
    archive = archive_of(tmp_path, fill(lasting_trail(1), values))
    for arguments in (("eve*",), ("eve*", "--all"), ("eve*", "--json"), ("evv",)):
        result = archive.run("timeline", *arguments)
        assert result.exit_code == 0
        assert not set("\x1b\u202e") & set(result.output)
        assert not any(line.startswith("0 steps") for line in result.output.splitlines())


# Long stories


def long_timeline():
    actions = ["iam:GetUser", "ssm:GetParameter", "ec2:CreateVpc", "iam:CreateUser", "s3:DeleteBucket"]
    values = [event(2 * number, actions[number % 5], key=f"AKIA{number % 20}") for number in range(900)]
    trail = fill(lasting_trail(1), values)
    [folder] = find_trails(trail.store, policy_of(trail))
    query = Query(patterns={"actor": (TextPattern("alice"),)})
    return make_timeline(Reading(trail.store, folder, now=NOW), query)


def test_a_long_story_is_condensed_and_all_of_it_can_be_had():
    timeline = long_timeline()
    assert len(list(timeline_lines(timeline, None))) < 140
    every = [line.plain for line in timeline_lines(timeline, None, every_step=True)]
    assert len(every) > 900
    assert all(any(line.endswith(f"#{number}") for line in every) for number in range(1, 901))


def test_lines_fit_a_narrow_terminal():
    lines = [line.plain for line in timeline_lines(long_timeline(), 80)]
    assert max(map(len, lines)) <= 80
