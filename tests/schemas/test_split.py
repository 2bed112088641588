import gzip
import io
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealtrail_schemas import split
from sealtrail_schemas.errors import EventError
from sealtrail_schemas.split import EVENT_FORMATS, Published, split_events

DATA = Path(__file__).parents[3] / "shared" / "data" / "cloudtrail"
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

FIRST = b'{ "eventTime": "2023-07-10T12:08:04Z", "big": 1e1, "s": "\xc3\xa9\\u00e9 ]}," }'
SECOND = b'{"Records":[{"Records":1}]}'
CLOUDTRAIL = b'{"a": [1, {"Records": []}], "Records" : [\n ' + FIRST + b" ,\t" + SECOND + b'\r\n], "b": {}}\n'

EVENT = b'{"specversion":"1.0","id":"1","source":"s","type":"t","time":"1970-01-01T00:00:01Z"}'
PRETTY = b'{\n  "specversion" : "1.0",\n  "id": "2", "source": "s", "type": "t"\n}'


def values(data, event_format):
    return [event.value for event in split_events(data, event_format)]


def refusal(data, event_format):
    with pytest.raises(EventError) as error:
        list(split_events(data, event_format))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_cloudtrail_events_are_slices_of_the_file():
    assert list(split_events(CLOUDTRAIL, "cloudtrail")) == [
        Published(key=None, headers=(), value=FIRST, time_ms=1688990884000),
        Published(key=None, headers=(), value=SECOND, time_ms=None),
    ]


@pytest.mark.parametrize("around", [b"", b" "], ids=["tight", "spaced"])
def test_cloudtrail_without_events(around):
    assert values(around.join([b"", b"{", b'"Records"', b":", b"[", b"]", b"}", b""]), "cloudtrail") == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "'{' expected at line 1, column 1"),
        (b"{}", 'there is no "Records"'),
        (b"[]", "'{' expected"),
        (b'{"Records": {}}', "'[' expected at line 1, column 13"),
        (b'{"Records": [{}\n {}]}', "']' expected at line 2, column 2"),
        (b'{"Records": [{}, ]}', "Expecting value at line 1, column 18"),
        (b'{"Records": [{}]', "'}' expected at line 1, column 17"),
        (b'{"Records": [{}],}', "a member's name expected at line 1, column 18"),
        (b'{"Records" [{}]}', "':' expected"),
        (b"{5: []}", "a member's name expected"),
        (b'{"Records": [{}]} x', "nothing more expected at line 1, column 19"),
        (b'{"Records": [{}], "Records": [{}]}', '"Records" is there twice'),
        (b'{"Records": [{}, 5]}', "record 2 is not an object"),
        (b'{"Records": [{"a": "\xff"}]}', "not UTF-8 at byte 21"),
        (b'{"Records": [' + b"[" * 100_000, "nested too deep"),
        (b'{"x": ' + b'{"x": ' * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_cloudtrail_file(data, said):
    assert said in refusal(data, "cloudtrail")


def test_a_damaged_cloudtrail_file_yields_nothing():
    with pytest.raises(EventError):
        next(split_events(CLOUDTRAIL[:-3], "cloudtrail"))


def test_json_lines():
    data = b'{"a": 1} \n\n  \r\n[2]\r\n"\xc3\xa9"\nnull'
    assert list(split_events(data, "jsonl")) == [
        Published(key=None, headers=(), value=value, time_ms=None)
        for value in (b'{"a": 1} ', b"[2]", b'"\xc3\xa9"', b"null")
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 3: not JSON: Expecting property name"),
        (b"{} {}", "line 3: not JSON: Extra data"),
        (b'"\xff"', "line 3: not UTF-8 at byte 2"),
        (b"[" * 1000, "line 3: JSON nested deeper than 128"),
        (b"\xef\xbb\xbf1", "line 3: not JSON"),
    ],
)
def test_a_line_that_is_not_json(line, said):
    events = split_events(b"1\n\n" + line + b"\n2\n", "jsonl")
    assert next(events).value == b"1"
    with pytest.raises(EventError, match="use the format raw") as error:
        next(events)
    assert said in str(error.value)


def test_a_long_line_is_refused(monkeypatch):
    monkeypatch.setattr(split, "MAX_LINE_BYTES", 10)
    assert values(b"1\n" + b"2" * 9 + b"\n" + b"3" * 10, "jsonl") == [b"1", b"2" * 9, b"3" * 10]
    assert refusal(b"1\n" + b"2" * 11, "jsonl") == "line 2 is longer than 10 bytes"


def test_lines_of_a_pipe_come_out_as_they_come_in():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as sink:
        sink.write(b"1\n")
        events = split_events(stream, "jsonl")
        first = []
        reader = threading.Thread(target=lambda: first.append(next(events)))
        reader.start()
        reader.join(60)
        assert [event.value for event in first] == [b"1"]
        sink.write(b"2\n3")
        sink.close()
        assert [event.value for event in events] == [b"2", b"3"]


def test_lines_are_read_in_bounded_memory():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            assert 0 < size <= 1 << 16
            self.given += size
            return (b"1\n" * size)[:size]

    stream = Endless()
    events = split_events(stream, "jsonl")
    assert [next(events).value for _ in range(10)] == [b"1"] * 10
    assert stream.given <= 1 << 16


def test_the_stream_stays_open():
    stream = io.BytesIO(b"1\n2\n")
    assert len(list(split_events(stream, "jsonl"))) == 2
    assert not stream.closed


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (EVENT, [EVENT]),
        (PRETTY + b"\n", [PRETTY]),
        (EVENT + b"\n\n" + EVENT + b"\r\n", [EVENT, EVENT]),
        (PRETTY + EVENT, [PRETTY, EVENT]),
        (b" [ " + EVENT + b" ,\n" + PRETTY + b"]\n", [EVENT, PRETTY]),
        (b"[]", []),
        (b"", []),
    ],
    ids=["one", "pretty", "lines", "joined", "batch", "empty_batch", "empty"],
)
def test_cloudevents(data, expected):
    assert values(data, "cloudevents") == expected


def test_cloudevents_carry_the_header_of_structured_mode_and_their_time():
    assert next(split_events(EVENT, "cloudevents")) == Published(
        key=None,
        headers=((b"content-type", b"application/cloudevents+json; charset=UTF-8"),),
        value=EVENT,
        time_ms=1000,
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" + EVENT, "']' expected"),
        (b"[" + EVENT + b"] " + EVENT, "nothing more expected"),
        (EVENT + b"\nx", "Expecting value at line 2, column 1"),
        (EVENT + b"5", "event 2 is not a CloudEvent: not an object"),
        (b'{"specversion":"1.0","id":"","source":"s","type":"t"}', 'event 1 is not a CloudEvent: no "id"'),
        (b'{"specversion":"1.0","id":"1","source":5,"type":"t"}', 'event 1 is not a CloudEvent: no "source"'),
    ],
)
def test_what_is_no_cloudevent(data, said):
    assert said in refusal(data, "cloudevents")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\xff\r\n", gzip.compress(b"1", mtime=0), b"\xef\xbb\xbf{}"],
    ids=["empty", "binary", "gzip", "byte order mark"],
)
def test_raw_is_the_file_as_it_is(data):
    assert list(split_events(data, "raw")) == [Published(key=None, headers=(), value=data, time_ms=None)]


@pytest.mark.parametrize(
    ("data", "event_format"),
    [(CLOUDTRAIL, "cloudtrail"), (EVENT, "cloudevents"), (b"1\n2", "jsonl")],
)
def test_gzip_and_byte_order_mark_are_undone(data, event_format):
    plain = list(split_events(data, event_format))
    assert list(split_events(gzip.compress(data), event_format)) == plain
    assert list(split_events(b"\xef\xbb\xbf" + data, event_format)) == plain
    assert list(split_events(io.BytesIO(gzip.compress(b"\xef\xbb\xbf" + data)), event_format)) == plain


@pytest.mark.parametrize("event_format", ["cloudtrail", "cloudevents", "jsonl"])
@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"1\n" * 100)[:-9],
        gzip.compress(b"1\n")[:-8] + bytes(8),
        b"\x1f\x8b",
        b"\x1f\x8b" + b"x" * 50,
        gzip.compress(b"1\n")[:10] + b"\xff" * 20,
    ],
    ids=["cut", "checksum", "magic", "header", "deflate"],
)
def test_damaged_gzip(data, event_format):
    assert refusal(data, event_format).startswith("damaged gzip: ")


@pytest.mark.parametrize("event_format", ["cloudtrail", "cloudevents", "raw"])
def test_a_large_file_is_refused(monkeypatch, event_format):
    monkeypatch.setattr(split, "MAX_FILE_BYTES", 1000)
    assert "larger than 1000 bytes" in refusal(b" " * 1001, event_format)
    if event_format != "raw":
        assert "larger than 1000 bytes" in refusal(gzip.compress(b" " * 10_000_000), event_format)


def test_a_failing_disk_is_not_called_a_bad_file():
    class Failing(io.BytesIO):
        def read1(self, _size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        list(split_events(Failing(b"1\n"), "jsonl"))


def test_unknown_format():
    assert (
        refusal(b"", "xml")
        == "no event format is called 'xml'; there are jsonl, cloudevents, cloudtrail, raw"
    )


@unhurried
@given(st.binary(), st.sampled_from(EVENT_FORMATS))
def test_arbitrary_bytes_are_split_or_refused(data, event_format):
    try:
        events = values(data, event_format)
    except EventError:
        return
    assert all(event in data for event in events)


@unhurried
@given(st.integers(0, len(CLOUDTRAIL)), st.binary(max_size=3))
def test_damaged_files_are_split_or_refused(position, damage):
    data = CLOUDTRAIL[:position] + damage + CLOUDTRAIL[position + 1 :]
    try:
        events = values(data, "cloudtrail")
    except EventError:
        return
    assert all(event in data for event in events)


@pytest.mark.skipif(not DATA.is_dir(), reason="the CloudTrail files are not there")
def test_every_real_file_is_split_byte_for_byte():
    count = 0
    for path in sorted(DATA.glob("*.json")):
        data = path.read_bytes()
        events = list(split_events(data, "cloudtrail"))
        assert b'{"Records":[' + b",".join(event.value for event in events) + b"]}\n" == data
        assert [json.loads(event.value) for event in events] == json.loads(data)["Records"]
        assert all(event.time_ms for event in events)
        count += len(events)
    assert count == 1469
