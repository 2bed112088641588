"""Condensing steps into runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.steps import NOON_MS, step, timeline_of
from sealtrail_auditor.findings import Span
from sealtrail_auditor.notable import Mark
from sealtrail_auditor.timeline import Unread, in_order
from sealtrail_auditor.timeline_runs import (
    MOST_RUNS,
    Plain,
    by_time,
    by_what_stands_out,
    condense,
    place_unread,
)


def seconds(runs):
    return [[step.sequence for step in run.steps] for run in runs]


def test_few_steps_stand_alone():
    steps = [step(second) for second in range(MOST_RUNS)]
    assert len(condense(steps)) == MOST_RUNS


def test_more_steps_that_did_the_same_are_one_run():
    steps = [step(second) for second in range(MOST_RUNS)] + [step(MOST_RUNS, "iam:CreateUser")]
    assert [len(run.steps) for run in condense(steps)] == [MOST_RUNS, 1]


def test_what_stands_out_begins_a_run_and_looks_join_it():
    steps = [
        step(0),
        step(1, "ec2:CreateVpc"),
        step(2),
        step(3, "cloudtrail:StopLogging"),
        step(4),
        step(5, "cloudtrail:StopLogging"),
        step(6, "cloudtrail:StopLogging", outcome="failure"),
        step(7, "iam:CreateUser"),
        step(8, "s3:PutObject"),
        step(9, "secretsmanager:GetSecretValue"),
        step(10, "s3:DeleteBucket"),
        step(11, "s3:GetObject", outcome="denied"),
        step(100),
        step(101, "iam:CreateUser", through="cloudformation"),
        step(102, "kms:Encrypt", through="kms"),
    ]
    runs = by_what_stands_out(steps)
    assert seconds(runs) == [[0, 1, 2], [3, 4, 5], [6], [7], [8, 9, 10], [11], [100], [101, 102]]
    assert {sort: len(its) for sort, its in runs[4].parts.items()} == {
        Mark.SECRETS: 1,
        Mark.REMOVED: 1,
        Plain.DONE: 1,
    }
    assert list(runs[4].parts) == [Mark.SECRETS, Mark.REMOVED, Plain.DONE]
    assert list(runs[5].parts) == [Plain.DENIED]
    assert list(runs[7].parts) == [Mark.RIGHTS, Plain.BY_SERVICES]


def test_a_story_too_long_is_told_in_slices_of_time():
    steps = [step(100 * number, f"iam:Create{('User', 'Role')[number % 2]}") for number in range(500)]
    for most in (10, 50, 80):
        assert len(condense(steps, most)) <= most
        assert seconds(by_time(steps, most)) == seconds(condense(steps, most))


def test_steps_that_have_no_time_are_one_slice():
    steps = [step(None, f"x:Do{number}", sequence=number) for number in range(200)]
    assert len(condense(steps)) == 1
    assert len(by_time([step(1), *steps], 80)) == 2


_YEAR_S = 365 * 86_400
_STEPS = st.lists(
    st.builds(
        step,
        st.none() | st.integers(-1_900 * _YEAR_S, 7_900 * _YEAR_S) | st.integers(0, 9),
        st.sampled_from(["iam:GetUser", "iam:CreateUser", "s3:PutObject", "kms:Decrypt", "s3:DeleteBucket"]),
        outcome=st.sampled_from(["success", "failure", "denied", None]),
        credential=st.sampled_from(["A", "B"]),
    ),
    min_size=1,
    max_size=60,
)


@given(_STEPS, st.integers(6, 20))
def test_every_step_is_in_one_run_in_order_and_runs_are_as_few_as_asked(steps, most):
    steps = in_order(steps)
    runs = condense(steps, most)
    assert [step for run in runs for step in run.steps] == steps
    assert len(runs) <= most
    for run in runs:
        assert sum(map(len, run.parts.values())) == len(run.steps)


def test_what_could_not_be_read_stands_at_its_place():
    made = timeline_of(step(10), step(20), step(30))

    def missing(after_s):
        return Unread("o", Span(0, 0), None, None if after_s is None else NOON_MS + 1000 * after_s)

    runs = condense(made.steps)
    begin, middle, end = missing(None), missing(20), missing(99)
    placed = place_unread(runs, [end, middle, begin])
    assert placed == [begin, runs[0], runs[1], middle, runs[2], end]
