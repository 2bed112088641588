"""A producer with an outbox: what `record` promises, what futures say, what is left for the next start."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sealtrail_producers import (
    AuditProducer,
    BufferFullError,
    DeliveryError,
    KeptInOutboxError,
    UndeliveredError,
)
from sealtrail_producers.outbox import Outbox
from sealtrail_producers.outbox_sink import OutboxSettings, OutboxSink
from sealtrail_producers.shipper import Shipper, ShipperSettings
from sealtrail_schemas.producer_stamp import Stamp, read_stamp, stamp_headers
from sealtrail_transport.errors import LogError, LogUnavailableError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.partitioner import Partitioner

SOON_S = 30.0
EVENT = {"actor": "u-17", "action": "invoice.approve"}


class GatedLog(MemoryLog):
    """A log that is away until it is told otherwise."""

    def __init__(self):
        super().__init__()
        self.create_topic("raw", partitions=3, append_time=False)
        self.is_away = False
        self.asked = threading.Event()

    def writer(self, *arguments, **options):
        self.ask()
        return super().writer(*arguments, **options)

    def append_fenced(self, *arguments, **options):
        self.ask()
        return super().append_fenced(*arguments, **options)

    def ask(self):
        self.asked.set()
        if self.is_away:
            raise LogUnavailableError("the log is away")


@pytest.fixture
def log():
    return GatedLog()


@pytest.fixture
def producer(log, tmp_path):
    """Open a producer on the outbox; all are closed at the end."""
    opened = []

    def open_sink(**bounds):
        outbox = Outbox(tmp_path / "outbox.db", producer="p", topic="raw")
        try:
            settings = OutboxSettings(
                first_retry_s=0.001,
                max_retry_s=0.001,
                shipper=ShipperSettings(refresh_after_s=0.01),
                **bounds,
            )
            return OutboxSink(outbox, log, settings=settings)
        except BaseException:
            outbox.close()
            raise

    def open_producer(max_block_s=0.0, **bounds):
        audit = AuditProducer(
            lambda: open_sink(**bounds), source="test", max_block_s=max_block_s, has_outbox=True
        )
        opened.append(audit)
        return audit

    yield open_producer
    for audit in opened:
        audit.close(timeout_s=0)


def records(log):
    return [
        record
        for partition in range(3)
        for record in log.read("raw", partition, 0, max_records=99_999, max_bytes=1 << 30).records
    ]


def values(log):
    return sorted(record.value for record in records(log))


def test_futures_resolve_when_the_log_has_the_event_and_say_where(producer, log):
    receipts = [producer().publish(b"x", key="k").result(SOON_S)]
    assert receipts[0].offset == 0
    (record,) = log.read("raw", receipts[0].partition, 0, max_records=9, max_bytes=99).records
    assert record.value == b"x"


def test_many_threads_lose_nothing_and_numbers_have_no_gaps(producer, log):
    audit = producer()
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda number: audit.publish(b"%d" % number), range(500)))
    audit.flush(timeout_s=SOON_S)
    assert all(receipt.done() for receipt in receipts)  # when flush returns, each has its answer
    assert values(log) == sorted(b"%d" % number for number in range(500))
    for partition in range(3):
        of_one = log.read("raw", partition, 0, max_records=9_999, max_bytes=1 << 30).records
        assert [read_stamp(record.headers)[0].number for record in of_one] == list(range(len(of_one)))


def test_threads_share_one_flush_of_the_disk(producer, monkeypatch):
    audit = producer()
    groups = []
    entered, gate = threading.Event(), threading.Event()
    add = Outbox.add

    def slow_add(outbox, events):
        groups.append(len(events))
        entered.set()
        assert gate.wait(SOON_S)
        return add(outbox, events)

    monkeypatch.setattr(Outbox, "add", slow_add)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(audit.publish, b"first")
        assert entered.wait(SOON_S)
        others = [pool.submit(audit.publish, b"other") for _ in range(8)]
        while len(audit._sink._queue) < 8:
            pass
        gate.set()
        for each in (first, *others):
            each.result(SOON_S).result(SOON_S)
    assert groups == [1, 8]


def test_events_are_on_the_disk_when_record_returns(producer, log, tmp_path):
    audit = producer()
    log.is_away = True
    receipt = audit.record(**EVENT)
    assert not receipt.done()
    audit.close(timeout_s=0)
    outbox = Outbox(tmp_path / "outbox.db", producer="p", topic="raw")
    assert sum(outbox.waiting.values()) == 1
    outbox.close()


def test_what_is_left_is_no_failure_and_the_next_producer_delivers_it(producer, log, caplog):
    log.is_away = True
    with producer() as audit:  # leaving the block raises nothing
        kept = audit.publish(b"kept")
        audit.close(timeout_s=0)
    with pytest.raises(KeptInOutboxError, match=r"event 0 of partition 0 waits in .*outbox\.db; the next"):
        kept.result(SOON_S)
    assert "1 events wait in" in caplog.text
    log.is_away = False
    audit = producer()
    audit.flush(timeout_s=SOON_S)
    assert values(log) == [b"kept"]


def test_flush_tells_what_is_not_in_the_log_yet(producer, log):
    audit = producer()
    log.is_away = True
    audit.publish(b"x")
    with pytest.raises(UndeliveredError, match="1 still wait"):
        audit.flush(timeout_s=0)
    log.is_away = False
    audit.flush(timeout_s=SOON_S)


def test_flush_waits_for_the_answers_too(producer, monkeypatch):
    entered, gate = threading.Event(), threading.Event()
    answer = OutboxSink._on_shipped

    def slow_answer(sink, *arguments):
        entered.set()
        assert gate.wait(SOON_S)
        answer(sink, *arguments)

    monkeypatch.setattr(OutboxSink, "_on_shipped", slow_answer)
    audit = producer()
    receipt = audit.publish(b"x")
    assert entered.wait(SOON_S)
    assert audit._sink._outbox.waiting == {}
    assert audit._sink.flush(timeout_s=0) == 1
    gate.set()
    audit.flush(timeout_s=SOON_S)
    assert receipt.done()


def test_a_full_outbox_is_told_and_has_room_again_once_shipped(producer, log):
    audit = producer(max_outbox_bytes=3_000)
    log.is_away = True
    for _ in range(2):
        audit.publish(bytes(1_000))
    with pytest.raises(
        BufferFullError, match=r"2 events wait .* fill the outbox \(max_outbox_bytes = 3000\)"
    ):
        audit.publish(bytes(1_000))
    log.is_away = False
    audit.flush(timeout_s=SOON_S)
    audit.publish(bytes(1_000)).result(SOON_S)
    assert len(records(log)) == 3


def test_what_an_earlier_producer_left_counts(producer, log):
    log.is_away = True
    audit = producer()
    audit.publish(bytes(1_000))
    audit.close(timeout_s=0)
    audit = producer(max_outbox_bytes=1_500)
    with pytest.raises(BufferFullError):
        audit.publish(bytes(1_000))


def test_waiting_for_room_ends_when_there_is_some(producer, log):
    audit = producer(max_outbox_bytes=1_500, max_block_s=SOON_S)
    log.is_away = True
    audit.publish(bytes(1_000))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(audit.publish, bytes(1_000))
        log.is_away = False
        second.result(SOON_S).result(SOON_S)


def test_one_event_larger_than_the_bound_may_wait_alone(producer, log):
    audit = producer(max_outbox_bytes=100)
    audit.publish(bytes(1_000)).result(SOON_S)
    assert len(records(log)) == 1


def test_a_refused_event_fails_alone_and_is_told(producer, log, caplog):
    log.faults.refuse(lambda record: record.value == b"bad")
    audit = producer()
    receipts = [audit.publish(value, key="k") for value in (b"a", b"bad", b"b")]
    assert receipts[0].result(SOON_S)
    with pytest.raises(DeliveryError, match="was not delivered: the log refuses a record"):
        receipts[1].result(SOON_S)
    assert receipts[2].result(SOON_S)
    assert "becomes void" in caplog.text
    with pytest.raises(UndeliveredError, match="1 failed"):
        audit.flush(timeout_s=SOON_S)


def test_a_disk_that_takes_nothing_is_told_to_each_caller(producer, log):
    audit = producer()
    with audit._sink._outbox._pool.lend() as connection:
        connection.execute("PRAGMA max_page_count = 10")
    with pytest.raises(LogUnavailableError, match="the disk is full"):
        audit.publish(bytes(1 << 20))
    audit.publish(b"small").result(SOON_S)
    audit.flush(timeout_s=SOON_S)
    assert values(log) == [b"small"]


def test_a_log_that_is_away_is_said_once(producer, log, caplog):
    caplog.set_level(logging.WARNING)
    audit = producer()
    log.is_away = True
    audit.publish(b"x")
    for _ in range(5):
        log.asked.clear()
        assert log.asked.wait(SOON_S)
    assert caplog.text.count("the log is away") == 1
    log.is_away = False
    audit.flush(timeout_s=SOON_S)


def test_a_bug_does_not_end_the_shipping(producer, monkeypatch, caplog):
    step, failures = Shipper.step, iter([ZeroDivisionError("a bug")])

    def failing_step(shipper, *, now_s):
        for failure in failures:
            raise failure
        return step(shipper, now_s=now_s)

    monkeypatch.setattr(Shipper, "step", failing_step)
    producer().publish(b"x").result(SOON_S)
    assert "were not shipped" in caplog.text


def test_a_copied_outbox_stops_shipping_and_says_so(producer, log, tmp_path):
    audit = producer()
    audit.publish(b"first", key="k").result(SOON_S)
    log.is_away = True
    audit.publish(b"ours", key="k")
    audit.close(timeout_s=0)
    outbox = Outbox(tmp_path / "outbox.db", producer="p", topic="raw")
    ((partition, _),) = outbox.waiting.items()
    outbox.close()
    log.is_away = False
    stamp = Stamp("p", outbox.incarnation, 1)
    log.faults.write_foreign("raw", partition, NewRecord(None, b"the copy's", stamp_headers(stamp)))
    said = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: said.set() if "a copy of the file" in record.getMessage() else None
    logging.getLogger("sealtrail_producers.outbox_sink").addHandler(handler)
    try:
        producer()
        assert said.wait(SOON_S)
    finally:
        logging.getLogger("sealtrail_producers.outbox_sink").removeHandler(handler)
    assert b"ours" not in values(log)


def test_a_topic_that_has_grown_is_used_whole(producer):
    audit = producer()
    key = next(b"%d" % number for number in range(99) if Partitioner(3).partition(b"%d" % number))
    audit._sink._outbox.partitions = 1
    assert audit.publish(b"x", key=key).result(SOON_S).partition == 0
    assert audit._sink._outbox.partitions == 3  # the shipper has learned it
    assert audit.publish(b"x", key=key).result(SOON_S).partition == Partitioner(3).partition(key)


def test_a_new_outbox_has_to_reach_the_log_once(producer, log):
    log._topics.clear()
    with pytest.raises(LogError, match="no topic 'raw'"):
        producer()


def test_a_known_outbox_needs_no_log_to_open(producer, log):
    producer().close()
    log.faults.unavailable(calls=10**9)
    audit = producer()
    audit.publish(b"x")
    log.faults.clear()
    audit.flush(timeout_s=SOON_S)
    assert values(log) == [b"x"]


def test_a_closed_producer_takes_nothing(producer):
    audit = producer()
    sink = audit._sink
    audit.close()
    with pytest.raises(DeliveryError, match="this sink is closed"):
        sink.publish(NewRecord(None, b"x"), max_block_s=0)


def test_arecord_leaves_the_loop_free_while_the_disk_is_busy(producer, monkeypatch):
    audit = producer()
    gate = threading.Event()
    add = Outbox.add

    def slow_add(outbox, events):
        assert gate.wait(SOON_S)
        return add(outbox, events)

    monkeypatch.setattr(Outbox, "add", slow_add)

    async def main():
        task = asyncio.create_task(audit.arecord(**EVENT, id="e-1"))
        for _ in range(5):
            await asyncio.sleep(0)  # the loop turns
        assert not task.done()
        gate.set()
        return await task

    assert asyncio.run(asyncio.wait_for(main(), SOON_S)).event_id == "e-1"
