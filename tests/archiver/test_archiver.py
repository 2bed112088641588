"""The archiver over memory log and store: sealed once, in order, whatever happens between two steps."""

from concurrent.futures import Future
from datetime import timedelta

import pytest

from archiver.archived import folder_of, ready, sealed_entries, verify
from deployment import Deployment, at_once, values
from sealtrail_archiver.settings import ArchiverSettings, Did
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.chain_step import chain_event
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.errors import LockUnsupportedError, StoreUnavailableError
from sealtrail_transport.log import LogRecord, NewRecord
from sealtrail_transport.store import LockMode, Retention


@pytest.mark.claim("C11")
def test_what_was_chained_is_sealed_and_verifies():
    deployment = ready()
    (step,) = deployment.archive()
    assert step.sealed.entries == 10
    assert step.sealed.adopted is False
    assert verify(deployment).verdict is Verdict.INTACT
    batch = step.sealed.placed.opened.seal.batch
    info = deployment.store.head(folder_of(deployment) + batch.key, batch.version_id)
    assert info.retention == Retention(LockMode.COMPLIANCE, deployment.clock.now() + timedelta(days=1))


def test_an_empty_trail_is_waited_for():
    archiver = Deployment().archiver()
    assert archiver.step(now_ms=0, flush=True).did is Did.WAITING


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [
        ({"batch_entries": 4}, [4, 4, 2]),
        ({"batch_bytes": 700}, [3, 3, 3, 1]),
        ({"batch_bytes": 1}, [1] * 10),
    ],
    ids=["by count", "by bytes", "one at a time"],
)
def test_batches_are_closed_when_full(limits, sizes):
    deployment = ready()
    steps = deployment.archive(deployment.archiver(**limits))
    found = [step.sealed.entries for step in steps]
    assert sum(found) == 10
    if "batch_bytes" in limits and limits["batch_bytes"] > 1:
        assert len(found) > 2
    else:
        assert found == sizes
    assert verify(deployment).verdict is Verdict.INTACT


def test_batches_are_closed_when_old_and_not_before():
    deployment = ready()
    archiver = deployment.archiver(batch_age_ms=1_000)
    now = deployment.clock.now_ms
    assert archiver.step(now_ms=now).did is Did.RECOVERED
    assert archiver.step(now_ms=now).did is Did.READ
    assert archiver.step(now_ms=now + 999).did is Did.IDLE
    assert archiver.step(now_ms=now + 1_000).did is Did.BUSY
    assert archiver.step(now_ms=now + 1_000).did is Did.SEALED


def test_building_the_next_batch_overlaps_writing_this_one():
    deployment = ready()
    works = []

    def later(call):
        future = Future()
        works.append((call, future))
        return future

    archiver = deployment.archiver(submit=later, batch_entries=5, read_records=5)
    for _ in range(3):
        archiver.step(now_ms=deployment.clock.now_ms)
    assert (len(works), archiver.pending) == (1, 10)
    assert archiver.in_flight is works[0][1]
    assert archiver.step(now_ms=deployment.clock.now_ms).did is Did.BUSY  # both batches are full
    works[0][1].set_result(works[0][0]())
    assert archiver.step(now_ms=deployment.clock.now_ms).entries == 5
    archiver.step(now_ms=deployment.clock.now_ms)
    assert len(works) == 2


def test_a_restart_goes_on_from_the_newest_seal():
    deployment = ready()
    deployment.archive()
    deployment.publish(*values(5, 9))
    deployment.chain()
    (step,) = deployment.archive()
    assert step.sealed.placed.opened.seal.first.sequence == 10
    assert len(sealed_entries(deployment)) == 15
    assert verify(deployment).verdict is Verdict.INTACT


def fault_at(deployment, number, phase):
    """Let the store fail at its n-th operation, before or after it took effect; returns those seen."""
    seen = []

    def fault(operation, key, when):
        if when != phase:
            return
        seen.append((operation, key))
        if len(seen) == number:
            raise StoreUnavailableError("the store is away (scheduled)")

    deployment.store.fault = fault
    return seen


def operations(phase) -> int:
    deployment = ready(6)
    seen = fault_at(deployment, 0, phase)
    deployment.archive(deployment.archiver(batch_entries=4))
    return len(seen)


@pytest.mark.claim("C5")
@pytest.mark.parametrize("restart", [False, True], ids=["goes on", "dies"])
@pytest.mark.parametrize("phase", ["before", "after"], ids=["failed", "failed but persisted"])
def test_each_operation_of_the_store_may_fail(phase, restart):
    """A fault table: every operation of a run, failing and failing after it took effect."""
    for number in range(1, operations(phase) + 1):
        deployment = ready(6)
        seen = fault_at(deployment, number, phase)
        archiver = deployment.archiver(batch_entries=4)
        for _ in range(3):
            try:
                deployment.archive(archiver)
            except StoreUnavailableError:
                deployment.store.fault = None
                archiver = deployment.archiver(batch_entries=4) if restart else archiver
        place = f"operation {number}: {seen[number - 1]}"
        assert len(sealed_entries(deployment)) == 7, place
        report = verify(deployment)
        assert report.verdict is Verdict.INTACT, (place, report)


@pytest.mark.claim("C3")
def test_two_archivers_of_one_trail_end_in_one_archive():
    deployment = ready(20)
    archivers = [deployment.archiver(batch_entries=4), deployment.archiver(batch_entries=7)]
    for turn in range(200):
        archivers[turn % 2].step(now_ms=deployment.clock.now_ms, flush=True)
    assert len(sealed_entries(deployment)) == 21
    assert verify(deployment).verdict is Verdict.INTACT


def test_strays_are_told_and_not_archived():
    deployment = ready(2)
    deployment.log.faults.write_foreign("events.chained", 0, NewRecord(None, b"hello"))
    (step, *_) = deployment.archive()
    assert [alarm.code for alarm in step.alarms] == ["stray"]
    assert len(sealed_entries(deployment)) == 3


@pytest.mark.claim("C8")
def test_retention_never_decreases_along_a_trail():
    deployment = ready(2)
    deployment.archive()
    deployment.retention = timedelta(hours=1)
    deployment.publish(b"later")
    deployment.chain()
    (step,) = deployment.archive()
    assert step.sealed.placed.opened.seal.retention.until == deployment.clock.now() + timedelta(days=1)


def test_a_store_that_can_not_lock_is_said_so_in_every_seal():
    deployment = ready(2, retention=None)
    (step,) = deployment.archive()
    assert step.sealed.placed.opened.seal.retention.mode == "NONE"
    assert verify(deployment).verdict is Verdict.UNPROTECTED


@pytest.mark.claim("C8")
def test_a_store_that_does_not_lock_although_asked_stops_the_archiver(monkeypatch):
    deployment = ready(2)
    put = deployment.store.put
    monkeypatch.setattr(
        deployment.store, "put", lambda key, body, **options: put(key, body, **{**options, "retention": None})
    )
    with pytest.raises(LockUnsupportedError):
        deployment.archive()


@pytest.mark.claim("C14")
def test_what_is_sealed_is_freed_after_a_set_time_and_not_before():
    deployment = ready()
    archiver = deployment.archiver(trim_after_ms=1_000)
    deployment.archive(archiver)
    assert deployment.log.bounds("events.chained", 0).start == 0
    deployment.clock.now_ms += 1_000
    deployment.archive(archiver)
    assert deployment.log.bounds("events.chained", 0).start > 0
    deployment.publish(*values(3, 9))
    deployment.chain()
    deployment.archive()
    assert len(sealed_entries(deployment)) == 13
    assert verify(deployment).verdict is Verdict.INTACT


def test_settings_are_bounded():
    with pytest.raises(ValueError, match="batch_entries is 0"):
        ArchiverSettings(retention=None, batch_entries=0)
    with pytest.raises(ValueError, match="batch_bytes is"):
        ArchiverSettings(retention=None, batch_bytes=2**40)


def test_the_executor_stand_in_carries_errors():
    assert at_once(lambda: 1).result() == 1
    with pytest.raises(ZeroDivisionError):
        at_once(lambda: 1 / 0).result()


@pytest.mark.claim("C3")
def test_an_archiver_that_drains_beside_a_faster_one_forks_nothing():
    """Its read is older than what the other one has sealed meanwhile: that is no end of the log."""
    deployment = ready(4)
    late = []

    def submit(call):
        future = Future()
        late.append((call, future))
        return future

    draining = deployment.archiver(submit=submit)
    while not late:
        draining.step(now_ms=deployment.clock.now_ms, flush=True)
    deployment.publish(*values(5, 4))
    deployment.chain()
    deployment.archive()
    call, future = late.pop()
    future.set_result(call())
    for _ in range(20):
        draining.step(now_ms=deployment.clock.now_ms, flush=True)
        while late:
            call, future = late.pop()
            future.set_result(call())
    report = verify(deployment)
    assert report.verdict is Verdict.INTACT, report
    assert len(sealed_entries(deployment)) == 10


@pytest.mark.claim("C8")
def test_a_clock_far_from_the_stores_signs_nothing():
    deployment = ready()
    archiver = deployment.archiver()
    ahead_ms = deployment.clock.now_ms + 86_400_000
    while archiver.step(now_ms=ahead_ms, flush=True).did is not Did.BUSY:
        pass
    with pytest.raises(LineStoppedError) as stopped:
        archiver.step(now_ms=ahead_ms)
    assert stopped.value.code is StopCode.CLOCK_APART
    assert not list(deployment.store.versions(folder_of(deployment) + "seals/"))
    deployment.archive()  # with the right time: the batch is adopted, and sealed until the right date
    assert verify(deployment).verdict is Verdict.INTACT


@pytest.mark.claim("C14")
def test_strays_that_wait_are_read_again_after_a_restart():
    """Otherwise a stray whose source never comes would be forgotten by a restart."""
    deployment = ready(2)
    ahead = Deployment()
    ahead.log = deployment.log
    state = find_anchor(deployment.log, deployment.store, deployment.trail).state
    other_past = state._replace(last_hash=b"z" * 32, size=7)
    claimed = LogRecord(50, None, b"what was never published")
    stray, _ = chain_event(other_past, claimed, next_source_offset=51, now_ms=0, salt=bytes(16))
    deployment.log.faults.write_foreign("events.chained", 0, stray)
    deployment.publish(*values(2, 2))
    deployment.chain()
    deployment.archive()
    deployment.log.faults.burn_offsets("events", 0, 60)
    deployment.publish(*values(1, 4))
    deployment.chain()
    with pytest.raises(LineStoppedError) as stopped:
        deployment.archive()
    assert stopped.value.code is StopCode.STRAY_LOST


@pytest.mark.claim("C7")
def test_rejected_entries_raise_an_alarm():
    deployment = Deployment()
    deployment.publish(b"poison")
    deployment.log.faults.refuse(lambda record: record.value == b"poison")
    deployment.chain()
    (step, *_) = deployment.archive()
    assert [(alarm.code, "the log refuses" in alarm.message) for alarm in step.alarms] == [("rejected", True)]


def test_a_trail_that_was_locked_is_not_sealed_without_a_lock():
    deployment = ready(2)
    deployment.archive()
    deployment.publish(b"later")
    deployment.chain()
    deployment.retention = None
    with pytest.raises(LockUnsupportedError, match="give a retention"):
        deployment.archive()


def test_the_key_of_another_trail_is_refused_at_once():
    deployment = Deployment()
    deployment.signer = Deployment(seed=1).signer
    with pytest.raises(ValueError, match="is not that of"):
        deployment.archiver()


def test_a_clock_set_back_does_not_keep_a_batch_open():
    deployment = ready()
    archiver = deployment.archiver(batch_age_ms=1_000)
    now = deployment.clock.now_ms
    for _ in range(3):
        archiver.step(now_ms=now)
    for later in (now - 3_600_000, now - 3_599_000):
        step = archiver.step(now_ms=later)
    assert step.did is Did.BUSY
