"""KafkaAssignment: who works on which partition, as processes come, go, die and return."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import OFFSET_INVALID, ConsumerGroupTopicPartitions, TopicPartition

from contracts.log_contract import value_records
from sealtrail_transport.errors import TopicMissingError, WriterFencedError
from sealtrail_transport.kafka_assignment import KafkaAssignment, Share

pytestmark = pytest.mark.containers

PATIENCE_S = 60


class Member:
    """A process's share, and what it was told."""

    def __init__(self, cluster, topic, instance, *, group=None, **properties):
        self.told = []
        self.assignment = KafkaAssignment(
            cluster.settings(**properties),
            [topic],
            group=group or topic,
            instance=instance,
            on_assign=lambda shares: self.told.append(("assign", numbers(shares))),
            on_revoke=lambda shares: self.told.append(("revoke", numbers(shares))),
            on_lost=lambda shares: self.told.append(("lost", numbers(shares))),
        )

    @property
    def share(self):
        return numbers(self.assignment.assigned())


def numbers(shares):
    return {share.partition for share in shares}


def poll_until(members, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, [(member.share, member.told) for member in members]
        for member in members:
            member.assignment.poll(timeout_s=0.05)


@pytest.fixture
def topic(log, name):
    log.create_topic(name, partitions=4, append_time=False)
    return name


def test_one_process_works_on_all_partitions_and_reads_none(cluster, log, topic, name):
    for partition in range(4):
        log.writer(topic, partition, name=f"{name} {partition}").append(value_records(b"x", b"y"))
    one = Member(cluster, topic, "one")
    poll_until([one], lambda: one.share == {0, 1, 2, 3})
    assert one.told == [("assign", {0, 1, 2, 3})]
    one.assignment.poll(timeout_s=0.5)
    partitions = [TopicPartition(topic, partition) for partition in range(4)]
    assert {each.offset for each in one.assignment._consumer.position(partitions)} == {OFFSET_INVALID}
    one.assignment.close()
    assert one.told == [("assign", {0, 1, 2, 3}), ("revoke", {0, 1, 2, 3})]
    assert one.share == set()


def test_a_second_process_takes_half_and_the_other_half_is_not_stopped(cluster, topic):
    one = Member(cluster, topic, "one")
    poll_until([one], lambda: len(one.share) == 4)
    two = Member(cluster, topic, "two")
    poll_until([one, two], lambda: len(one.share) == len(two.share) == 2)
    assert one.share | two.share == {0, 1, 2, 3}
    revoked = set().union(*(shares for what, shares in one.told if what == "revoke"))
    assert revoked == two.share
    for member in (one, two):
        member.assignment.close()


def test_a_process_that_returns_has_its_partitions_again_and_the_other_notices_nothing(cluster, topic):
    one, two = Member(cluster, topic, "one"), Member(cluster, topic, "two")
    poll_until([one, two], lambda: len(one.share) == len(two.share) == 2)
    before, told = one.share, list(two.told)
    one.assignment.close()
    again = Member(cluster, topic, "one")
    poll_until([again, two], lambda: again.share == before)
    assert two.told == told
    for member in (again, two):
        member.assignment.close()


def test_two_processes_under_one_name_are_told(cluster, topic):
    one = Member(cluster, topic, "one")
    poll_until([one], lambda: len(one.share) == 4)
    double = Member(cluster, topic, "one")
    with pytest.raises(WriterFencedError, match="another process has joined under the same instance name"):
        poll_until([double, one], lambda: False)
    double.assignment.close()


def test_hints_can_be_seen_by_the_groups_monitors(cluster, log, topic):
    one = Member(cluster, topic, "one")
    poll_until([one], lambda: len(one.share) == 4)
    one.assignment.hint(Share(topic, 2), 17)
    one.assignment.hint(Share("not ours", 2), 17)
    seen = {}

    def is_committed():
        wanted = [ConsumerGroupTopicPartitions(topic)]
        (future,) = log._admin._client.list_consumer_group_offsets(wanted).values()
        seen.update({each.partition: each.offset for each in future.result().topic_partitions})
        return bool(seen)

    poll_until([one], is_committed)
    assert seen == {2: 17}
    one.assignment.close()


def test_a_missing_topic_is_an_error(cluster, name):
    one = Member(cluster, name, "one")
    with pytest.raises(TopicMissingError, match=name):
        poll_until([one], lambda: False)
    one.assignment.close()


def test_an_error_of_a_listener_comes_out_of_poll(cluster, topic):
    one = Member(cluster, topic, "one")

    def fail(_):
        raise ValueError("the worker did not start")

    one.assignment._on_assign = fail
    with pytest.raises(ValueError, match="did not start"):
        poll_until([one], lambda: False)
    one.assignment.close()
