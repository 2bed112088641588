import io
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import avro.io
import avro.schema
import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealtrail_schemas import audit_event
from sealtrail_schemas.audit_event import (
    AUDIT_EVENT_AVSC,
    MAX_ATTRIBUTES,
    Actor,
    AuditEvent,
    Outcome,
    Resource,
    decode_event,
    encode_event,
    is_audit_event,
    schema_fingerprint,
)
from sealtrail_schemas.avro_reader import AvroReader
from sealtrail_schemas.errors import EventError

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
VECTORS = Path(__file__).parents[2] / "vectors"
CASES = json.loads((VECTORS / "event.json").read_text())["vectors"]
VALID = [pytest.param(case, id=case["name"]) for case in CASES if case["event"] is not None]
INVALID = [pytest.param(case, id=case["name"]) for case in CASES if case["event"] is None]

SMALLEST = AuditEvent(id="1", time_ms=0, source="s", type="t", actor=Actor("user", "u"), action="a")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
filled = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
events = st.builds(
    AuditEvent,
    id=filled,
    time_ms=st.integers(-(2**63), 2**63 - 1),
    source=filled,
    type=filled,
    actor=st.builds(Actor, texts, filled, st.none() | texts, st.none() | texts),
    action=filled,
    resource=st.none() | st.builds(Resource, texts, texts),
    outcome=st.sampled_from(Outcome),
    reason=st.none() | texts,
    traceparent=st.none() | texts,
    tracestate=st.none() | texts,
    attributes=st.dictionaries(texts, texts, max_size=5),
    data=st.none() | st.binary(max_size=50),
    data_content_type=st.none() | texts,
)


def from_vector(event):
    members = dict(event)
    members["time_ms"] = members.pop("time")
    members["data_content_type"] = members.pop("datacontenttype")
    members["actor"] = Actor(**members["actor"])
    members["resource"] = Resource(**members["resource"]) if members["resource"] else None
    members["outcome"] = Outcome(members["outcome"])
    members["data"] = None if members["data"] is None else bytes.fromhex(members["data"])
    return AuditEvent(**members)


def one_line(error):
    return str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("case", VALID)
def test_valid_vector(case):
    data = bytes.fromhex(case["hex"])
    assert is_audit_event(data)
    assert decode_event(data) == from_vector(case["event"])


@pytest.mark.parametrize("name", ["smallest", "full", "earliest", "latest"])
def test_encoding_is_the_vectors(name):
    case = next(case for case in CASES if case["name"] == name)
    assert encode_event(from_vector(case["event"])).hex() == case["hex"]


@pytest.mark.parametrize("case", INVALID)
def test_invalid_vector(case):
    with pytest.raises(EventError) as error:
        decode_event(bytes.fromhex(case["hex"]))
    assert one_line(error)


def test_vectors_are_what_their_maker_makes():
    subprocess.run([sys.executable, VECTORS / "make_event.py", "--check"], check=True, timeout=60)


@unhurried
@given(events)
def test_round_trip(event):
    assert decode_event(encode_event(event)) == event


@unhurried
@given(events)
def test_fastavro_reads_the_same(event):
    body = io.BytesIO(encode_event(event)[10:])
    # Without its logical type: fastavro's datetimes end at the year 9999.
    schema = json.loads(AUDIT_EVENT_AVSC)
    schema["fields"][1]["type"] = "long"
    assert fastavro.schemaless_reader(body, fastavro.parse_schema(schema)) == audit_event._to_record(event)


def test_avro_reads_the_same():
    full = from_vector(next(case for case in CASES if case["name"] == "full")["event"])
    reader = avro.io.DatumReader(avro.schema.parse(AUDIT_EVENT_AVSC.decode()))
    record = reader.read(avro.io.BinaryDecoder(io.BytesIO(encode_event(full)[10:])))
    assert record.pop("time") == datetime(2023, 7, 10, 12, 8, 4, 123000, UTC)
    assert record == {key: value for key, value in audit_event._to_record(full).items() if key != "time"}


@unhurried
@given(st.binary(max_size=200))
def test_any_body_is_an_event_or_refused(body):
    header = encode_event(SMALLEST)[:10]
    try:
        event = decode_event(header + body)
    except EventError:
        return
    assert decode_event(encode_event(event)) == event


@unhurried
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data):
    with pytest.raises(EventError):
        decode_event(data)


def test_every_truncation_is_refused():
    data = encode_event(replace(SMALLEST, attributes={"a": "b"}, data=b"123"))
    for length in range(len(data)):
        with pytest.raises(EventError):
            decode_event(data[:length])


def test_map_entries_are_counted_before_they_are_read():
    with pytest.raises(EventError, match="a map has more than 2 entries"):
        AvroReader(b"\x06", max_map_entries=2).read({"type": "map", "values": "string"})


def test_integers_have_64_bits():
    assert AvroReader(b"\xff" * 9 + b"\x01", max_map_entries=0).read("long") == -(2**63)
    with pytest.raises(EventError, match="an integer needs more than 64 bits"):
        AvroReader(b"\x80" * 9 + b"\x02", max_map_entries=0).read("long")


def test_fingerprint_is_the_specifications():
    # Apache Avro's own example: "int" has 0x7275d51a3f395c8f.
    assert schema_fingerprint("int") == bytes.fromhex("8f5c393f1ad57572")


def test_fingerprint_of_the_published_schema_is_frozen():
    assert encode_event(SMALLEST)[:10].hex() == "c3018982ea5910e2439f"


def test_schema_has_a_field_for_each_attribute_in_order():
    names = [field["name"] for field in json.loads(AUDIT_EVENT_AVSC)["fields"]]
    python_names = {"time": "time_ms", "datacontenttype": "data_content_type"}
    assert [python_names.get(name, name) for name in names] == [field.name for field in fields(AuditEvent)]


def test_an_older_schema_is_still_read(monkeypatch):
    older = json.loads(AUDIT_EVENT_AVSC)
    older["fields"] = [field for field in older["fields"] if field["name"] != "tracestate"]
    fingerprint = schema_fingerprint(older)
    record = audit_event._to_record(SMALLEST)
    del record["tracestate"]
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(older), record)
    data = b"\xc3\x01" + fingerprint + out.getvalue()
    with pytest.raises(EventError, match=fingerprint.hex()):
        decode_event(data)
    monkeypatch.setitem(audit_event._PUBLISHED, fingerprint, older)
    assert decode_event(data) == SMALLEST


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "event.id must not be empty"),
        ({"source": ""}, "event.source must not be empty"),
        ({"type": ""}, "event.type must not be empty"),
        ({"action": ""}, "event.action must not be empty"),
        ({"id": 1}, "event.id must be text, not int"),
        ({"id": "\ud800"}, "event.id holds half of a surrogate pair"),
        ({"reason": b"x"}, "event.reason must be text, not bytes"),
        ({"time_ms": 1.5}, "event.time_ms must be an int of milliseconds, not float"),
        ({"time_ms": True}, "event.time_ms must be an int of milliseconds, not bool"),
        ({"time_ms": 2**63}, "event.time_ms needs more than 64 bits"),
        ({"time_ms": -(2**63) - 1}, "event.time_ms needs more than 64 bits"),
        ({"actor": "alice"}, "event.actor must be Actor, not str"),
        ({"resource": "main"}, "event.resource must be Resource or None, not str"),
        ({"outcome": "success"}, "event.outcome must be Outcome, not str"),
        ({"data": "text"}, "event.data must be bytes or None, not str"),
        ({"attributes": None}, "event.attributes must be a dict, not NoneType"),
        ({"attributes": {1: "a"}}, "a key of event.attributes must be text, not int"),
        ({"attributes": {"a": 1}}, "a value of event.attributes must be text, not int"),
        ({"attributes": {"a": "\udfff"}}, "a value of event.attributes holds half of a surrogate pair"),
        ({"attributes": {str(i): "" for i in range(MAX_ATTRIBUTES + 1)}}, "event has 1025 attributes"),
    ],
)
def test_what_cannot_be_encoded_cannot_be_made(change, said):
    with pytest.raises(EventError, match=said) as error:
        replace(SMALLEST, **change)
    assert one_line(error)


@pytest.mark.parametrize(
    "arguments", [("user", ""), ("user", None), (None, "u"), ("user", "u", 1), ("user", "u", None, 1)]
)
def test_actor_is_checked(arguments):
    with pytest.raises(EventError, match=r"^actor\."):
        Actor(*arguments)


def test_resource_is_checked():
    with pytest.raises(EventError, match=r"^resource\.id must be text, not NoneType"):
        Resource("a", None)


def test_events_do_not_change():
    with pytest.raises(FrozenInstanceError):
        SMALLEST.id = "2"


def test_size_limit_holds_both_ways(monkeypatch):
    event = replace(SMALLEST, data=bytes(1000))
    encoded = encode_event(event)
    monkeypatch.setattr(audit_event, "MAX_EVENT_BYTES", len(encoded))
    assert decode_event(encode_event(event)) == event
    monkeypatch.setattr(audit_event, "MAX_EVENT_BYTES", len(encoded) - 1)
    with pytest.raises(EventError, match=f"at most {len(encoded) - 1} are allowed"):
        encode_event(event)
    with pytest.raises(EventError, match=f"at most {len(encoded) - 1} are allowed"):
        decode_event(encoded)


def test_as_many_attributes_as_allowed():
    event = replace(SMALLEST, attributes={str(i): "" for i in range(MAX_ATTRIBUTES)})
    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize(
    "data", [b"", b"\xc3", b"\xc3\x01", b"{}", b"\xc3\x01" + bytes(8), b"\x00\x00\x00\x00\x01"]
)
def test_other_bytes_are_no_audit_event(data):
    assert not is_audit_event(data)
