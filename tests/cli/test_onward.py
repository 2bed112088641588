"""`sealtrail continue` and `record-gap` on the embedded log, as operators meet them."""

import json
import sqlite3

import pytest

from command_line import await_running, call, running
from sealtrail_transport.errors import WriterFencedError
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C17")


def publish(count, start=0):
    lines = "".join(f'{{"n":{number}}}\n' for number in range(start, start + count))
    assert call("produce", "-q", "-", stdin=lines).exit_code == 0


def harm(trail, *statements):
    """Do to the log what only a broken disk or a backup does."""
    with sqlite3.connect(trail / "log.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def delete_topic(trail, name="events.chained"):
    with sqlite3.connect(trail / "log.db") as database:
        partitions = "SELECT id FROM partitions WHERE topic = ?"
        database.execute(f"DELETE FROM records WHERE partition_id IN ({partitions})", (name,))  # noqa: S608
        database.execute("DELETE FROM partitions WHERE topic = ?", (name,))
        database.execute("DELETE FROM topics WHERE name = ?", (name,))
    database.close()


def cut_off(trail):
    harm(
        trail,
        "DELETE FROM records WHERE offset >= 2 AND partition_id IN "
        "(SELECT id FROM partitions WHERE topic = 'events.chained')",
        "UPDATE partitions SET end_offset = 2 WHERE topic = 'events.chained'",
    )


def lose_start(trail, topic, offset):
    with SqliteLog(trail / "log.db") as log:
        log.trim(topic, 0, offset)


@pytest.fixture
def office(trail):
    """A trail with three events sealed and two more published."""
    publish(3)
    assert call("up", "--drain").exit_code == 0
    publish(2, 3)
    return trail


def stop():
    """Let the line stop; returns what the next start says."""
    answer = call("up", "--drain")
    assert answer.exit_code == 3, answer.output
    return call("up", "--drain").stderr


def act(*arguments, check=0):
    answer = call(*arguments, "--reason", "a test", "--yes")
    assert answer.exit_code == check, answer.output
    return answer


def goes_on(events):
    """The pipeline runs again; all events are in the trail, and it verifies."""
    answer = call("up", "--drain")
    assert answer.exit_code == 0, answer.stderr
    answer = call("verify", "--json")
    (told,) = json.loads(answer.stdout)["trails"]
    assert [finding["code"] for finding in told["findings"]] == ["ST-LOCK-NONE"]  # it is a plain folder
    assert int(told["size"]) == 1 + events + 1


def left(trail, name):
    return [path.name for path in trail.glob(f"{name}-*.json")]


def test_a_chained_topic_that_is_cut_off_is_continued(office):
    cut_off(office)
    assert "see `sealtrail continue --dry-run`, or move" in stop()
    (kept,) = left(office, "stopped")
    shown = call("continue", "--dry-run").stdout
    assert "chained-truncated: events.chained ends at offset 2" in shown
    assert kept in shown
    assert "to state  continuation, as entry 4: the trail goes on in topic events.chained after" in shown
    assert left(office, "stopped") == [kept]
    answer = act("continue")
    assert "entry 4 states it" in answer.stdout
    assert left(office, "stopped") == []
    assert left(office, "resolved") == [kept.replace("stopped", "resolved")]
    goes_on(5)


def test_a_chained_topic_that_is_gone_is_made_anew(office):
    delete_topic(office)
    assert "topic-recreated" in call("continue", "--dry-run").stdout
    with SqliteLog(office / "log.db") as log, pytest.raises(Exception, match="no topic"):
        log.topic("events.chained")
    act("continue")
    goes_on(5)


def test_a_raw_topic_that_is_gone_needs_a_successor(office):
    delete_topic(office, "events")
    answer = call("continue", "--dry-run")
    assert (answer.exit_code, "see `sealtrail init --succeed`" in answer.stderr) == (5, True)
    delete_topic(office)
    assert call("record-gap", "--dry-run").exit_code == 5


def test_a_gap_in_the_raw_topic_is_recorded(office):
    lose_start(office, "events", 4)
    assert "see `sealtrail record-gap --dry-run`" in stop()
    shown = call("record-gap", "--dry-run").stdout
    assert "gap, as entry 4: 1 record at most, at offsets 3 to 3 of topic events, were lost" in shown
    act("record-gap")
    goes_on(4)


@pytest.mark.parametrize(
    ("harmed", "wrong", "right"),
    [
        (cut_off, "record-gap", "sealtrail continue --dry-run"),
        (lambda trail: lose_start(trail, "events", 4), "continue", "sealtrail record-gap --dry-run"),
    ],
    ids=["continue", "record-gap"],
)
def test_the_wrong_way_is_refused_with_the_name_of_the_right_one(office, harmed, wrong, right):
    harmed(office)
    stop()
    for arguments in ((wrong, "--dry-run"), (wrong, "--reason", "a test", "--yes")):
        answer = call(*arguments)
        assert answer.exit_code == 2
        assert f"That is not for `sealtrail {wrong}`: see `{right}`" in answer.stderr
    assert len(left(office, "stopped")) == 1


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize(("way", "told"), [("continue", "nothing stops"), ("record-gap", "there is no gap")])
def test_without_a_stop_nothing_is_done(way, told):
    answer = act(way, check=2)
    assert told in answer.stderr


def test_evidence_of_what_stops_no_more_is_renamed(office):
    """As after a run that was killed behind the seal; or where the cause was mended."""
    cut_off(office)
    stop()
    (kept,) = left(office, "stopped")
    evidence = (office / kept).read_bytes()
    act("continue")
    (office / kept).write_bytes(evidence)
    assert "continuation, as entry 4: what is left is completed" in call("continue", "--dry-run").stdout
    act("continue")
    assert left(office, "stopped") == []
    goes_on(5)


def test_a_cause_that_was_mended_leaves_nothing_to_state(office):
    whole = (office / "log.db").read_bytes()
    cut_off(office)
    stop()
    (office / "log.db").write_bytes(whole)
    assert "nothing stops it any more; the evidence is renamed" in call("continue", "--dry-run").stdout
    assert "nothing stops it any more" in act("continue").stdout
    assert (left(office, "stopped"), len(left(office, "resolved"))) == ([], 1)
    assert call("up", "--drain").exit_code == 0
    assert json.loads(call("verify", "--json").stdout)["trails"][0]["kinds"] == {"event": "5", "genesis": "1"}


def test_a_reason_and_a_confirmation_are_asked_for(office):
    cut_off(office)
    answer = call("continue", "--yes")
    assert (answer.exit_code, "say why with --reason TEXT" in answer.stderr) == (2, True)
    answer = call("continue", "--reason", "a\ntest", "--yes")
    assert (answer.exit_code, "in one line" in answer.stderr) == (2, True)
    answer = call("continue", "--reason", "a test")
    assert (answer.exit_code, "Say so with --yes" in answer.stderr) == (2, True)
    stop()


def test_a_pipeline_that_runs_is_not_gone_behind(office):
    with running("up", cwd=office.parent) as child:
        await_running(child, office)
        answer = act("continue", check=5)
        assert "is in use by process" in answer.stderr


def test_a_chainer_that_runs_elsewhere_is_named(office, monkeypatch):
    def fenced(*_, **__):
        raise WriterFencedError("a newer writer was opened")

    cut_off(office)
    monkeypatch.setattr("sealtrail_archiver.onward.append_control", fenced)
    assert "runs and has taken over: stop the services first" in act("continue", check=5).stderr


def test_without_the_signing_key_nothing_is_stated(office):
    cut_off(office)
    (office / "keys" / "events-0.key").unlink()
    assert "restore it from its backup" in act("continue", check=5).stderr


def test_what_is_done_as_json(office):
    cut_off(office)
    stop()
    (kept,) = left(office, "stopped")
    planned = json.loads(call("continue", "--dry-run", "--json").stdout)
    done = json.loads(act("continue", "--json").stdout)
    assert planned == {
        "origin": "audit.example.com/events/0",
        "stop": "chained-truncated",
        "evidence": f".sealtrail/{kept}",
        "control": "continuation",
        "sequence": 4,
        "done": False,
    }
    assert done == planned | {"done": True}
