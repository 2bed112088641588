"""Names that resemble the one that was asked for."""

import pytest

from sealtrail_auditor.resembling import resembling

NAMES = [
    "arn:aws:iam::123837392027:user/bert-jan",
    "arn:aws:iam::123837392027:user/benjamin",
    "arn:aws:sts::123837392027:assumed-role/leave-org/session",
    "secretsmanager.amazonaws.com",
    "Alice",
    "alice@example.com",
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("bert-jan", NAMES[0]),
        ("*BERT*", NAMES[0]),
        ("bertjan", NAMES[0]),
        ("bejnamin", NAMES[1]),
        ("leave-org", NAMES[2]),
        ("secretmanager.amazonaws.com", NAMES[3]),
        ("alcie", NAMES[4]),
    ],
)
def test_what_resembles_comes_first(wanted, found):
    assert resembling(wanted, NAMES)[0] == found


def test_what_holds_the_word_comes_before_what_is_spelled_alike():
    assert resembling("alice", NAMES) == ["Alice", "alice@example.com"]


@pytest.mark.parametrize("wanted", ["zzzzzz", "*", ""])
def test_nothing_resembles_just_anything(wanted):
    assert resembling(wanted, NAMES) == []


def test_no_more_than_wanted():
    assert len(resembling("user", [f"user-{number}" for number in range(100)])) == 5
