"""A pipeline over a deployment in memory with all its metrics and its health, as a service has them."""

from __future__ import annotations

from contextlib import contextmanager

from command_line import await_true
from sealtrail.line import Line
from sealtrail.metrics import Metrics
from sealtrail.monitor import Monitor
from sealtrail.pipeline import Pace, Pipeline

HASTE = Pace(idle_s=0.002, first_retry_s=0.002, longest_retry_s=0.01)


class Watched:
    """A pipeline that has not started, and what is measured of it."""

    def __init__(self, office, *, stalled_after_s=60.0, archives=True, recover_from=(), **settings):
        self.office = office
        self.origin = office.trail.origin
        self.line = Line(
            self.origin,
            office.chainer(),
            (lambda submit: office.archiver(submit=submit, **settings)) if archives else None,
        )
        self.pipeline = Pipeline(
            [self.line], clock_ms=lambda: office.clock.now_ms, pace=HASTE, recover_from=recover_from
        )
        self.monitor = Monitor(Metrics("up", clock_ms=lambda: office.clock.now_ms), stalled_after_s)
        self.registry = self.monitor.metrics.registry

    def value(self, name, **labels):
        """The value of one series of this trail; None where there is none."""
        return self.registry.get_sample_value(f"sealtrail_{name}", {"origin": self.origin, **labels})

    def why(self):
        """Why it is not healthy."""
        return self.monitor.why_unhealthy()

    def step(self, machine):
        """Let one machine do one step."""
        worker = next(worker for worker in self.line.workers if worker.who.startswith(machine))
        return worker.take_turn(self.pipeline._tell, now_ms=self.office.clock.now_ms, draining=False)

    def drain(self):
        """Run to the end of what there is."""
        self.pipeline.drain()
        self.pipeline.start()
        await_true(lambda: self.pipeline.wait(timeout_s=0.01), "the pipeline to end")


@contextmanager
def watched(office, **settings):
    """Watch a pipeline while the context lasts."""
    found = Watched(office, **settings)
    with found.monitor.watching(found.pipeline):
        try:
            yield found
        finally:
            found.pipeline.close()
