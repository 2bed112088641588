"""The pipeline: chainer and archiver of each trail, each in a thread of its own, until told to end.

The step machines know no thread and no clock; here they get both. A log or store that is away is waited for
with growing pauses. A stopped line, or any error that waiting can't mend, ends all threads; `wait` raises it.

    pipeline = Pipeline(lines, clock_ms=…)
    pipeline.start()
    while not pipeline.wait(timeout_s=0.2):
        for event in pipeline.events(): …
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sealtrail_archiver.settings import Did as Archived
from sealtrail_chainer.chainer import Did as Chained
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from sealtrail_archiver.archiver import Archiver
    from sealtrail_archiver.settings import Alarm, ArchiverStep, SealedBatch
    from sealtrail_chainer.chainer import Chainer, ChainerStep


@dataclass(frozen=True, slots=True)
class Pace:
    """How long threads wait, in seconds."""

    idle_s: float = 0.1
    first_retry_s: float = 0.5
    longest_retry_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch was sealed."""

    origin: str
    batch: SealedBatch


@dataclass(frozen=True, slots=True)
class Raised:
    """Somebody has to look at something; the line goes on."""

    origin: str
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record could not be re-published; its place in the trail says so, its bytes are not archived."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Away:
    """A log or store can't be reached or can't store; the thread `who` tries again until it can."""

    who: str
    error: LogUnavailableError | StoreUnavailableError


@dataclass(frozen=True, slots=True)
class Back:
    """What was away for the thread `who` is back."""

    who: str


Event: TypeAlias = Sealed | Raised | Rejected | Away | Back


class _Turn(Enum):
    """What a thread does after a step."""

    GO_ON = auto()
    WAIT = auto()
    END = auto()


class _Taken(NamedTuple):
    """What came of a step: what to do next, and whether it shows that log and store are there."""

    turn: _Turn
    shows_health: bool = True


class Line:
    """One trail's two step machines, and how far each has come.

    `make_archiver` gets the function that runs the archiver's store work beside its steps. Sizes are entries,
    0 before the first step, and stay readable after `close`.
    """

    def __init__(
        self,
        origin: str,
        chainer: Chainer,
        make_archiver: Callable[[Callable[[Callable[[], Any]], Future[Any]]], Archiver],
    ) -> None:
        self.origin = origin
        self.chainer = chainer
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"store-{origin}")
        self.archiver = make_archiver(self._executor.submit)
        self.all_chained = threading.Event()
        self.chained_size = 0
        self.sealed_size = 0

    def close(self) -> None:
        """Release both machines. Store work under way is waited for."""
        self._executor.shutdown(wait=True)
        self.chainer.close()
        self.archiver.close()


class Pipeline:
    """Runs lines in threads. `drain` and `stop` may be called again, and from any thread.

    `failed_origin` names the trail whose thread failed, once `wait` has raised its error.
    """

    def __init__(
        self, lines: Sequence[Line], *, clock_ms: Callable[[], int], pace: Pace | None = None
    ) -> None:
        self.lines = tuple(lines)
        self._clock_ms = clock_ms
        self._pace = pace or Pace()
        self._told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._draining = threading.Event()
        self._stopping = threading.Event()
        self._abandoned = False
        self._failure: BaseException | None = None
        self.failed_origin: str | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(f"{name} {line.origin}", turn, line), daemon=True)
            for line in self.lines
            for name, turn in (("chainer", self._chain), ("archiver", self._archive))
        ]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def drain(self) -> None:
        """End once everything published so far is chained and sealed."""
        self._draining.set()

    def stop(self) -> None:
        """End after the steps under way. What is not sealed yet is found again by the next start."""
        self._stopping.set()

    def abandon(self) -> None:
        """Stop without waiting for steps under way, for a process that ends at once. `wait` is then True."""
        self._abandoned = True
        self.stop()

    def wait(self, *, timeout_s: float) -> bool:
        """Wait until all threads have ended, and say whether they have.

        Raises:
            LineStoppedError: the integrity of a trail is in doubt.
            BaseException: whatever else ended a thread.
        """
        for thread in self._threads:
            if not self._abandoned:
                thread.join(timeout_s / len(self._threads))
        if self._abandoned:
            return True
        if any(thread.is_alive() for thread in self._threads):
            return False
        if self._failure is not None:
            raise self._failure
        return True

    def close(self) -> None:
        """Stop, wait for the threads and release the machines; after `abandon`, only stop."""
        self.stop()
        if self._abandoned:
            return
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        for line in self.lines:
            line.close()

    def events(self) -> Iterator[Event]:
        """What has happened since the last call."""
        while True:
            try:
                yield self._told.get_nowait()
            except queue.Empty:
                return

    def _run(self, who: str, turn: Callable[[Line], _Taken], line: Line) -> None:
        try:
            self._repeat(who, turn, line)
        except BaseException as error:  # noqa: BLE001 - `wait` raises it
            if self._failure is None:
                self._failure, self.failed_origin = error, line.origin
            self.stop()

    def _repeat(self, who: str, turn: Callable[[Line], _Taken], line: Line) -> None:
        pause_s = 0.0
        while not self._stopping.is_set():
            try:
                next_turn, shows_health = turn(line)
            except (LogUnavailableError, StoreUnavailableError) as error:
                if not pause_s:
                    self._told.put(Away(who, error))
                pause_s = min(2 * pause_s, self._pace.longest_retry_s) or self._pace.first_retry_s
                self._stopping.wait(pause_s)
                continue
            if pause_s and shows_health:
                self._told.put(Back(who))
                pause_s = 0.0
            if next_turn is _Turn.END:
                return
            if next_turn is _Turn.WAIT:
                self._stopping.wait(self._pace.idle_s)

    def _chain(self, line: Line) -> _Taken:
        draining = self._draining.is_set()  # before the step: what was published before must be in it
        step = line.chainer.step(now_ms=self._clock_ms())
        line.chained_size = line.chainer.state.size if line.chainer.state else line.chained_size
        self._tell_chained(line, step)
        if step.did is not Chained.IDLE:
            return _Taken(_Turn.GO_ON)
        if not draining:
            return _Taken(_Turn.WAIT)
        line.all_chained.set()
        return _Taken(_Turn.END)

    def _archive(self, line: Line) -> _Taken:
        flush = line.all_chained.is_set()
        step = line.archiver.step(now_ms=self._clock_ms(), flush=flush)
        line.sealed_size = line.archiver.sealed_size or line.sealed_size
        self._tell_archived(line, step)
        match step.did:
            case Archived.IDLE:
                # With entries left to seal it was the log that answered; the store has yet to.
                return _Taken(_Turn.END if flush else _Turn.WAIT, shows_health=not line.archiver.pending)
            case Archived.WAITING:
                return _Taken(_Turn.WAIT)
            case Archived.READ:
                return _Taken(_Turn.GO_ON, shows_health=False)
            case Archived.BUSY:
                if (work := line.archiver.in_flight) is not None:
                    wait_for_futures([work], timeout=self._pace.idle_s)
                return _Taken(_Turn.GO_ON, shows_health=False)
        return _Taken(_Turn.GO_ON)

    def _tell_chained(self, line: Line, step: ChainerStep) -> None:
        for reason in step.rejected:
            self._told.put(Rejected(line.origin, reason))

    def _tell_archived(self, line: Line, step: ArchiverStep) -> None:
        for alarm in step.alarms:
            self._told.put(Raised(line.origin, alarm))
        if step.sealed is not None:
            self._told.put(Sealed(line.origin, step.sealed))
