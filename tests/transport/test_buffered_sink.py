"""BufferedSink over a MemoryLog that misbehaves on request, and over SQLite."""

from __future__ import annotations

import threading

import pytest

from contracts.log_contract import read_all, read_values
from sealtrail_transport.buffered_sink import BufferedSink, SinkSettings
from sealtrail_transport.errors import (
    BufferFullError,
    DeliveryError,
    LogUnavailableError,
    RecordRefusedError,
    TopicMissingError,
)
from sealtrail_transport.log import NewRecord, Position
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.sqlite_log import SqliteLog

NO_PAUSE = SinkSettings(first_retry_s=0, max_retry_s=0)
SOON_S = 30.0
"""Far longer than anything here takes; reached only when a test is about to fail."""


class GatedLog(MemoryLog):
    """Lets no append pass until the gate is opened, and notes what each append held."""

    def __init__(self):
        super().__init__(markers=False)
        self.gate = threading.Event()
        self.arrived = threading.Event()
        self.groups = []

    def append_events(self, topic, partition, records):
        self.arrived.set()
        assert self.gate.wait(SOON_S)
        self.groups.append([record.value for record in records])
        return super().append_events(topic, partition, records)


@pytest.fixture(params=[MemoryLog, GatedLog], ids=["", "gated"])
def log(request):
    log = request.param()
    log.create_topic("raw", partitions=1, append_time=False, max_record_bytes=10_000)
    return log


@pytest.fixture
def open_sink(log):
    sinks = []

    def open_sink(settings=NO_PAUSE, **options):
        sinks.append(BufferedSink(log, "raw", settings=settings, **options))
        return sinks[-1]

    yield open_sink
    if isinstance(log, GatedLog):
        log.gate.set()
    for sink in sinks:
        sink.close()


gated = pytest.mark.parametrize("log", [GatedLog], indirect=True)
plain = pytest.mark.parametrize("log", [MemoryLog], indirect=True)


def publish(sink, *values, max_block_s=0):
    return [sink.publish(NewRecord(None, value), max_block_s=max_block_s) for value in values]


@plain
def test_events_are_delivered_in_order_and_futures_say_where(log, open_sink):
    sink = open_sink()
    futures = publish(sink, *[b"%d" % number for number in range(50)])
    assert sink.flush(timeout_s=SOON_S) == 0
    assert read_values(log) == [b"%d" % number for number in range(50)]
    assert [future.result() for future in futures] == [
        Position("raw", 0, record.offset) for record in read_all(log)
    ]


@gated
def test_what_gathers_meanwhile_shares_a_transaction(log, open_sink):
    sink = open_sink(SinkSettings(max_group_records=3))
    publish(sink, b"0")
    assert log.arrived.wait(SOON_S)
    publish(sink, b"1", b"2", b"3", b"4")
    log.gate.set()
    assert sink.flush(timeout_s=SOON_S) == 0
    assert log.groups == [[b"0"], [b"1", b"2", b"3"], [b"4"]]


@gated
def test_a_transaction_is_bounded_in_bytes_but_takes_at_least_one(log, open_sink):
    sink = open_sink(SinkSettings(max_group_bytes=500))
    publish(sink, b"0")
    assert log.arrived.wait(SOON_S)
    small, large = bytes(100), bytes(1000)
    publish(sink, small, small, small, large, small)
    log.gate.set()
    assert sink.flush(timeout_s=SOON_S) == 0
    assert log.groups == [[b"0"], [small, small], [small], [large], [small]]


@gated
@pytest.mark.parametrize(
    "settings", [SinkSettings(max_buffered_records=2), SinkSettings(max_buffered_bytes=200)]
)
def test_a_full_buffer_is_told_and_takes_events_again_when_there_is_room(log, open_sink, settings):
    sink = open_sink(settings)
    publish(sink, b"1", b"2")
    for max_block_s in (0, 0.001):
        with pytest.raises(BufferFullError, match="2 events for topic 'raw' wait"):
            publish(sink, b"3", max_block_s=max_block_s)
    log.gate.set()
    publish(sink, b"4", max_block_s=SOON_S)
    assert sink.flush(timeout_s=SOON_S) == 0
    assert read_values(log) == [b"1", b"2", b"4"]


@plain
def test_an_event_larger_than_the_buffer_goes_alone(log, open_sink):
    sink = open_sink(SinkSettings(max_buffered_bytes=10))
    publish(sink, bytes(1000))
    assert sink.flush(timeout_s=SOON_S) == 0
    assert read_values(log) == [bytes(1000)]


@gated
@pytest.mark.parametrize("refused", [{0}, {3}, {6}, {2, 3}, set(range(7))])
def test_refused_events_fail_alone(log, open_sink, refused):
    log.faults.refuse(lambda record: record.value in {b"%d" % number for number in refused})
    sink = open_sink()
    publish(sink, b"first")
    assert log.arrived.wait(SOON_S)
    futures = publish(sink, *[b"%d" % number for number in range(7)])
    log.gate.set()
    assert sink.flush(timeout_s=SOON_S) == 0
    assert read_values(log) == [b"first"] + [b"%d" % number for number in range(7) if number not in refused]
    for number, future in enumerate(futures):
        error = future.exception()
        assert isinstance(error, DeliveryError) == (number in refused)
        if error:
            assert isinstance(error.__cause__, RecordRefusedError)


@plain
@pytest.mark.parametrize("fault", [AppendFault.UNAVAILABLE, AppendFault.ABORTED, AppendFault.UNCERTAIN_LOST])
def test_an_append_that_failed_is_tried_again(log, open_sink, fault):
    log.faults.schedule(fault, fault)
    sink = open_sink()
    (future,) = publish(sink, b"x")
    assert future.result(SOON_S).offset >= 0
    assert read_values(log) == [b"x"]


@plain
def test_an_uncertain_append_is_repeated_rather_than_lost(log, open_sink):
    log.faults.schedule(AppendFault.UNCERTAIN_APPENDED)
    publish(sink := open_sink(), b"x")
    assert sink.flush(timeout_s=SOON_S) == 0
    assert read_values(log) == [b"x", b"x"]


@plain
def test_an_outage_longer_than_the_delivery_timeout_fails_the_event(log, open_sink):
    sink = open_sink(SinkSettings(delivery_timeout_s=0, first_retry_s=0))
    log.faults.schedule(AppendFault.UNAVAILABLE)
    (future,) = publish(sink, b"late")
    with pytest.raises(DeliveryError, match="'raw' was not delivered: the log is away") as caught:
        future.result(SOON_S)
    assert isinstance(caught.value.__cause__, LogUnavailableError)
    (future,) = publish(sink, b"in time", max_block_s=SOON_S)
    future.result(SOON_S)
    assert read_values(log) == [b"in time"]


@plain
def test_an_unforeseen_error_fails_the_events_and_not_the_thread(log, open_sink, monkeypatch):
    sink = open_sink()
    with monkeypatch.context() as patch:
        patch.setattr(log, "append_events", lambda *_: 1 / 0)
        (future,) = publish(sink, b"x")
        with pytest.raises(DeliveryError, match="division by zero"):
            future.result(SOON_S)
    (future,) = publish(sink, b"y", max_block_s=SOON_S)
    future.result(SOON_S)
    assert read_values(log) == [b"y"]


@gated
def test_flush_gives_up_in_time_and_counts_what_is_left(open_sink):
    sink = open_sink()
    publish(sink, b"1", b"2")
    assert sink.flush(timeout_s=0) == 2


@plain
def test_close_fails_what_waits_for_a_log_that_is_away(log, open_sink):
    released = []
    sink = open_sink(SinkSettings(first_retry_s=1000), on_close=lambda: released.append(True))
    log.faults.unavailable(calls=1000)
    futures = publish(sink, b"1", b"2", b"3")
    sink.close()
    sink.close()
    assert released == [True]
    for future in futures:
        with pytest.raises(DeliveryError, match="not delivered"):
            future.result(0)
    assert sink.flush(timeout_s=0) == 0
    with pytest.raises(DeliveryError, match="closed"):
        publish(sink, b"4")


@gated
def test_close_wakes_a_publisher_that_waits_for_room(log, open_sink):
    sink = open_sink(SinkSettings(max_buffered_records=1))
    publish(sink, b"1")
    caught = []

    def wait_for_room():
        with pytest.raises(DeliveryError) as error:
            publish(sink, b"2", max_block_s=SOON_S)
        caught.append(str(error.value))

    publisher = threading.Thread(target=wait_for_room)
    publisher.start()
    closer = threading.Thread(target=sink.close)
    closer.start()
    publisher.join()
    log.gate.set()
    closer.join()
    assert caught == ["this sink is closed"]


def test_keys_choose_the_partition_and_keep_their_order():
    log = MemoryLog(markers=False)
    log.create_topic("raw", partitions=3, append_time=False)
    sink = BufferedSink(log, "raw")
    for number in range(30):
        sink.publish(NewRecord(b"%d" % (number % 5), b"%d" % number), max_block_s=0)
    assert sink.flush(timeout_s=SOON_S) == 0
    sink.close()
    found = {}
    for partition in range(3):
        for record in read_all(log, "raw", partition):
            found.setdefault(record.key, []).append((partition, int(record.value)))
    assert len(found) == 5
    for key, places in found.items():
        assert len({partition for partition, _ in places}) == 1
        assert [number for _, number in places] == list(range(int(key), 30, 5))


def test_a_missing_topic_is_told_at_once():
    with pytest.raises(TopicMissingError):
        BufferedSink(MemoryLog(), "absent")


def test_over_sqlite_what_is_acknowledged_is_stored(tmp_path):
    with SqliteLog(tmp_path / "log.db") as log:
        log.create_topic("raw", partitions=1, append_time=False)
        sink = BufferedSink(log, "raw")
        futures = publish(sink, *[b"%d" % number for number in range(500)])
        assert [future.result(SOON_S).offset for future in futures] == list(range(500))
        sink.close()
        assert len(read_all(log)) == 500
