"""An outbox before a real broker: killed services, a paused broker, others' transactions, odd events."""

from __future__ import annotations

import contextlib
import random
import threading
import time

import pytest
from confluent_kafka import Producer

from kafka.cluster import shared_cluster
from outbox_service import Service, read_all
from sealtrail_producers import AuditProducer, DeliveryError, KeptInOutboxError
from sealtrail_producers.outbox import Outbox
from sealtrail_producers.shipper import Did, Shipper, ShipperSettings
from sealtrail_schemas.producer_stamp import VOID_HEADER, read_stamp
from sealtrail_transport.errors import LogBusyError
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.log import NewRecord

pytestmark = pytest.mark.containers

EVENT = {"actor": "u", "action": "act"}


def connect(cluster, topic, tmp_path, **options):
    return AuditProducer.connect(
        f"kafka://{cluster.address}", topic=topic, source="test", outbox=tmp_path / "outbox.db", **options
    )


def test_key_headers_and_time_are_kept_and_receipts_say_where(cluster, log, topic, tmp_path):
    stranger = Producer({"bootstrap.servers": cluster.address, "linger.ms": 0})
    before_ms = time.time_ns() // 10**6
    with connect(cluster, topic, tmp_path) as audit:
        receipts = []
        for number in range(300):
            receipts.append(audit.record(**EVENT, id=str(number), key="k", headers=[("h", "v"), ("n", None)]))
            stranger.produce(topic, b"stranger")
            stranger.poll(0)
        stranger.flush(30)
        receipts = [receipt.result(60) for receipt in receipts]
    records = {record.offset: record for record in read_all(log, topic, 0)}
    ours = [records[receipt.offset] for receipt in receipts]
    assert [read_stamp(record.headers)[0].number for record in ours] == list(range(300))
    for record in ours:
        assert record.key == b"k"
        assert record.headers[:2] == ((b"h", b"v"), (b"n", None))
        assert before_ms <= record.timestamp_ms <= before_ms + 60_000
    assert len(records) == 600


def test_an_event_that_the_broker_refuses_is_told_and_declared_void(cluster, log, name, tmp_path):
    log.create_topic(name, partitions=1, append_time=False, max_record_bytes=2_000)
    noise = random.Random(1).randbytes(5_000)  # the broker weighs what is compressed
    with contextlib.suppress(DeliveryError), connect(cluster, name, tmp_path) as audit:
        receipts = [audit.publish(value) for value in (b"a", noise, b"b")]
        assert receipts[0].result(60).offset >= 0
        with pytest.raises(DeliveryError):
            receipts[1].result(60)
        receipts[2].result(60)
        audit.publish(b"c").result(60)
    records = read_all(log, name, 0)
    assert [record.value for record in records] == [b"a", b"b", b"c"]
    assert [record.headers[-1] for record in records if record.headers[-1][0] == VOID_HEADER] == [
        (VOID_HEADER, b"1")
    ]


def test_what_lies_behind_a_strangers_open_transaction_is_found(cluster, log, topic, tmp_path):
    """The committed end stands still meanwhile; believed, it would have events shipped twice."""
    outbox = Outbox(tmp_path / "outbox.db", producer="p", topic=topic)
    outbox.learn(log.topic(topic))
    outbox.add([(0, NewRecord(None, b"ours"))])

    def shipper():
        return Shipper(log, outbox, ShipperSettings(), on_shipped=lambda *_: None, on_refused=lambda *_: None)

    dying = shipper()
    assert dying.step(now_s=0).did is Did.OPENED
    stranger = Producer({"bootstrap.servers": cluster.address, "transactional.id": f"stranger {topic}"})
    stranger.init_transactions(30)
    stranger.begin_transaction()
    stranger.produce(topic, b"stranger")
    stranger.flush(30)
    outbox.shipped = lambda *_, **__: pytest.fail("too late")
    with pytest.raises(pytest.fail.Exception):  # it dies behind the commit
        dying.step(now_s=0)
    del outbox.shipped
    dying.close()

    successor = shipper()
    assert successor.step(now_s=0).did is Did.OPENED
    assert [successor.step(now_s=0).did for _ in range(3)] == [Did.WAITED] * 3
    stranger.abort_transaction(30)
    deadline = time.monotonic() + 60
    while successor.step(now_s=0).did is not Did.IDLE:
        assert time.monotonic() < deadline
    assert [record.value for record in read_all(log, topic, 0)] == [b"ours"]
    successor.close()
    outbox.close()


def test_a_service_killed_while_events_flow_loses_and_repeats_nothing(cluster, log, name, tmp_path):
    log.create_topic(name, partitions=3, append_time=False)
    service = Service(f"kafka://{cluster.address}", name, tmp_path / "outbox.db")
    chance = random.Random(1)
    for _ in range(3):
        service.run(count=10**6, kill_after=chance.randint(500, 4_000))
    service.run(count=100)
    assert service.check(log, name) > 200


@pytest.mark.full
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(3))
def test_a_service_killed_while_the_broker_comes_and_goes_loses_and_repeats_nothing(tmp_path, seed):
    import docker

    chance = random.Random(seed)
    with shared_cluster(tmp_path) as own, contextlib.closing(docker.from_env()) as client:
        broker = client.containers.get(own.container)
        with KafkaLog(own.settings()) as log:
            log.create_topic("raw", partitions=3, append_time=False)
            service = Service(f"kafka://{own.address}", "raw", tmp_path / "outbox.db")
            over = threading.Event()

            def come_and_go():
                while not over.wait(chance.uniform(0.5, 4)):
                    broker.pause()
                    over.wait(chance.uniform(0.2, 8))
                    broker.unpause()

            pauses = threading.Thread(target=come_and_go)
            pauses.start()
            try:
                for _ in range(10):
                    service.run(count=10**6, kill_after=chance.randint(1, 12_000))
            finally:
                over.set()
                pauses.join()
            service.run(count=100)
            assert service.check(log, "raw") > 500


def test_without_a_broker_events_wait_and_the_next_producer_delivers_them(cluster, log, topic, tmp_path):
    with connect(cluster, topic, tmp_path) as audit:
        audit.publish(b"seen").result(60)
    away = AuditProducer.connect(
        "kafka://127.0.0.1:1", topic=topic, source="test", outbox=tmp_path / "outbox.db"
    )
    kept = away.publish(b"kept")
    away.close(timeout_s=0.1)
    with pytest.raises(KeptInOutboxError):
        kept.result(60)
    deadline = time.monotonic() + 90
    while True:  # the thread of the one before may still wait for its broker
        try:
            audit = connect(cluster, topic, tmp_path)
        except LogBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            break
    audit.flush(timeout_s=60)
    audit.close()
    assert [record.value for record in read_all(log, topic, 0)] == [b"seen", b"kept"]
