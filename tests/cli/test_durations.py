"""Durations as people write them."""

import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail.durations import format_duration, parse_duration
from sealtrail.exits import CommandError
from sealtrail.retention import choose_retention

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("1d", DAY),
        ("8w", 56 * DAY),
        ("7y", 7 * 366 * DAY),
    ],
)
def test_units(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "1", "d", "1.5d", "-1d", "1D", "1 day", "1d2h", "999999999999999y"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"is no duration|is too long"):
        parse_duration(text)


@given(st.integers(0, 10**12))
def test_what_is_written_is_read_back(milliseconds):
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


def test_the_embedded_store_keeps_a_day_and_a_bucket_has_to_be_told():
    assert choose_retention(None, "embedded", assume_yes=False) == DAY
    assert choose_retention(30 * DAY, "s3://bucket", assume_yes=False) == 30 * DAY
    with pytest.raises(CommandError, match="--retention"):
        choose_retention(None, "s3://bucket", assume_yes=True)


def test_a_folder_locks_nothing():
    assert choose_retention(30 * DAY, "folder", assume_yes=False) is None


def test_more_than_ten_years_is_asked_and_more_than_a_hundred_refused(monkeypatch):
    eleven, too_many = parse_duration("11y"), parse_duration("101y")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="Say so with --yes"):
        choose_retention(eleven, "s3://bucket", assume_yes=False)
    assert choose_retention(eleven, "s3://bucket", assume_yes=True) == eleven
    assert choose_retention(parse_duration("10y"), "s3://bucket", assume_yes=False)
    with pytest.raises(CommandError, match="above 100y"):
        choose_retention(too_many, "s3://bucket", assume_yes=True)


def test_less_than_a_minute_protects_nothing():
    with pytest.raises(CommandError, match="protects nothing"):
        choose_retention(timedelta(seconds=59), "embedded", assume_yes=False)
