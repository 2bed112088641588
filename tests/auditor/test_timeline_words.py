"""A timeline in words."""

from __future__ import annotations

import pytest

from auditor.steps import NOON_MS, ORIGIN, step, timeline_of
from sealtrail_auditor.findings import Span
from sealtrail_auditor.timeline import Unread
from sealtrail_auditor.timeline_runs import Run
from sealtrail_auditor.timeline_words import (
    TrailNames,
    actions,
    between,
    failure_groups,
    length_words,
    named,
    outcomes,
    session_words,
    shorten,
    tell,
    when,
    why_unread,
)

NAMES = TrailNames((ORIGIN,))


def test_a_run():
    run = Run(
        (
            step(1, resource="r0"),
            step(2, "ssm:GetParameter", resource="r1"),
            step(4, "ssm:GetParameter", resource="r2"),
            step(5, "s3:PutObject", outcome="failure"),
            step(6, "ssm:GetParameters", resource="r3", outcome="denied", reason="AccessDenied", session=2),
        )
    )
    told = tell(run, NAMES)
    assert told._asdict() == {
        "date": "2023-07-10",
        "clock": "12:00:02-12:00:06",
        "label": "secrets",
        "what": "2x ssm:GetParameter, ssm:GetParameters",
        "on": "r1, r2 and 1 more",
        "outcome": "1 of 3 denied: AccessDenied",
        "gained": "",
        "entries": "#2, #4, #6",
        "sessions": (0, 2),
        "more": "1 done (s3:PutObject, 1 failed), 1 looked up",
    }


def test_many_are_counted():
    steps = [step(number, f"x:Do{number}", resource=f"r{number}") for number in range(9)]
    assert actions(steps) == "x:Do0, x:Do1, x:Do2, 6 others"
    assert actions(steps[:4]) == "x:Do0, x:Do1, x:Do2, 1 other"
    assert named(step.resource for step in steps) == "r0, r1 and 7 more"
    assert NAMES.entries(steps) == "#0, #1, #2 … 9 in all"


def test_how_steps_ended():
    good, bad = step(1), step(2, outcome="failure", reason="Throttled")
    assert outcomes([good]) == ""
    assert outcomes([bad]) == "failed: Throttled"
    assert outcomes([good, bad, step(3, outcome="denied")]) == "2 of 3 denied or failed: Throttled"


def test_failures_that_would_have_changed_something_come_before_those_that_looked():
    looked = [step(n, outcome="failure", reason="NoSuchThing") for n in (1, 2)]
    changed = [step(3, "s3:DeleteBucket", outcome="failure", reason="Throttled")]
    denied = [step(4, outcome="denied")]
    groups = failure_groups([*looked, *changed, *denied, step(5)])
    assert [(why, len(its)) for why, its in groups] == [
        ("denied", 1),
        ("failed: Throttled", 1),
        ("failed: NoSuchThing", 2),
    ]


@pytest.mark.parametrize(
    ("origins", "told"),
    [
        ((ORIGIN,), "#7"),
        ((ORIGIN, "audit.example.com/refunds/0"), "payments/0 #7"),
        ((ORIGIN, "audit.example.org/payments/0"), f"{ORIGIN} #7"),
    ],
)
def test_an_entry_has_the_name_of_its_trail_where_there_are_several(origins, told):
    assert TrailNames(origins).entry(step(7)) == told


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"credential": "AKIA1", "address": "192.0.2.7"}, "AKIA1 from 192.0.2.7"),
        ({"credential": "ASIA1", "signed_in_ms": NOON_MS}, "signed in at 2023-07-10T12:00:00Z"),
        ({"credential": "T", "signed_in_ms": 1, "through": "AWS Internal"}, "AWS Internal, in their name"),
        ({}, "no credential named"),
    ],
)
def test_what_makes_a_session_one(how, words):
    (session,) = timeline_of(step(1, **how)).sessions
    assert session_words(session) == words


def test_times():
    assert when([step(None)]) == ("", "")
    assert when([step(0), step(0)]) == ("2023-07-10", "12:00:00")
    assert when([step(0.5), step(None), step(2)]) == ("2023-07-10", "12:00:00.500-12:00:02")
    assert when([step(0), step(86_400)]) == ("2023-07-10", "12:00:00 to 2023-07-11T12:00:00Z")
    assert [length_words(ms) for ms in (1, 1_999, 2_000, 2_380_000)] == ["1 ms", "1,999 ms", "2 s", "40 min"]


def test_what_can_not_be_read():
    missing = Unread(ORIGIN, Span(3, 9), None, NOON_MS, NOON_MS + 1000)
    assert NAMES.unread(missing) == "entries 3 to 9"
    assert why_unread(missing) == "gone, since their retention has passed"
    assert between(missing) == "between 2023-07-10T12:00:00Z and 2023-07-10T12:00:01Z"
    assert between(missing._replace(before_ms=NOON_MS - 1)) == "about 2023-07-10T12:00:00Z"
    assert between(missing._replace(after_ms=None)) == ""


def test_long_text_loses_its_middle():
    assert shorten("a" * 72) == "a" * 72
    long = shorten("a" * 100 + "b" * 100)
    assert len(long) == 72
    assert long.startswith("aaa")
    assert long.endswith("bbb")
