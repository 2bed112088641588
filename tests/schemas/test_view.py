"""What a view says of an entry, and of itself."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.builders import make_trail
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, Resource, encode_event
from sealtrail_schemas.errors import FormatError, ViewError
from sealtrail_schemas.layout import parse_view_key, view_key
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import Payload
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.recognise_json import parse_mapping
from sealtrail_schemas.view import COLUMNS, ViewHeader, ViewRow, header_of, identity_of, view_row

PAGE = (Path(__file__).parents[2] / "docs/format.md").read_text(encoding="utf-8")


def leaf(**changes) -> Leaf:
    fields = {
        "kind": Kind.EVENT,
        "sequence": 5,
        "previous_hash": bytes(32),
        "trail_id": bytes(32),
        "payload_hash": bytes(32),
        "source_timestamp_ms": 1_000,
        "source_timestamp_type": 1,
        "chained_at_ms": 2_000,
        "source_offset": 3,
        "next_source_offset": 4,
    }
    return Leaf(**(fields | changes))


def row(key=None, headers=(), value=None, **changes) -> ViewRow:
    return view_row(leaf(**changes), Payload(bytes(16), key, tuple(headers), value))


def test_the_page_has_the_columns():
    told = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", PAGE.partition("## View")[2], re.MULTILINE)
    assert told == [(column.name, column.type.value, column.meaning) for column in COLUMNS]
    assert ViewRow._fields == tuple(column.name for column in COLUMNS)


def test_what_is_text_is_text_and_what_is_not_is_base64():
    shown = row("ключ".encode(), [(b"h", b"v"), (b"n", None), (b"\xff", b"\x00\xff")], b"\xff")
    assert (shown.key, shown.key_base64) == ("ключ", None)
    assert shown.headers == (("h", "v", None), ("n", None, None), ("\\xff", None, "AP8="))
    assert (shown.value, shown.value_base64) == (None, "/w==")
    assert row(b"\xfe", value=b"text").key_base64 == "/g=="


def test_an_audit_event_is_shown_as_json_and_kept_as_bytes():
    event = AuditEvent(
        id="1",
        time_ms=5_000,
        source="/s",
        type="t",
        actor=Actor("user", "alice"),
        action="login",
        resource=Resource("host", "h1"),
        outcome=Outcome.DENIED,
        attributes={"ticket": "OPS-1"},
        data=b'{"amount": 1}',
        data_content_type="application/json",
    )
    shown = row(value=encode_event(event))
    assert json.loads(shown.value) == {
        "id": "1",
        "time": 5_000,
        "source": "/s",
        "type": "t",
        "actor": {"type": "user", "id": "alice"},
        "action": "login",
        "resource": {"type": "host", "id": "h1"},
        "outcome": "denied",
        "attributes": {"ticket": "OPS-1"},
        "datacontenttype": "application/json",
        "data": {"amount": 1},
    }
    assert base64.b64decode(shown.value_base64) == encode_event(event)
    assert (shown.recogniser, shown.actor, shown.time) == ("audit_event", "alice", 5_000)


@pytest.mark.parametrize(
    ("data", "member"),
    [
        (b"text", {"data": "text"}),
        (b"1", {"data": "1"}),
        (b"[1]", {"data": [1]}),
        (b'{"n": NaN}', {"data": '{"n": NaN}'}),
        (b'["\\ud800"]', {"data": ["?"]}),
        (b"\xff", {"data_base64": "/w=="}),
    ],
)
def test_an_audit_events_data_is_shown_as_what_it_is(data, member):
    event = AuditEvent(id="1", time_ms=0, source="/", type="t", actor=Actor("u", "a"), action="x", data=data)
    shown = json.loads(row(value=encode_event(event)).value)
    assert {name: shown[name] for name in shown if name.startswith("data")} == member


def test_the_time_is_the_events_own_word_else_the_records():
    assert row(value=b"no event").time == 1_000
    assert row(source_timestamp_ms=-1, source_timestamp_type=0).time is None
    assert row(source_timestamp_ms=-1).time is None


@pytest.mark.parametrize("time_ms", [-(2**63), 2**63 - 1, 253_402_300_800_000])
def test_a_time_that_no_tool_can_show_is_left_out(time_ms):
    shown = row(source_timestamp_ms=time_ms, chained_at_ms=abs(time_ms))
    assert (shown.time, shown.source_timestamp, shown.chained_at) == (None, None, None)


@pytest.mark.parametrize("kind", [Kind.HEARTBEAT, Kind.REJECTED, Kind.CONTROL])
def test_only_events_are_recognised(kind):
    event = b'{"eventVersion": "1", "eventSource": "s3.amazonaws.com", "eventName": "GetObject"}'
    shown = row(value=event, kind=kind, source_offset=-1)
    assert (shown.kind, shown.recogniser, shown.action, shown.source_offset) == (
        kind.name.lower(),
        None,
        None,
        None,
    )


@given(
    st.one_of(st.none(), st.binary()),
    st.lists(st.tuples(st.binary(), st.one_of(st.none(), st.binary()))),
    st.one_of(st.none(), st.binary()),
)
def test_any_bytes_have_a_row_that_is_utf_8(key, headers, value):
    for text in re.findall(r"'(?:[^'\\]|\\.)*'", repr(row(key, headers, value))):
        text.encode()


def test_a_header_is_that_of_the_sealed_batch():
    trail = make_trail(3, 4)
    header = header_of(trail.opened(1), "json:m:12345678")
    assert ViewHeader.parse(header.to_metadata() | {"other": "x"}) == header
    assert (header.first, header.last, header.rows) == (3, 6, 4)
    assert header.is_of(trail.opened(1))
    assert not header.is_of(trail.opened(0))
    for changes in (
        {"origin": "x"},
        {"trail_id": bytes(32)},
        {"first": 2},
        {"last": 7},
        {"batch_sha256": b""},
    ):
        assert not replace(header, **changes).is_of(trail.opened(1))


@pytest.mark.parametrize(
    "changes", [{"view": "2"}, {"first": "x"}, {"trail_id": "x"}, {"origin": None}, {"view": None}]
)
def test_what_is_no_header_is_refused(changes):
    metadata = header_of(make_trail(3).opened(0)).to_metadata() | {
        f"sealtrail.{k}": v for k, v in changes.items()
    }
    with pytest.raises(ViewError):
        ViewHeader.parse({name: text for name, text in metadata.items() if text is not None})


def test_the_identity_names_mappings_alone():
    mapping = parse_mapping("m", {"actor": "a"})
    assert identity_of(DEFAULT) == ""
    assert identity_of((mapping, *DEFAULT)) == mapping.identity


def test_a_views_key_is_its_batchs_place():
    key = view_key("payments/0/1b36487e/", 3)
    assert key == "views/payments/0/1b36487e/00000000000000000003.parquet"
    assert parse_view_key(key) == ("payments/0/1b36487e/", 3)


@pytest.mark.parametrize(
    "folder", ["", "payments/", "payments/0/1b36487e", "../0/1b36487e/", "5/12345678/1b36487e/"]
)
def test_what_is_no_place_of_a_trail_has_no_views(folder):
    with pytest.raises(FormatError):
        view_key(folder, 0)
