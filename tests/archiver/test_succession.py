"""Trails that go on from others, over memory log and store."""

import contextlib
import itertools
from dataclasses import replace

import pytest

from archiver.archived import verify
from archiver.stopped import crashed_at, sealed, site
from archiver.test_key_change import under
from deployment import Deployment, values
from sealtrail_archiver.onward import continue_trail
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.anchor import find_anchor, genesis_body
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.genesis import begin_successor
from sealtrail_chainer.succession import first_source_offset, name_predecessor, newest_sealed
from sealtrail_schemas.keys import Signer
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.trail_folders import trail_folders

pytestmark = pytest.mark.claim("C17")


def successor_of(deployment, signer=None, topic="events.chained-2") -> Deployment:
    """The deployment of what goes on, not begun."""
    other = under(deployment, signer or deployment.signer)
    other.trail = replace(other.trail, chained_topic=topic)
    other.log.create_topic(topic, partitions=1, append_time=True, max_record_bytes=2**21)
    return other


def begin(deployment, other, known=()):
    anchor = newest_sealed(deployment.store, deployment.trail)
    offset = first_source_offset(deployment.log, deployment.store, other.trail, anchor, known)
    begin_successor(
        deployment.log,
        other.trail,
        name_predecessor(anchor, other.signer.verifier, "a test"),
        first_source_offset=offset,
        now_ms=deployment.clock.now_ms,
        entropy=deployment.random.randbytes,
    )
    return offset


def run(deployment, count=3):
    deployment.publish(*values(count, 200))
    deployment.chain()
    deployment.archive()


def test_a_successor_names_the_newest_seal_and_both_trails_verify():
    deployment = sealed()
    deployment.archive()
    deployment.log.faults.recreate_topic("events")
    other = successor_of(deployment)
    begin(deployment, other)
    run(other)
    report = verify(deployment)
    assert report.verdict is Verdict.INTACT
    assert len(list(trail_folders(deployment.store))) == 2


def test_before_anything_of_it_is_sealed_its_genesis_is_the_anchor():
    """Under one key, the old trail's seals are there already, of another chained topic."""
    deployment = sealed()
    other = successor_of(deployment)
    with pytest.raises(LineStoppedError) as caught:
        find_anchor(deployment.log, deployment.store, other.trail)
    assert caught.value.code is StopCode.TOPIC_RECREATED
    begin(deployment, other)
    anchor = find_anchor(deployment.log, deployment.store, other.trail)
    named = genesis_body(anchor.genesis).predecessor
    assert (named.origin, named.size, named.reason, named.key) == (deployment.origin, 10, "a test", None)


def test_under_a_new_key_it_names_the_old_one():
    deployment = sealed()
    other = successor_of(deployment, Signer.from_seed(deployment.origin, b"s" * 32))
    begin(deployment, other)
    anchor = find_anchor(deployment.log, deployment.store, other.trail)
    assert genesis_body(anchor.genesis).predecessor.key == deployment.signer.verifier.vkey


def test_a_genesis_that_names_something_else_is_no_anchor():
    """Whoever may write to the topic could begin one; a trail that is sealed has one beginning."""
    deployment = sealed()
    other = successor_of(deployment)
    wrong = replace(
        name_predecessor(newest_sealed(deployment.store, deployment.trail), other.signer.verifier, "x"),
        last_seal=bytes(32),
    )
    begin_successor(
        deployment.log,
        other.trail,
        wrong,
        first_source_offset=0,
        now_ms=1,
        entropy=deployment.random.randbytes,
    )
    with pytest.raises(LineStoppedError) as caught:
        find_anchor(deployment.log, deployment.store, other.trail)
    assert caught.value.code is StopCode.TOPIC_RECREATED
    with pytest.raises(LineStoppedError) as caught:
        begin(deployment, other)
    assert caught.value.code is StopCode.FOREIGN_GENESIS


def test_of_trails_that_go_on_from_one_another_the_last_one_is_continued():
    """Whatever clocks said: the successor's was behind."""
    deployment = sealed()
    other = successor_of(deployment)
    other.clock.now_ms -= 3_600_000
    begin(deployment, other)
    run(other)
    deployment.log.faults.recreate_topic(other.trail.chained_topic)
    stated = continue_trail(site(other), None, reason="a test")
    assert stated.control.trail_id == newest_sealed(other.store, other.trail).state.trail_id
    run(other)
    assert verify(deployment).verdict is Verdict.INTACT


def test_a_topic_that_holds_something_is_not_begun_in():
    deployment = sealed()
    other = successor_of(deployment, topic="events.chained")
    with pytest.raises(LineStoppedError) as caught:
        begin(deployment, other)
    assert caught.value.code is StopCode.FOREIGN_GENESIS


def test_it_reads_on_behind_what_is_sealed():
    deployment = sealed()
    other = successor_of(deployment)
    assert begin(deployment, other) == 10  # nine events and a marker
    run(other)
    assert len(other_values(other)) == 2 + 3


def other_values(deployment):
    bounds = deployment.log.bounds(deployment.trail.chained_topic, 0)
    chunk = deployment.log.read(
        deployment.trail.chained_topic, 0, bounds.start, max_records=10**6, max_bytes=10**9
    )
    return [record.value for record in chunk.records][1:]


def replace_record(deployment):
    partition = deployment.log.partition("events", 0)
    partition.records[8] = partition.records[8]._replace(value=b"another")


@pytest.mark.parametrize(
    ("harm", "known"),
    [
        (lambda deployment: deployment.log.faults.recreate_topic("events"), ()),
        (lambda deployment: deployment.log.faults.lose_end("events", 0, 4), ()),
        (lambda _: None, ("raw-truncated",)),
        (lambda _: None, ("raw-replaced",)),
        (replace_record, ()),
    ],
    ids=["made anew", "cut off", "told truncated", "told replaced", "another record"],
)
def test_where_offsets_are_in_doubt_it_reads_from_the_start(harm, known):
    deployment = sealed()
    harm(deployment)
    assert begin(deployment, successor_of(deployment), known) == 0


@pytest.mark.parametrize("fault", [fault for fault in AppendFault if fault is not AppendFault.FENCED])
def test_each_fault_of_the_append_leaves_one_beginning(fault):
    deployment = sealed()
    other = successor_of(deployment)
    deployment.log.faults.schedule(fault)
    with contextlib.suppress(LogUnavailableError):
        begin(deployment, other)
    begin(deployment, other)
    deployment.log.faults.land_delayed()
    run(other)
    assert verify(deployment).verdict is Verdict.INTACT
    assert len(list(trail_folders(deployment.store))) == 2


def test_a_crash_at_any_effect_is_completed_by_the_next_run():
    for at in itertools.count():
        deployment = sealed(count=2)
        other = successor_of(deployment)
        if not crashed_at(deployment, at, lambda: begin(deployment, other)):  # noqa: B023 - called at once
            break
        begin(deployment, other)
        run(other)
        assert verify(deployment).verdict is Verdict.INTACT
        assert len(list(trail_folders(deployment.store))) == 2
    assert at == 6
