"""A raw partition that lost its tail and has grown again: seen by what it holds, since its ends look well."""

import pytest

from deployment import Deployment, values
from sealtrail_chainer import raw_check
from sealtrail_chainer.chain_step import chain_event
from sealtrail_chainer.chainer import Did
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.leaf import LINK_HEADER, make_link, split_link
from sealtrail_schemas.payload import SALT_BYTES
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.log import LogRecord, NewRecord

pytestmark = pytest.mark.claim("C6")


def chained(*events, heartbeats=0) -> Deployment:
    """A trail of these events and so many heartbeats behind them."""
    deployment = Deployment()
    deployment.publish(*(events or values(5)))
    chainer = deployment.chain(deployment.chainer(heartbeat_after_ms=1_000))
    for _ in range(heartbeats):
        deployment.clock.now_ms += 1_000
        deployment.chain(chainer)
    return deployment


def regrow(deployment, lost_from, *events):
    """Lose the raw partition's tail, and publish anew over its offsets."""
    deployment.log.faults.lose_end("events", 0, lost_from)
    deployment.publish(*events)


def evidence(deployment) -> dict:
    with pytest.raises(LineStoppedError) as stopped:
        deployment.chain()
    assert stopped.value.code is StopCode.RAW_REPLACED
    return stopped.value.evidence


@pytest.mark.parametrize("sealed", [False, True], ids=["unsealed", "sealed"])
@pytest.mark.parametrize("heartbeats", [0, 3, 100])
def test_another_record_where_the_newest_event_was_stops_the_line(sealed, heartbeats):
    deployment = chained(heartbeats=heartbeats)
    if sealed:
        deployment.archive()
    regrow(deployment, 2, *values(9, 100))
    seen = evidence(deployment)
    assert (seen["source_offset"], seen["sequence"]) == (4, 5)
    assert seen["expected"] != seen["found"]
    assert len(seen["expected"]) == len(seen["found"]) == 64


def test_the_same_bytes_of_another_time_are_another_record():
    deployment = chained()
    deployment.clock.now_ms += 1
    regrow(deployment, 4, *values(3, 4))
    seen = evidence(deployment)
    assert seen["expected"] == seen["found"]
    assert seen["found_time_ms"] == seen["expected_time_ms"] + 1


def test_a_rejected_record_is_known_by_its_time():
    deployment = Deployment()
    deployment.publish(*values(2), b"poison")
    deployment.log.faults.refuse(lambda record: record.value == b"poison")
    deployment.chain()
    deployment.chain()
    deployment.clock.now_ms += 1
    regrow(deployment, 2, *values(3, 2))
    assert evidence(deployment)["source_offset"] == 2


def test_a_record_that_makes_no_payload_is_another_one():
    deployment = chained()
    deployment.log.faults.lose_end("events", 0, 4)
    deployment.log.append_events("events", 0, [NewRecord(None, b"v", ((b"h", b""),) * 65_536)])
    assert evidence(deployment)["found"].startswith("none: ")


def test_what_retention_has_taken_is_not_missed():
    deployment = chained()
    deployment.log.faults.lose_start("events", 0, 5)
    deployment.publish(*values(2, 5))
    assert deployment.chain().state.size == 8


def test_what_compaction_has_taken_is_not_missed():
    deployment = chained()
    deployment.publish(*values(2, 5))
    del deployment.log.partition("events", 0).records[4]
    assert deployment.chain().state.size == 8


def test_a_record_that_can_not_be_read_any_more_is_compared_by_its_time():
    deployment = chained()
    deployment.log.faults.make_unreadable("events", 0, 4, "a header key that the client can't decode")
    assert deployment.chain().state.size == 6


def test_a_trail_without_events_compares_nothing():
    deployment = Deployment()
    deployment.chain()
    deployment.publish(*values(1))
    assert deployment.chain().state.size == 2


@pytest.mark.parametrize("looks_back", [True, False])
def test_an_entry_that_lies_too_far_back_is_not_looked_for(looks_back, monkeypatch):
    deployment = chained(heartbeats=40)
    deployment.archive()
    regrow(deployment, 4, *values(3, 100))
    if looks_back:
        assert evidence(deployment)["source_offset"] == 4
    else:
        monkeypatch.setattr(raw_check, "_LONGEST_SPAN", 16)
        deployment.chain()


def test_an_entry_that_was_trimmed_is_not_looked_for():
    deployment = chained()
    deployment.archive()
    deployment.archive(deployment.archiver(trim_after_ms=0))
    assert deployment.values() == []
    regrow(deployment, 4, *values(3, 100))
    deployment.chain()


def test_a_stray_does_not_pass_for_the_newest_entry():
    """It says what it likes of a raw record that it never stood for."""
    deployment = chained()
    deployment.archive()
    claimed = LogRecord(4, None, b"what was never published")
    elsewhere = deployment.chain().state._replace(last_hash=b"z" * 32, next_source_offset=4)
    stray, _ = chain_event(elsewhere, claimed, next_source_offset=5, now_ms=0, salt=bytes(SALT_BYTES))
    deployment.log.faults.write_foreign("events.chained", 0, stray)
    deployment.publish(*values(1, 5))
    assert deployment.chain().state.size == 7


def test_a_copied_link_with_another_salt_does_not_pass_for_the_entry():
    """The salt is not in the leaf: the payload that it was made with tells."""
    deployment = chained()
    deployment.archive()
    records = deployment.log.partition("events.chained", 0).records
    entry = records[max(records)]
    leaf, _ = split_link(entry.headers[-1][1])
    copy = NewRecord(entry.key, entry.value, ((LINK_HEADER, make_link(leaf, bytes(SALT_BYTES))),))
    deployment.log.faults.write_foreign("events.chained", 0, copy)
    assert deployment.chain().state.size == 6


def test_a_log_that_is_away_meanwhile_is_waited_for():
    deployment = chained()
    deployment.archive()
    for calls in range(1, 12):
        chainer = deployment.chainer()
        deployment.log.faults.unavailable(calls=calls)
        for _ in range(calls + 1):
            try:
                done = chainer.step(now_ms=deployment.clock.now_ms).did
            except LogUnavailableError:
                continue
        assert done is Did.RECOVERED
