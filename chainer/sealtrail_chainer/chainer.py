"""The chainer as a step machine over the log port: no thread, no sleep, no clock, no randomness of its own.

    recover:  fence older writers → anchor → scan the true chain forwards → compare its newest event with the
              raw record that it stands for → go on at the next source offset
    work:     read raw records → chain them → append them in one transaction

Both are `step`. Any doubt about an append closes the writer, and the next step recovers: so what recovery
does is done at every start, and there is no second way to begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.chain_step import chain_event, chain_heartbeat, chain_rejected
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.genesis import make_genesis
from sealtrail_chainer.raw_check import check_newest, check_raw_ends
from sealtrail_chainer.scan import Scanned, scan
from sealtrail_chainer.trail import writer_name
from sealtrail_schemas.errors import PayloadError
from sealtrail_schemas.payload import SALT_BYTES
from sealtrail_transport.errors import (
    LogUnavailableError,
    OffsetOutOfRangeError,
    RecordRefusedError,
    UncertainAppendError,
    WriterFencedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.trail import Trail
    from sealtrail_chainer.true_chain import Stray
    from sealtrail_schemas.chain import ChainState
    from sealtrail_transport.errors import LogError
    from sealtrail_transport.log import Appended, Log, LogRecord, NewRecord, PartitionWriter
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class ChainerSettings:
    """Limits of one chainer. A transaction is what is read, chained, and in memory at one time."""

    transaction_records: int = 1_000
    transaction_bytes: int = 4 * 2**20
    heartbeat_after_ms: int = 5 * 60 * 1_000


class Did(StrEnum):
    """What a step did."""

    RECOVERED = "recovered"
    CHAINED = "chained"
    HEARTBEAT = "heartbeat"
    IDLE = "idle"  # nothing to do: wait for new records
    DOUBTED = "doubted"  # an append's outcome is unknown: the next step recovers


@dataclass(frozen=True, slots=True)
class ChainerStep:
    """What a step did.

    Attributes:
        did: what.
        entries: entries chained.
        rejected: why some of them were chained as rejected.
        strays: those that recovery met.
        doubt: what put the last append in doubt.
    """

    did: Did
    entries: int = 0
    rejected: tuple[str, ...] = ()
    strays: tuple[Stray, ...] = ()
    doubt: LogError | None = None


@dataclass(slots=True)
class _Running:
    """What exists between a recovery and the next doubt."""

    writer: PartitionWriter
    state: ChainState
    chained_end: int
    position: int
    last_append_ms: int


class Chainer:
    """Chains one raw partition into its chained partition, every record exactly once.

    `entropy(n)` returns n random bytes (`secrets.token_bytes`). One chainer at a time works: opening its
    writer fences every older one.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        trail: Trail,
        settings: ChainerSettings,
        *,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._log = log
        self._store = store
        self._trail = trail
        self._settings = settings
        self._entropy = entropy
        self._running: _Running | None = None
        self._acknowledged_end = 0

    @property
    def state(self) -> ChainState | None:
        """The state of the chain after the last step; None before recovery."""
        return self._running.state if self._running else None

    @property
    def position(self) -> int | None:
        """The raw offset at which the next read begins; None before recovery."""
        return self._running.position if self._running else None

    def raw_end(self) -> int:
        """Ask the log where the raw partition ends. For any thread. Raises LogError."""
        return self._log.bounds(self._trail.raw_topic, self._trail.partition).end

    def step(self, *, now_ms: int) -> ChainerStep:
        """Do the next piece of work: one recovery, one transaction, one heartbeat, or nothing.

        Raises:
            LineStoppedError: the trail's integrity is in doubt; do not call again.
            WriterFencedError: a newer chainer works on this trail. Calling again would fence that one.
            LogUnavailableError, StoreUnavailableError: wait and call again.
        """
        try:
            if self._running is None:
                return self._recover(now_ms)
            return self._work(self._running, now_ms)
        except (UncertainAppendError, OffsetOutOfRangeError) as error:
            self.close()  # recovery finds out, or stops the line
            return ChainerStep(Did.DOUBTED, doubt=error)
        except WriterFencedError:
            self.close()
            raise

    def close(self) -> None:
        """Release the writer. The next `step` would recover."""
        if self._running is not None:
            self._running.writer.close()
            self._running = None

    def _recover(self, now_ms: int) -> ChainerStep:
        trail = self._trail
        # Fence first: read before fencing, and an older chainer could still append behind what was read.
        writer = self._log.writer(trail.chained_topic, trail.partition, name=writer_name(trail))
        try:
            anchor = find_anchor(self._log, self._store, trail)
            self._check_acknowledged()
            found = self._begin(writer, now_ms) if anchor is None else self._scan(anchor)
            check_raw_ends(self._log, trail, found.state)
            if anchor is not None:
                check_newest(self._log, trail, found)
        except BaseException:
            writer.close()
            raise
        self._acknowledged_end = found.end
        self._running = _Running(writer, found.state, found.end, found.state.next_source_offset, now_ms)
        return ChainerStep(Did.RECOVERED, entries=int(anchor is None), strays=found.strays)

    def _begin(self, writer: PartitionWriter, now_ms: int) -> Scanned:
        """Write the genesis of a trail whose chained partition never held anything.

        An older one may land only now, before this one or in its transaction. Then that is the genesis.
        """
        record, state = make_genesis(self._log, self._trail, now_ms=now_ms, entropy=self._entropy)
        appended = writer.append([record])
        if appended.first_offset > 0 and self._holds_records(0, appended):
            raise UncertainAppendError("another genesis came between")
        return Scanned(state, appended.next_offset)

    def _scan(self, anchor: Anchor) -> Scanned:
        """Read the true chain to its end. Normal work chains waiting strays' sources."""
        limits = self._settings
        return scan(
            self._log,
            self._trail,
            anchor.state,
            anchor.chained_offset,
            max_records=limits.transaction_records,
            max_bytes=limits.transaction_bytes,
        )

    def _check_acknowledged(self) -> None:
        end = self._log.bounds(self._trail.chained_topic, self._trail.partition).end
        if end < self._acknowledged_end:
            raise self._acknowledged_lost(end)

    def _acknowledged_lost(self, end: int) -> LineStoppedError:
        return LineStoppedError(
            StopCode.ACKNOWLEDGED_LOST,
            f"{self._trail.chained_topic} ended at offset {end}, but entries up to offset "
            f"{self._acknowledged_end - 1} were acknowledged",
            end=end,
            acknowledged_up_to=self._acknowledged_end,
        )

    def _work(self, running: _Running, now_ms: int) -> ChainerStep:
        trail, limits = self._trail, self._settings
        chunk = self._log.read(
            trail.raw_topic,
            trail.partition,
            running.position,
            max_records=limits.transaction_records,
            max_bytes=limits.transaction_bytes,
        )
        if not chunk.records:
            running.position = chunk.next_offset
            return self._idle(running, now_ms)
        before = running.state.size
        rejected: list[str] = []
        following = [*(record.offset for record in chunk.records[1:]), chunk.next_offset]
        self._append(running, list(zip(chunk.records, following, strict=True)), now_ms, rejected)
        running.position = chunk.next_offset
        return ChainerStep(Did.CHAINED, entries=running.state.size - before, rejected=tuple(rejected))

    def _idle(self, running: _Running, now_ms: int) -> ChainerStep:
        running.last_append_ms = min(running.last_append_ms, now_ms)  # a clock may have been set back
        if now_ms - running.last_append_ms < self._settings.heartbeat_after_ms:
            return ChainerStep(Did.IDLE)
        salt = self._entropy(SALT_BYTES)
        record, state = chain_heartbeat(
            running.state, next_source_offset=running.position, now_ms=now_ms, salt=salt
        )
        self._commit(running, [record], state, now_ms)
        return ChainerStep(Did.HEARTBEAT, entries=1)

    def _append(
        self, running: _Running, sources: Sequence[tuple[LogRecord, int]], now_ms: int, rejected: list[str]
    ) -> None:
        """Chain and append; a refused transaction is halved until the record that spoils it stands alone."""
        state, records, reasons = running.state, [], []
        for source, following in sources:
            record, state, reason = self._chain(state, source, following, now_ms)
            records.append(record)
            if reason is not None:
                reasons.append(f"{self._trail.raw_topic} offset {source.offset}: {reason}")
        try:
            self._commit(running, records, state, now_ms)
        except RecordRefusedError as error:
            if len(sources) > 1:
                middle = len(sources) // 2
                self._append(running, sources[:middle], now_ms, rejected)
                self._append(running, sources[middle:], now_ms, rejected)
                return
            self._reject(running, *sources[0], str(error), now_ms)
            rejected.append(f"{self._trail.raw_topic} offset {sources[0][0].offset}: {error}")
        else:
            rejected += reasons

    def _chain(
        self, state: ChainState, source: LogRecord, following: int, now_ms: int
    ) -> tuple[NewRecord, ChainState, str | None]:
        """The entry of a record, and why it is a rejected one; None where it is an event."""
        salt = self._entropy(SALT_BYTES)
        reason = source.unreadable
        if reason is None:
            try:
                entry = chain_event(state, source, next_source_offset=following, now_ms=now_ms, salt=salt)
            except PayloadError as error:
                reason = str(error)
            else:
                return *entry, None
        entry = chain_rejected(state, source, reason, next_source_offset=following, now_ms=now_ms, salt=salt)
        return *entry, reason

    def _reject(self, running: _Running, source: LogRecord, following: int, reason: str, now_ms: int) -> None:
        record, state = chain_rejected(
            running.state,
            source,
            reason,
            next_source_offset=following,
            now_ms=now_ms,
            salt=self._entropy(SALT_BYTES),
        )
        self._commit(running, [record], state, now_ms)

    def _commit(self, running: _Running, records: list[NewRecord], state: ChainState, now_ms: int) -> None:
        """Append; whatever somebody else appended in between puts in doubt what our records link to."""
        appended = running.writer.append(records)
        if appended.first_offset < running.chained_end:
            raise self._acknowledged_lost(appended.first_offset)
        self._acknowledged_end = appended.next_offset
        if appended.first_offset > running.chained_end and self._holds_records(running.chained_end, appended):
            raise UncertainAppendError("another writer's records came between")
        running.state = state
        running.chained_end = appended.next_offset
        running.position = max(running.position, state.next_source_offset)
        running.last_append_ms = now_ms

    def _holds_records(self, start: int, appended: Appended) -> bool:
        """Whether committed records lie between `start` and ours, not only markers or aborted ones."""
        trail = self._trail
        try:
            chunk = self._log.read(trail.chained_topic, trail.partition, start, max_records=1, max_bytes=1)
        except LogUnavailableError as error:  # ours are appended by now: only recovery can go on
            raise UncertainAppendError(str(error)) from error
        return not chunk.records or chunk.records[0].offset < appended.first_offset
