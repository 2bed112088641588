"""`sealtrail produce`: what reaches the topic, and what is said of files that do not."""

import gzip
import json
from pathlib import Path

import pytest

from command_line import call
from sealtrail_transport.sqlite_log import SqliteLog

CLOUDTRAIL = Path(__file__).parents[3] / "shared/data/cloudtrail"


@pytest.fixture
def published(trail):
    """All records of the raw topic."""

    def read():
        with SqliteLog(trail / "log.db") as log:
            return log.read("events", 0, 0, max_records=10**6, max_bytes=10**9).records

    return read


def test_lines_as_they_stand(published):
    Path("a.jsonl").write_bytes(b'{"b":1, "a" : 2}\n\n[1,2]')
    answer = call("produce", "a.jsonl", "-", stdin='{"from": "a pipe"}\n')
    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout == "Published 3 events to topic events, acknowledged by the log.\n"
    values = [record.value for record in published()]
    assert values == [b'{"b":1, "a" : 2}', b"[1,2]", b'{"from": "a pipe"}']


def test_compressed(published):
    Path("a.jsonl.gz").write_bytes(gzip.compress(b'{"a":1}\n'))
    assert call("produce", "a.jsonl.gz").exit_code == 0
    assert [record.value for record in published()] == [b'{"a":1}']


def test_any_bytes(published):
    Path("blob").write_bytes(bytes(range(256)))
    assert call("produce", "--format", "raw", "blob").exit_code == 0
    assert [record.value for record in published()] == [bytes(range(256))]


def test_a_cloudevent_gets_the_header_of_its_binding(published):
    event = '{"specversion":"1.0","id":"1","source":"/s","type":"t"}'
    assert call("produce", "--format", "cloudevents", "-", stdin=event).exit_code == 0
    (record,) = published()
    assert record.value == event.encode()
    assert record.headers[0][0] == b"content-type"


@pytest.mark.skipif(not CLOUDTRAIL.is_dir(), reason="the real audit data is not here")
def test_real_cloudtrail(published):
    files = sorted(CLOUDTRAIL.glob("*.json"))
    answer = call("produce", "--json", "--format", "cloudtrail", *files)
    assert json.loads(answer.stdout) == {
        "topic": "events",
        "published": 1469,
        "acknowledged": 1469,
        "failed": 0,
    }
    whole = b"".join(file.read_bytes() for file in files)
    records = published()
    assert len(records) == 1469
    assert all(record.value in whole for record in records[::100])


def test_what_was_published_before_a_bad_line_stays(published):
    Path("good.jsonl").write_text('{"n":1}\n')
    Path("bad.jsonl").write_text('{"n":2}\n{"n":\n{"n":4}\n')
    answer = call("produce", "good.jsonl", "bad.jsonl", "good.jsonl")
    assert answer.exit_code == 2
    assert answer.stdout == "Published 2 events to topic events, acknowledged by the log.\n"
    assert answer.stderr.startswith("Error: bad.jsonl: line 2: not JSON")
    assert answer.stderr.count("\n") == 1
    assert [record.value for record in published()] == [b'{"n":1}', b'{"n":2}']


@pytest.mark.usefixtures("trail")
def test_a_bad_line_of_a_pipe():
    answer = call("produce", "-", stdin="nope")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("Error: standard input: line 1: ")
    assert answer.stdout == "Published nothing.\n"


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_can_not_be_read(name):
    answer = call("produce", name)
    assert answer.exit_code == 5
    assert f"Error: {name}: " in answer.stderr


def test_an_event_that_the_log_refuses_is_named_and_the_others_stay(published):
    Path("large").write_bytes(bytes(17 * 2**20))
    Path("small").write_bytes(b"small")
    answer = call("produce", "--format", "raw", "small", "large", "small")
    assert answer.exit_code == 5
    assert "1 event was not published: large, event 1: " in answer.stderr
    assert "Published 2 events" in answer.stdout
    assert [record.value for record in published()] == [b"small", b"small"]


def test_an_event_of_five_megabytes(published):
    Path("large").write_bytes(bytes(5 * 2**20))
    assert call("produce", "--format", "raw", "large").exit_code == 0
    assert len(published()[0].value) == 5 * 2**20


@pytest.mark.usefixtures("trail")
def test_nothing_at_all():
    answer = call("produce", "-", stdin="")
    assert answer.exit_code == 0
    assert answer.stdout == "Published nothing.\n"
