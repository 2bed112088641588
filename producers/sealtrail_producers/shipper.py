"""From the outbox into the log, every event once, as a step machine: no thread, no sleep, no clock inside.

    open:  fence the former self → look where the partition ends → is an event in doubt?
    scan:  read up to there from the offset that the outbox remembers; what carries one of our stamps was
           shipped
    ship:  append what waits, in order, in one transaction, and forget it

An event is in doubt when an append that held it may have taken effect. Any doubt about an append closes its
writer, and the next step opens another: recovery is what every start does. The offset that the outbox
remembers never lies behind an event in doubt, so nothing that was shipped escapes the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sealtrail_producers.errors import OutboxCopiedError
from sealtrail_schemas.errors import StampError
from sealtrail_schemas.producer_stamp import Stamp, fitting_void, read_stamp, stamp_headers
from sealtrail_transport.errors import (
    LogError,
    OffsetOutOfRangeError,
    RecordRefusedError,
    UncertainAppendError,
    WriterFencedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_producers.outbox import Outbox, WaitingEvent
    from sealtrail_schemas.producer_stamp import Numbers
    from sealtrail_transport.log import Log, LogRecord, NewRecord, PartitionWriter

_NOTHING: Final = -1


@dataclass(frozen=True, slots=True)
class ShipperSettings:
    """Limits of a shipper.

    Attributes:
        transaction_records: events in one transaction, and records read at once.
        transaction_bytes: their size together.
        refresh_after_s: after how long without events the outbox remembers anew where the partition ends.
    """

    transaction_records: int = 1_000
    transaction_bytes: int = 4 * 2**20
    refresh_after_s: float = 60.0


class Did(StrEnum):
    """What a step did."""

    OPENED = "opened"
    SCANNED = "scanned"
    WAITED = "waited"  # what may be ours lies behind somebody's open transaction: wait for its end
    SHIPPED = "shipped"
    REFRESHED = "refreshed"
    IDLE = "idle"  # nothing to do: wait for new events
    DOUBTED = "doubted"  # an append's outcome is unknown, or its writer fenced: the next step opens another


@dataclass(frozen=True, slots=True)
class ShipperStep:
    """What a step did; `warning` is one line for people, where something is not as it should be."""

    did: Did
    partition: int | None = None
    warning: str | None = None


@dataclass(slots=True)
class _Lane:
    """What exists for a partition between its opening and the next doubt.

    Attributes:
        writer: the only one of its name.
        scan_from: where the scan goes on; None: nothing is in doubt.
        scan_to: the partition's end after fencing.
        refreshed_s: when the outbox was told last where the partition ends.
    """

    writer: PartitionWriter
    scan_from: int | None
    scan_to: int
    refreshed_s: float


class Shipper:
    """Ships the events of one outbox. One shipper at a time works: opening its writer fences any older one.

    Args:
        log: where to.
        outbox: where from.
        settings: limits.
        on_shipped: told the partition, the numbers that are in its log, and their offsets.
        on_refused: told the partition, the number that the log refuses for good, and why.
    """

    def __init__(
        self,
        log: Log,
        outbox: Outbox,
        settings: ShipperSettings,
        *,
        on_shipped: Callable[[int, Sequence[int], Sequence[int]], None],
        on_refused: Callable[[int, int, RecordRefusedError], None],
    ) -> None:
        self._log = log
        self._outbox = outbox
        self._settings = settings
        self._on_shipped = on_shipped
        self._on_refused = on_refused
        self._lanes: dict[int, _Lane] = {}
        # The newest number that an append may have held: by this shipper, or by those before it.
        self._attempted = {partition: end - 1 for partition, end in outbox.numbered().items()}
        self._last = -1

    def step(self, *, now_s: float) -> ShipperStep:
        """Do the next piece of work: open one partition, scan one chunk, ship one transaction, or nothing.

        Partitions where events wait get their turns, one after the other, whatever became of the last.

        Raises:
            OutboxCopiedError: the log holds what this outbox never shipped; do not call again.
            LogError: of the log or the outbox; wait and call again. Nothing is lost.
        """
        partition = self._next()
        if partition is None:
            return self._idle(now_s)
        self._last = partition
        lane = self._lanes.get(partition)
        try:
            if lane is None:
                return self._open(partition, now_s)
            if lane.scan_from is not None:
                return self._scan(partition, lane, lane.scan_from, now_s)
            return self._ship(partition, lane, now_s)
        except (UncertainAppendError, WriterFencedError, OffsetOutOfRangeError) as error:
            self._leave(partition)
            return ShipperStep(Did.DOUBTED, partition, str(error))
        except LogError:
            self._leave(partition)
            raise

    def close(self) -> None:
        """Release the writers. The next `step` would open others."""
        for partition in list(self._lanes):
            self._leave(partition)

    def _next(self) -> int | None:
        """The partition whose turn it is."""
        waiting = sorted(self._outbox.waiting)
        return next((partition for partition in waiting if partition > self._last), next(iter(waiting), None))

    def _leave(self, partition: int) -> None:
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            lane.writer.close()

    # Open

    def _open(self, partition: int, now_s: float) -> ShipperStep:
        outbox = self._outbox
        topic = self._log.topic(outbox.topic)
        warning = _OTHER_TOPIC.format(topic=topic.name) if outbox.learn(topic) else None
        name = writer_name(outbox.producer, topic.name, partition)
        # Fence first: look before, and an older self could still append behind what was seen.
        writer = self._log.writer(topic.name, partition, name=name, each_offset=True)
        try:
            lane, scan_warning = self._begin(partition, writer, now_s)
        except BaseException:
            writer.close()
            raise
        self._lanes[partition] = lane
        return ShipperStep(Did.OPENED, partition, warning or scan_warning)

    def _begin(self, partition: int, writer: PartitionWriter, now_s: float) -> tuple[_Lane, str | None]:
        outbox = self._outbox
        start = self._log.bounds(outbox.topic, partition).start
        # Not the committed end: behind a stranger's open transaction it does not show what we have committed.
        end = self._log.written_end(outbox.topic, partition)
        known = outbox.log_offset(partition)
        place = f"{outbox.topic}/{partition}"
        scan_from, warning = known, None
        if known is None or not self._in_doubt(partition):
            scan_from = None
        elif known > end:
            scan_from, warning = None, _LOST_END.format(place=place, end=end, known=known)
        elif known < start:
            scan_from, warning = start, _OVERTAKEN.format(place=place, start=start, known=known)
        if scan_from is None or scan_from == end:
            scan_from = None
            # The first note must be as durable as the append that may follow it.
            outbox.remember(partition, end, durable=known is None)
        return _Lane(writer, scan_from, end, now_s), warning

    def _in_doubt(self, partition: int) -> bool:
        """Whether an event waits that an append may have held."""
        head = self._outbox.head(partition, max_records=1, max_bytes=0)
        return bool(head) and head[0].number <= self._attempted.get(partition, _NOTHING)

    # Scan

    def _scan(self, partition: int, lane: _Lane, scan_from: int, now_s: float) -> ShipperStep:
        limits, topic = self._settings, self._outbox.topic
        if self._log.bounds(topic, partition).end <= scan_from:
            lane.scan_to = min(lane.scan_to, self._log.written_end(topic, partition))  # it may have been cut
            lane.scan_from = None if lane.scan_to <= scan_from else scan_from
            return ShipperStep(Did.WAITED, partition)
        chunk = self._log.read(
            topic,
            partition,
            scan_from,
            max_records=limits.transaction_records,
            max_bytes=limits.transaction_bytes,
        )
        numbers, offsets = self._own(partition, chunk.records)
        self._outbox.shipped(partition, numbers, chunk.next_offset)
        self._on_shipped(partition, numbers, offsets)
        lane.scan_from = chunk.next_offset
        if lane.scan_from >= lane.scan_to:
            lane.scan_from = None
        elif not self._in_doubt(partition):
            self._outbox.remember(partition, lane.scan_to)
            lane.scan_from = None
        lane.refreshed_s = now_s
        return ShipperStep(Did.SCANNED, partition)

    def _own(self, partition: int, records: Sequence[LogRecord]) -> tuple[list[int], list[int]]:
        """The numbers of those that wait here and were found there, and their offsets there."""
        found: dict[int, int] = {}
        for record in records:
            number = self._own_number(record)
            if number is None or number in found:
                continue
            event = self._outbox.find(partition, number)
            if event is None and number < self._outbox.next_number(partition):
                continue  # known to be shipped, or void
            if event is None or not _is_same(event.record, record):
                raise OutboxCopiedError(
                    f"{self._outbox.path}: {self._outbox.topic}/{partition} offset {record.offset} carries "
                    f"number {number} of this outbox, but another event: a copy of the file is or was in "
                    "use; move both away and begin new outboxes"
                )
            found[number] = record.offset
        return list(found), list(found.values())

    def _own_number(self, record: LogRecord) -> int | None:
        try:
            found = read_stamp(record.headers)
        except StampError:
            return None
        if found is None or found[0][:2] != (self._outbox.producer, self._outbox.incarnation):
            return None
        return found[0].number

    # Ship

    def _ship(self, partition: int, lane: _Lane, now_s: float) -> ShipperStep:
        limits = self._settings
        events = self._outbox.head(
            partition, max_records=limits.transaction_records, max_bytes=limits.transaction_bytes
        )
        if events:
            self._append(partition, lane.writer, events)
        lane.refreshed_s = now_s
        return ShipperStep(Did.SHIPPED, partition)

    def _append(self, partition: int, writer: PartitionWriter, events: Sequence[WaitingEvent]) -> None:
        """Append; a refused transaction is halved until the event that spoils it stands alone."""
        void = fitting_void(self._outbox.void(partition))
        try:
            self._commit(partition, writer, events, void)
        except RecordRefusedError as error:
            if len(events) > 1:
                middle = len(events) // 2
                self._append(partition, writer, events[:middle])
                self._append(partition, writer, events[middle:])
            else:
                self._append_alone(partition, writer, events[0], error)

    def _append_alone(
        self, partition: int, writer: PartitionWriter, event: WaitingEvent, error: RecordRefusedError
    ) -> None:
        """Try what may be to blame beside the event itself: void numbers, or a time too long ago."""
        timeless = event._replace(record=event.record._replace(timestamp_ms=None))
        for changed in (event, timeless):
            try:
                self._commit(partition, writer, [changed], ())
            except RecordRefusedError as again:
                error = again
            else:
                return
        self._outbox.refuse(partition, event.number)
        self._on_refused(partition, event.number, error)

    def _commit(
        self,
        partition: int,
        writer: PartitionWriter,
        events: Sequence[WaitingEvent],
        void: Sequence[Numbers],
    ) -> None:
        records = [self._stamped(event) for event in events[1:]]
        records.insert(0, self._stamped(events[0], void))
        numbers = [event.number for event in events]
        self._attempted[partition] = max(self._attempted.get(partition, _NOTHING), numbers[-1])
        appended = writer.append(records)
        self._outbox.shipped(partition, numbers, appended.next_offset, declared=void)
        self._on_shipped(partition, numbers, appended.offsets)

    def _stamped(self, event: WaitingEvent, void: Sequence[Numbers] = ()) -> NewRecord:
        stamp = Stamp(self._outbox.producer, self._outbox.incarnation, event.number)
        return event.record._replace(headers=event.record.headers + stamp_headers(stamp, void))

    # Idle

    def _idle(self, now_s: float) -> ShipperStep:
        """Keep the remembered offset new, so that no scan is ever long and no retention overtakes it."""
        for partition, lane in self._lanes.items():
            lane.refreshed_s = min(lane.refreshed_s, now_s)
            if now_s - lane.refreshed_s >= self._settings.refresh_after_s:
                lane.refreshed_s = now_s
                self._outbox.remember(partition, self._log.bounds(self._outbox.topic, partition).end)
                return ShipperStep(Did.REFRESHED, partition)
        return ShipperStep(Did.IDLE)


_OTHER_TOPIC: Final = (
    "topic {topic} is another one than before (it was made anew, or the log is another): events that wait, "
    "and some that the other topic had already, go to this one"
)
_LOST_END: Final = (
    "{place} ends at offset {end}, but was known up to {known}: the log has lost events that it acknowledged"
)
_OVERTAKEN: Final = (
    "{place} begins at offset {start}, but events that wait may have been shipped from {known} on: what is "
    "not found is shipped again, and may then be in the log twice"
)


def writer_name(producer: str, topic: str, partition: int) -> str:
    """The name under which the shippers of an outbox fence each other; on Kafka, the transactional id."""
    return f"sealtrail-outbox/{producer}/{topic}/{partition}"


def _is_same(waiting: NewRecord, found: LogRecord) -> bool:
    """Whether a record is what an event was shipped as; its stamp is looked at before."""
    ours = len(waiting.headers)
    return (waiting.key, waiting.value, waiting.headers) == (found.key, found.value, found.headers[:ours])
