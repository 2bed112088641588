"""Real CloudTrail events: sealed, replayed to a real broker, sealed again there, and compared."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from command_line import call
from sealtrail_schemas.recognise import recognise
from sealtrail_schemas.split import split_events
from sealtrail_transport.log import NewRecord
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = [pytest.mark.containers, pytest.mark.claim("C13")]

FILES = sorted((Path(__file__).parents[3] / "shared" / "data" / "cloudtrail").glob("*.json"))
PARTITIONS = 2


def published() -> list[list[NewRecord]]:
    """The events of each partition, with keys and headers (some odd), at the time when they happened."""
    records: list[list[NewRecord]] = [[] for _ in range(PARTITIONS)]
    for file in FILES:
        for event in split_events(file.read_bytes(), "cloudtrail"):
            place = sum(map(len, records))
            found = recognise(None, (), event.value)
            headers = (
                (b"file", file.name.encode()),
                (b"n", None),
                (b"n", b"%d" % place),
                (b"n", b"\xff\x00"),
            )
            record = NewRecord(
                None if place % 7 == 0 else found.actor.encode(),
                event.value,
                headers[: place % 5],
                found.time_ms,
            )
            records[place % PARTITIONS].append(record)
            if place % 100 == 0:  # and a tombstone now and then
                records[place % PARTITIONS].append(NewRecord(b"gone", None, (), found.time_ms))
    return records


def archived(archive, *arguments, env=None) -> list[list[NewRecord]]:
    """What an archive holds, read back from verified batches."""
    answer = call("replay", archive, *arguments, "--into", "-", "--base64", env=env)
    assert answer.exit_code == 0, answer.stderr
    records: list[list[NewRecord]] = [[] for _ in range(PARTITIONS)]
    for line in answer.stdout.splitlines():
        members = json.loads(line)
        headers = tuple((data(each["key_base64"]), data(each["value_base64"])) for each in members["headers"])
        key, value = data(members["key_base64"]), data(members["value_base64"])
        records[members["partition"]].append(NewRecord(key, value, headers, members["timestamp_ms"]))
    return records


def data(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


@pytest.mark.skipif(not FILES, reason="the CloudTrail files are not here")
def test_every_key_header_value_and_timestamp_comes_back(stack, monkeypatch):
    monkeypatch.setenv("SEALTRAIL_VIEWS", "false")
    originals = published()
    first = ["--data", "first"]
    options = ["--archive", "folder", "--topic", stack.name, "--partitions", str(PARTITIONS)]
    assert call("init", *first, "--base", "audit.example.com", *options).exit_code == 0
    with SqliteLog("first/log.db") as log:
        for partition, records in enumerate(originals):
            log.append_events(stack.name, partition, records)
    assert call("up", "--drain", *first).exit_code == 0
    assert archived("first", "--policy", "first/policy") == originals

    into = ["--into", stack.log_address, "--topic", stack.name, "--create-topic"]
    for found in (0, sum(map(len, originals))):  # the second run has nothing left to do
        answer = call("replay", "first", *into, "--json")
        assert answer.exit_code == 0, answer.stderr
        assert json.loads(answer.stdout)["found"] == found

    stack.init()
    stack.drain()
    stack.verify()
    second = archived(
        stack.archive, "--policy", stack.data / "policy", *stack.store_options, env=stack.environment
    )
    assert second == originals
    assert sum(map(len, second)) == 1_469 + 15
