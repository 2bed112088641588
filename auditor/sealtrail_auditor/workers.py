"""Checking batches in order: here, or in worker processes that each open the archive for themselves.

A batch is judged by the seals alone (`sealtrail_auditor.batch_task`), so it makes no difference where that is
done: what comes back is put in the order of the steps, and a report made by eight processes is that of one.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections import deque
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sealtrail_auditor.batch_task import check_batch
from sealtrail_auditor.errors import WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from types import TracebackType
    from typing import Self

    from sealtrail_auditor.batch_task import BatchOutcome, BatchTask
    from sealtrail_auditor.trail_plan import Step
    from sealtrail_transport.store import Store

START_AFTER_BYTES: Final = 64 << 20
"""A small archive is verified sooner than processes are begun: so much of it is read before they are."""

_AHEAD: Final = 4
"""Batches for each worker that are given out or wait to be taken up in order."""

Checked = tuple["Step", "BatchOutcome | None"]


class Checker(Protocol):
    """Checks the batches of steps and gives back each step, in order, with what came of it."""

    def check(self, steps: Iterator[Step], on_piece: Callable[[int, int], None]) -> Iterator[Checked]:
        """Check. Steps that are not to be read come back with None; `on_piece` is as in `check_batch`."""
        ...


class InlineChecker:
    """Checks in this process, one batch after the other."""

    def __init__(self, store: Store) -> None:
        """`store` is the archive."""
        self._store = store

    def check(self, steps: Iterator[Step], on_piece: Callable[[int, int], None]) -> Iterator[Checked]:
        """See `Checker.check`."""
        for step in steps:
            is_read = step.task is not None and step.is_read
            yield step, check_batch(self._store, step.task, on_piece) if step.task and is_read else None


class _Worker(NamedTuple):
    process: SpawnProcess
    pipe: Connection


class Workers:
    """Checks in several processes, once there is enough to do. To be used as a context.

    They are spawned, not forked, so that it is the same on every system; each opens the archive by calling
    `open_store`, which has to be picklable. They end with the context, however it is left.
    """

    def __init__(
        self, store: Store, open_store: Callable[[], Store], jobs: int, *, start_after: int | None = None
    ) -> None:
        """Prepare up to `jobs` processes, which begin when `start_after` bytes of batches were read here."""
        self._inline = InlineChecker(store)
        self._open_store = open_store
        self._jobs = jobs
        self._bytes_to_start = START_AFTER_BYTES if start_after is None else start_after
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._given: dict[
            int, tuple[_Worker, int]
        ] = {}  # by the pipe's descriptor: who works on which ticket
        self._done: dict[int, BatchOutcome | Exception] = {}
        self._tickets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers = []

    @property
    def pids(self) -> list[int]:
        """The processes that have begun."""
        return [worker.process.pid or 0 for worker in self._workers]

    def check(self, steps: Iterator[Step], on_piece: Callable[[int, int], None]) -> Iterator[Checked]:
        """See `Checker.check`; `on_piece` is called for batches that are checked here.

        Raises:
            WorkerLostError: a worker ended before its work.
            StoreError: as `check_batch` has it.
        """
        waiting: deque[tuple[Step, int | None]] = deque()
        for step in steps:
            if self._bytes_to_start > 0:
                yield from self._inline.check(iter([step]), on_piece)
                self._count_down(step)
                continue
            waiting.append((step, self._give(step.task) if step.task and step.is_read else None))
            while len(waiting) > _AHEAD * self._jobs:
                yield self._taken(*waiting.popleft())
        while waiting:
            yield self._taken(*waiting.popleft())

    def _count_down(self, step: Step) -> None:
        if step.task is not None and step.is_read:
            self._bytes_to_start -= step.task.placed.opened.seal.batch.length

    def _taken(self, step: Step, ticket: int | None) -> Checked:
        """Wait for the outcome of a ticket."""
        if ticket is None:
            return step, None
        while ticket not in self._done:
            self._collect()
        outcome = self._done.pop(ticket)
        if isinstance(outcome, Exception):
            raise outcome
        return step, outcome

    def _give(self, task: BatchTask) -> int:
        """Give a task to the next idle worker; returns its ticket."""
        if len(self._workers) < self._jobs and not self._idle:
            self._idle.append(self._begin())
        while not self._idle:
            self._collect()
        worker = self._idle.pop()
        self._tickets += 1
        with _losses(worker):
            worker.pipe.send(task)
        self._given[worker.pipe.fileno()] = (worker, self._tickets)
        return self._tickets

    def _collect(self) -> None:
        """Wait until at least one worker is done, or has ended."""
        for pipe in wait([worker.pipe for worker, _ in self._given.values()]):
            worker, ticket = self._given.pop(pipe.fileno())  # type: ignore[union-attr]  # all are pipes
            with _losses(worker):
                self._done[ticket] = worker.pipe.recv()
            self._idle.append(worker)

    def _begin(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._open_store), daemon=True)
        worker = _Worker(process, ours)
        with _ctrl_c_for_us_alone():
            process.start()
            self._workers.append(worker)
        theirs.close()  # so that our end says when the worker is gone
        return worker


@contextmanager
def _losses(worker: _Worker) -> Iterator[None]:
    """Say of a broken pipe that the worker at its other end is gone."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        worker.process.join(1.0)
        raise WorkerLostError(
            f"a worker process ended before its work was done (exit code {worker.process.exitcode}): it was "
            "killed, or memory ran out. There is no verdict; try again with fewer --jobs"
        ) from error


@contextmanager
def _ctrl_c_for_us_alone() -> Iterator[None]:
    """Let what begins meanwhile never see Ctrl-C, which a terminal sends to all: it ends when we say so."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, open_store: Callable[[], Store]) -> None:
    """Check batches until there are no more: what a worker does."""
    store: Store | None = None
    while True:
        try:
            task = pipe.recv()
        except (EOFError, ConnectionError):  # the parent is gone
            return
        try:
            store = store or open_store()
            answer: BatchOutcome | Exception = check_batch(store, task)
        except Exception as error:  # noqa: BLE001 - the parent raises it again
            answer = _portable(error)
        pipe.send(answer)


def _portable(error: Exception) -> Exception:
    """The error, or where it can't be sent to another process, one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever an error's own class does
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
