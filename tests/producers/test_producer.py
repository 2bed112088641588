"""AuditProducer: recording, waiting, flushing, failing."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from concurrent.futures import Future

import pytest

from sealtrail_producers import (
    AuditProducer,
    BufferFullError,
    DeliveryError,
    EventError,
    Receipt,
    UndeliveredError,
    sink_factory,
)
from sealtrail_schemas.audit_event import decode_event
from sealtrail_schemas.errors import StampError
from sealtrail_schemas.producer_stamp import read_stamp, stamp_name
from sealtrail_transport.buffered_sink import BufferedSink, SinkSettings
from sealtrail_transport.errors import LogError, TopicMissingError
from sealtrail_transport.log import Position
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C15")

SOON_S = 30.0
NO_PAUSE = SinkSettings(first_retry_s=0, max_retry_s=0)
EVENT = {"actor": "u-17", "action": "invoice.approve"}


def read(log):
    return log.read("raw", 0, 0, max_records=10_000, max_bytes=1 << 30).records


@pytest.fixture
def log():
    log = MemoryLog()
    log.create_topic("raw", partitions=1, append_time=False)
    return log


@pytest.fixture
def audit(log):
    producer = AuditProducer(lambda: BufferedSink(log, "raw", settings=NO_PAUSE), source="test")
    yield producer
    producer.close()


class StuckSink:
    """Takes `room` events and delivers them when told to."""

    def __init__(self, room):
        self.room = room
        self.waiting = []
        self.asked = threading.Event()

    def publish(self, record, *, max_block_s):
        assert max_block_s == 0
        self.asked.set()
        if len(self.waiting) >= self.room:
            raise BufferFullError("full")
        self.waiting.append((record, Future()))
        return self.waiting[-1][1]

    def deliver(self):
        for offset, (_, future) in enumerate(self.waiting):
            future.set_result(Position("raw", 0, offset))
        self.waiting = []

    def flush(self, *, timeout_s):
        assert timeout_s > 0
        return len(self.waiting)

    def close(self):
        for _, future in self.waiting:
            future.set_exception(DeliveryError("given up"))
        self.waiting = []


def test_an_event_is_delivered_and_its_receipt_says_where(audit, log):
    receipt = audit.record(**EVENT, id="e-1", key="k", headers=[("h", "v"), (b"b", None)]).result(SOON_S)
    (record,) = read(log)
    assert receipt == Receipt("e-1", "raw", 0, record.offset)
    assert (record.key, record.headers) == (b"k", ((b"h", b"v"), (b"b", None)))
    event = decode_event(record.value)
    assert (event.id, event.source, event.actor.id, event.action) == (
        "e-1",
        "test",
        "u-17",
        "invoice.approve",
    )


def test_published_bytes_are_left_as_they_are(audit, log):
    receipt = audit.publish(b"\x00\xff", key=b"k", headers=[("content-type", "application/json")]).result(
        SOON_S
    )
    assert receipt.event_id is None
    (record,) = read(log)
    assert (record.key, record.value) == (b"k", b"\x00\xff")
    assert record.headers == ((b"content-type", b"application/json"),)
    audit.publish(None).result(SOON_S)
    assert read(log)[1].value is None


def test_every_event_has_an_id_of_its_own(audit, log):
    receipts = [audit.record(**EVENT) for _ in range(100)]
    ids = [receipt.result(SOON_S).event_id for receipt in receipts]
    assert len(set(ids)) == 100
    assert [decode_event(record.value).id for record in read(log)] == ids


def test_what_is_no_event_is_refused_and_nothing_is_recorded(audit, log):
    with pytest.raises(EventError, match=r"actor\.id must not be empty"):
        audit.record(actor="", action="x")
    audit.flush()
    assert read(log) == ()


def test_the_time_and_randomness_are_parameters(log):
    sinks = lambda: BufferedSink(log, "raw")  # noqa: E731 - short
    with AuditProducer(sinks, source="s", clock_ms=lambda: 5, entropy=bytes) as audit:
        audit.record(**EVENT)
    event = decode_event(read(log)[0].value)
    assert (event.time_ms, event.id) == (5, "00000000-0005-7000-8000-000000000000")


def test_flush_waits_for_all(audit, log):
    for _ in range(200):
        audit.record(**EVENT)
    audit.flush(timeout_s=SOON_S)
    assert len(read(log)) == 200


def test_flush_tells_what_failed_since_the_last_one(audit, log):
    log.faults.refuse(lambda record: record.key == b"bad")
    for key in (None, "bad", "bad"):
        audit.record(**EVENT, key=key)
    with pytest.raises(UndeliveredError, match=r"not delivered: 2 failed; first cause: .*refuses") as caught:
        audit.flush(timeout_s=SOON_S)
    assert (caught.value.failed, caught.value.outstanding) == (2, 0)
    assert isinstance(caught.value.__cause__, DeliveryError)
    audit.flush(timeout_s=SOON_S)
    assert len(read(log)) == 1


def test_flush_tells_what_is_still_waiting():
    sink = StuckSink(room=3)
    audit = AuditProducer(lambda: sink, source="test", max_block_s=0)
    receipts = [audit.record(**EVENT) for _ in range(3)]
    with pytest.raises(UndeliveredError, match="3 still wait") as caught:
        audit.flush(timeout_s=1)
    assert (caught.value.failed, caught.value.outstanding) == (0, 3)
    assert not receipts[0].cancel()
    sink.deliver()
    assert receipts[2].result().offset == 2
    audit.close()


def test_close_gives_up_what_waits_and_says_so():
    audit = AuditProducer(lambda: StuckSink(room=3), source="test", max_block_s=0)
    receipt = audit.record(**EVENT)
    with pytest.raises(UndeliveredError, match="1 failed; first cause: given up"):
        audit.close(timeout_s=1)
    assert isinstance(receipt.exception(), DeliveryError)
    audit.close()
    with pytest.raises(DeliveryError, match="this producer is closed"):
        audit.record(**EVENT)
    audit.flush()


def test_a_full_buffer_is_told_and_the_event_not_counted():
    audit = AuditProducer(lambda: StuckSink(room=0), source="test", max_block_s=0)
    with pytest.raises(BufferFullError):
        audit.record(**EVENT)
    audit.close()


def test_leaving_the_block_delivers_everything(log):
    with AuditProducer(lambda: BufferedSink(log, "raw"), source="test") as audit:
        for _ in range(50):
            audit.record(**EVENT)
    assert len(read(log)) == 50


def test_leaving_the_block_raises_what_was_not_delivered():
    with (
        pytest.raises(UndeliveredError),
        AuditProducer(lambda: StuckSink(room=3), source="test", max_block_s=0) as audit,
    ):
        audit.record(**EVENT)


def test_an_error_in_the_block_is_not_hidden():
    def fail():
        with AuditProducer(lambda: StuckSink(room=3), source="test", max_block_s=0) as audit:
            audit.record(**EVENT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        fail()
    assert caught.value.__notes__ == ["audit events not delivered: 1 failed; first cause: given up"]


# asyncio


def test_arecord_awaits_delivery(audit, log):
    receipt = asyncio.run(audit.arecord(**EVENT, id="e-1"))
    assert receipt == Receipt("e-1", "raw", 0, read(log)[0].offset)


def test_arecord_raises_what_went_wrong(audit, log):
    log.faults.refuse(lambda _: True)
    with pytest.raises(DeliveryError):
        asyncio.run(audit.arecord(**EVENT))
    with pytest.raises(EventError):
        asyncio.run(audit.arecord(actor="", action="x"))
    with pytest.raises(UndeliveredError):
        audit.flush()


def test_the_loop_goes_on_while_the_buffer_is_full():
    sink = StuckSink(room=1)
    audit = AuditProducer(lambda: sink, source="test", max_block_s=SOON_S)

    async def main():
        first = asyncio.create_task(audit.arecord(**EVENT))
        second = asyncio.create_task(audit.arecord(**EVENT))
        for _ in range(3):
            await asyncio.sleep(0)  # the loop turns though the second finds no room
        assert not first.done()
        assert not second.done()
        sink.deliver()
        await first
        while not sink.waiting:  # noqa: ASYNC110 - the sink is no part of the loop
            await asyncio.sleep(0)
        sink.deliver()
        return await second

    assert asyncio.run(asyncio.wait_for(main(), SOON_S)).topic == "raw"
    audit.close()


def test_arecord_gives_up_when_there_is_no_room_in_time():
    audit = AuditProducer(lambda: StuckSink(room=0), source="test", max_block_s=0.001)
    with pytest.raises(BufferFullError):
        asyncio.run(audit.arecord(**EVENT))
    audit.close()


def test_a_cancelled_task_does_not_take_its_event_back():
    sink = StuckSink(room=1)
    audit = AuditProducer(lambda: sink, source="test", max_block_s=0)

    async def main():
        task = asyncio.create_task(audit.arecord(**EVENT))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(sink.waiting) == 1
    sink.deliver()
    audit.close()


# Addresses


def test_connect_opens_the_log_at_an_address(tmp_path):
    with SqliteLog(tmp_path / "log.db") as log:
        log.create_topic("raw", partitions=1, append_time=False)
        with AuditProducer.connect(f"sqlite:{tmp_path}/log.db", topic="raw", source="test") as audit:
            audit.record(**EVENT)
        assert len(read(log)) == 1


def test_an_address_may_be_relative_and_outlives_a_change_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SqliteLog("log.db") as log:
        log.create_topic("raw", partitions=1, append_time=False)
        open_sink = sink_factory("sqlite:log.db", "raw")
        monkeypatch.chdir("/")
        with AuditProducer(open_sink, source="test") as audit:
            audit.record(**EVENT)
        assert len(read(log)) == 1


def test_mistaken_addresses_get_a_clear_line(tmp_path):
    for address in ("log.db", "sqlite:", "postgres:x"):
        with pytest.raises(LogError, match=r"is not the address of a log; write sqlite:PATH"):
            AuditProducer.connect(address, topic="raw", source="test")
    with pytest.raises(LogError, match=r"there is no log at .*; `sealtrail init` makes one"):
        AuditProducer.connect(f"sqlite:{tmp_path}/absent.db", topic="raw", source="test")
    assert not (tmp_path / "absent.db").exists()
    SqliteLog(tmp_path / "log.db").close()
    with pytest.raises(TopicMissingError):
        AuditProducer.connect(f"sqlite:{tmp_path}/log.db", topic="raw", source="test")


def test_record_and_arecord_take_the_same_arguments():
    assert (
        inspect.signature(AuditProducer.record).parameters
        == inspect.signature(AuditProducer.arecord).parameters
    )


# Stamps


def stamps(log):
    return [read_stamp(record.headers) for record in read(log)]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"source": "payments api"}, "payments_api"),
        ({"source": "https://pay.example.com/é"}, "https://pay.example.com/_"),
        ({"source": "s", "producer": "p-1"}, "p-1"),
        ({"source": " ", "producer": None}, stamp_name(socket.gethostname())),
    ],
)
def test_events_are_stamped_with_the_producers_name(tmp_path, given, name):
    with SqliteLog(tmp_path / "log.db") as log:
        log.create_topic("raw", partitions=1, append_time=False)
        for _ in range(2):
            with AuditProducer.connect(f"sqlite:{tmp_path}/log.db", topic="raw", **given) as audit:
                audit.publish(b"1")
                audit.publish(b"2")
        found = [stamp for stamp, _ in stamps(log)]
    assert [(stamp.producer, stamp.number) for stamp in found] == [(name, 0), (name, 1)] * 2
    assert found[0].incarnation == found[1].incarnation != found[2].incarnation


def test_a_name_that_no_stamp_holds_is_told(tmp_path):
    with pytest.raises(StampError, match="a producer's name is"):
        AuditProducer.connect(f"sqlite:{tmp_path}/log.db", topic="raw", source="s", producer="a b")


def test_a_producer_on_a_sink_of_its_own_stamps_nothing(audit, log):
    audit.publish(b"x").result(SOON_S)
    assert read(log)[0].headers == ()
