"""What a service counts and measures, as Prometheus metrics in a registry of their own (docs/metrics.md).

Counters follow what the pipeline tells, once a step. Gauges are read when somebody asks: a step makes one
small value (`sealtrail.line.Standing`), and nothing else is spent on them.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, get_args, get_type_hints

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sealtrail.pipeline_events import Committed, Failed, Raised, Recovered, Rejected, Sealed, Stopped
from sealtrail_archiver.settings import Alarm
from sealtrail_chainer.errors import LineStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sealtrail.line import Line
    from sealtrail.pipeline import Pipeline
    from sealtrail.pipeline_events import Counted, Event

WINDOW_BUCKETS_S: Final = (1, 2.5, 5, 7.5, 10, 12.5, 15, 20, 30, 60, 120, 300, 900, 3600, 14_400, 86_400)
"""Around the default age of a batch, 10 s, and then what outages make of it."""

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, which nobody here reads

_CODES: Final[tuple[str, ...]] = get_args(get_type_hints(Alarm)["code"])
_TRAIL: Final = ("origin",)
_MACHINE: Final = ("origin", "machine")


class Metrics:
    """The metrics of one service.

    Attributes:
        registry: holds them, and those of the process.

    Args:
        service: the command: `chain`, `archive`, `up`.
        clock_ms: milliseconds since the Unix epoch.
    """

    def __init__(self, service: str, *, clock_ms: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._clock_ms = clock_ms
        ProcessCollector(registry=self.registry)
        about = {"service": service, "version": version("sealtrail"), "python": platform.python_version()}
        build = Gauge("sealtrail_build_info", "Always 1.", about, registry=self.registry)
        build.labels(**about).set(1)
        self._records = self._counter("chained_records", "Raw records that were chained.", _TRAIL)
        self._entries = self._counter("chained_entries", "Entries that were chained.", _TRAIL)
        self._rejected = self._counter("rejected_records", "Records that could not be re-published.", _TRAIL)
        self._batches = self._counter("sealed_batches", "Batches that were sealed.", _TRAIL)
        self._adopted = self._counter("adopted_batches", "Sealed batches that were found written.", _TRAIL)
        self._sealed = self._counter("sealed_entries", "Entries that were sealed.", _TRAIL)
        self._bytes = self._counter("sealed_bytes", "Length of the sealed batches as objects.", _TRAIL)
        self._alarms = self._counter("alarms", "Alarms by their code.", ("origin", "code"))
        self._recoveries = self._counter("recoveries", "How often a machine found its place.", _MACHINE)
        self._errors = self._counter("errors", "Errors that were met, by their class.", (*_MACHINE, "kind"))
        self._window = Histogram(
            "sealtrail_rewritable_window_seconds",
            "From when the oldest entry of a batch was chained until its seal was read back.",
            _TRAIL,
            registry=self.registry,
            buckets=WINDOW_BUCKETS_S,
        )
        self._stopped = Gauge(
            "sealtrail_line_stopped", "1: the line has stopped.", ("origin", "code"), registry=self.registry
        )

    def show(self, pipeline: Pipeline, ends: Mapping[str, int], is_healthy: Callable[[], bool]) -> None:
        """Show the gauges of a pipeline, too; `ends` is where the partitions of its threads end, by `who`."""
        self.registry.register(_Gauges(pipeline, ends, is_healthy, self._clock_ms))

    def count(self, event: Event | Counted) -> None:
        """Count what happened. For any thread."""
        match event:
            case Committed(origin, entries, records):
                self._entries.labels(origin).inc(entries)
                self._records.labels(origin).inc(records)
            case Sealed():
                self._count_sealed(event)
            case Rejected(origin):
                self._rejected.labels(origin).inc()
            case Raised(origin, alarm):
                self._alarms.labels(origin, alarm.code).inc()
            case Recovered(who, origin):
                self._begin_trail(_machine(who), origin)
                self._recoveries.labels(origin, _machine(who)).inc()
            case Failed(who, error):
                self._count_error(who, error)
            case Stopped(who, error):
                self._count_error(who, error)
                if isinstance(error, LineStoppedError):
                    self._stopped.labels(_origin(who), error.code.value).set(1)

    def _begin_trail(self, machine: str, origin: str) -> None:
        """Show a trail's counters before anything has happened, so that the first increase can be seen."""
        for code in _CODES:
            self._alarms.labels(origin, code)
        if machine == "chainer":
            for counter in (self._records, self._entries, self._rejected):
                counter.labels(origin)
        else:
            for counter in (self._batches, self._adopted, self._sealed, self._bytes):
                counter.labels(origin)
            self._window.labels(origin)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"sealtrail_{name}", text, labels, registry=self.registry)

    def _count_sealed(self, event: Sealed) -> None:
        seal = event.batch.placed.opened.seal
        self._batches.labels(event.origin).inc()
        self._adopted.labels(event.origin).inc(int(event.batch.adopted))
        self._sealed.labels(event.origin).inc(event.batch.entries)
        self._bytes.labels(event.origin).inc(seal.batch.length)
        self._window.labels(event.origin).observe(max(0, self._clock_ms() - seal.time.first_ms) / 1000)

    def _count_error(self, who: str, error: BaseException) -> None:
        self._errors.labels(_origin(who), _machine(who), type(error).__name__).inc()


class _Gauges(Collector):
    """Reads a pipeline whenever it is asked."""

    def __init__(
        self,
        pipeline: Pipeline,
        ends: Mapping[str, int],
        is_healthy: Callable[[], bool],
        clock_ms: Callable[[], int],
    ) -> None:
        self._pipeline = pipeline
        self._ends = ends
        self._is_healthy = is_healthy
        self._clock_ms = clock_ms

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See `Collector.collect`."""
        lines = self._pipeline.lines
        yield _gauge("healthy", "Whether /healthz answers 200.", value=self._is_healthy())
        yield _gauge("trails", "Trails that this process works on.", value=len(lines))
        yield from self._of_machines(lines)
        yield from self._of_archivers(lines)

    def _of_machines(self, lines: tuple[Line, ...]) -> Iterator[GaugeMetricFamily]:
        sizes = {
            "chainer": _gauge("chained_size", "Entries of the trail: the size of its head.", _TRAIL),
            "archiver": _gauge("sealed_size", "Sealed entries of the trail.", _TRAIL),
        }
        lag = _gauge("lag_offsets", "Offsets from where a machine reads on to the partition's end.", _MACHINE)
        waiting = _gauge("waiting", "1: a machine waits for log or store, or recovers.", _MACHINE)
        for worker in (worker for line in lines for worker in line.workers):
            machine, origin = _machine(worker.who), _origin(worker.who)
            waiting.add_metric((origin, machine), int(worker.who in self._pipeline.away))
            if (standing := worker.standing) is None:
                continue
            sizes[machine].add_metric((origin,), standing.size)
            if (end := self._ends.get(worker.who)) is not None:
                lag.add_metric((origin, machine), max(0, end - standing.position))
        yield from (*sizes.values(), lag, waiting)

    def _of_archivers(self, lines: tuple[Line, ...]) -> Iterator[GaugeMetricFamily]:
        pending = _gauge("unsealed_entries", "Entries that were read and not sealed yet.", _TRAIL)
        oldest = _gauge("oldest_unsealed_age_seconds", "Since the oldest of them was chained; or 0.", _TRAIL)
        newest = _gauge("newest_seal_timestamp_seconds", "When the store took the newest batch.", _TRAIL)
        now_ms = self._clock_ms()
        for worker in (worker for line in lines for worker in line.workers):
            standing = worker.standing
            if standing is None or _machine(worker.who) != "archiver":
                continue
            origin = (_origin(worker.who),)
            since_ms = standing.oldest_pending_ms
            pending.add_metric(origin, standing.pending)
            oldest.add_metric(origin, 0 if since_ms is None else max(0, now_ms - since_ms) / 1000)
            if standing.newest_seal_at is not None:
                newest.add_metric(origin, standing.newest_seal_at.timestamp())
        yield from (pending, oldest, newest)


def _gauge(
    name: str, text: str, labels: tuple[str, ...] = (), *, value: float | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sealtrail_{name}", text, value=value, labels=labels if value is None else None)


def _machine(who: str) -> str:
    return who.split(" ", 1)[0]


def _origin(who: str) -> str:
    return who.partition(" ")[2]
