"""Which properties of topics are refused, and of which somebody is warned."""

import pytest

from sealtrail_transport.check_result import Severity
from sealtrail_transport.kafka_topic_check import (
    ROOM_FOR_LINK_BYTES,
    TopicFacts,
    check_chained_topic,
    check_raw_topic,
)

RAW = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "max.message.bytes": "1048588",
}
CHAINED = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(1_048_588 + ROOM_FOR_LINK_BYTES),
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
}


def raw(**configs):
    return TopicFacts("payments", 3, 3, RAW | configs)


def chained(replication=3, **configs):
    return TopicFacts("payments.chained", 3, replication, CHAINED | configs)


def of(**configs):
    """A property's name has dots in it, which a keyword can't have."""
    return {name.replace("_", "."): value for name, value in configs.items()}


def test_nothing_is_wrong_with_topics_as_init_makes_them():
    assert check_raw_topic(raw()) == []
    assert check_chained_topic(chained(), raw()) == []


@pytest.mark.parametrize(
    ("configs", "code", "fix"),
    [
        (of(cleanup_policy="compact"), "chained-compacted", "cleanup.policy=delete"),
        (of(cleanup_policy="compact,delete"), "chained-compacted", "cleanup.policy=delete"),
        (of(retention_ms="604800000"), "chained-time-retention", "retention.ms=-1"),
        (of(retention_ms="0"), "chained-time-retention", "retention.ms=-1"),
        (of(retention_bytes="0"), "chained-size-retention", "retention.bytes=-1"),
        (
            of(message_timestamp_type="CreateTime"),
            "chained-create-time",
            "message.timestamp.type=LogAppendTime",
        ),
        (of(max_message_bytes="2097163"), "chained-records-small", "max.message.bytes=2097164"),
        (of(min_insync_replicas="1"), "chained-one-in-sync", "min.insync.replicas=2"),
        (of(min_insync_replicas="4"), "chained-never-in-sync", "min.insync.replicas=2"),
        (
            of(unclean_leader_election_enable="true"),
            "chained-unclean-election",
            "unclean.leader.election.enable=false",
        ),
    ],
)
def test_what_would_break_a_promise_is_an_error_with_its_fix(configs, code, fix):
    (finding,) = check_chained_topic(chained(**configs), raw())
    assert (finding.code, finding.severity, finding.fix) == (code, Severity.ERROR, fix)
    assert "payments.chained" in finding.message


def test_a_limit_that_no_clock_reaches_is_none():
    assert check_chained_topic(chained(**of(retention_ms=str(2**63 - 1))), raw()) == []


def test_one_replica_is_a_warning():
    (finding,) = check_chained_topic(chained(1, **of(min_insync_replicas="1")), raw())
    assert (finding.code, finding.severity) == ("chained-one-replica", Severity.WARNING)


def test_one_replica_of_which_two_must_be_in_sync_is_both():
    found = check_chained_topic(chained(1), raw())
    assert [(each.code, each.severity.value) for each in found] == [
        ("chained-one-replica", "warning"),
        ("chained-never-in-sync", "error"),
    ]


@pytest.mark.parametrize(
    ("configs", "codes"),
    [
        (of(cleanup_policy="compact"), ["raw-compacted"]),
        (of(cleanup_policy="compact,delete"), ["raw-compacted"]),
        (of(retention_ms="3600000"), ["raw-retention-short"]),
        (of(retention_ms="-1"), []),
        (of(retention_ms="3600000", cleanup_policy="compact"), ["raw-compacted"]),
    ],
)
def test_of_a_raw_topic_it_only_warns(configs, codes):
    found = check_raw_topic(raw(**configs))
    assert [finding.code for finding in found] == codes
    assert {finding.severity for finding in found} <= {Severity.WARNING}
