"""One trail's step machines, and what to do after each of their steps."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sealtrail.pipeline_events import Committed, Failed, Raised, Recovered, Rejected, Sealed
from sealtrail_archiver.settings import Alarm
from sealtrail_archiver.settings import Did as Archived
from sealtrail_chainer.chainer import Did as Chained

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import datetime

    from sealtrail.pipeline_events import Counted, Event
    from sealtrail_archiver.archiver import Archiver
    from sealtrail_archiver.settings import ArchiverStep, SealedBatch
    from sealtrail_chainer.chainer import Chainer

_LOOK_EVERY_S: Final = 0.1


class Turn(Enum):
    """What a thread does after a step."""

    GO_ON = auto()
    WAIT = auto()
    END = auto()


class Taken(NamedTuple):
    """What came of a step: what to do next, and whether it shows that log and store are there."""

    turn: Turn
    shows_health: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a machine has come: made anew after each step, so that other threads see one moment.

    Attributes:
        position: the offset of its own topic at which it reads on.
        size: entries of the trail that are chained, or sealed.
        pending: entries that an archiver has read and not sealed.
        oldest_pending_ms: when the oldest of these was chained, by the chainer's clock.
        seals_now: whether a batch is being written.
        newest_seal_at: when the store took the newest seal's batch.
    """

    position: int
    size: int
    pending: int = 0
    oldest_pending_ms: int | None = None
    seals_now: bool = False
    newest_seal_at: datetime | None = None


class Worker(Protocol):
    """A step machine as a thread runs it."""

    @property
    def who(self) -> str:
        """`chainer` or `archiver`, and the trail."""
        ...

    @property
    def standing(self) -> Standing | None:
        """How far it has come; None before it has found its place, and then the last that was known."""
        ...

    def end(self) -> int:
        """Ask the log where the machine's own partition ends. For any thread. Raises LogError."""
        ...

    def take_turn(self, tell: Callable[[Event | Counted], None], *, now_ms: int, draining: bool) -> Taken:
        """Do one step. Raises what the step raises."""
        ...

    def close(self) -> None:
        """Release the machine; its next step would recover."""
        ...


class Line:
    """One trail's chainer, archiver, or both.

    Args:
        origin: the trail.
        chainer: None where another process chains this trail.
        make_archiver: gets the function that runs the archiver's store work beside its steps; None where
            another process archives this trail.

    Attributes:
        chained_size: entries chained; 0 before the first step, readable after `close`, as all of these.
        sealed_size: entries sealed.
        next_offset: where the machine's own topic is to be read on: what is below it was dealt with.
        stopping: set it, and the line's threads end after their steps under way.
        on_sealed: gets each sealed batch; it must neither wait nor fail.
    """

    def __init__(
        self,
        origin: str,
        chainer: Chainer | None = None,
        make_archiver: Callable[[Callable[[Callable[[], Any]], Future[Any]]], Archiver] | None = None,
    ) -> None:
        self.origin = origin
        self.chained_size = 0
        self.sealed_size = 0
        self.next_offset: int | None = None
        self.on_sealed: Callable[[SealedBatch], None] = lambda _batch: None
        self.stopping = threading.Event()
        self.all_chained = threading.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"store-{origin}")
        self.workers: list[Worker] = []
        if chainer is not None:
            self.workers.append(_ChainerWorker(self, chainer, archives_here=make_archiver is not None))
        if make_archiver is not None:
            archiver = make_archiver(self._executor.submit)
            self.workers.append(_ArchiverWorker(self, archiver, chains_here=chainer is not None))

    def close(self) -> None:
        """Release the machines. Store work under way is waited for."""
        self._executor.shutdown(wait=True)
        for worker in self.workers:
            worker.close()


class _ChainerWorker:
    """Tells of strays that recovery has met, unless an archiver is here that meets them, too."""

    def __init__(self, line: Line, chainer: Chainer, *, archives_here: bool) -> None:
        self.who = f"chainer {line.origin}"
        self.standing: Standing | None = None
        self.close = chainer.close
        self.end = chainer.raw_end
        self._line = line
        self._chainer = chainer
        self._archives_here = archives_here

    def take_turn(self, tell: Callable[[Event | Counted], None], *, now_ms: int, draining: bool) -> Taken:
        # `draining` was read before the step: what was published before the drain must be in it.
        line = self._line
        step = self._chainer.step(now_ms=now_ms)
        state, position = self._chainer.state, self._chainer.position
        if state is not None and position is not None:
            line.chained_size, line.next_offset = state.size, state.next_source_offset
            self.standing = Standing(position, state.size)
        if step.did is Chained.RECOVERED:
            tell(Recovered(self.who, line.origin, line.chained_size))
        if step.doubt is not None:
            tell(Failed(self.who, step.doubt))
        if step.entries:
            records = step.entries if step.did is Chained.CHAINED else 0
            tell(Committed(line.origin, step.entries, records))
        for stray in () if self._archives_here else step.strays:
            text = f"chained offset {stray.offset} is stray: {stray.reason}"
            tell(Raised(line.origin, Alarm("stray", text)))
        for reason in step.rejected:
            tell(Rejected(line.origin, reason))
        if step.did is not Chained.IDLE:
            return Taken(Turn.GO_ON)
        if not draining:
            return Taken(Turn.WAIT)
        line.all_chained.set()
        return Taken(Turn.END)


class _ArchiverWorker:
    """Drains once its line's chainer has; one whose trail is chained elsewhere, what it finds chained."""

    def __init__(self, line: Line, archiver: Archiver, *, chains_here: bool) -> None:
        self.who = f"archiver {line.origin}"
        self.standing: Standing | None = None
        self.close = archiver.close
        self.end = archiver.chained_end
        self._line = line
        self._archiver = archiver
        self._chains_here = chains_here

    def take_turn(self, tell: Callable[[Event | Counted], None], *, now_ms: int, draining: bool) -> Taken:
        flush = self._line.all_chained.is_set() if self._chains_here else draining
        step = self._archiver.step(now_ms=now_ms, flush=flush)
        self._line.sealed_size = self._archiver.sealed_size or self._line.sealed_size
        self._note_standing()
        self._tell(tell, step)
        match step.did:
            case Archived.IDLE:
                # With entries left to seal it was the log that answered; the store has yet to.
                return Taken(Turn.END if flush else Turn.WAIT, shows_health=not self._archiver.pending)
            case Archived.WAITING:
                return Taken(Turn.END if flush else Turn.WAIT)
            case Archived.READ:
                return Taken(Turn.GO_ON, shows_health=False)
            case Archived.BUSY:
                if (work := self._archiver.in_flight) is not None:
                    wait_for_futures([work], timeout=_LOOK_EVERY_S)
                return Taken(Turn.GO_ON, shows_health=False)
        return Taken(Turn.GO_ON)

    def _note_standing(self) -> None:
        archiver = self._archiver
        if (position := archiver.position) is not None:
            self.standing = Standing(
                position,
                archiver.sealed_size,
                archiver.pending,
                archiver.oldest_pending_ms,
                archiver.in_flight is not None,
                archiver.newest_seal_at,
            )

    def _tell(self, tell: Callable[[Event | Counted], None], step: ArchiverStep) -> None:
        line = self._line
        if step.did is Archived.RECOVERED:
            tell(Recovered(self.who, line.origin, line.sealed_size))
        for alarm in step.alarms:
            tell(Raised(line.origin, alarm))
        if step.sealed is not None:
            line.next_offset = step.sealed.placed.opened.seal.chained.next_offset
            tell(Sealed(line.origin, step.sealed))
            line.on_sealed(step.sealed)
