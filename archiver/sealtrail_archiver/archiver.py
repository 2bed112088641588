"""The archiver as a step machine over the log and store ports: no thread, no sleep, no clock of its own.

    recover:  anchor → read the true chain forwards from there
    work:     read entries · when a batch is ripe, hand it to `submit` · meanwhile read the next one

Seals are made in order, one at a time. A batch ends where the trail's key changes, and what lies behind is
another archiver's, which has the new key. Nothing is forgotten before it is sealed: a batch whose writing
failed is tried again with the same entries, and what a dead run left in the store is adopted by the same
path (sealtrail_archiver.sealing).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sealtrail_archiver.errors import KeyChangedError
from sealtrail_archiver.read_back import NeedsMore
from sealtrail_archiver.sealing import CLOCK_SKEW, Draft, Outcome, Overtaken, seal_draft
from sealtrail_archiver.settings import Alarm, ArchiverStep, Did, SealedBatch
from sealtrail_archiver.trimming import Trims
from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.statement import statement_of
from sealtrail_chainer.true_chain import Linked, Stray, TrueChain
from sealtrail_schemas.body import RejectedBody, parse_body
from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.layout import trail_prefix
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.errors import LockUnsupportedError, OffsetOutOfRangeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sealtrail_archiver.settings import ArchiverSettings
    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Signer
    from sealtrail_schemas.seal import OpenedSeal
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


@dataclass(slots=True)
class _Running:
    """What exists between a recovery and the next: entries read and not yet sealed, and the place in the log.

    The first `cut` of `unsealed` are being sealed while `work` runs; what comes after them is the next batch
    in the making. `changed_by` is the sequence of the entry by which the key changed: nothing is read behind
    it.
    """

    anchor: Anchor
    folder: str
    chain: TrueChain
    position: int
    previous: OpenedSeal | None
    opened_at_ms: int
    unsealed: deque[Linked] = field(default_factory=deque)
    unsealed_bytes: int = 0
    cut: int = 0
    cut_bytes: int = 0
    wanted: int = 1
    work: Future[Outcome] | None = None
    changed_by: int | None = None

    @property
    def growing(self) -> int:
        return len(self.unsealed) - self.cut

    @property
    def growing_bytes(self) -> int:
        return self.unsealed_bytes - self.cut_bytes


class Archiver:
    """Archives one chained partition.

    `submit` runs one piece of store work at a time, in a thread or at once (`Executor.submit`). Any number
    of archivers of one trail may run: the names in the store decide between them, and each adopts what
    another wrote. `anchor` is where to begin instead of at the trail's anchor: at a continuation that leaves
    a chained topic that could be read on.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        trail: Trail,
        signer: Signer,
        settings: ArchiverSettings,
        *,
        submit: Callable[[Callable[[], Outcome]], Future[Outcome]],
        anchor: Anchor | None = None,
    ) -> None:
        if signer.verifier != trail.verifier:
            raise ValueError(f"the signing key of {signer.name} is not that of {trail.origin}")
        self._log = log
        self._store = store
        self._trail = trail
        self._signer = signer
        self._settings = settings
        self._submit = submit
        self._anchor = anchor
        self._running: _Running | None = None
        self._trims = Trims(log, store, trail, after_ms=settings.trim_after_ms)

    @property
    def in_flight(self) -> Future[Outcome] | None:
        """The store work under way, for a caller that wants to wait for it."""
        return self._running.work if self._running else None

    @property
    def sealed_size(self) -> int:
        """How many entries are sealed; 0 before recovery."""
        previous = self._running.previous if self._running else None
        return previous.checkpoint.size if previous else 0

    @property
    def pending(self) -> int:
        """How many entries were read and are not sealed yet."""
        return len(self._running.unsealed) if self._running else 0

    @property
    def oldest_pending_ms(self) -> int | None:
        """When the oldest of these was chained, by the chainer's clock; None where there is none."""
        unsealed = self._running.unsealed if self._running else None
        return unsealed[0].leaf.chained_at_ms if unsealed else None

    @property
    def position(self) -> int | None:
        """The chained offset at which the next read begins; None before recovery."""
        return self._running.position if self._running else None

    @property
    def newest_seal_at(self) -> datetime | None:
        """When the store took the batch of the newest seal; None before recovery, or where there is none."""
        previous = self._running.previous if self._running else None
        return previous.seal.batch.last_modified if previous else None

    def chained_end(self) -> int:
        """Ask the log where the chained partition ends. For any thread. Raises LogError."""
        return self._log.bounds(self._trail.chained_topic, self._trail.partition).end

    def step(self, *, now_ms: int, flush: bool = False) -> ArchiverStep:
        """Do the next piece of work; `flush` seals what is there although the batch is neither full nor old.

        Drained = a step with `flush` answers IDLE.

        Raises:
            LineStoppedError: the trail's integrity is in doubt; do not call again.
            KeyChangedError: all that this key may seal is sealed; do not call again.
            LockUnsupportedError: the store does not lock; do not call again.
            LogUnavailableError, StoreUnavailableError: wait and call again; nothing is lost.
        """
        running = self._running
        if running is None:
            try:
                return self._recover(now_ms)
            except OffsetOutOfRangeError:  # somebody freed meanwhile what was about to be read
                return ArchiverStep(Did.BUSY)
        try:
            return self._work(running, now_ms, flush=flush)
        except OffsetOutOfRangeError:
            self.close()  # recovery finds a newer seal to go on from, or stops the line
            return ArchiverStep(Did.BUSY)

    def close(self) -> None:
        """Forget what was read. Work under way ends by itself; the next recovery finds what it wrote."""
        self._running = None

    def _work(self, running: _Running, now_ms: int, *, flush: bool) -> ArchiverStep:
        self._trims.run(now_ms=now_ms)
        running.opened_at_ms = min(running.opened_at_ms, now_ms)  # a clock may have been set back
        if running.work is not None and running.work.done():
            return self._finish(running, running.work, now_ms)
        if running.changed_by is not None:
            return self._end_with_key(running, running.changed_by, now_ms)
        if running.work is None and self._is_ripe(running, now_ms):
            self._start(running, now_ms, at_end=False)
        if self._is_full(running):
            return ArchiverStep(Did.BUSY)
        step = self._read(running, now_ms)
        if step.did is not Did.IDLE:
            return step
        if running.work is None and running.unsealed and (flush or running.wanted > 1):
            # At the end only if the log was read after the store had shown a longer batch: another archiver
            # may have read on since our last read.
            self._start(running, now_ms, at_end=running.wanted > 1)
        return step if running.work is None else ArchiverStep(Did.BUSY)

    def _recover(self, now_ms: int) -> ArchiverStep:
        anchor = self._anchor or find_anchor(self._log, self._store, self._trail)
        if anchor is None:
            return ArchiverStep(Did.WAITING)
        self._check_key(anchor)
        self._trims.recover(anchor, now_ms=now_ms)
        trail = self._trail
        self._running = _Running(
            anchor=anchor,
            folder=trail_prefix(trail.raw_topic, trail.partition, anchor.state.trail_id),
            chain=TrueChain(anchor.state),
            position=anchor.chained_offset,
            previous=anchor.seal.opened if anchor.seal else None,
            opened_at_ms=now_ms,
        )
        if anchor.genesis is not None:
            self._running.unsealed.append(anchor.genesis)
            self._running.unsealed_bytes = _entry_bytes(anchor.genesis)
        return ArchiverStep(Did.RECOVERED)

    def _check_key(self, anchor: Anchor) -> None:
        """Refuse to work where another key of the trail signs the next seal."""
        keys, size = anchor.keys, anchor.seal.opened.checkpoint.size if anchor.seal else 0
        if keys.at(size + 1) == self._signer.verifier:
            return
        if self._signer.verifier == keys.newest:
            raise KeyChangedError(
                f"{self._trail.origin}: entries up to {keys.last_sizes[-1] - 1} are to be sealed with the "
                f"key before this one: complete the change with `sealtrail rotate-key`"
            )
        raise self._key_changed(
            min(last for last in keys.last_sizes if keys.at(last) == self._signer.verifier) - 1
        )

    def _key_changed(self, sequence: int) -> KeyChangedError:
        return KeyChangedError(
            f"the key of {self._trail.origin} was changed by entry {sequence}: this archiver has the old one "
            f"({self._signer.verifier.fingerprint}). Give it the new key and policy"
        )

    def _end_with_key(self, running: _Running, changed_by: int, now_ms: int) -> ArchiverStep:
        """Seal what was read up to a key change, without more ado."""
        if running.work is None:
            if not running.unsealed:
                raise self._key_changed(changed_by)
            self._start(running, now_ms, at_end=True)
        return ArchiverStep(Did.BUSY)

    def _read(self, running: _Running, now_ms: int) -> ArchiverStep:
        trail, limits = self._trail, self._settings
        chunk = self._log.read(
            trail.chained_topic,
            trail.partition,
            running.position,
            max_records=limits.read_records,
            max_bytes=limits.read_bytes,
        )
        if not running.growing:
            running.opened_at_ms = now_ms
        entries, alarms = 0, []
        for record in chunk.records:
            taken = running.chain.take(record)
            if isinstance(taken, Stray):
                alarms.append(
                    Alarm("stray", f"{trail.chained_topic} offset {taken.offset} is stray: {taken.reason}")
                )
                continue
            if taken.leaf.kind is Kind.REJECTED:
                alarms.append(Alarm("rejected", f"entry {taken.leaf.sequence}: {_reason(taken)}"))
            running.unsealed.append(taken)
            running.unsealed_bytes += _entry_bytes(taken)
            entries += 1
            if taken.leaf.kind is Kind.CONTROL and self._changes_key(taken):
                running.changed_by = taken.leaf.sequence
                break
        running.position = chunk.next_offset
        return ArchiverStep(Did.READ if chunk.records else Did.IDLE, entries=entries, alarms=tuple(alarms))

    def _changes_key(self, entry: Linked) -> bool:
        control = statement_of(entry, self._signer.verifier)
        return control is not None and isinstance(control.deed, KeyChange)

    def _is_full(self, running: _Running) -> bool:
        limits = self._settings
        wanted = max(limits.batch_entries, running.wanted)
        return running.growing >= wanted or (
            running.growing_bytes >= limits.batch_bytes and running.growing >= running.wanted
        )

    def _is_ripe(self, running: _Running, now_ms: int) -> bool:
        if not running.growing or running.growing < running.wanted:
            return False
        return self._is_full(running) or now_ms - running.opened_at_ms >= self._settings.batch_age_ms

    def _start(self, running: _Running, now_ms: int, *, at_end: bool) -> None:
        entries, size = self._next_batch(running)
        draft = Draft(
            trail=self._trail,
            keys=running.anchor.keys,
            folder=running.folder,
            entries=entries,
            previous=running.previous,
            raw_topic_id=running.anchor.raw_topic_id,
            chained_topic_id=running.anchor.chained_topic_id,
            retain_until=self._retain_until(running, now_ms),
            adopt_from=self._adopt_from(running, now_ms),
            retention=self._settings.retention and _whole_seconds(self._settings.retention),
            now=_moment(now_ms),
            reread_from=running.chain.oldest_waiting,
            codec=self._settings.codec,
            at_end=at_end and len(entries) == len(running.unsealed),
        )
        running.cut, running.cut_bytes = len(entries), size
        running.opened_at_ms = now_ms
        running.work = self._submit(lambda: seal_draft(self._store, draft, self._signer))

    def _next_batch(self, running: _Running) -> tuple[tuple[Linked, ...], int]:
        """The entries of the next batch, and their bytes."""
        limits = self._settings
        entries, size = 0, 0
        for entry in islice(running.unsealed, max(limits.batch_entries, running.wanted)):
            longer = size + _entry_bytes(entry)
            if entries and entries >= running.wanted and longer > limits.batch_bytes:
                break
            entries, size = entries + 1, longer
        return tuple(islice(running.unsealed, entries)), size

    def _retain_until(self, running: _Running, now_ms: int) -> datetime | None:
        """Now and the retention, in whole seconds rounded up; never before the batch before.

        Raises:
            LockUnsupportedError: what was sealed so far is locked, and the settings know no lock.
        """
        if self._settings.retention is None:
            if running.previous is not None and running.previous.seal.retention.until is not None:
                raise LockUnsupportedError(
                    f"{self._trail.origin} was sealed under a lock so far: give a retention"
                )
            return None
        until = datetime.fromtimestamp(-(-now_ms // 1000), tz=UTC) + _whole_seconds(self._settings.retention)
        before = running.previous.seal.retention.until if running.previous else None
        return until if before is None else max(until, before)

    def _adopt_from(self, running: _Running, now_ms: int) -> datetime | None:
        """A batch of a dead run is locked as long as the one before; the first, from its genesis on."""
        if self._settings.retention is None:
            return None
        if running.previous is not None and running.previous.seal.retention.until is not None:
            least = running.previous.seal.retention.until
        else:
            chained_at = _moment(running.unsealed[0].leaf.chained_at_ms)
            least = chained_at + _whole_seconds(self._settings.retention) - CLOCK_SKEW
        return max(least, _moment(now_ms) + CLOCK_SKEW)  # the seal is to be locked as long as the batch

    def _finish(self, running: _Running, work: Future[Outcome], now_ms: int) -> ArchiverStep:
        running.work, running.cut, running.cut_bytes = None, 0, 0
        outcome = work.result()
        if isinstance(outcome.result, NeedsMore):
            running.wanted = outcome.result.entries
            return ArchiverStep(Did.BUSY, alarms=outcome.alarms)
        if isinstance(outcome.result, Overtaken):
            self.close()  # recovery goes on from the other's seal
            return ArchiverStep(Did.BUSY, alarms=outcome.alarms)
        sealed: SealedBatch = outcome.result
        running.wanted = 1
        running.previous = sealed.placed.opened
        for _ in range(sealed.entries):
            running.unsealed_bytes -= _entry_bytes(running.unsealed.popleft())
        self._trims.sealed(sealed.placed.opened.seal.chained.next_offset, now_ms=now_ms)
        return ArchiverStep(Did.SEALED, entries=sealed.entries, sealed=sealed, alarms=outcome.alarms)


def _entry_bytes(entry: Linked) -> int:
    return len(entry.leaf_bytes) + len(entry.payload)


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, tz=UTC)


def _reason(entry: Linked) -> str:
    body = parse_body(Kind.REJECTED, decode_payload(entry.payload).value)
    return body.reason if isinstance(body, RejectedBody) else "it gives no reason"


def _whole_seconds(duration: timedelta) -> timedelta:
    return timedelta(days=duration.days, seconds=duration.seconds)
