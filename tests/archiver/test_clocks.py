"""A machine's clock that is far from the store's: what it left behind must reach no lock after a restart."""

from datetime import timedelta

import pytest

from archiver.archived import folder_of, ready, verify
from deployment import values
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.seal_shelf import newest_seal

pytestmark = pytest.mark.claim("C8")


def left_by_a_clock(deployment, apart) -> int:
    """Let a machine's clock be that far from the store's, and put one batch; returns what it says now."""
    machine_ms = deployment.clock.now_ms + int(apart.total_seconds() * 1000)
    assert stop_of(deployment, machine_ms) is StopCode.CLOCK_APART
    return machine_ms


def stop_of(deployment, machine_ms) -> StopCode:
    with pytest.raises(LineStoppedError) as stopped:
        run(deployment.archiver(batch_entries=4), machine_ms)
    return stopped.value.code


def run(archiver, machine_ms) -> None:
    for _ in range(50):
        archiver.step(now_ms=machine_ms, flush=True)


def test_a_clock_that_is_still_ahead_reaches_no_lock_through_what_it_left():
    """What is adopted is dated by the store's clock, and what is put next shows the machine's."""
    deployment = ready(retention=timedelta(days=400))
    machine_ms = left_by_a_clock(deployment, timedelta(days=365))
    assert stop_of(deployment, machine_ms) is StopCode.CLOCK_APART
    seal = newest_seal(deployment.store, folder_of(deployment), deployment.keys).opened.seal
    assert seal.last.sequence == 3
    assert seal.retention.until == deployment.clock.now() + timedelta(days=400)


def test_a_clock_that_is_still_ahead_by_more_than_the_retention_adopts_nothing():
    deployment = ready(retention=timedelta(days=1))
    machine_ms = left_by_a_clock(deployment, timedelta(days=365))
    assert stop_of(deployment, machine_ms) is StopCode.CLOCK_APART
    assert not list(deployment.store.versions(folder_of(deployment) + "seals/"))


def test_a_clock_that_is_still_behind_adopts_nothing():
    """No batch was put in the future."""
    deployment = ready()
    deployment.archive()
    deployment.publish(*values(3, 9))
    deployment.chain()
    machine_ms = left_by_a_clock(deployment, timedelta(minutes=-11))
    assert stop_of(deployment, machine_ms) is StopCode.CLOCK_APART
    newest = newest_seal(deployment.store, folder_of(deployment), deployment.keys)
    assert newest.opened.checkpoint.size == 10


def test_a_clock_that_was_set_right_goes_on_with_what_it_left():
    deployment = ready(retention=timedelta(days=1))
    left_by_a_clock(deployment, timedelta(days=365))
    (first, *_) = deployment.archive()
    assert first.sealed.adopted
    assert first.sealed.placed.opened.seal.retention.until == deployment.clock.now() + timedelta(days=1)
    assert verify(deployment).verdict is Verdict.INTACT


def test_a_difference_that_nobody_minds_leaves_a_batch_its_lock():
    deployment = ready()
    machine_ms = deployment.clock.now_ms + 9 * 60_000

    def no_seals(operation, key, _when):
        if operation == "put" and "/seals/" in key:
            raise StoreUnavailableError("the store is away (scheduled)")

    deployment.store.fault = no_seals
    with pytest.raises(StoreUnavailableError):
        run(deployment.archiver(), machine_ms)
    deployment.store.fault = None
    (step,) = deployment.archive()
    assert step.sealed.adopted
    until = deployment.clock.now() + timedelta(days=1, minutes=9)
    assert step.sealed.placed.opened.seal.retention.until == until
