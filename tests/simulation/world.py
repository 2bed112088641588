"""The simulated deployment: its processes, what has happened to them, and what somebody outside has seen.

The shipped step machines run unchanged. Log, store, clock and randomness are the simulator's, and all of
them follow from one seed.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from crash_points import POINTS
from deployment import ORIGIN, Clock
from sealtrail_chainer.errors import LineStoppedError
from sealtrail_chainer.trail import Trail
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import SEALS
from sealtrail_transport.errors import (
    LockUnsupportedError,
    LogUnavailableError,
    StoreUnavailableError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.memory_store import MemoryStore
from simulation.faulty_store import FaultyStore
from simulation.kinds import KINDS, LOCK
from simulation.process import Crash, Process, start_archiver, start_chainer

if TYPE_CHECKING:
    from collections.abc import Callable

RAW, CHAINED = "events", "events.chained"
LOG_CALLS = {"topic", "bounds", "read-raw", "read-chained", "writer", "append", "close", "trim"}


class Violation(AssertionError):  # noqa: N818 -- a judgement, not an error of this program
    """A promise was broken."""


class World:
    """One history.

    Attributes:
        acknowledged: what producers were told is stored: value and whether it can be chained, by offset.
        lost_anyway: the same for what was published after the line had to stop.
        heads: every checkpoint that an archiver reported as sealed, as signed notes.
        stops: by which part and code the line was stopped.
        must_stand: the kind of fault for which the line has to stop, once it took effect.
        struck: the kinds of faults that took effect, in order.
        sealed_meanwhile: whether one archiver has sealed between two calls of another.
        crashes: by crash point, the kinds that had struck before.
    """

    def __init__(self, seed: int, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self.tell = tell
        self.random = random.Random(seed)
        self.clock = Clock()
        self.signer = Signer.from_seed(ORIGIN, bytes([seed % 256]) * 32)
        self.trail = Trail(self.signer.verifier, chained_topic=CHAINED)
        self.log = MemoryLog(clock_ms=lambda: self.clock.now_ms, entropy=self.random.randbytes)
        self.log.create_topic(RAW, partitions=1, append_time=False, max_record_bytes=2**20)
        self.log.create_topic(CHAINED, partitions=1, append_time=True, max_record_bytes=2**21)
        self.log.faults.refuse(lambda record: b"refused" in (record.value or b""))
        self.store_skew = timedelta(0)
        self.bucket = MemoryStore(clock=lambda: self.clock.now() + self.store_skew)
        self.store = FaultyStore(self, self.bucket)
        self.due_appends: list[str] = []
        self.lands_in_next = False
        self.crash_at: str | None = None
        self.away_at: str | None = None
        self.meanwhile_at: str | None = None
        self.sealed_meanwhile = False
        self.busy: list[Process] = []

        self.acknowledged: dict[int, tuple[bytes, bool]] = {}
        self.lost_anyway: dict[int, tuple[bytes, bool]] = {}
        self.published = 0
        self.heads: dict[bytes, None] = {}
        self.stops: list[tuple[str, str]] = []
        self.must_stand: str | None = None
        self.stops_before = 0
        self.struck: dict[str, None] = {}
        self.crashes: list[tuple[str, tuple[str, ...]]] = []
        self.seen: Counter[str] = Counter()
        self.states: list = []
        self.may_trim = True

        self.chainer = self.new_chainer()
        self.archivers = [self.new_archiver(), self.new_archiver()]
        self.sleepers: list[Process] = []

    # Processes -------------------------------------------------------------------------------------------

    def new_chainer(self) -> Process:
        return start_chainer(self)

    def new_archiver(self, *, trims: bool | None = None) -> Process:
        if trims is None:
            trims = self.random.random() < 0.7
        return start_archiver(self, trims=self.may_trim and trims)

    def replace(self, process: Process) -> None:
        """Let a supervisor start a process anew. The old one is not told; `is_dead` says whether it lives."""
        if process is self.chainer:
            self.chainer = self.new_chainer()
        elif process in self.archivers:
            self.archivers[self.archivers.index(process)] = self.new_archiver()
        elif process in self.sleepers:
            self.sleepers.remove(process)

    def kill(self, process: Process) -> None:
        process.is_dead = True
        self.replace(process)

    def alive(self) -> list[Process]:
        return [self.chainer, *self.archivers, *self.sleepers]

    def attempt(self, process: Process, call: Callable[[], object]) -> None:
        """Do something in a process, and see what becomes of it."""
        if process in self.busy:  # it is inside a call already
            return
        self.busy.append(process)
        try:
            done = call()
        except Crash as crash:
            self.tell(f"{process.part} dies at {crash}")
            self.replace(process)
        except (LogUnavailableError, StoreUnavailableError) as error:
            self.seen[type(error).__name__] += 1
            self.tell(f"{process.part}: {error}")
        except WriterFencedError as error:
            self.seen["WriterFencedError"] += 1
            self.tell(f"{process.part}: {error}")
            self.kill(process)
        except LineStoppedError as error:
            self._stopped(process, error.code, str(error))
        except LockUnsupportedError as error:
            self._stopped(process, LOCK, str(error))
        else:
            if done is not None:
                self._note(process, done)
        finally:
            self.busy.remove(process)

    def step(self, process: Process, *, flush: bool = False) -> None:
        self.attempt(process, lambda: process.step(flush=flush))

    def do_work(self, process: Process) -> None:
        self.attempt(process, process.do_work)

    # What is seen from outside ----------------------------------------------------------------------------

    def _note(self, process: Process, done) -> None:
        self.seen[str(done.did)] += 1
        if str(done.did) != "idle":
            self.tell(f"{process.part}: {done.did}, {done.entries} entries")
        if process.part == "chainer":
            state = process.machine.state
            if state is not None and state not in self.states[-1:]:
                self.states = [*self.states[-5:], state]
            return
        if done.sealed is not None:
            self.heads[done.sealed.placed.opened.seal.checkpoint] = None
        for alarm in done.alarms:
            self.tell(f"alarm {alarm.code}: {alarm.message}")
            self.seen[alarm.code] += 1
            if not any(alarm.code in KINDS[kind].alarms for kind in self.struck):
                raise Violation(f"false alarm {alarm.code}: {alarm.message}")

    def _stopped(self, process: Process, code: str, message: str) -> None:
        self.tell(f"{process.part} stops the line: {code}: {message}")
        self.seen[code] += 1
        self.stops.append((process.part, code))
        if not any(code in KINDS[kind].stops for kind in self.struck):
            raise Violation(f"false stop of the {process.part} by {code}: {message}")
        self.kill(process)

    def strike(self, kind: str) -> None:
        """A fault takes effect."""
        self.tell(f"FAULT {kind}")
        self.struck.setdefault(kind)
        if KINDS[kind].must_stop:
            self.must_stand = kind
            self.stops_before = len(self.stops)

    def pass_point(self, process: Process, label: str) -> None:
        """A process passes a crash point; this may be its last."""
        if label == self.crash_at:
            self.crash_at = None
            process.is_dead = True
            self.crashes.append((label, tuple(self.struck)))
            raise Crash(label)
        if label == self.meanwhile_at:
            self.meanwhile_at = None
            seals = self._count_seals()
            self._let_others_work()
            if process.part == "archiver" and self._count_seals() > seals:
                self.sealed_meanwhile = True
        if label == self.away_at:
            self.away_at = None
            self._be_away(label)

    def _let_others_work(self) -> None:
        """Between two calls of one process, the others get on."""
        self.tell("meanwhile …")
        for other in self.alive():
            if other.part == "archiver":
                self.step(other, flush=True)
                self.do_work(other)
            elif other is self.chainer or other.machine.state is not None:
                self.publish()
                self.step(other)
        self.tell("… so far")

    def _count_seals(self) -> int:
        return sum(SEALS in line.key for line in self.bucket.versions(""))

    def _be_away(self, label: str) -> None:
        _, call, when = label.split(".")
        self.seen[f"away at {label}"] += 1
        if call not in LOG_CALLS:
            self.strike("store-away")
            raise StoreUnavailableError(f"the store is away at {label} (scheduled)")
        self.strike("log-away")
        if (call, when) == ("append", "after"):
            raise UncertainAppendError(f"the log is away at {label} (scheduled)")
        raise LogUnavailableError(f"the log is away at {label} (scheduled)")

    def stood(self) -> bool:
        """Whether the line was stopped for the fault that has to stop it."""
        codes = {code for _, code in self.stops[self.stops_before :]}
        return self.must_stand is None or bool(codes & KINDS[self.must_stand].stops)

    def raw_end(self) -> int:
        """Behind the last event that was acknowledged."""
        return max(self.acknowledged, default=-1) + 1

    # What services do -------------------------------------------------------------------------------------

    def publish(self, value: bytes | None = None, *, chainable: bool = True) -> int:
        """Publish an event and be told that it is stored. Producers' own troubles are not the subject."""
        if value is None:
            value = b"event %d" % self.published
        self.published += 1
        (offset,) = self.log.faults.write_foreign(RAW, 0, NewRecord(None, value))
        told = self.lost_anyway if self.must_stand else self.acknowledged
        told[offset] = (value, chainable)
        return offset


AWAY_POINTS = tuple(label for label in POINTS if ".close." not in label)
"""Where a log or a store can be away: closing a writer never fails."""
