"""Ways onward from a stopped line, over memory log and store: stated once, sealed, and read from then on."""

import contextlib
import itertools

import pytest

from archiver.archived import sealed_entries, verify
from archiver.stopped import (
    CHAINED_STOPS,
    crashed_at,
    failing,
    lose_raw,
    overtake,
    prepared,
    recreate,
    sealed,
    site,
    stop_of,
    truncate,
)
from deployment import Deployment, values
from sealtrail_archiver.errors import KeyChangedError
from sealtrail_archiver.onward import continue_trail, record_gap
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.anchor import sealed_anchors
from sealtrail_chainer.chain_step import chain_control
from sealtrail_chainer.diagnosis import NotThisWayError, diagnose
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.statement import statement_of
from sealtrail_chainer.trail import writer_name
from sealtrail_chainer.true_chain import take_alone
from sealtrail_schemas.body import ControlBody, parse_body
from sealtrail_schemas.control import open_control
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError, WriterFencedError
from sealtrail_transport.log import LogRecord, NewRecord
from sealtrail_transport.memory_faults import AppendFault

pytestmark = pytest.mark.claim("C17")


def controls(deployment):
    """The statements in the archive, in order."""
    found = []
    for leaf_bytes, payload in sealed_entries(deployment):
        leaf = Leaf.parse(leaf_bytes)
        if leaf.kind is Kind.CONTROL:
            body = parse_body(Kind.CONTROL, decode_payload(payload).value)
            assert isinstance(body, ControlBody)
            control = open_control(body.note.encode(), deployment.signer.verifier)
            assert control.is_at(leaf)
            found.append(control)
    return found


def events(deployment) -> list[bytes]:
    """The values of the archived events, in order."""
    leaves = [(Leaf.parse(leaf), payload) for leaf, payload in sealed_entries(deployment)]
    return [decode_payload(payload).value for leaf, payload in leaves if leaf.kind is Kind.EVENT]


def go_on(deployment, more=2):
    """Publish, chain and seal with fresh services, and verify."""
    deployment.publish(*values(more, 100))
    deployment.chain()
    deployment.archive()
    assert verify(deployment).verdict is Verdict.INTACT


@pytest.mark.parametrize("code", CHAINED_STOPS)
def test_a_trail_whose_chained_topic_failed_goes_on_from_its_newest_seal(code):
    deployment = sealed()
    CHAINED_STOPS[code](deployment)
    assert stop_of(deployment).code is code
    stated = continue_trail(site(deployment), None, reason="a test")
    assert stop_of(deployment) is None
    (control,) = controls(deployment)
    topic = deployment.log.topic("events.chained")
    assert (control.deed.stop, control.deed.chained_topic.id) == (code, topic.topic_id)
    assert (control.sequence, control.reason) == (10, "a test") == (stated.control.sequence, "a test")
    go_on(deployment)
    assert events(deployment) == values(11) + values(2, 100)


def test_what_was_not_sealed_is_chained_again_from_the_raw_topic():
    deployment = sealed()
    recreate(deployment)
    continue_trail(site(deployment), None, reason="a test")
    assert events(deployment) == values(9)
    deployment.chain()
    deployment.archive()
    assert events(deployment) == values(11)


def test_acknowledged_entries_that_are_lost_are_gone_on_from_at_the_end_of_the_chain():
    """No new process can see that they are: the evidence says so."""
    deployment = sealed()
    chainer = deployment.chain()
    deployment.log.faults.lose_end("events.chained", 0, deployment.log.bounds("events.chained", 0).end - 2)
    deployment.publish(b"one more")
    with pytest.raises(LineStoppedError) as caught:
        deployment.chain(chainer)
    assert caught.value.code is StopCode.ACKNOWLEDGED_LOST
    assert stop_of(deployment) is None
    for _ in range(2):  # the second run finds what the first did
        continue_trail(site(deployment), StopCode.ACKNOWLEDGED_LOST, reason="a test")
    (control,) = controls(deployment)
    assert control.deed.stop == StopCode.ACKNOWLEDGED_LOST
    deployment.chain()
    deployment.archive()
    assert events(deployment)[:11] == values(11)
    assert verify(deployment).verdict is Verdict.INTACT


def test_a_stray_that_no_new_process_sees_is_left_by_its_evidence():
    deployment = sealed()
    continue_trail(site(deployment), StopCode.STRAY_LOST, reason="a test")
    assert [control.deed.stop for control in controls(deployment)] == ["stray-lost"]
    go_on(deployment)


@pytest.mark.claim("C7")
def test_a_gap_in_the_raw_topic_is_stated_with_its_offsets():
    deployment = sealed()
    deployment.publish(*values(4, 11))
    end = deployment.log.bounds("events", 0).end
    first_lost = diagnose(deployment.log, deployment.store, deployment.trail).scanned.state.next_source_offset
    deployment.log.faults.lose_start("events", 0, end - 2)
    assert stop_of(deployment).code is StopCode.RAW_OVERTAKEN
    for _ in range(2):
        stated = record_gap(site(deployment), reason="retention")
    deed = stated.control.deed
    assert (deed.first_lost, deed.first_kept) == (first_lost, end - 2)
    assert stop_of(deployment) is None
    go_on(deployment)
    assert len(controls(deployment)) == 1
    assert events(deployment) == values(11) + values(1, 14) + values(2, 100)


@pytest.mark.parametrize("known", [None, StopCode.TOPIC_RECREATED, StopCode.RAW_OVERTAKEN])
def test_nothing_is_continued_that_nothing_stops(known):
    deployment = sealed()
    with pytest.raises(NotThisWayError, match="nothing stops") as caught:
        continue_trail(site(deployment), known, reason="a test")
    assert caught.value.stop is None
    assert controls(deployment) == []


def test_no_gap_is_recorded_where_there_is_none():
    deployment = sealed()
    with pytest.raises(NotThisWayError, match="there is no gap"):
        record_gap(site(deployment), reason="a test")


def recreate_both(deployment):
    deployment.log.faults.recreate_topic("events")
    recreate(deployment)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lose_raw, StopCode.RAW_OVERTAKEN),
        (lambda deployment: deployment.log.faults.lose_end("events", 0, 3), StopCode.RAW_TRUNCATED),
        (lambda deployment: deployment.log.faults.recreate_topic("events"), StopCode.TOPIC_RECREATED),
        (recreate_both, StopCode.TOPIC_RECREATED),
    ],
    ids=["raw overtaken", "raw truncated", "raw made anew", "both made anew"],
)
def test_what_befell_the_raw_topic_is_not_continued(harm, code):
    deployment = sealed()
    harm(deployment)
    before = deployment.log.bounds("events.chained", 0)
    with pytest.raises(NotThisWayError) as caught:
        continue_trail(site(deployment), None, reason="a test")
    assert caught.value.stop.code is code
    assert deployment.log.bounds("events.chained", 0) == before


def test_what_was_never_sealed_is_not_continued():
    deployment = Deployment()
    deployment.publish(*values(3))
    deployment.chain()
    overtake(deployment)
    with pytest.raises(NotThisWayError, match="is sealed, so there is nothing to go on from"):
        continue_trail(site(deployment), None, reason="a test")


def test_a_gap_is_not_recorded_in_a_chain_that_cannot_be_read():
    deployment = sealed()
    lose_raw(deployment)
    truncate(deployment)
    with pytest.raises(LineStoppedError) as caught:
        record_gap(site(deployment), reason="a test")
    assert caught.value.code is StopCode.CHAINED_TRUNCATED
    continue_trail(site(deployment), None, reason="a test")
    record_gap(site(deployment), reason="a test")
    go_on(deployment)
    assert [control.name for control in controls(deployment)] == ["continuation", "gap"]


@pytest.mark.parametrize("code", [StopCode.TOPIC_RECREATED, StopCode.CHAINED_OVERTAKEN])
def test_a_continuation_that_nobody_sealed_is_where_readers_begin(code):
    """As after a crash between append and seal: chainer and archiver go on without ceremony."""
    deployment = sealed()
    CHAINED_STOPS[code](deployment)
    deployment.store.fault = failing("put")
    with pytest.raises(StoreUnavailableError):
        continue_trail(site(deployment), None, reason="a test")
    deployment.store.fault = None
    assert stop_of(deployment) is None
    go_on(deployment)
    assert len(controls(deployment)) == 1


def unsealed_continuation(deployment):
    """The record of a continuation that nobody has sealed."""
    recreate(deployment)
    deployment.store.fault = failing("put")
    with pytest.raises(StoreUnavailableError):
        continue_trail(site(deployment), None, reason="a test")
    deployment.store.fault = None
    partition = deployment.log.partition("events.chained", 0)
    return partition.records[max(partition.records)]


def test_a_continuation_of_another_topic_is_no_anchor():
    """Whoever may write to the topic can put one there that was made for the topic before."""
    deployment = sealed()
    record = unsealed_continuation(deployment)
    recreate(deployment)
    copy = NewRecord(record.key, record.value, record.headers)
    deployment.log.faults.write_foreign("events.chained", 0, copy)
    assert stop_of(deployment).code is StopCode.TOPIC_RECREATED
    continue_trail(site(deployment), None, reason="a test")
    go_on(deployment)
    topic = deployment.log.topic("events.chained")
    assert [control.deed.chained_topic.id for control in controls(deployment)] == [topic.topic_id]


def test_a_statement_of_another_place_is_none():
    """It is signed, and stands in an entry that links: not in the one that it was made for."""
    deployment = sealed()
    record = unsealed_continuation(deployment)
    (anchor,) = sealed_anchors(deployment.store, deployment.trail)
    body = parse_body(Kind.CONTROL, record.value)
    for state, is_there in ((anchor.state, True), (anchor.state._replace(size=11), False)):
        copy, _ = chain_control(state, body, next_source_offset=20, now_ms=0, salt=bytes(16))
        entry = take_alone(LogRecord(0, copy.key, copy.value, copy.headers))
        assert (statement_of(entry, deployment.signer.verifier) is not None) is is_there


def test_a_continuation_under_another_key_is_no_anchor():
    deployment = sealed()
    recreate(deployment)
    thief = Signer.from_seed(deployment.origin, b"t" * 32)
    with pytest.raises(KeyChangedError):
        continue_trail(site(deployment, thief), None, reason="a test")
    assert stop_of(deployment).code is StopCode.TOPIC_RECREATED


def test_a_chainer_that_still_runs_goes_on_behind_the_entry():
    deployment = sealed()
    chainer = deployment.chain()
    lose_raw(deployment)
    record_gap(site(deployment), reason="a test")
    deployment.chain(chainer)
    deployment.archive()
    assert verify(deployment).verdict is Verdict.INTACT
    assert len(controls(deployment)) == 1


def test_a_chainer_that_takes_over_meanwhile_is_not_written_beside():
    deployment = sealed()
    recreate(deployment)
    way = site(deployment)

    def entropy(count):  # asked for behind the look, before the append
        deployment.log.writer("events.chained", 0, name=writer_name(deployment.trail))
        return bytes(count)

    with pytest.raises(WriterFencedError):
        continue_trail(way._replace(entropy=entropy), None, reason="a test")
    assert deployment.log.bounds("events.chained", 0).end == 0


@pytest.mark.parametrize("fault", [fault for fault in AppendFault if fault is not AppendFault.FENCED])
@pytest.mark.parametrize("way", [StopCode.TOPIC_RECREATED, StopCode.RAW_OVERTAKEN])
def test_each_fault_of_the_append_leaves_one_entry(way, fault):
    deployment = sealed()
    act = prepared(deployment, way)
    deployment.log.faults.schedule(fault)
    with contextlib.suppress(LogUnavailableError):
        act()
    act()
    deployment.log.faults.land_delayed()
    deployment.chain()
    deployment.archive()
    assert verify(deployment).verdict is Verdict.INTACT
    assert len(controls(deployment)) == 1


@pytest.mark.parametrize("way", [StopCode.RAW_OVERTAKEN, *CHAINED_STOPS])
def test_a_crash_at_any_effect_is_completed_by_the_next_run(way):
    for at in itertools.count():
        deployment = sealed(count=2)
        act = prepared(deployment, way)
        if not crashed_at(deployment, at, act):
            break
        act()
        go_on(deployment)
        assert len(controls(deployment)) == 1
    assert at == (6 if way is StopCode.RAW_OVERTAKEN else 10)
