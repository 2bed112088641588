"""Every way onward from a stopped line, on a real broker and a real store: `verify` is content behind it."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, ResourceType

from command_line import await_true

pytestmark = [pytest.mark.containers, pytest.mark.claim("C17")]


def stopped(stack, service="chain"):
    """Start a service that stops the line; returns why."""
    answer = stack.call(service, "--drain", "--instance", "one", "--log-format", "json")
    assert answer.exit_code == 3, answer.output
    (told,) = [line for line in map(json.loads, answer.stderr.splitlines()) if line["event"] == "stopped"]
    return told["code"]


def take(stack, way, *arguments):
    """Look at a way onward, and take it."""
    shown = stack.call(way, "--dry-run", *arguments)
    assert shown.exit_code == 0, shown.output
    answer = stack.call(way, "--yes", "--reason", "a test", *arguments)
    assert answer.exit_code == 0, answer.output
    assert not list(stack.data.glob("stopped-*.json"))


def goes_on(stack, events, told):
    """Chain and seal what is there, and verify: the whole trail is intact, and says what was done."""
    stack.drain()
    (trail,) = stack.verify()["trails"]
    assert (int(trail["kinds"]["event"]), trail["kinds"]["control"]) == (events, "1")
    answer = stack.call(
        *("verify", "--policy", str(stack.data / "policy"), stack.archive, *stack.store_options)
    )
    assert answer.exit_code == 0, answer.output
    assert told in answer.output


def begun(stack):
    """A trail with five events sealed, and three more chained."""
    stack.init("--create-raw")
    stack.publish(5)
    stack.drain()
    stack.publish(3, start=5)
    stack.drain("chain")


def broken(told):
    """Codes of promises that `doctor` found broken."""
    return {each["code"] for each in json.loads(told)["results"] if each["status"] == "failed"}


def delete_records(stack, topic, offset):
    admin = AdminClient({"bootstrap.servers": stack.cluster.address})
    for future in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        future.result(30)


def test_a_chained_topic_that_was_deleted_is_made_anew_and_gone_on_with(stack):
    begun(stack)
    stack.delete_topic(f"{stack.name}.chained")
    take(stack, "continue")
    goes_on(stack, 8, "topic-recreated")


@pytest.mark.full
def test_a_chained_topic_that_somebody_made_anew_is_gone_on_with(stack):
    begun(stack)
    stack.delete_topic(f"{stack.name}.chained")
    stack.make_topic(
        f"{stack.name}.chained",
        1,
        {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": "20971520",
        },
    )
    assert stopped(stack) == "topic-recreated"
    take(stack, "continue")
    goes_on(stack, 8, "topic-recreated")


@pytest.mark.full
def test_chained_records_that_were_deleted_before_they_were_sealed_are_chained_again(stack):
    begun(stack)
    delete_records(stack, f"{stack.name}.chained", stack.log.bounds(f"{stack.name}.chained", 0).end)
    assert stopped(stack) == "chained-overtaken"
    take(stack, "continue")
    goes_on(stack, 8, "chained-overtaken")


@pytest.mark.full
def test_a_gap_in_the_raw_topic_is_recorded(stack):
    begun(stack)
    stack.publish(4, start=8)
    delete_records(stack, stack.name, stack.log.bounds(stack.name, 0).end - 2)
    assert stopped(stack) == "raw-overtaken"
    take(stack, "record-gap")
    stack.publish(1, start=12)
    goes_on(stack, 8 + 2 + 1, "were lost before they could be chained")


def test_keys_are_changed_between_services_and_an_old_one_seals_no_more(stack):
    begun(stack)
    keys = {path.name: path.read_bytes() for path in (stack.data / "keys").iterdir()}
    policy = (stack.data / "policy").read_bytes()
    take(stack, "rotate-key")
    stack.publish(2, start=8)
    renewed = {path.name: path.read_bytes() for path in (stack.data / "keys").iterdir()}
    new_policy = (stack.data / "policy").read_bytes()
    for name, content in keys.items():
        (stack.data / "keys" / name).write_bytes(content)
    (stack.data / "policy").write_bytes(policy)
    answer = stack.call("archive", "--drain", "--instance", "one", "--log-format", "json")
    assert answer.exit_code == 2
    assert "this archiver has the old one" in answer.stderr
    for name, content in renewed.items():
        (stack.data / "keys" / name).write_bytes(content)
    (stack.data / "policy").write_bytes(new_policy)
    goes_on(stack, 10, "key")
    (stack.data / "policy").write_bytes(policy)
    stack.verify()  # the old policy leads to the new key


@pytest.mark.full
@pytest.mark.parametrize("keys", [(), ("--new-keys",)], ids=["same key", "new key"])
def test_a_raw_topic_that_was_made_anew_gets_a_successor(stack, keys):
    begun(stack)
    stack.drain("archive")
    stack.delete_topic(stack.name)
    stack.make_raw(1)
    stack.publish(2, start=8)
    assert stopped(stack) == "topic-recreated"
    answer = stack.call("continue", "--dry-run")
    assert (answer.exit_code, "see `sealtrail init --succeed`" in answer.stderr) == (2, True)
    new = ("--data", "next", "--succeed", ".sealtrail", "--reason", "a test", "--yes")
    answer = stack.call("init", *new, *keys)
    assert answer.exit_code == 0, answer.output
    assert f"{stack.name}.chained-2" in answer.stdout
    assert stack.call("chain", "--drain", "--instance", "one").exit_code == 2  # the old one has ended
    for service in ("chain", "archive"):
        answer = stack.call(service, "--drain", "--instance", "two", "--data", "next")
        assert answer.exit_code == 0, answer.output
    policy = ("--policy", str(stack.folder / "next" / "policy"))
    answer = stack.call("verify", "--json", *policy, stack.archive, *stack.store_options)
    assert answer.exit_code == 0, answer.output
    trails = json.loads(answer.stdout)["trails"]
    assert [int(trail["kinds"]["event"]) for trail in trails] in ([8, 2], [2, 8])
    examined = stack.call("doctor", "--json", "--data", "next", *stack.store_options)
    assert "ST-TRAIL-NAMESAKE" not in broken(examined.stdout)


@pytest.mark.full
def test_a_retention_that_somebody_gave_the_chained_topic_is_gone_on_from(spare):
    spare.make_raw(1)
    spare.init()
    spare.publish(5)
    spare.drain()
    spare.publish(3, start=5)
    spare.drain("chain")
    chained = f"{spare.name}.chained"
    spare.configure(
        ResourceType.TOPIC,
        chained,
        {"retention.ms": "1", "segment.ms": "100", "message.timestamp.type": None},
    )
    await_true(lambda: spare.log.bounds(chained, 0).start > 6, "retention")
    assert stopped(spare) == "chained-overtaken"
    kept = {"retention.ms": "-1", "segment.ms": None}
    spare.configure(ResourceType.TOPIC, chained, kept)
    answer = spare.call("continue", "--yes", "--reason", "a test")
    assert (answer.exit_code, "Set message.timestamp.type=LogAppendTime" in answer.stderr) == (2, True)
    spare.configure(ResourceType.TOPIC, chained, kept | {"message.timestamp.type": "LogAppendTime"})
    take(spare, "continue")
    goes_on(spare, 8, "chained-overtaken")
