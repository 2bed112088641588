"""Freeing what was sealed some time ago: counted from the seal, not from the start of a process."""

from datetime import timedelta

import pytest

from archiver.archived import folder_of
from deployment import Deployment, values
from sealtrail_archiver.trimming import Trims
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.seal_shelf import read_seal

pytestmark = pytest.mark.claim("C14")


def sealed_every(minutes, count, *, squat=None) -> Deployment:
    """A trail with a seal each so many minutes; behind the first, somebody puts a name among the seals."""
    deployment = Deployment(retention=timedelta(days=1))
    for number in range(count):
        deployment.publish(b"event %d" % number)
        deployment.chain()
        deployment.archive()
        if number == 0 and squat is not None:
            deployment.store.put(f"{folder_of(deployment)}seals/{squat}", b"junk", retention=None)
        deployment.clock.now_ms += minutes * 60_000
    return deployment


def start_of(deployment) -> int:
    return deployment.log.bounds("events.chained", 0).start


def offset_of_seal(deployment, size) -> int:
    seal = read_seal(deployment.store, folder_of(deployment), size, deployment.keys, None)
    return seal.opened.seal.chained.next_offset


def test_a_restart_does_not_put_the_freeing_off():
    """Seals are of 40, 30, 20 and 10 minutes ago; the sizes are 2, 3, 4 and 5."""
    deployment = sealed_every(minutes=10, count=4)
    for minutes, size in ((35, 2), (20, 4), (11, 4), (10, 5)):
        deployment.archive(deployment.archiver(trim_after_ms=minutes * 60_000))
        assert start_of(deployment) == offset_of_seal(deployment, size)


def test_what_is_sealed_for_a_shorter_time_is_freed_when_that_is_over():
    deployment = sealed_every(minutes=10, count=4)
    archiver = deployment.archiver(trim_after_ms=11 * 60_000)
    deployment.archive(archiver)
    deployment.clock.now_ms += 60_000 - 1
    deployment.archive(archiver)
    assert start_of(deployment) == offset_of_seal(deployment, 4)
    deployment.clock.now_ms += 1
    deployment.archive(archiver)
    assert start_of(deployment) == offset_of_seal(deployment, 5)


@pytest.mark.parametrize("name", ["!", "x", f"{3:020}.sealed", f"{2**62:020}.seal", f"{3:020}.seal"])
def test_names_among_the_seals_that_are_none_free_nothing_too_early(name):
    deployment = sealed_every(minutes=10, count=4, squat=name)
    deployment.archive(deployment.archiver(trim_after_ms=20 * 60_000))
    assert start_of(deployment) <= offset_of_seal(deployment, 4)
    deployment.publish(*values(3))
    deployment.chain()
    *_, last = deployment.archive()
    assert last.sealed.placed.opened.checkpoint.size == 8


def test_a_time_longer_than_the_calendar_frees_nothing():
    deployment = sealed_every(minutes=10, count=2)
    deployment.archive(deployment.archiver(trim_after_ms=5_000 * 366 * 86_400_000))
    assert start_of(deployment) == 0


@pytest.mark.claim("C12")
def test_what_is_planned_does_not_grow_with_the_time_and_is_late_by_a_thousandth_of_it():
    deployment = sealed_every(minutes=10, count=2)
    after_ms, end = 100_000, deployment.log.bounds("events.chained", 0).end
    trims = Trims(deployment.log, deployment.store, deployment.trail, after_ms=after_ms)
    for now_ms in range(after_ms):
        trims.sealed(end * now_ms // after_ms, now_ms=now_ms)
    assert len(trims._due) <= 1_001
    trims.run(now_ms=after_ms * 3 // 2 - 1)
    assert start_of(deployment) <= end // 2
    trims.run(now_ms=2 * after_ms)
    assert start_of(deployment) == end * (after_ms - 1) // after_ms


@pytest.mark.claim("C6")
def test_a_topic_that_ends_below_what_is_to_be_freed_stops_the_line():
    """The one who frees space may be the first to meet the end of a topic that has lost its tail."""
    deployment = sealed_every(minutes=10, count=2)
    archiver = deployment.archiver(trim_after_ms=11 * 60_000)
    deployment.archive(archiver)
    deployment.log.faults.lose_end("events.chained", 0, 1)
    deployment.clock.now_ms += 11 * 60_000
    assert archiver.step(now_ms=deployment.clock.now_ms).did == "busy"
    with pytest.raises(LineStoppedError) as stopped:
        archiver.step(now_ms=deployment.clock.now_ms)
    assert stopped.value.code is StopCode.CHAINED_TRUNCATED
