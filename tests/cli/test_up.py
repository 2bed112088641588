"""`sealtrail up` and `status` on an archive in a plain folder: draining, signals, kills, one at a time."""

import json
from pathlib import Path

import pytest

from command_line import (
    INTERRUPT,
    TERMINATE,
    await_line,
    await_running,
    await_true,
    call,
    ended,
    running,
    spawn,
)
from sealtrail import evidence
from sealtrail.data_folder import DataFolder
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.leaf import Leaf, split_link
from sealtrail_transport.sqlite_log import SqliteLog


def publish(count, start=0):
    lines = "".join(f'{{"n":{number}}}\n' for number in range(start, start + count))
    assert call("produce", "-q", "-", stdin=lines).exit_code == 0


def chained(trail):
    """Sequence and value of each chained record."""
    with SqliteLog(trail / "log.db") as log:
        records = log.read("events.chained", 0, 0, max_records=10**6, max_bytes=10**9).records
    return [(Leaf.parse(split_link(record.headers[-1][1])[0]).sequence, record.value) for record in records]


def status():
    return json.loads(call("status", "--json").stdout)


def seals(trail):
    return sorted(trail.glob("store/events/0/*/seals/*.seal"))


def test_drain_chains_and_seals_what_is_there(trail):
    publish(250)
    answer = call("up", "--drain", "--batch-entries", "100")
    assert answer.exit_code == 0, answer.stderr
    assert "251 entries, 251 of them sealed" in answer.stderr
    assert "NO LOCK" in answer.stderr
    expected = [(number + 1, b'{"n":%d}' % number) for number in range(250)]
    assert chained(trail)[1:] == expected
    assert [int(path.stem) for path in seals(trail)] == [100, 200, 251]
    assert status()["sealed"] == 251
    assert status()["unchained"] == status()["unsealed"] == 0


def test_a_second_drain_finds_nothing_to_do(trail):
    publish(3)
    call("up", "--drain")
    before = seals(trail)
    assert call("up", "--drain").exit_code == 0
    assert seals(trail) == before


@pytest.mark.usefixtures("trail")
def test_each_seal_as_json():
    publish(20)
    answer = call("up", "--drain", "--json", "--quiet", "--batch-entries", "10")
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(seal["event"], seal["size"], seal["entries"]) for seal in told] == [
        ("sealed", 10, 10),
        ("sealed", 20, 10),
        ("sealed", 21, 1),
    ]
    assert answer.stderr == ""


@pytest.mark.parametrize(("number", "code"), [(INTERRUPT, 130), (TERMINATE, 0)])
def test_a_signal_seals_what_is_there_and_ends(trail, here, number, code):
    with running("up", "--batch-age", "1h", cwd=here) as child:
        await_running(child, trail)
        publish(100)
        await_true(lambda: len(chained(trail)) == 101, "all to be chained")
        assert status()["sealed"] == 0
        answer = ended(child, number)
    assert answer.returncode == code, answer.stderr
    assert status()["sealed"] == 101
    assert not (trail / "running.json").exists()


def test_a_store_that_is_not_there_is_waited_for_and_a_second_signal_ends_at_once(trail, here):
    file = trail / "deployment.toml"
    bucket = 's3://bucket"\nretention = "1d"\nendpoint_url = "http://127.0.0.1:9'
    file.write_text(file.read_text().replace("folder", bucket))
    with running("up", cwd=here, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b") as child:
        await_line(child, "waits and tries again: s3://bucket")
        child.send_signal(INTERRUPT)
        await_line(child, "sealing what is there")
        answer = ended(child, TERMINATE)
    assert answer.returncode == 130
    assert "in good order" not in answer.stderr


def test_one_at_a_time(trail, here):
    with running("up", cwd=here) as child:
        await_running(child, trail)
        answer = spawn("up", cwd=here, check=5)
        assert f"process {child.pid} (sealtrail up)" in answer.stderr
        assert answer.stderr.count("\n") == 1
        assert f"(process {child.pid})" in call("status").stdout
        ended(child, INTERRUPT)
    assert "does not run" in call("status").stdout


@pytest.mark.claim("C5")
def test_kill_9_and_the_next_start_goes_on(trail, here):
    """Killed where it stands, four times; each event is there once, in order, sealed."""
    for turn in range(4):
        publish(200, start=200 * turn)
        with running("up", "--batch-entries", "30", cwd=here) as child:
            size = 200 * turn + 40 * turn
            await_true(lambda size=size: len(chained(trail)) > size, "something to be chained")
            child.kill()
            child.wait()
    answer = call("up", "--drain")
    assert answer.exit_code == 0, answer.stderr
    assert [value for _, value in chained(trail)[1:]] == [b'{"n":%d}' % number for number in range(800)]
    assert [sequence for sequence, _ in chained(trail)] == list(range(801))
    assert status()["sealed"] == 801


@pytest.mark.claim("C6")
def test_a_stopped_line_is_written_down_and_not_restarted(trail):
    publish(3)
    call("up", "--drain")
    replace_log(trail)
    answer = call("up", "--drain")
    assert answer.exit_code == 3
    (file,) = trail.glob("stopped-*.json")
    evidence = json.loads(file.read_bytes())
    assert evidence["code"] == StopCode.TOPIC_RECREATED
    assert evidence["origin"] == "audit.example.com/events/0"
    assert file.name in answer.stderr
    again = call("up", "--drain")
    assert again.exit_code == 3
    assert f"{file.name} away to go on" in again.stderr
    assert call("status").exit_code == 3
    file.unlink()
    assert call("up", "--drain").exit_code == 3


def replace_log(trail):
    """Somebody deletes the log and makes another one in its place."""
    for path in trail.glob("log.db*"):
        path.unlink()
    with SqliteLog(trail / "log.db") as log:
        log.create_topic("events", partitions=1, append_time=False)
        log.create_topic("events.chained", partitions=1, append_time=True)


def test_evidence_names_what_was_seen(trail):
    error = LineStoppedError(StopCode.RAW_TRUNCATED, "events ends at 3", end=3, chained_up_to=5)
    file = evidence.write(DataFolder(trail), "o", error)
    told = json.loads(file.read_bytes())
    assert told["evidence"] == {"end": 3, "chained_up_to": 5}
    assert evidence.find(DataFolder(trail)) == [file]
    assert file.stat().st_mode & 0o777 == 0o600


def test_reset_begins_anew(trail):
    publish(3)
    call("up", "--drain")
    before = (trail / "policy").read_bytes()
    answer = call("up", "--drain", "--reset")
    assert answer.exit_code == 2, "it asks, and nobody is there to answer"
    assert (trail / "policy").read_bytes() == before
    answer = call("up", "--drain", "--reset", "--yes")
    assert answer.exit_code == 0, answer.stderr
    assert (trail / "policy").read_bytes() != before
    assert status()["sealed"] == 1
    assert status()["published"] == 0


def test_reset_leaves_a_bucket_alone(trail):
    file = trail / "deployment.toml"
    file.write_text(file.read_text().replace('"folder"', '"s3://bucket"') + 'retention = "7y"\n')
    answer = call("up", "--reset", "--yes")
    assert answer.exit_code == 2
    assert "s3://bucket stays until its retention ends" in answer.stderr
    assert (trail / "keys/events-0.key").exists()


@pytest.mark.usefixtures("trail")
def test_status_of_a_backlog():
    publish(2)
    call("up", "--drain")
    publish(5)
    assert status() | {"newest_seal_at": None} == {
        "origin": "audit.example.com/events/0",
        "published": 7,
        "chained": 3,
        "unchained": 5,
        "sealed": 3,
        "unsealed": 0,
        "newest_seal_at": None,
        "locked_until": None,
        "stopped": None,
        "pipeline_pid": None,
    }
    answer = call("status")
    assert "3 entries, 5 events wait" in answer.stdout
    assert "not locked" in answer.stdout
    assert "NO LOCK" in answer.stdout


def test_status_says_what_stops_a_line(trail):
    publish(2)
    call("up", "--drain")
    replace_log(trail)
    answer = call("status", "--json")
    assert answer.exit_code == 3
    assert "was made anew" in json.loads(answer.stdout)["stopped"]


def test_a_missing_key_is_one_line(trail):
    (trail / "keys/events-0.key").unlink()
    answer = call("up", "--drain")
    assert answer.exit_code == 5
    assert answer.stderr.splitlines()[-1].startswith("Error: ")
    assert "events-0.key: No such file or directory" in answer.stderr


def test_the_key_of_another_trail_is_refused(trail, here):
    spawn("init", "--archive", "folder", "--base", "b", "--data", "other", cwd=here, check=0)
    (trail / "keys/events-0.key").write_bytes(Path("other/keys/events-0.key").read_bytes())
    answer = call("up", "--drain")
    assert answer.exit_code == 2
    assert "holds the key of b/events/0" in answer.stderr
