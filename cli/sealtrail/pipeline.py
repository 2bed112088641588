"""The pipeline: each trail's step machines, each in a thread of its own, until told to end.

The step machines know no thread and no clock; here they get both. A log or store that is away is waited for
with growing pauses. A stopped line, or any error that waiting can't mend, ends all threads; `wait` raises it.

    pipeline = Pipeline(lines, clock_ms=…)
    pipeline.start()
    while not pipeline.wait(timeout_s=0.2):
        for event in pipeline.events(): …

Lines can also come and go while it runs, as a consumer group gives and takes partitions: `add`, `remove`.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail.line import Line, Turn
from sealtrail.pipeline_events import Away, Back, Committed, Failed, Stopped
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sealtrail.line import Worker
    from sealtrail.pipeline_events import Counted, Event


@dataclass(frozen=True, slots=True)
class Pace:
    """How long threads wait, in seconds."""

    idle_s: float = 0.1
    first_retry_s: float = 0.5
    longest_retry_s: float = 15.0


class Pipeline:
    """Runs lines in threads. `drain` and `stop` may be called again, and from any thread.

    Args:
        lines: what to run from the start on.
        clock_ms: milliseconds since the Unix epoch.
        pace: how long threads wait.
        recover_from: errors after which a machine is to recover, with growing pauses, rather than to end all.

    Attributes:
        failed_origin: the trail whose thread failed, once `wait` has raised its error.
        on_event: gets what happens at once, what is only counted too, in the thread in which it happens; it
            must neither wait nor fail.
        looked_at_s: when `wait` was last called, by the monotonic clock.
        turns: how often each thread that runs has come around, by its name; one that hangs does not.
    """

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        clock_ms: Callable[[], int],
        pace: Pace | None = None,
        recover_from: tuple[type[TransportError], ...] = (),
    ) -> None:
        self._clock_ms = clock_ms
        self._pace = pace or Pace()
        self._recover_from = recover_from
        self._told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._away: set[str] = set()
        self._draining = threading.Event()
        self._stopping = threading.Event()
        self._started = False
        self._abandoned = False
        self._failure: BaseException | None = None
        self.failed_origin: str | None = None
        self.on_event: Callable[[Event | Counted], None] = lambda _event: None
        self.looked_at_s = time.monotonic()
        self.turns: dict[str, int] = {}
        self._threads: dict[Line, list[threading.Thread]] = {}
        for line in lines:
            self.add(line)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines at this moment."""
        return tuple(self._threads)

    @property
    def away(self) -> frozenset[str]:
        """The threads that wait for a log, a store, or whatever else stops them."""
        return frozenset(self._away)

    @property
    def is_stopping(self) -> bool:
        """Whether it was stopped, by `stop` or by a failure."""
        return self._stopping.is_set()

    def add(self, line: Line) -> None:
        """Run one more line, from now or from the start on. It belongs to the pipeline then."""
        threads = [
            threading.Thread(target=self._run, args=(worker, line), name=worker.who, daemon=True)
            for worker in line.workers
        ]
        self._threads[line] = threads
        if self._stopping.is_set():  # looked at after the line was added: `stop` finds one or the other
            line.stopping.set()
        if self._started:
            for thread in threads:
                thread.start()

    def remove(self, lines: Iterable[Line]) -> None:
        """Stop lines, wait until the steps under way have ended, and release their machines."""
        leaving = list(lines)
        for line in leaving:
            line.stopping.set()
        for line in leaving:
            for thread in self._threads.pop(line):
                if thread.ident is not None:
                    thread.join()
            line.close()

    def start(self) -> None:
        """Start all threads."""
        self._started = True
        for threads in self._threads.values():
            for thread in threads:
                thread.start()

    def drain(self) -> None:
        """End once everything published so far is chained and sealed."""
        self._draining.set()

    def stop(self) -> None:
        """End after the steps under way. What is not sealed yet is found again by the next start."""
        self._stopping.set()
        for line in self.lines:
            line.stopping.set()

    def abandon(self) -> None:
        """Stop without waiting for steps under way, for a process that ends at once. `wait` is then True."""
        self._abandoned = True
        self.stop()

    def wait(self, *, timeout_s: float) -> bool:
        """Wait until all threads have ended, and say whether they have. Without lines, they have.

        Raises:
            LineStoppedError: the integrity of a trail is in doubt.
            BaseException: whatever else ended a thread.
        """
        self.looked_at_s = time.monotonic()
        deadline = self.looked_at_s + timeout_s
        threads = [thread for threads in self._threads.values() for thread in threads]
        for thread in threads:
            if not self._abandoned:
                thread.join(max(0.0, deadline - time.monotonic()))
        if self._abandoned:
            return True
        if any(thread.is_alive() for thread in threads):
            return False
        if self._failure is not None:
            raise self._failure
        return True

    def close(self) -> None:
        """Stop, wait for the threads and release the machines; after `abandon`, only stop."""
        self.stop()
        if self._abandoned:
            return
        for line, threads in self._threads.items():
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            line.close()

    def events(self) -> Iterator[Event]:
        """What has happened since the last call."""
        while True:
            try:
                yield self._told.get_nowait()
            except queue.Empty:
                return

    def _run(self, worker: Worker, line: Line) -> None:
        try:
            self._repeat(worker, line.stopping)
        except BaseException as error:  # noqa: BLE001 - `wait` raises it
            if self._failure is None:
                self._failure, self.failed_origin = error, line.origin
            self._tell(Stopped(worker.who, error))
            self.stop()
        finally:
            self._away.discard(worker.who)
            self.turns.pop(worker.who, None)

    def _repeat(self, worker: Worker, stopping: threading.Event) -> None:
        pauses = _Pauses(self._pace)
        who = worker.who
        while not stopping.is_set():
            self.turns[who] = self.turns.get(who, 0) + 1
            draining = self._draining.is_set()
            try:
                taken = worker.take_turn(self._tell, now_ms=self._clock_ms(), draining=draining)
            except (LogUnavailableError, StoreUnavailableError) as error:
                self._tell_away(who, error)
                stopping.wait(pauses.next_s())
                continue
            except self._recover_from as error:
                self._tell_away(who, error)
                worker.close()
                stopping.wait(pauses.next_s())
                continue
            if taken.shows_health and who in self._away:
                self._tell(Back(who))  # first: who sees that nobody is away finds it told
                self._away.discard(who)
            if taken.turn is Turn.END:
                return
            if taken.turn is Turn.WAIT:
                stopping.wait(self._pace.idle_s)

    def _tell_away(self, who: str, error: TransportError) -> None:
        self._tell(Failed(who, error))
        if who not in self._away:
            self._away.add(who)
            self._tell(Away(who, error))

    def _tell(self, event: Event | Counted) -> None:
        self.on_event(event)
        if not isinstance(event, Committed | Failed | Stopped):
            self._told.put(event)


class _Pauses:
    """Growing pauses. They begin anew when nothing has gone wrong for as long as the longest of them."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._pause_s = 0.0
        self._ended_at = time.monotonic()

    def next_s(self) -> float:
        """How long to wait now."""
        now = time.monotonic()
        if now - self._ended_at > self._pace.longest_retry_s:
            self._pause_s = 0.0
        self._pause_s = min(2 * self._pause_s, self._pace.longest_retry_s) or self._pace.first_retry_s
        self._ended_at = now + self._pause_s
        return self._pause_s
