"""Recognising any JSON by a mapping."""

from __future__ import annotations

import json

import pytest

from sealtrail_schemas.errors import MappingError
from sealtrail_schemas.recognise import DEFAULT, recognise
from sealtrail_schemas.recognise_json import parse_mapping

OKTA = {
    "test": "eventType",
    "time": "published",
    "actor": ["actor.alternateId", "actor.id"],
    "action": "eventType",
    "resource": "target[0].displayName",
    "outcome": "outcome.result",
    "event_type": "legacyEventType",
    "event_id": "uuid",
}
EVENT = {
    "uuid": "21a15bba",
    "published": "2026-11-23T09:30:00.250Z",
    "eventType": "user.session.start",
    "actor": {"id": "00u1", "alternateId": "alice@example.com"},
    "target": [{"displayName": "portal"}],
    "outcome": {"result": "FAILURE"},
}


def read(mapping, event):
    return recognise(None, (), json.dumps(event).encode(), [parse_mapping("okta", mapping)])


def test_a_mapping_reads_what_it_names():
    found = read(OKTA, EVENT)
    assert (found.recogniser, found.time_ms) == ("json:okta", 1_795_426_200_250)
    assert (found.actor, found.action, found.resource) == (
        "alice@example.com",
        "user.session.start",
        "portal",
    )
    assert (found.outcome, found.event_type, found.event_id) == ("failure", None, "21a15bba")


def test_the_first_path_that_leads_to_something_is_taken():
    assert read(OKTA, EVENT | {"actor": {"id": "00u1", "alternateId": None}}).actor == "00u1"
    assert read({"actor": "n"}, {"n": 42}).actor == "42"
    assert read({"actor": "n", "action": "a"}, {"n": {"x": 1}, "a": "b"}).actor is None


@pytest.mark.parametrize(
    ("test", "reads"),
    [
        (None, True),
        ("kind", True),
        ("kind=login", True),
        ("kind=logout", False),
        ("other", False),
        ("other=x", False),
        ('["kind"]=login', True),
    ],
)
def test_a_test_decides_whether_it_reads(test, reads):
    mapping = {"actor": "who"} | ({} if test is None else {"test": test})
    assert (read(mapping, {"kind": "login", "who": "alice"}) is not None) is reads


@pytest.mark.parametrize("event", [{}, [], "text", 1, None, {"at": "2026-11-23T09:30:00Z"}, {"who": ""}])
def test_what_it_finds_nothing_in_is_left_to_others(event):
    assert read({"actor": "who", "time": "at"}, event) is None


@pytest.mark.parametrize(
    ("at", "time_ms"),
    [
        ("2026-11-23T09:30:00Z", 1_795_426_200_000),
        (1_795_426_200, 1_795_426_200_000),
        (1_795_426_200.25, 1_795_426_200_250),
        (1_795_426_200_000, 1_795_426_200_000),
        (-1, -1_000),
        ("yesterday", None),
        (True, None),
        (1e300, None),
        (10**40, None),
    ],
)
def test_times_are_text_or_numbers(at, time_ms):
    assert read({"time": "at", "actor": "who"}, {"at": at, "who": "alice"}).time_ms == time_ms


def test_a_number_that_is_none_is_no_time():
    found = recognise(
        None, (), b'{"at": NaN, "who": "x"}', [parse_mapping("m", {"time": "at", "actor": "who"})]
    )
    assert found.time_ms is None


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("OK", "success"),
        ("Denied", "denied"),
        (False, "failure"),
        (200, "success"),
        (302, "success"),
        (403, "denied"),
        ("500", "failure"),
        ("maybe", "unknown"),
    ],
)
def test_outcomes_are_said_in_four_words(said, outcome):
    assert read({"outcome": "how"}, {"how": said}).outcome == outcome


@pytest.mark.parametrize(
    ("name", "table", "says"),
    [
        ("m", {"actr": "a"}, "no 'actr'"),
        ("m", {}, "finds nothing"),
        ("m", {"time": "a", "test": "b"}, "finds nothing"),
        ("m", {"actor": 1}, "a path or a list of paths"),
        ("m", {"actor": []}, "a path or a list of paths"),
        ("m", {"actor": ["a", 1]}, "a path or a list of paths"),
        ("m", {"actor": "a b"}, "no path into JSON"),
        ("m", {"actor": "a", "test": 1}, "test is a path"),
        ("m", {"actor": "a", "test": "a b=c"}, "PATH=VALUE"),
        ("M N", {"actor": "a"}, "name"),
    ],
)
def test_what_is_no_mapping_is_refused_in_one_line(name, table, says):
    with pytest.raises(MappingError, match=says) as caught:
        parse_mapping(name, table)
    assert "\n" not in str(caught.value)


def test_mappings_are_told_apart_by_what_they_say():
    one, other = (parse_mapping("m", {"actor": path}).identity for path in "ab")
    assert one != other
    assert one.startswith("json:m:")
    assert parse_mapping("m", {"actor": "a"}).identity == one


def test_a_mapping_goes_before_what_is_built_in():
    event = (
        b'{"eventVersion": "1", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "team": "red"}'
    )
    assert recognise(None, (), event, [parse_mapping("m", {"actor": "team"}), *DEFAULT]).actor == "red"
