"""`sealtrail chain` and `sealtrail archive` on a real broker and a real store."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from command_line import INTERRUPT, TERMINATE, await_true
from services.stack import SESSION_MS

pytestmark = pytest.mark.containers


def in_order(values):
    """By key: what was published under one key stands in one partition, in its order."""
    numbers = [json.loads(value)["n"] for value in values]
    return all(
        [number for number in numbers if number % 10 == key]
        == sorted(number for number in numbers if number % 10 == key)
        for key in range(10)
    )


def await_chained(stack, count):
    await_true(lambda: sum(map(len, stack.chained().values())) == count, f"{count} events to be chained")


def await_sealed(stack):
    def all_sealed():
        return all(trail["unchained"] == trail["unsealed"] == 0 for trail in stack.status())

    await_true(all_sealed, "all to be sealed")


def cloudtrail_file(stack, records):
    file = stack.folder / "cloudtrail.json"
    file.write_text(
        json.dumps(
            {
                "Records": [
                    {"eventVersion": "1.08", "eventTime": "2026-01-01T00:00:00Z", "eventID": str(number)}
                    for number in range(records)
                ]
            }
        )
    )
    return str(file)


def test_two_chainers_and_two_archivers_share_three_partitions(stack):
    stack.init("--create-raw", "--partitions", "3")
    with ExitStack() as held:
        chainers = [held.enter_context(stack.service("chain", instance=name)) for name in ("one", "two")]
        archivers = [
            held.enter_context(stack.service("archive", "--batch-age", "200ms", instance=name))
            for name in ("one", "two")
        ]
        for each in (*chainers, *archivers):  # the third partition goes to one of them
            await_true(lambda each=each: each.events("recovered"), "each to have a partition")
        stack.publish(1000)
        answer = stack.call("produce", "--format", "cloudtrail", cloudtrail_file(stack, 200))
        assert "Published 200 events" in answer.stdout
        stack.publish(1000, start=1000)
        await_chained(stack, 2200)
        await_sealed(stack)
        for each in (*chainers, *archivers):
            assert each.end(TERMINATE) == 0, each.told
            assert [told["level"] for told in each.told if told["level"] != "info"] == []
        seals = [told for each in archivers for told in each.events("sealed")]
    assert stack.chained() == stack.published()
    assert all(
        in_order([value for value in values if b'"n"' in value]) for values in stack.chained().values()
    )
    report = stack.verify()
    assert sum(int(trail["size"]) for trail in report["trails"]) == 2200 + 3
    assert sum(seal["entries"] for seal in seals) == 2200 + 3
    assert seals[0].keys() >= {"origin", "size", "entries", "bytes", "batch", "retain_until", "lag_s"}


@pytest.mark.parametrize(("number", "code"), [(TERMINATE, 0), (INTERRUPT, 130)])
def test_a_signal_ends_a_service_and_the_next_start_goes_on(stack, number, code):
    stack.init("--create-raw")
    with stack.service("chain") as chainer, stack.service("archive", "--batch-age", "1h") as archiver:
        stack.publish(50)
        await_chained(stack, 50)
        archiver.await_event("recovered")
        assert chainer.end(number) == code
        assert archiver.end(number) == code
        assert chainer.told[-1]["event"] == archiver.told[-1]["event"] == "ended"
        assert not archiver.events("sealed")
    stack.publish(50, start=50)
    for command in ("chain", "archive"):
        with stack.service(command, "--drain") as service:
            assert service.await_end() == 0, service.told
    assert len(stack.chained()[0]) == 100
    assert stack.verify()["trails"][0]["size"] == "101"


def test_who_is_killed_gets_its_partitions_back_at_once(stack):
    """Static membership: no waiting for the session of the dead to end."""
    stack.init("--create-raw")
    with stack.service("chain", "-X", "session.timeout.ms=45000") as chainer:
        chainer.await_event("recovered")
        chainer.process.kill()
    with stack.service("chain", "-X", "session.timeout.ms=45000") as chainer:
        stack.publish(5)
        await_chained(stack, 5)
        assert chainer.end(TERMINATE) == 0


def test_what_one_gave_back_goes_to_the_other(stack):
    stack.init("--create-raw", "--partitions", "2")
    with stack.service("chain", instance="one") as one:
        one.await_event("assigned", partitions="0,1")
        with stack.service("chain", instance="two") as two:
            two.await_event("recovered")
            assert one.events("revoked")
            assert two.end(TERMINATE) == 0
            # `two` is gone for good: its share is given out anew once its session is over.
            stack.publish(40)
            await_chained(stack, 40)
        assert SESSION_MS < 45_000
        assert not one.events("fenced")
        assert one.end(TERMINATE) == 0


def test_a_topic_made_anew_stops_the_line_and_no_restart_passes_it(stack):
    stack.init("--create-raw")
    with stack.service("chain") as chainer:
        stack.publish(20)
        await_chained(stack, 20)
        stack.delete_topic(stack.name)
        stack.make_raw(1)
        assert chainer.await_end() == 3
        stopped = chainer.await_event("stopped")
    assert stopped["code"] == "topic-recreated"
    (file,) = stack.data.glob("stopped-*.json")
    assert stopped["evidence"] == str(file.relative_to(stack.folder))
    assert json.loads(file.read_text())["origin"] == f"audit.example.com/{stack.name}/0"
    for command in ("chain", "archive"):
        with stack.service(command) as again:
            assert again.await_end() == 3
            assert f"move {file.relative_to(stack.folder)} away" in again.await_event("stopped")["text"]
    assert stack.call("status").exit_code == 3


def test_retention_that_overtook_the_chainer_stops_the_line_and_names_the_offsets(stack):
    stack.init("--create-raw")
    stack.publish(30)
    with stack.service("chain", "--drain") as chainer:
        assert chainer.await_end() == 0
    stack.publish(30, start=30)
    stack.log.trim(stack.name, 0, 45)  # as retention would
    with stack.service("chain") as chainer:
        assert chainer.await_end() == 3
        stopped = chainer.await_event("stopped")
    assert stopped["code"] == "raw-overtaken"
    assert "offsets 30 to 44 were deleted" in stopped["text"]
    assert (stopped["first_lost"], stopped["first_kept"]) == (30, 45)


def test_retention_that_overtakes_a_chainer_that_runs(stack):
    """Suspended while it runs, it wakes to find records gone.

    The broker answers the fetch that is under way, and its answer outlives the records: it must hold none
    but the first batch, or there is no gap to find.
    """
    stack.init("--create-raw")
    with stack.service("chain", "-X", "fetch.message.max.bytes=1") as chainer:
        stack.publish(10)
        await_chained(stack, 10)
        chainer.suspend()
        stack.publish(1, start=10)
        stack.publish(9, start=11)
        stack.log.trim(stack.name, 0, 15)
        chainer.resume()
        assert chainer.await_end() == 3
        assert chainer.await_event("stopped")["code"] == "raw-overtaken"


def test_partitions_that_came_since_wait_for_their_trail(stack):
    stack.make_raw(1)
    stack.init()
    quick = ("-X", "topic.metadata.refresh.interval.ms=500")
    with stack.service("chain", *quick) as chainer:
        chainer.await_event("assigned", partitions="0")
        stack.topics.add_partitions(stack.name, 2)
        chainer.await_event("no-trail", partition=1)
        stack.init()
        chainer.await_event("recovered", origin=f"audit.example.com/{stack.name}/1")
        stack.publish(20)
        await_chained(stack, 20)
        assert chainer.end(TERMINATE) == 0


def test_a_health_file_is_touched_while_all_is_well(stack):
    stack.init("--create-raw")
    file = stack.folder / "healthy"
    with stack.service("archive", "--health-file", str(file)):
        await_true(file.exists, "the file to be touched")
        before = file.stat().st_mtime_ns
        await_true(lambda: file.stat().st_mtime_ns > before, "the file to be touched again")


def test_a_second_process_of_one_name_ends_the_first(stack):
    stack.init("--create-raw")
    with stack.service("chain") as first:
        first.await_event("recovered")
        with stack.service("chain") as second:
            second.await_event("recovered")
            assert first.await_end() == 5
            assert "same instance name" in first.await_event("failed")["error"]
            assert second.end(TERMINATE) == 0
