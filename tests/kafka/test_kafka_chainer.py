"""The chainer over real Kafka: rejected records, aborted transactions, and a zombie beside its successor."""

from __future__ import annotations

import os
import secrets
from collections import deque
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer

from contracts.log_contract import read_all, value_records
from kafka.foreign import produce_with_header
from kafka.test_log_kafka import delete_topic
from sealtrail_chainer.chainer import Chainer, ChainerSettings, Did
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.trail import Trail
from sealtrail_chainer.true_chain import Linked, TrueChain, take_genesis
from sealtrail_schemas.body import RejectedBody, parse_body
from sealtrail_schemas.chain import genesis_state
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.errors import WriterFencedError
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.memory_store import MemoryStore

pytestmark = pytest.mark.containers

NOW_MS = 1_790_000_000_000
CHAINED_BYTES = 100_000
VALUES = [b"%d" % number for number in range(20)]


class Line:
    """A trail in topics of its own, and what it takes to chain it."""

    def __init__(self, log, raw):
        self.log = log
        self.raw = raw
        self.chained = f"{raw}.chained"
        signer = Signer.from_seed(f"audit.example.com/{raw}/0", bytes(32))
        self.trail = Trail(signer.verifier, chained_topic=self.chained)
        self.store = MemoryStore(clock=lambda: datetime.fromtimestamp(NOW_MS / 1000, tz=UTC))
        log.create_topic(raw, partitions=1, append_time=False, max_record_bytes=2**20)
        log.create_topic(self.chained, partitions=1, append_time=True, max_record_bytes=CHAINED_BYTES)
        self.source = log.writer(raw, 0, name=f"{raw} source")

    def chainer(self, log=None, **settings):
        return Chainer(
            log or self.log, self.store, self.trail, ChainerSettings(**settings), entropy=secrets.token_bytes
        )

    def chain(self, chainer):
        while chainer.step(now_ms=NOW_MS).did is not Did.IDLE:
            pass
        return chainer

    def entries(self):
        """The true chain, from genesis on; nothing else lies in the topic."""
        records = deque(read_all(self.log, self.chained))
        genesis = take_genesis(records.popleft())
        chain = TrueChain(genesis_state(genesis.leaf, genesis.entry_hash))
        taken = [chain.take(record) for record in records]
        assert all(isinstance(entry, Linked) for entry in taken)
        return taken

    def values(self):
        return [
            decode_payload(entry.payload).value for entry in self.entries() if entry.leaf.kind is Kind.EVENT
        ]


@pytest.fixture
def line(log, name):
    return Line(log, name)


@pytest.mark.claim("C1", "C2")
def test_every_record_is_chained_once_and_in_order_across_restarts(line):
    values = [b"%d" % number for number in range(250)]
    for first in range(0, 250, 50):
        line.source.append(value_records(*values[first : first + 50]))
        line.chain(line.chainer(transaction_records=30)).close()
    assert line.values() == values


@pytest.mark.claim("C7")
def test_a_record_that_is_too_large_is_found_and_rejected_and_the_rest_goes_on(line):
    values = [b"%d" % number for number in range(12)]
    large = os.urandom(150_000)
    line.source.append(value_records(*values[:5], large, *values[5:]))
    line.chain(line.chainer())
    assert line.values() == values
    (rejected,) = [entry for entry in line.entries() if entry.leaf.kind is Kind.REJECTED]
    body = parse_body(Kind.REJECTED, decode_payload(rejected.payload).value)
    assert isinstance(body, RejectedBody)
    assert body.size == len(large)
    assert f"topic {line.chained} allows {CHAINED_BYTES}" in body.reason
    assert [entry.leaf.source_offset for entry in line.entries()] == list(range(13))


@pytest.mark.claim("C7")
def test_a_header_that_can_not_be_read_makes_a_rejected_entry(cluster, line):
    line.source.append(value_records(b"before"))
    produce_with_header(cluster.address, line.raw, key=b"k", value=b"v", header=b"bad\xff")
    line.source.append(value_records(b"after"))
    line.chain(line.chainer())
    assert line.values() == [b"before", b"after"]
    (rejected,) = [entry for entry in line.entries() if entry.leaf.kind is Kind.REJECTED]
    assert b"not UTF-8" in decode_payload(rejected.payload).value


@pytest.mark.claim("C1")
def test_what_a_producer_aborted_is_not_chained(cluster, line, name):
    producer = Producer({"bootstrap.servers": cluster.address, "transactional.id": f"{name} stranger"})
    producer.init_transactions(30)
    for end, value in [
        (producer.abort_transaction, b"aborted"),
        (producer.commit_transaction, b"committed"),
    ] * 3:
        producer.begin_transaction()
        producer.produce(line.raw, value, partition=0)
        end(30)
    line.source.append(value_records(b"last"))
    line.chain(line.chainer())
    assert line.values() == [b"committed"] * 3 + [b"last"]


@pytest.mark.claim("C4")
def test_a_zombie_beside_its_successor_forks_nothing(cluster, line, monkeypatch):
    """Stopped before it sends a transaction, overtaken, and resumed."""
    line.source.append(value_records(*VALUES))
    with KafkaLog(cluster.settings()) as other:
        zombie = line.chainer(other, transaction_records=5)
        zombie.step(now_ms=NOW_MS)
        zombie.step(now_ms=NOW_MS)
        writer = zombie._running.writer
        overtake(monkeypatch, writer, "_send", lambda: line.chain(line.chainer(transaction_records=5)))
        with pytest.raises(WriterFencedError):
            zombie.step(now_ms=NOW_MS)
    assert line.values() == VALUES


@pytest.mark.claim("C4")
def test_a_zombie_that_was_stopped_before_its_commit_forks_nothing(cluster, line, monkeypatch):
    """Its records lie in the topic, aborted by the successor. It recovers, and takes over in its turn."""
    line.source.append(value_records(*VALUES))
    successor = line.chainer(transaction_records=5)
    with KafkaLog(cluster.settings()) as other:
        zombie = line.chainer(other, transaction_records=5)
        zombie.step(now_ms=NOW_MS)
        zombie.step(now_ms=NOW_MS)
        overtake(monkeypatch, zombie._running.writer, "_commit", lambda: line.chain(successor))
        assert zombie.step(now_ms=NOW_MS).did is Did.DOUBTED
        line.source.append(value_records(b"one more"))
        line.chain(zombie)
        line.source.append(value_records(b"and another"))
        with pytest.raises(WriterFencedError):
            line.chain(successor)
        line.chain(zombie)
    assert line.values() == [*VALUES, b"one more", b"and another"]


def overtake(monkeypatch, writer, method, act):
    """Let `act` happen when `writer` is about to run `method`."""
    go_on = getattr(writer, method)

    def stop_and_go_on(*args):
        act()
        return go_on(*args)

    monkeypatch.setattr(writer, method, stop_and_go_on)


def test_retention_that_overtakes_the_chainer_stops_it_and_says_what_is_gone(cluster, line):
    line.source.append(value_records(b"chained"))
    line.chain(line.chainer()).close()
    line.source.append(value_records(b"lost", b"kept"))
    line.log.trim(line.raw, 0, 3)
    with KafkaLog(cluster.settings()) as other, pytest.raises(LineStoppedError) as caught:
        line.chainer(other).step(now_ms=NOW_MS)
    assert caught.value.code is StopCode.RAW_OVERTAKEN
    assert caught.value.evidence == {"first_lost": 2, "first_kept": 3}


@pytest.mark.claim("C6")
def test_a_raw_topic_made_anew_stops_the_chainer(cluster, line):
    line.source.append(value_records(b"chained"))
    line.chain(line.chainer()).close()
    delete_topic(line.log, line.raw)
    line.log.create_topic(line.raw, partitions=1, append_time=False)
    line.log.writer(line.raw, 0, name=f"{line.raw} source").append(value_records(*VALUES))
    with KafkaLog(cluster.settings()) as other, pytest.raises(LineStoppedError) as caught:
        line.chainer(other).step(now_ms=NOW_MS)
    assert caught.value.code is StopCode.TOPIC_RECREATED
