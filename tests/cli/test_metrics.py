"""What a pipeline does, as metrics and as health."""

import threading
from itertools import count
from types import SimpleNamespace

import pytest

from command_line import await_true
from deployment import Deployment, values
from sealtrail.interrupts import Interrupts
from sealtrail.pipeline_events import Stopped
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError, TopicMissingError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault
from watched import watched


@pytest.fixture
def office():
    return Deployment()


def test_what_is_chained_and_sealed_is_counted(office):
    office.publish(*values(50))
    with watched(office, batch_entries=20) as run:
        run.drain()
        assert run.value("chained_records_total") == 50
        assert run.value("chained_entries_total") == 51  # the genesis, too
        assert (
            run.value("chained_size") == run.value("sealed_size") == run.value("sealed_entries_total") == 51
        )
        assert run.value("sealed_batches_total") == 3
        stored = [line for line in office.store.versions("") if line.key.endswith(".avro")]
        lengths = [office.store.head(line.key, version_id=line.version_id).size for line in stored]
        assert run.value("sealed_bytes_total") == sum(lengths) > 0
        assert run.value("adopted_batches_total") == 0
        for machine in ("chainer", "archiver"):
            assert run.value("recoveries_total", machine=machine) == 1
            assert run.value("waiting", machine=machine) == 0


def test_a_batch_of_an_earlier_run_counts_as_adopted(office):
    office.publish(*values(5))
    office.chain()
    calls = count()

    def lost_seal(operation, key, phase):
        if operation == "put" and key.endswith(".seal") and phase == "before" and next(calls) < 1:
            raise StoreUnavailableError("the store is away")

    office.store.fault = lost_seal
    with watched(office) as run:
        run.drain()
        assert run.value("adopted_batches_total") == run.value("sealed_batches_total") == 1
        kind = "StoreUnavailableError"
        assert run.value("errors_total", machine="archiver", kind=kind) == 1


def test_heartbeats_are_entries_and_no_records(office):
    with watched(office) as run:
        run.step("chainer")
        office.clock.now_ms += 300_000
        run.step("chainer")
        assert run.value("chained_entries_total") == 2
        assert run.value("chained_records_total") == 0


def test_rejected_records_and_strays(office):
    office.publish(*values(3))
    office.chain()
    office.log.faults.write_foreign("events.chained", 0, NewRecord(None, b"a stranger's"))
    offset = office.log.bounds("events", 0).end
    office.publish(*values(1))
    office.log.faults.make_unreadable("events", 0, offset, "a header is not text")
    with watched(office) as run:
        run.drain()
        assert run.value("rejected_records_total") == 1
        assert run.value("alarms_total", code="rejected") == 1
        assert run.value("alarms_total", code="stray") == 1
        assert run.value("alarms_total", code="name-spoiled") == 0


def test_an_append_in_doubt_is_an_error_and_a_recovery(office):
    office.publish(*values(3))
    office.chain()
    office.publish(*values(3))
    office.log.faults.schedule(AppendFault.UNCERTAIN_LOST)
    with watched(office) as run:
        run.drain()
        assert run.value("errors_total", machine="chainer", kind="UncertainAppendError") == 1
        assert run.value("recoveries_total", machine="chainer") == 2


def test_lag_is_what_lies_between_a_machine_and_the_end(office):
    with watched(office) as run:
        run.step("chainer")
        run.step("archiver")
        assert run.value("lag_offsets", machine="chainer") is None  # nobody has asked yet
        office.publish(*values(7))
        run.monitor.sample(run.pipeline, now_s=0)
        raw, chained = (office.log.bounds(topic, 0).end for topic in ("events", "events.chained"))
        assert run.value("lag_offsets", machine="chainer") == raw > 7
        assert run.value("lag_offsets", machine="archiver") == chained - 1  # behind the genesis
        run.step("chainer")
        assert run.value("lag_offsets", machine="chainer") == 0
        run.monitor.sample(run.pipeline, now_s=1)
        assert run.value("lag_offsets", machine="archiver") == office.log.bounds("events.chained", 0).end - 1


def test_lag_is_none_behind_markers_and_aborted_records(office):
    """The end of a topic that is written in transactions lies beyond its last record."""
    office.publish(*values(2))
    with watched(office) as run:
        for _ in range(2):
            run.step("chainer")
        office.log.faults.burn_offsets("events", 0, 3)
        run.step("chainer")
        run.monitor.sample(run.pipeline, now_s=0)
        assert run.value("lag_offsets", machine="chainer") == 0


def test_the_age_of_the_oldest_unsealed_entry_grows_until_it_is_sealed(office):
    office.publish(*values(3))
    office.chain()
    with watched(office, batch_age_ms=90_000) as run:
        run.step("archiver")
        assert run.value("oldest_unsealed_age_seconds") == 0
        for _ in range(2):
            office.clock.now_ms += 30_000
            run.step("archiver")
        assert run.value("unsealed_entries") == 4
        assert run.value("oldest_unsealed_age_seconds") == 60
        assert run.value("newest_seal_timestamp_seconds") is None
        office.clock.now_ms += 30_500
        while not run.value("sealed_batches_total"):
            run.step("archiver")
        assert run.value("unsealed_entries") == run.value("oldest_unsealed_age_seconds") == 0
        assert run.value("newest_seal_timestamp_seconds") == office.clock.now_ms // 1000
        assert run.value("rewritable_window_seconds_sum") == 90.5
        assert run.value("rewritable_window_seconds_count") == 1


def test_a_clock_that_is_behind_gives_no_negative_age(office):
    office.chain()
    with watched(office) as run:
        run.step("archiver")
        office.clock.now_ms -= 5000
        assert run.value("oldest_unsealed_age_seconds") == 0


def test_a_trail_that_left_has_no_gauges_and_keeps_its_counters(office):
    office.publish(*values(3))
    with watched(office, archives=False) as run:
        run.step("chainer")
        run.step("chainer")
        run.pipeline.remove([run.line])
        assert run.value("chained_size") is None
        assert run.value("chained_records_total") == 3
        assert run.registry.get_sample_value("sealtrail_trails") == 0


class TestHealth:
    def test_before_and_after_it_runs_it_is_not_healthy(self, office):
        with watched(office) as run:
            run.pipeline.start()
            await_true(lambda: run.why() is None, "it to be healthy")
            run.pipeline.stop()
            assert run.why() == "it is ending"

    def test_a_store_that_is_away_is_told_of_until_it_is_back(self, office):
        away = threading.Event()
        away.set()

        def fault(*_):
            if away.is_set():
                raise StoreUnavailableError("the store is away")

        office.store.fault = fault
        with watched(office, archives=False) as run:
            run.pipeline.start()
            who = f"chainer {office.trail.origin}"
            await_true(
                lambda: run.why() == f"{who} waits and tries again: the store is away", "it to be told"
            )
            assert run.value("waiting", machine="chainer") == 1
            assert run.registry.get_sample_value("sealtrail_healthy") == 0
            away.clear()
            await_true(lambda: run.why() is None, "it to be back")
            assert run.value("waiting", machine="chainer") == 0
            assert run.value("errors_total", machine="chainer", kind="StoreUnavailableError") >= 1

    def test_a_stopped_line_is_told_of_with_its_code(self, office):
        office.publish(*values(3))
        office.chain()
        office.archive()
        office.log.faults.recreate_topic("events.chained")
        with watched(office, archives=False) as run:
            with pytest.raises(LineStoppedError):
                run.drain()
            assert run.value("line_stopped", code="topic-recreated") == 1
            assert run.value("errors_total", machine="chainer", kind="LineStoppedError") == 1
            assert run.why().startswith(f"chainer {office.trail.origin} has ended: ")

    def test_a_backlog_that_nobody_works_on_is_told_of(self, office):
        with watched(office, archives=False) as run:
            run.step("chainer")
            office.publish(b"waits")
            for now_s in (0, 61):
                run.monitor.sample(run.pipeline, now_s=now_s)
            assert "what chainer" in run.monitor._stalls.stalled(now_s=61)
            run.step("chainer")
            run.monitor.sample(run.pipeline, now_s=62)
            assert run.monitor._stalls.stalled(now_s=1000) is None

    def test_a_batch_that_the_store_never_takes_is_told_of(self, office):
        office.publish(*values(3))
        office.chain()
        release = threading.Event()

        def fault(operation, _key, _phase):
            if operation == "put":
                release.wait()

        office.store.fault = fault
        with watched(office, batch_age_ms=0) as run:
            try:
                run.pipeline.start()
                await_true(lambda: run.line.workers[1].standing, "the archiver to begin")
                await_true(lambda: run.line.workers[1].standing.seals_now, "a batch to be written")
                run.monitor._stalls.observe([], now_s=0)
                for now_s in (0, 61):
                    run.monitor.sample(run.pipeline, now_s=now_s)
                assert "seals has not moved for 61 s" in run.monitor._stalls.stalled(now_s=61)
            finally:
                release.set()

    def test_waiting_for_a_batch_to_be_old_enough_is_no_stall(self, office):
        office.publish(*values(3))
        office.chain()
        with watched(office, batch_age_ms=3_600_000) as run:
            for _ in range(4):
                run.step("archiver")
            for now_s in (0, 61):
                run.monitor.sample(run.pipeline, now_s=now_s)
            assert run.monitor._stalls.stalled(now_s=61) is None

    def test_a_step_that_hangs_is_told_of(self, office, monkeypatch):
        release, inside = threading.Event(), threading.Event()
        bounds = office.log.bounds

        def hanging(topic, partition):
            if threading.current_thread().name.startswith("chainer"):
                inside.set()
                release.wait()
            return bounds(topic, partition)

        monkeypatch.setattr(office.log, "bounds", hanging)
        with watched(office, archives=False) as run:
            run.pipeline.start()
            inside.wait()
            try:
                for now_s in (0, 61):
                    run.monitor.sample(run.pipeline, now_s=now_s)
                why = run.monitor._stalls.stalled(now_s=61)
                assert why == f"the step of chainer {office.trail.origin} has not moved for 61 s"
            finally:
                release.set()
            await_true(lambda: run.pipeline.turns[f"chainer {office.trail.origin}"] > 1, "the step to end")
            run.monitor.sample(run.pipeline, now_s=62)
            assert run.monitor._stalls.stalled(now_s=62) is None

    def test_a_main_thread_that_hangs_is_told_of(self, office):
        with watched(office, archives=False, stalled_after_s=0) as run:
            run.pipeline.looked_at_s -= 5
            assert run.why().startswith("the main thread has not come around for 5 s")
            run.monitor._stalled_after_s = 60
            run.pipeline.looked_at_s -= 100
            run.pipeline.start()
            run.pipeline.wait(timeout_s=0)
            assert run.why() is None

    def test_a_log_that_does_not_say_where_it_ends_disturbs_nobody(self, office, monkeypatch):
        with watched(office, archives=False) as run:
            run.step("chainer")

            def broken(*_):
                raise LogUnavailableError("away")

            with monkeypatch.context() as patched:
                patched.setattr(office.log, "bounds", broken)
                run.monitor.sample(run.pipeline, now_s=0)
            assert run.value("lag_offsets", machine="chainer") is None
            assert run.why() is None

    def test_who_recovers_from_an_error_is_not_healthy(self, office, monkeypatch):
        def broken(name):
            raise TopicMissingError(f"there is no topic {name}")

        monkeypatch.setattr(office.log, "topic", broken)
        with watched(office, archives=False, recover_from=(TopicMissingError,)) as run:
            run.pipeline.start()
            await_true(lambda: "there is no topic events" in (run.why() or ""), "it to be told")
            assert run.value("errors_total", machine="chainer", kind="TopicMissingError") >= 1


class TestLingering:
    @pytest.fixture
    def run(self, office):
        with watched(office, archives=False) as run:
            run.monitor.server = SimpleNamespace(scraped=threading.Event())
            run.monitor.server.scraped.set()  # before it stopped
            run.pipeline.on_event(
                Stopped(f"chainer {run.origin}", LineStoppedError(StopCode.RAW_TRUNCATED, "why"))
            )
            yield run

    @pytest.fixture
    def interrupts(self):
        return Interrupts()

    @pytest.fixture
    def lingering(self, run, interrupts):
        """A thread that lingers; it has begun when this returns."""
        thread = threading.Thread(target=run.monitor.linger, args=[interrupts])
        thread.start()
        yield thread
        run.monitor.server.scraped.set()
        thread.join()

    def test_until_the_stop_was_scraped(self, run, lingering):
        lingering.join(0.3)
        assert lingering.is_alive()
        run.monitor.server.scraped.set()
        lingering.join(60)
        assert not lingering.is_alive()

    def test_or_until_a_signal(self, interrupts, lingering):
        interrupts.count += 1
        lingering.join(60)
        assert not lingering.is_alive()

    def test_or_until_it_has_lasted_long_enough(self, run, interrupts, monkeypatch):
        monkeypatch.setattr("sealtrail.monitor._LINGER_S", 0)
        run.monitor.linger(interrupts)
