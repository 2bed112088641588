"""A whole deployment in memory: log, store, one trail, and the step machines over them."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.settings import ArchiverSettings
from sealtrail_archiver.settings import Did as ArchiverDid
from sealtrail_chainer.chainer import Chainer, ChainerSettings, Did
from sealtrail_chainer.trail import Trail
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.memory_store import MemoryStore

ORIGIN = "audit.example.com/events/0"
START_MS = 1_790_000_000_000
DAY = timedelta(days=1)


@dataclass
class Clock:
    """The one clock of a deployment, moved by hand."""

    now_ms: int = START_MS

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms / 1000, tz=UTC)


def at_once(call):
    """An executor of sorts: does the work before it returns."""
    future = Future()
    finish(call, future)
    return future


def finish(call, future):
    """Do the work of a future."""
    try:
        future.set_result(call())
    except Exception as error:  # noqa: BLE001 -- a future carries whatever was raised
        future.set_exception(error)


@dataclass
class Deployment:
    """A trail on a memory log and a memory store; `origin` names topic and partition."""

    seed: int = 0
    origin: str = ORIGIN
    retention: timedelta | None = DAY
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.signer = Signer.from_seed(self.origin, bytes([self.seed]) * 32)
        self.trail = Trail(self.signer.verifier, chained_topic="events.chained")
        self.log = MemoryLog(clock_ms=lambda: self.clock.now_ms, entropy=self.random.randbytes)
        self.log.create_topic("events", partitions=1, append_time=False, max_record_bytes=2**20)
        self.log.create_topic("events.chained", partitions=1, append_time=True, max_record_bytes=2**21)
        self.store = MemoryStore(clock=self.clock.now)

    @property
    def keys(self) -> TrailKeys:
        return TrailKeys.only(self.signer.verifier)

    def chainer(self, **settings) -> Chainer:
        return Chainer(
            self.log, self.store, self.trail, ChainerSettings(**settings), entropy=self.random.randbytes
        )

    def archiver(self, *, submit=at_once, **settings) -> Archiver:
        chosen = ArchiverSettings(retention=self.retention, **settings)
        return Archiver(self.log, self.store, self.trail, self.signer, chosen, submit=submit)

    def publish(self, *values: bytes) -> None:
        self.log.append_events("events", 0, [NewRecord(None, value) for value in values])

    def chain(self, chainer: Chainer | None = None) -> Chainer:
        """Chain everything that was published."""
        chainer = chainer or self.chainer()
        while chainer.step(now_ms=self.clock.now_ms).did is not Did.IDLE:
            pass
        return chainer

    def archive(self, archiver: Archiver | None = None) -> list:
        """Seal everything that was chained; returns the steps that sealed or raised alarms."""
        archiver = archiver or self.archiver()
        told = []
        while (step := archiver.step(now_ms=self.clock.now_ms, flush=True)).did is not ArchiverDid.IDLE:
            if step.sealed or step.alarms:
                told.append(step)
        return told

    def values(self) -> list[bytes]:
        """The values of all chained records, in order, as a consumer of the chained topic sees them."""
        bounds = self.log.bounds("events.chained", 0)
        chunk = self.log.read("events.chained", 0, bounds.start, max_records=10**6, max_bytes=10**9)
        return [record.value for record in chunk.records]


def values(count: int, start: int = 0) -> list[bytes]:
    """`count` distinct values."""
    return [b"event %d" % number for number in itertools.islice(itertools.count(start), count)]
