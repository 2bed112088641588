"""One run: a deployment of its own, producers and services as processes, a fault, calm, and the judgement."""

from __future__ import annotations

import random
import signal
import time
import uuid
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from faults.archive import read_archive
from faults.checker import Violation, Wrong, judge, window_s
from faults.processes import Fault, Producer, Service
from faults.progress import Progress
from faults.records import read_record
from sealtrail.data_folder import DataFolder
from sealtrail_chainer.chainer import writer_name
from sealtrail_schemas.policy import Policy
from sealtrail_transport.s3_access import open_s3
from services.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from faults.checker import Archive
    from faults.sites import Site
    from sealtrail_transport.kafka_log import KafkaLog
    from sealtrail_transport.s3_store import S3Store

BATCH_AGE_MS: Final = 500
RATE: Final = 60.0
CALM_S: Final = 90.0
QUICK_OUTAGE_S: Final = 12.0
LONG_OUTAGE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A fault, and the moment from which its recovery counts: its end, or the start of the next process."""

    what: str
    parts: tuple[str, ...]
    at: float


@dataclass(slots=True)
class Expected:
    """What has to be told of a run, since its cause was planted. Anything else is a false alarm."""

    stops: set[str] = field(default_factory=set)
    alarms: set[str] = field(default_factory=set)
    findings: set[str] = field(default_factory=set)
    ends: set[int] = field(default_factory=set)


class StuckError(Exception):
    """The fault is over, and the work does not go on."""


class Run:
    """What a scenario plays with.

    Attributes:
        site: the servers.
        folder: for whatever processes write; the data folder lies in it.
        chance: decides everything that is left to chance, from the seed.
        quick: outages are short.
        marks: the faults so far.
        expected: what has to be told.
    """

    def __init__(self, site: Site, folder: Path, seed: int, *, quick: bool) -> None:
        self.site = site
        self.folder = folder
        self.chance = random.Random(seed)
        self.quick = quick
        self.marks: list[Mark] = []
        self.expected = Expected()
        self.settings: dict[str, Any] = {"batch_age_ms": BATCH_AGE_MS, "rate": RATE}
        self.partitions = 1
        name = f"f-{uuid.uuid4().hex[:12]}"
        data = {"SEALTRAIL_DATA": str(folder / ".sealtrail")}
        self.stack = Stack(site.brokers, site.minio, folder, name, data)
        self.producers: list[Producer] = []
        self.services: list[Service] = []
        self._progress: Progress | None = None
        self._publishing: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.services, *self.producers):
            process.kill()
        if self._progress is not None:
            self._progress.close()

    # The world -----------------------------------------------------------------------------------------

    def begin(
        self,
        *,
        partitions: int = 1,
        producers: int = 2,
        rate: float = RATE,
        padding: int = 100,
        producer_log: str | None = None,
    ) -> None:
        """Make the deployment, and let producers publish."""
        self.partitions = partitions
        self.settings |= {"partitions": partitions, "producers": producers, "rate": rate, "padding": padding}
        self.stack.init("--create-raw", "--partitions", str(partitions))
        self._progress = Progress(self.site.brokers.settings(), f"{self.stack.name}.chained", partitions)
        self._publishing = {
            "log": producer_log or self.stack.log_address,
            "topic": self.stack.name,
            "folder": self.folder,
            "rate": rate,
            "padding": padding,
            "keys": 1 if partitions == 1 else 12,
        }
        for number in range(producers):
            self.publish(f"producer-{number}")

    def publish(self, name: str, **options: Any) -> Producer:
        """Start a producer; one of the same name goes on where it was killed."""
        producer = Producer(name, **self._publishing, **options)
        self.producers.append(producer)
        return producer

    def chain(self, *arguments: str, **options: Any) -> Service:
        """Start a chainer."""
        return self._start("chain", *arguments, **options)

    def archive(self, *arguments: str, batch_age_ms: int = BATCH_AGE_MS, **options: Any) -> Service:
        """Start an archiver."""
        return self._start("archive", "--batch-age", f"{batch_age_ms}ms", *arguments, **options)

    def _start(
        self,
        command: str,
        *arguments: str,
        instance: str = "one",
        fault: Fault | None = None,
        environment: dict[str, str] | None = None,
    ) -> Service:
        service = Service(
            command,
            *arguments,
            folder=self.folder,
            environment=self.stack.environment | (environment or {}),
            instance=instance,
            fault=fault,
        )
        self.services.append(service)
        return service

    @property
    def log(self) -> KafkaLog:
        """A way of the harness's own to the brokers."""
        return self.stack.log

    @property
    def writer_name(self) -> str:
        """The transactional id of the first trail's chainers."""
        return writer_name(DataFolder(self.stack.data).policy_trails()[0])

    def open_store(self) -> S3Store:
        """A way of the harness's own to the store."""
        return open_s3(self.stack.archive, self.site.minio.access)

    def policy(self) -> Policy:
        return Policy.parse((self.stack.data / "policy").read_bytes())

    # Faults --------------------------------------------------------------------------------------------

    def mark(self, what: str, *parts: str) -> float:
        """Note that a fault is over now, and that the parts are to recover."""
        mark = Mark(what, parts or ("chainer", "archiver"), time.time())
        self.marks.append(mark)
        return mark.at

    def mark_for_good(self, what: str) -> None:
        """Note that a fault is done, and that nothing is to recover from it."""
        self.marks.append(Mark(what, (), time.time()))

    def pause(self, low_s: float, high_s: float) -> None:
        """Let some time pass, by chance: not for anything, the moment of a fault is the run's input."""
        time.sleep(self.chance.uniform(low_s, high_s))

    @property
    def outage_s(self) -> float:
        """How long a part is out."""
        return QUICK_OUTAGE_S if self.quick else LONG_OUTAGE_S

    def wait_out(self) -> None:
        """Let an outage last."""
        time.sleep(self.outage_s)

    def await_flow(self, since: float | None = None) -> None:
        """Wait until something was chained and something sealed after a moment."""
        moment = time.time() if since is None else since
        self.wait_until(lambda: self._progress.since(moment) is not None, "something to be chained")
        self.wait_until(lambda: self._sealed_since(moment), "something to be sealed")

    def await_taken_over(self, since: float) -> None:
        """Wait until every trail goes on after a moment, in the hands of those who are left."""
        for partition in range(self.partitions):
            self.wait_until(
                lambda partition=partition: self._progress.since(since, partition) is not None,
                f"partition {partition} to be chained",
            )
            origin = f"/{partition}"
            self.wait_until(lambda origin=origin: self._sealed_since(since, origin), f"{origin} to be sealed")

    def await_chained(self, since: float) -> None:
        """Wait until something was chained after a moment."""
        self.wait_until(lambda: self._progress.since(since) is not None, "something to be chained")

    def _sealed_since(self, moment: float, origin: str = "") -> bool:
        return any(
            told["seen_at"] > moment
            for service in self.services
            for told in list(service.told)
            if told["event"] == "sealed" and told["origin"].endswith(origin)
        )

    def wait_until(self, condition: Callable[[], Any], what: str, *, at_most_s: float = CALM_S) -> None:
        """Wait for a condition. Raises StuckError."""
        deadline = time.monotonic() + at_most_s
        while not condition():
            if time.monotonic() > deadline:
                told = {f"{each.command}/{each.instance}": each.told[-3:] for each in self.services}
                raise StuckError(f"waited {at_most_s:.0f} s in vain for {what}; {told}")
            time.sleep(0.02)

    # The end -------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Calm: recover, publish no more, work everything off, end in good order."""
        self.await_flow(max((mark.at for mark in self.marks), default=time.time()))
        for producer in self.producers:
            producer.stop()
        self.await_drained()
        for service in self.services:
            if service.is_running:
                code = service.stop()
                if code != 0:
                    raise StuckError(f"{service.command} ended with {code}: {service.told[-3:]}")

    def await_drained(self) -> None:
        """Wait until all that was published is sealed, by the services that run."""

        def drained():
            trails = self.stack.status()
            return trails and all(trail["unchained"] == trail["unsealed"] == 0 for trail in trails)

        deadline = time.monotonic() + CALM_S
        while not drained():
            if time.monotonic() > deadline:
                raise StuckError(
                    f"not all is sealed: {self.stack.status()}, {[s.told[-3:] for s in self.services]}"
                )
            time.sleep(0.3)

    def judge(self) -> dict[str, Any]:
        """The verdict of the checker, with all figures."""
        records = [read_record(notes) for notes in sorted({producer.notes for producer in self.producers})]
        archive = read_archive(self.open_store(), self.policy())
        windows = window_s(records, archive)
        wrong = judge(records, archive, findings_expected=frozenset(self.expected.findings))
        wrong += self._told_wrongly()
        return {
            "violations": [f"{each.wrong}: {each.text}" for each in wrong],
            "published": sum(len(record.acks) for record in records),
            "acknowledged": sum(record.acknowledged for record in records),
            "archived": len(archive.events),
            "heads": len(archive.heads),
            "verdict": archive.verdict,
            "alarms": self._told("alarm", "code"),
            "stops": self._told("stopped", "code"),
            "fenced": sum(len(service.events("fenced")) for service in self.services),
            "window_worst_s": max(windows, default=None),
            "recoveries": self._recoveries(archive),
            "faults": [mark.what for mark in self.marks],
            "settings": self.settings,
        }

    def _told(self, event: str, member: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for service in self.services:
            for told in service.events(event):
                counts[told[member]] = counts.get(told[member], 0) + 1
        return counts

    def _told_wrongly(self) -> list[Violation]:
        """Alarms and stops that had no reason, and those that had one and did not come."""
        wrong = []
        for event, expected in (("alarm", self.expected.alarms), ("stopped", self.expected.stops)):
            told = set(self._told(event, "code"))
            wrong += [Violation(Wrong.FALSE_ALARM, f"{event}: {code}") for code in sorted(told - expected)]
            wrong += [Violation(Wrong.UNNOTICED, f"no {event}: {code}") for code in sorted(expected - told)]
        usual = {0, -signal.SIGKILL} | self.expected.ends
        for service in self.services:
            if (code := service.process.poll()) not in usual:
                what = f"{service.command}/{service.instance} ended with {code}: {service.told[-3:]}"
                wrong.append(Violation(Wrong.STUCK, what))
        return wrong

    def _recoveries(self, archive: Archive) -> list[dict[str, Any]]:
        """For each fault and part, the seconds until something was chained, or sealed, again.

        None where the next fault came first.
        """
        seals = sorted(at for of in archive.sealed_at.values() for _, at in of)
        found = []
        for mark, following in zip_longest(self.marks, self.marks[1:]):
            for part in mark.parts:
                times = [at for at, _ in self._progress.seen] if part == "chainer" else seals
                at = next((at for at in times if at > mark.at), None)
                is_own = at is not None and (following is None or at <= following.at)
                found.append(
                    {"what": mark.what, "part": part, "s": round(at - mark.at, 3) if is_own else None}
                )
        return found
