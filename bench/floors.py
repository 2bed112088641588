"""The least that each stage's work takes on the same servers: client libraries and hashes, nothing else."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import Consumer, Producer, TopicPartition

from bench.job import RETENTION, Stopwatch
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.merkle import RightEdge
from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job
    from sealtrail_schemas.entry import Entry

_HASH_AT: Final = slice(14, 46)  # the previous entry hash in a leaf
_PAYLOAD_HASH_AT: Final = slice(78, 110)


def produce(job: Job) -> dict[str, float]:
    """confluent-kafka alone with a delivery callback, set up as KafkaSink sets it up."""
    events = [job.event(number) for number in range(job.events)]
    producer = Producer(job.settings.sink(max_record_bytes=DEFAULT_MAX_RECORD_BYTES))
    delivered: list[int | None] = []

    def report(error: object, message: object) -> None:
        if error is not None:
            raise RuntimeError(str(error))
        delivered.append(message.offset())  # type: ignore[attr-defined]

    with Stopwatch() as watch:
        for key, value in events:
            while True:
                try:
                    producer.produce(job.floor_topic, value, key, on_delivery=report)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
        producer.flush()
    if len(delivered) != job.events:
        raise RuntimeError("not all events were acknowledged")
    return watch.result()


def chain(job: Job) -> dict[str, float]:
    """A transactional consume-produce loop: the records as they are, and the offsets with them."""
    consumer = Consumer({**job.settings.reader(), "group.id": f"{job.name}-floor"})
    producer = Producer(job.settings.writer(f"{job.name}-floor", max_record_bytes=32 * 2**20))
    producer.init_transactions()
    group = consumer.consumer_group_metadata()
    # Whoever asks a new cluster first waits until it has made the topic of offsets.
    consumer.committed([TopicPartition(job.raw_topic, 0)], 30)
    done = 0
    with Stopwatch() as watch:
        consumer.assign([TopicPartition(job.raw_topic, 0, 0)])
        while done < job.events:
            messages = consumer.consume(min(job.transaction_events, job.events - done), 1.0)
            if not messages:
                continue
            producer.begin_transaction()
            for message in messages:
                if message.error():
                    raise RuntimeError(str(message.error()))
                producer.produce(job.floor_topic, message.value(), message.key(), 0)
            following = TopicPartition(job.raw_topic, 0, cast("int", messages[-1].offset()) + 1)
            producer.send_offsets_to_transaction([following], group)
            producer.commit_transaction()
            done += len(messages)
    consumer.close()
    return watch.result()


def archive(job: Job) -> dict[str, float]:
    """Bare puts of objects as long as the batches, with SHA-256, If-None-Match and a COMPLIANCE lock."""
    store = job.store()
    lengths = [store.head(key, version_id).size for key, version_id in _batches(job)]
    bodies = [os.urandom(length) for length in lengths]
    bucket = job.bucket.removeprefix("s3://")
    with Stopwatch() as watch:
        for number, body in enumerate(bodies):
            store.client.put_object(
                Bucket=bucket,
                Key=f"{job.name}-floor-{job.codec}/{number}",
                Body=body,
                IfNoneMatch="*",
                ChecksumSHA256=base64.b64encode(sha256(body).digest()).decode(),
                ObjectLockMode="COMPLIANCE",
                ObjectLockRetainUntilDate=datetime.now(UTC) + RETENTION,
            )
    return watch.result()


def verify_payloads(job: Job) -> dict[str, float]:
    """SHA-256 of all payloads, which lie in memory."""
    entries = _entries(job)
    with Stopwatch() as watch:
        for _, payload in entries:
            sha256(payload).digest()
    return watch.result()


def verify_chain(job: Job) -> dict[str, float]:
    """The same, and each leaf's hash held against the next leaf."""
    entries = _entries(job)
    with Stopwatch() as watch:
        _follow(entries)
    return watch.result()


def verify_merkle(job: Job) -> dict[str, float]:
    """The same, and the Merkle tree over all leaves."""
    entries = _entries(job)
    with Stopwatch() as watch:
        tree = RightEdge.empty()
        tree.extend(_follow(entries))
        tree.root()
    return watch.result()


def _follow(entries: list[Entry]) -> list[bytes]:
    hashes = []
    last = bytes(32)
    for leaf, payload in entries:
        if sha256(payload).digest() != leaf[_PAYLOAD_HASH_AT] or leaf[_HASH_AT] != last:
            raise RuntimeError("not the chain that was archived")
        last = sha256(b"\x00" + leaf).digest()
        hashes.append(last)
    return hashes


def _entries(job: Job) -> list[Entry]:
    store = job.store()
    entries: list[Entry] = []
    for key, version_id in _batches(job):
        with store.open(key, version_id) as stream:
            entries += BatchReader(stream)
    return entries


def _batches(job: Job) -> Iterator[tuple[str, str]]:
    for version in job.store().versions(""):
        if version.key.endswith(".avro"):
            yield version.key, version.version_id
