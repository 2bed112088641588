"""What is measured: sealtrail's own classes, put together as its services put them together."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.job import RETENTION, Stopwatch
from sealtrail.interpreter import set_up_for_service
from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.settings import ArchiverSettings
from sealtrail_archiver.settings import Did as ArchiverDid
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.verify import verify_archive
from sealtrail_chainer.chainer import Chainer, ChainerSettings, Did
from sealtrail_schemas.policy import Policy, format_policy
from sealtrail_transport.copy_writer import CopyWriter, copy_store
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.kafka_sink import KafkaSink
from sealtrail_transport.log import NewRecord

if TYPE_CHECKING:
    from bench.job import Job
    from sealtrail_transport.store import Store

_IDLE_S = 0.005


def setup(job: Job) -> dict[str, float]:
    """Make topics and bucket."""
    with KafkaLog(job.settings) as log:
        log.create_topic(job.raw_topic, partitions=1, append_time=False)
        for topic in (job.chained_topic, job.floor_topic):
            log.create_topic(topic, partitions=1, append_time=True, max_record_bytes=32 * 2**20)
    job.store().ensure_bucket()
    return {}


def produce(job: Job) -> dict[str, float]:
    """Publish all events through KafkaSink, and wait until all are acknowledged."""
    records = [NewRecord(*job.event(number)) for number in range(job.events)]
    sink = KafkaSink(job.settings, job.raw_topic)
    with Stopwatch() as watch:
        for record in records:
            sink.publish(record, max_block_s=60)
        if sink.flush(timeout_s=120):
            raise RuntimeError("not all events were acknowledged")
    sink.close()
    return watch.result()


def chain(job: Job) -> dict[str, float]:
    """Chain all events; in an end-to-end run, as they come. Recovery is not counted."""
    settings = ChainerSettings(transaction_records=job.transaction_events)
    with set_up_for_service(), KafkaLog(job.settings) as log:
        chainer = Chainer(log, job.store(), job.trail, settings, entropy=secrets.token_bytes)
        chainer.step(now_ms=_now_ms())
        chained = 0
        with Stopwatch() as watch:
            while chained < job.events:
                step = chainer.step(now_ms=_now_ms())
                chained += step.entries
                if step.did is Did.IDLE:
                    time.sleep(_IDLE_S)
        chainer.close()
    return watch.result()


def archive(job: Job) -> dict[str, float]:
    """Seal all entries, in an end-to-end run as they come; the genesis is one of them."""
    settings = ArchiverSettings(retention=RETENTION, codec=job.codec)
    sealed = 0
    with set_up_for_service(), KafkaLog(job.settings) as log, ThreadPoolExecutor(1) as pool:
        archiver = Archiver(log, job.store(), job.trail, job.signer, settings, submit=pool.submit)
        while archiver.step(now_ms=_now_ms()).did is ArchiverDid.WAITING:
            time.sleep(_IDLE_S)
        with Stopwatch() as watch:
            while sealed <= job.events:
                at_end = sealed + archiver.pending > job.events
                step = archiver.step(now_ms=_now_ms(), flush=at_end)
                sealed += step.entries if step.did is ArchiverDid.SEALED else 0
                if step.did is ArchiverDid.BUSY and archiver.in_flight is not None:
                    wait([archiver.in_flight])
                elif step.did is ArchiverDid.IDLE:
                    time.sleep(_IDLE_S)
        archiver.close()
    return watch.result()


def verify(job: Job) -> dict[str, float]:
    """Verify the archive straight from the bucket."""
    return _verify(job, job.store())


def verify_copy(job: Job) -> dict[str, float]:
    """Verify a copy of the archive in a folder, as `sealtrail fetch` makes it; copying is not counted."""
    store = job.store()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "copy"
        now = datetime.now(UTC)
        with CopyWriter(folder, source_url=store.url, locks=store.lock_knowledge, copied_at=now) as writer:
            copy_store(store, writer)
        return _verify(job, FolderStore(folder))


def _verify(job: Job, store: Store) -> dict[str, float]:
    policy = Policy.parse(format_policy([job.signer.verifier]))
    with Stopwatch() as watch:
        report = verify_archive(store, policy, now=datetime.now(UTC))
    entries = sum(trail.entries_verified for trail in report.trails)
    if report.verdict is not Verdict.INTACT or entries != job.events + 1:
        raise RuntimeError(f"{report.verdict}, {entries} entries: {report.findings}")
    return watch.result()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
