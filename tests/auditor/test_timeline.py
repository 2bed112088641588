"""A timeline: from verified batches to steps, sessions and gaps."""

from __future__ import annotations

import pytest

from auditor.builders import NOW, YEAR, make_trail, policy_of
from auditor.steps import NOON_MS, event, step, timeline_of
from sealtrail_auditor import timeline as module
from sealtrail_auditor.errors import TooManyStepsError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.notable import Mark
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_auditor.reading import Reading, TimeRange, find_trails
from sealtrail_auditor.timeline import PAUSE_MS, make_sessions, make_timeline


def trail_of(*batches, **settings):
    """A trail of a genesis, and of one batch for each list of values."""
    trail = make_trail(1, **settings)
    for values in batches:
        for value in values:
            trail.event(value)
        trail.seal()
    return trail


def timeline(*trails, actor="alice", now=NOW, **query):
    store = trails[0].store
    batches = (
        batch
        for folder in find_trails(store, policy_of(*trails))
        for batch in Reading(store, folder, now=now)
    )
    return make_timeline(batches, Query(patterns={"actor": (TextPattern(actor),)}, **query))


def test_steps_come_in_the_order_in_which_they_happened():
    made = timeline(
        trail_of(
            [event(30, "iam:CreateUser"), event(10, "iam:GetUser"), event(20, "x:Y", actor="bob")],
            [event(5, "cloudtrail:StopLogging", errorCode="AccessDenied"), event(30, "iam:DeleteUser")],
        )
    )
    assert [step.sequence for step in made.steps] == [4, 2, 1, 5]
    first = made.steps[0]
    assert (first.action, first.outcome, first.mark) == ("cloudtrail:StopLogging", "denied", Mark.WATCHING)
    assert (first.how.credential, first.how.address, first.how.reason) == (
        "AKIA1",
        "192.0.2.7",
        "AccessDenied",
    )
    assert made.failures == (first,)
    assert made.marked(Mark.RIGHTS) == (made.steps[2],)
    assert made.span_ms == (NOON_MS + 5_000, NOON_MS + 30_000)
    assert (made.entries, made.actors, made.names) == (6, {"alice": 4}, frozenset())


def test_all_conditions_hold():
    trail = trail_of([event(number, "iam:GetUser") for number in range(10)])
    made = timeline(trail, time=TimeRange(NOON_MS + 3_000, NOON_MS + 6_000))
    assert [step.sequence for step in made.steps] == [4, 5, 6]
    assert [step.sequence for step in timeline(trail, span=Span(8, 20)).steps] == [8, 9, 10]


def test_several_trails_are_one_story():
    one = trail_of([event(2, "iam:GetUser")])
    other = trail_of(
        [event(1, "iam:GetUser")], store=one.store, origin="audit.example.com/refunds/0", seed=b"\x05" * 32
    )
    made = timeline(one, other)
    assert [step.origin for step in made.steps] == [other.origin, one.origin]
    assert made.origins == (one.origin, other.origin)


def test_events_that_nobody_reads_are_no_steps_of_somebody():
    made = timeline(trail_of([b"\xff", b"[]", b'{"a": 1}']), actor="*")
    assert made.steps == ()
    assert made.entries == 4


def test_without_steps_the_actors_that_there_are_are_known():
    made = timeline(trail_of([event(1, "x:Y", actor="bob"), event(2, "x:Y", actor="carol")]))
    assert made.names == {"bob", "carol"}
    assert made.span_ms is None


def test_what_can_not_be_read_is_told_with_the_times_around_it():
    trail = trail_of(*([event(10 * number, "iam:GetUser")] for number in range(1, 6)))
    for number in (2, 3):
        placed = trail.placed[number]
        damaged = placed.batch_bytes.replace(b"iam.", b"IAM.")
        trail.store.corrupt(placed.batch, placed.batch_version, damaged)
    made = timeline(trail)
    assert [step.sequence for step in made.steps] == [1, 4, 5]
    (missing,) = made.unread
    assert missing.span == Span(2, 3)
    assert missing.finding.code.code == "ST-ENTRY-PAYLOAD"
    assert (missing.after_ms, missing.before_ms) == (NOON_MS + 10_000, NOON_MS + 40_000)


def test_what_can_not_be_read_at_either_end():
    trail = trail_of([event(1, "iam:GetUser")], [event(2, "iam:GetUser")])
    for number in (0, 2):
        trail.store.erase(trail.placed[number].batch)
    first, last = timeline(trail).unread
    assert (first.span, first.after_ms, first.before_ms) == (Span(0, 0), None, NOON_MS + 1_000)
    assert (last.span, last.after_ms, last.before_ms) == (Span(2, 2), NOON_MS + 1_000, None)


def test_what_has_expired_is_told_apart_from_damage():
    trail = trail_of([event(1, "iam:GetUser")], [event(2, "iam:GetUser")])
    trail.store.erase(trail.placed[1].batch)
    (missing,) = timeline(trail, now=NOW + 2 * YEAR).unread
    assert missing.finding is None


def test_gaps_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_UNREAD", 2)
    trail = trail_of(*([event(number, "iam:GetUser")] for number in range(1, 9)))
    for number in (1, 3, 5, 7):
        trail.store.erase(trail.placed[number].batch)
    assert [missing.span for missing in timeline(trail).unread] == [Span(1, 1), Span(3, 7)]


def test_steps_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_STEPS", 3)
    trail = trail_of([event(number, "iam:GetUser") for number in range(3)])
    assert len(timeline(trail).steps) == 3
    trail.event(event(4, "iam:GetUser"))
    trail.seal()
    with pytest.raises(TooManyStepsError, match="more than 3 steps"):
        timeline(trail)


# Sessions


def sessions(*steps):
    return [[step.sequence for step in session.steps] for session in make_sessions(steps)]


def test_another_credential_address_or_actor_is_another_session():
    steps = [
        step(1, credential="A", address="x"),
        step(2, credential="B", address="x"),
        step(3, credential="A", address="y"),
        step(4, credential="A", address="x"),
        step(5, credential="A", address="x", actor="bob"),
    ]
    assert sessions(*steps) == [[1, 4], [2], [3], [5]]


def test_one_sign_in_is_one_session_whatever_its_credentials():
    steps = [step(second, credential=f"ASIA{second}", signed_in_ms=7, address="x") for second in (1, 2)]
    (session,) = make_sessions(steps)
    assert session.credentials == ("ASIA1", "ASIA2")
    assert sessions(*steps, step(3, credential="ASIA3", signed_in_ms=8, address="x")) == [[1, 2], [3]]


def test_what_a_service_did_in_their_name_is_a_session_of_its_own():
    steps = [
        step(1, credential="A"),
        *(step(n, credential=f"T{n}", signed_in_ms=n, through="kms") for n in (2, 3)),
    ]
    assert sessions(*steps) == [[1], [2, 3]]


def test_a_long_pause_ends_a_session():
    pause_s = PAUSE_MS // 1000
    assert sessions(step(0), step(pause_s), step(2 * pause_s + 1)) == [[0, pause_s], [2 * pause_s + 1]]


def test_steps_bear_the_number_of_their_session():
    made = timeline_of(step(1, credential="A"), step(2, credential="B"), step(3, credential="A"))
    assert [step.session for step in made.steps] == [1, 2, 1]
    assert [session.number for session in made.sessions] == [1, 2]


def test_steps_without_a_time_come_last():
    made = timeline_of(step(None, sequence=1), step(5), step(None, sequence=0))
    assert [step.sequence for step in made.steps] == [5, 0, 1]
    assert made.span_ms == (NOON_MS + 5_000, NOON_MS + 5_000)


def test_the_echo_of_a_secret_read_bears_no_mark():
    identity = {"arn": "alice", "accessKeyId": "T", "invokedBy": "AWS Internal"}
    made = timeline(
        trail_of(
            [
                event(1, "kms:Decrypt"),
                event(2, "kms:Decrypt", userIdentity=identity),
                event(3, "iam:CreateUser", userIdentity=identity),
            ]
        )
    )
    assert [step.mark for step in made.steps] == [Mark.SECRETS, None, Mark.RIGHTS]
