"""The threads around the step machines: waiting, going on, draining, stopping."""

import threading
from itertools import count

import pytest

from command_line import await_true
from deployment import Deployment, values
from sealtrail.line import Line
from sealtrail.pipeline import Pace, Pipeline
from sealtrail.pipeline_events import Away, Back, Raised, Recovered, Rejected, Sealed
from sealtrail_chainer.chainer import Chainer
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.log import NewRecord

HASTE = Pace(idle_s=0.002, first_retry_s=0.002, longest_retry_s=0.01)


@pytest.fixture
def office():
    return Deployment()


@pytest.fixture
def start(office):
    """Start a pipeline over the deployment; it ends with the test."""
    started = []

    def start(**settings):
        line = Line(
            office.trail.origin,
            office.chainer(),
            lambda submit: office.archiver(submit=submit, **settings),
        )
        pipeline = Pipeline([line], clock_ms=lambda: office.clock.now_ms, pace=HASTE)
        started.append(pipeline)
        pipeline.start()
        return pipeline

    yield start
    for pipeline in started:
        pipeline.close()


def run_out(pipeline):
    """Wait for the end of a pipeline, and return all that it told."""
    await_true(lambda: pipeline.wait(timeout_s=0.01), "the pipeline to end")
    return list(pipeline.events())


def test_it_chains_and_seals_until_it_is_drained(office, start):
    office.publish(*values(50))
    pipeline = start(batch_entries=20)
    office.publish(*values(50, start=50))
    pipeline.drain()
    told = run_out(pipeline)
    assert office.values()[1:] == values(100)
    assert [event.batch.entries for event in told if isinstance(event, Sealed)] == [20, 20, 20, 20, 20, 1]
    (line,) = pipeline.lines
    assert (line.chained_size, line.sealed_size) == (101, 101)


def test_without_a_drain_it_goes_on(office, start):
    pipeline = start(batch_entries=10)
    for number in range(5):
        office.publish(*values(10, start=10 * number))
        await_true(
            lambda size=10 * number + 10: pipeline.lines[0].sealed_size >= size,
            "what was published to be sealed",
        )
    assert not pipeline.wait(timeout_s=0)


def test_what_is_published_before_the_drain_is_in_it(office, start):
    pipeline = start(batch_entries=1000)
    await_true(lambda: pipeline.lines[0].chained_size, "the genesis")
    office.publish(*values(3))
    pipeline.drain()
    run_out(pipeline)
    assert pipeline.lines[0].sealed_size == 4


def test_the_archiver_ends_after_the_chainer(office, start, monkeypatch):
    office.publish(*values(3))
    office.chain()
    office.publish(*values(3, start=3))
    released = threading.Event()
    step = Chainer.step

    def held(chainer, *, now_ms):
        released.wait()
        return step(chainer, now_ms=now_ms)

    monkeypatch.setattr(Chainer, "step", held)
    pipeline = start(batch_age_ms=0)
    pipeline.drain()
    await_true(lambda: pipeline.lines[0].sealed_size == 4, "what was chained before to be sealed")
    assert not pipeline.wait(timeout_s=0.1)
    released.set()
    run_out(pipeline)
    assert pipeline.lines[0].sealed_size == 7


def test_a_log_that_is_away_is_waited_for_and_told_of_once(office, start):
    office.log.faults.unavailable(calls=5)
    pipeline = start()
    pipeline.drain()
    told = run_out(pipeline)
    for kind in (Away, Back):
        who = [event.who for event in told if isinstance(event, kind)]
        assert len(who) == len(set(who)) >= 1
    assert "the log is away" in str(next(event for event in told if isinstance(event, Away)).error)
    assert pipeline.lines[0].sealed_size == 1


def test_a_store_that_is_away_is_waited_for(office, start):
    calls = count()

    def fault(operation, _key, _phase):
        if operation == "put" and next(calls) < 3:
            raise StoreUnavailableError("the store is away")

    office.store.fault = fault
    office.publish(*values(10))
    pipeline = start()
    pipeline.drain()
    told = run_out(pipeline)
    origin = office.trail.origin
    assert [event for event in told if isinstance(event, Back)] == [Back(f"archiver {origin}")]
    assert pipeline.lines[0].sealed_size == 11


def test_a_store_is_back_when_something_was_sealed_and_not_before(office, start):
    """Between two attempts the archiver has nothing to do, which shows nothing of the store."""
    attempts = count()

    def fault(operation, _key, _phase):
        if operation == "put" and next(attempts) < 3:
            raise StoreUnavailableError("the store is away")

    office.store.fault = fault
    office.publish(*values(10))
    pipeline = start(batch_age_ms=1000)
    told = []
    while not pipeline.lines[0].sealed_size:
        office.clock.now_ms += 100
        told += pipeline.events()
        pipeline.wait(timeout_s=0.005)
    pipeline.drain()
    told += run_out(pipeline)
    kinds = [type(event) for event in told if not isinstance(event, Recovered)]
    assert kinds[:3] in ([Away, Back, Sealed], [Away, Sealed, Back])
    assert kinds.count(Away) == kinds.count(Back) == 1


def test_a_drain_while_the_store_is_away_ends_when_it_is_back(office, start):
    away = threading.Event()
    away.set()

    def fault(*_):
        if away.is_set():
            raise StoreUnavailableError("the store is away")

    office.store.fault = fault
    office.publish(*values(10))
    pipeline = start()
    pipeline.drain()
    assert not pipeline.wait(timeout_s=0.05)
    away.clear()
    run_out(pipeline)
    assert pipeline.lines[0].sealed_size == 11


def test_a_stopped_line_ends_all_and_says_which(office, start):
    office.publish(*values(3))
    office.chain()
    office.archive()
    office.log.faults.recreate_topic("events.chained")
    pipeline = start()
    with pytest.raises(LineStoppedError) as stopped:
        run_out(pipeline)
    assert stopped.value.code is StopCode.TOPIC_RECREATED
    assert pipeline.failed_origin == office.trail.origin


def test_an_error_of_ours_ends_all_and_is_raised(office, start, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(office.log, "bounds", broken)
    with pytest.raises(ZeroDivisionError):
        run_out(start())


def test_a_rejected_record_is_told_of(office, start):
    office.publish(b"small")
    office.log.faults.make_unreadable("events", 0, 0, "a header is not text")
    pipeline = start()
    pipeline.drain()
    (told,) = (event for event in run_out(pipeline) if isinstance(event, Rejected))
    assert told == Rejected(office.trail.origin, "events offset 0: a header is not text")


def test_an_alarm_is_told_of(office, start):
    office.publish(*values(3))
    office.chain()
    office.log.faults.write_foreign("events.chained", 0, NewRecord(None, b"a stranger's"))
    pipeline = start()
    pipeline.drain()
    (told,) = (event for event in run_out(pipeline) if isinstance(event, Raised))
    assert told.alarm.code == "stray"


def test_stop_leaves_what_is_not_sealed_to_the_next_start(office, start):
    office.publish(*values(10))
    pipeline = start(batch_entries=1000)
    await_true(lambda: pipeline.lines[0].chained_size == 11, "ten events to be chained")
    pipeline.close()
    assert pipeline.lines[0].sealed_size == 0
    again = start()
    again.drain()
    run_out(again)
    assert again.lines[0].sealed_size == 11
    assert office.values()[1:] == values(10)


def test_an_abandoned_pipeline_is_not_waited_for(office, start):
    release = threading.Event()

    def fault(operation, _key, _phase):
        if operation == "put":
            release.wait()

    office.store.fault = fault
    office.publish(*values(3))
    pipeline = start()
    pipeline.drain()
    pipeline.abandon()
    try:
        assert pipeline.wait(timeout_s=60)
        pipeline.close()
    finally:
        release.set()
