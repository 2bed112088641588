"""Metrics and health of a running service: what happens is counted, ends are sampled, both are served."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from sealtrail.exits import CommandError, ExitCode, one_line
from sealtrail.health import Flow, StallWatch
from sealtrail.pipeline_events import Failed, Stopped
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import ExtraMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sealtrail.interrupts import Interrupts
    from sealtrail.line import Worker
    from sealtrail.metrics import Metrics
    from sealtrail.metrics_option import MetricsChoice
    from sealtrail.metrics_server import MetricsServer
    from sealtrail.pipeline import Pipeline
    from sealtrail.pipeline_events import Counted, Event

_SAMPLE_EVERY_S: Final = 2.0
_LINGER_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1


@contextmanager
def monitoring(service: str, choice: MetricsChoice) -> Iterator[Monitor | None]:
    """Serve a service's metrics and health while the context lasts; None where nobody asked for them.

    Raises:
        CommandError: the address is taken, or there is none such.
        ExtraMissingError: prometheus-client is not installed.
    """
    if choice.address is None:
        yield None
        return
    try:
        from sealtrail.metrics import Metrics
        from sealtrail.metrics_server import serving
    except ImportError:
        raise ExtraMissingError("metrics need prometheus-client: pip install 'sealtrail[metrics]'") from None
    monitor = Monitor(Metrics(service, clock_ms=system_clock_ms), choice.stalled_after.total_seconds())
    with ExitStack() as held:
        served = serving(choice.address, monitor.metrics.registry, monitor.why_unhealthy)
        try:
            monitor.server = held.enter_context(served)
        except OSError as error:
            host, port = choice.address
            where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            raise CommandError(
                f"--metrics {where}: {one_line(error)}. Name another address; port 0 is any that is free",
                exit_code=ExitCode.IO,
            ) from None
        yield monitor


class Monitor:
    """Watches one pipeline. `why_unhealthy` is for any thread.

    Attributes:
        metrics: what it counts.
        server: where that is to be had.
    """

    def __init__(self, metrics: Metrics, stalled_after_s: float) -> None:
        self.metrics = metrics
        self.server: MetricsServer | None = None
        self._stalled_after_s = stalled_after_s
        self._stalls = StallWatch(stalled_after_s)
        self._pipeline: Pipeline | None = None
        self._blocked: Callable[[], str | None] = lambda: None
        self._ends: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._stopped: str | None = None
        self._ending = threading.Event()

    @property
    def url(self) -> str:
        """Where its metrics are to be had."""
        return f"{self.server.url}/metrics" if self.server is not None else ""

    @contextmanager
    def watching(
        self, pipeline: Pipeline, blocked: Callable[[], str | None] = lambda: None
    ) -> Iterator[None]:
        """Watch a pipeline that has not started yet.

        `blocked` says in one line what else keeps the service from working; None where nothing does.
        """
        self._pipeline, self._blocked = pipeline, blocked
        pipeline.on_event = self._take
        self.metrics.show(pipeline, self._ends, lambda: self.why_unhealthy() is None)
        sampler = threading.Thread(target=self._sample, args=(pipeline,), name="metrics-sampler", daemon=True)
        sampler.start()
        try:
            yield
        finally:
            self._ending.set()
            sampler.join(_LOOK_EVERY_S)  # it may wait for a broker that is away

    def why_unhealthy(self) -> str | None:
        """Why work does not flow, in one line; None where it does, or where there is none."""
        pipeline, now_s = self._pipeline, time.monotonic()
        if pipeline is None:
            return "it is starting"
        if self._stopped is not None:
            return self._stopped
        if pipeline.is_stopping:
            return "it is ending"
        for who in sorted(pipeline.away):
            return f"{who} waits and tries again: {self._errors.get(who, 'it has met an error')}"
        if now_s - pipeline.looked_at_s > self._stalled_after_s:
            return f"the main thread has not come around for {now_s - pipeline.looked_at_s:.0f} s"
        return self._blocked() or self._stalls.stalled(now_s=now_s)

    def linger(self, interrupts: Interrupts) -> None:
        """Let the metrics of a stopped line be seen once before the process ends; at most a minute."""
        seen, deadline_s = interrupts.count, time.monotonic() + _LINGER_S
        while self.server is not None and interrupts.count == seen and time.monotonic() < deadline_s:
            if self.server.scraped.wait(_LOOK_EVERY_S):
                return

    def _take(self, event: Event | Counted) -> None:
        self.metrics.count(event)
        if isinstance(event, Failed):
            self._errors[event.who] = one_line(event.error)
        elif isinstance(event, Stopped) and self._stopped is None:
            self._stopped = f"{event.who} has ended: {one_line(event.error)}"
            if self.server is not None:
                self.server.scraped.clear()

    def _sample(self, pipeline: Pipeline) -> None:
        while not self._ending.wait(_SAMPLE_EVERY_S):
            self.sample(pipeline, now_s=time.monotonic())

    def sample(self, pipeline: Pipeline, *, now_s: float) -> None:
        """Ask where partitions end, and note what moves."""
        workers = [worker for line in pipeline.lines for worker in line.workers]
        for worker in workers:
            # What is wrong with the log, the machine itself finds out and tells.
            with suppress(Exception):
                if worker.standing is not None and not self._ending.is_set():
                    self._ends[worker.who] = worker.end()
        for gone in self._ends.keys() - {worker.who for worker in workers}:
            del self._ends[gone]
        flows = [flow for worker in workers for flow in _flows(worker, self._ends.get(worker.who))]
        # Those of lines that are just leaving, too: whoever takes them away waits for their steps.
        steps = [Flow(f"the step of {who}", count, True) for who, count in pipeline.turns.copy().items()]
        self._stalls.observe([*flows, *steps], now_s=now_s)


def _flows(worker: Worker, end: int | None) -> Iterator[Flow]:
    standing = worker.standing
    if standing is None:
        return
    yield Flow(f"what {worker.who} reads", standing.position, end is not None and end > standing.position)
    yield Flow(f"what {worker.who} seals", standing.size, standing.seals_now)
