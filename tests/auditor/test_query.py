"""What fits a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_auditor.findings import Span
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_auditor.reading import TimeRange
from sealtrail_schemas.json_path import parse_json_path

ROW = {
    "sequence": 7,
    "time": 1_000,
    "chained_at": 2_000,
    "actor": "arn:aws:iam::1:user/alice",
    "action": "s3:GetObject",
    "resource": None,
    "outcome": "denied",
    "event_type": None,
}


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("alice", "alice", True),
        ("alice", "Alice", False),
        ("alice", "malice", False),
        ("alice", None, False),
        ("", "", True),
        ("*", "", True),
        ("*", None, False),
        ("*/alice", "user/alice", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("a*c*e", "abcde", True),
        ("a*c*e", "abde", False),
        ("a*b", "a\nb", True),
        (r"arn:aws:s3:::b/\*", "arn:aws:s3:::b/*", True),
        (r"arn:aws:s3:::b/\*", "arn:aws:s3:::b/x", False),
        ("[a-z]+.?", "[a-z]+.?", True),
        ("[a-z]+.?", "abc", False),
        (r"a\b", "ab", True),
        ("a\\", "a\\", True),
    ],
)
def test_a_pattern_is_text_with_asterisks(pattern, text, fits):
    assert TextPattern(pattern).fits(text) is fits


@given(st.text("ab*\\/"), st.lists(st.text("ab*/"), min_size=1))
def test_what_fits_is_never_pruned(pattern, texts):
    if any(TextPattern(pattern).fits(text) for text in texts):
        assert TextPattern(pattern).may_lie_between(min(texts), max(texts))


@pytest.mark.parametrize(
    ("pattern", "between", "may"),
    [
        ("m", ("a", "z"), True),
        ("m", ("n", "z"), False),
        ("m", ("a", "l"), False),
        ("m*", ("mo", "z"), True),
        ("m*", ("a", "ma"), True),
        ("m*", ("n", "z"), False),
        ("m*", ("a", "lz"), False),
        ("*m", ("a", "b"), True),
    ],
)
def test_statistics_rule_out_what_lies_elsewhere(pattern, between, may):
    assert TextPattern(pattern).may_lie_between(*between) is may


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        (Query(), True),
        (Query(span=Span(7, 7)), True),
        (Query(span=Span(8, 9)), False),
        (Query(time=TimeRange(1_000, 1_001)), True),
        (Query(time=TimeRange(None, 1_000)), False),
        (Query(chained=TimeRange(2_000, None)), True),
        (Query(chained=TimeRange(2_001, None)), False),
        (Query(patterns={"action": (TextPattern("x"), TextPattern("s3:*"))}), True),
        (Query(patterns={"action": (TextPattern("s3:*"),), "outcome": (TextPattern("success"),)}), False),
        (Query(patterns={"resource": (TextPattern("*"),)}), False),
    ],
)
def test_all_that_is_asked_must_hold_and_alternatives_are_enough(query, fits):
    assert query.fits(ROW) is fits


def test_an_entry_without_a_time_is_in_no_range_of_times():
    assert not Query(time=TimeRange(None, 5)).fits(ROW | {"time": None})


def where(**equations):
    return Query(where={parse_json_path(path.replace("__", ".")): texts for path, texts in equations.items()})


@pytest.mark.parametrize(
    ("query", "value", "fits"),
    [
        (Query(), None, True),
        (Query(text=("x",)), None, False),
        (Query(text=("needle",)), '{"in": "NEEDLES"}', True),
        (Query(text=("straße",)), "STRASSE", True),
        (Query(text=("a", "b")), "b", True),
        (Query(text=("c",)), "b", False),
        (where(a__b=("1",)), '{"a": {"b": 1}}', True),
        (where(a__b=("1.0",)), '{"a": {"b": 1}}', True),
        (where(a__b=("true",)), '{"a": {"b": true}}', True),
        (where(a__b=("1",)), '{"a": {"b": true}}', False),
        (where(a__b=("null",)), '{"a": {"b": null}}', True),
        (where(a__b=("null",)), '{"a": {}}', False),
        (where(a=("x", "y"), b=("z",)), '{"a": "y", "b": "z"}', True),
        (where(a=("x", "y"), b=("z",)), '{"a": "y"}', False),
        (where(a=("x",)), "no JSON", False),
        (where(a=("x",)), "[" * 100_000, False),
    ],
)
def test_a_value_is_searched_as_text_and_as_json(query, value, fits):
    assert query.fits_value(value) is fits


def test_no_text_can_stall_a_pattern():
    assert not TextPattern("*a*a*a*a*a*b").fits("a" * 5_000)
    assert TextPattern("*a*a*a*a*a*b").fits("a" * 5_000 + "b")


@given(st.text("ab*", max_size=7), st.text("ab", max_size=9))
def test_a_pattern_with_asterisks_fits_as_each_asterisk_could_stand_anywhere(pattern, text):
    def fits(rest: str, left: str) -> bool:
        if not rest:
            return not left
        if rest[0] == "*":
            return any(fits(rest[1:], left[start:]) for start in range(len(left) + 1))
        return left[:1] == rest[0] and fits(rest[1:], left[1:])

    assert TextPattern(pattern).fits(text) == fits(pattern, text)
