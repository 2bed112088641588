"""Where a replay goes: one partition of a log, which gets each record once, whatever happens in between.

There is no note of how far a replay has come that could be lost or be wrong. What a replay puts follows from
the archive alone, so it begins by reading what the partition holds and compares that, record by record, with
what it would put; where the partition ends, it goes on. A writer of a fixed name stands before that: it shuts
out every other replay into the partition and settles what one that was killed had under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_auditor.errors import ReplayTargetError
from sealtrail_auditor.provenance import is_of_replay, sequence_of
from sealtrail_transport.errors import (
    LogError,
    RecordRefusedError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.record_size import record_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail_auditor.replay import ReplayRecord
    from sealtrail_transport.log import Log, LogRecord, NewRecord

TRANSACTION_RECORDS: Final = 1_000
TRANSACTION_BYTES: Final = 8 << 20
"""After which a transaction is full; one record may be larger."""

_READ_RECORDS: Final = 1_000
_READ_BYTES: Final = 8 << 20
_ATTEMPTS: Final = 5


def replay_writer_name(topic: str, partition: int) -> str:
    """The name under which replays into a partition fence each other; on Kafka, the transactional id."""
    return f"sealtrail-replay/{topic}/{partition}"


class LogTarget:
    """Puts records into one partition, in order, in transactions.

    Attributes:
        found: Records that the partition held already.
        put_count: Records that were appended.
    """

    def __init__(self, log: Log, topic: str, partition: int, *, replay_id: str | None = None) -> None:
        """Open the partition's writer, after which no older one can append.

        Args:
            log: The log.
            topic: The topic.
            partition: The partition.
            replay_id: Go by the records that carry this replay's id, and pass over all others. None: the
                partition is to hold this replay alone.

        Raises:
            ReplayTargetError: the topic does not keep its producers' timestamps.
            TopicMissingError: there is no such topic or partition.
            LogUnavailableError: the log can't be reached.
        """
        if log.topic(topic).append_time:
            raise ReplayTargetError(
                f"topic {topic} stamps records with its own clock, so the timestamps would be lost. Set "
                "message.timestamp.type=CreateTime, or name another topic"
            )
        self.found = 0
        self.put_count = 0
        self._log = log
        self._topic = topic
        self._partition = partition
        self._replay_id = replay_id
        self._name = replay_writer_name(topic, partition)
        self._writer = log.writer(topic, partition, name=self._name)
        bounds = log.bounds(topic, partition)  # only now: whatever older writers had under way is settled
        self._end = bounds.end
        self._held = self._ours(bounds.start, bounds.end)
        self._waiting: list[ReplayRecord] = []
        self._waiting_bytes = 0

    def close(self) -> None:
        """Release the writer; what was not appended is dropped."""
        self._writer.close()

    def put(self, put: ReplayRecord) -> None:
        """Put a record behind those before, at one of the next calls; or leave it, where it is there already.

        Raises:
            ReplayTargetError: the partition holds another record in its place.
            RecordRefusedError: the log does not take it as it is. What was put before is there.
            WriterFencedError: another replay into this partition was begun.
            LogError: the log fails. The next replay goes on where this one ended.
        """
        held = self._next_held(put)
        if held is not None:
            difference = _difference(held, put.record)
            if difference:
                raise self._other(held, f"differs in its {difference} from entry {put.sequence}")
            self.found += 1
            return
        size = record_bytes(put.record)
        if self._waiting and (
            len(self._waiting) == TRANSACTION_RECORDS or self._waiting_bytes + size > TRANSACTION_BYTES
        ):
            self.flush()
        self._waiting.append(put)
        self._waiting_bytes += size

    def flush(self) -> None:
        """Append what waits. Raises as `put`."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if waiting:
            self._append(waiting)

    def finish(self) -> None:
        """Append what waits; refuse a partition that holds more than the whole replay. Raises as `put`."""
        held = next(self._held, None)
        if held is not None:
            raise self._other(held, "comes after all that there is to be replayed")
        self.flush()
        self._refuse_strays(self._log.bounds(self._topic, self._partition).end)

    # What is there

    def _next_held(self, put: ReplayRecord) -> LogRecord | None:
        """The record in the partition that should be this one; None at its end."""
        for held in self._held:
            # Of a trail whose first batches have expired since, the beginning can't be compared any more.
            is_gone = self._replay_id and not self.found and (sequence_of(held.headers) or 0) < put.sequence
            if not is_gone:
                return held
        return None

    def _ours(self, start: int, end: int) -> Iterator[LogRecord]:
        """The records from one offset up to another that this replay goes by."""
        offset = start
        while offset < end:
            chunk = self._log.read(
                self._topic, self._partition, offset, max_records=_READ_RECORDS, max_bytes=_READ_BYTES
            )
            for record in chunk.records:
                if record.offset >= end:
                    return
                if self._replay_id is None or is_of_replay(record.headers, self._replay_id):
                    yield record
            if chunk.next_offset <= offset:
                raise LogError(f"{self._where} ends at {offset}, though it ended at {end} a moment ago")
            offset = chunk.next_offset

    def _other(self, held: LogRecord, how: str) -> ReplayTargetError:
        advice = (
            "it was put by an earlier version of this replay; name an empty topic"
            if self._replay_id
            else "name an empty topic, or add to this one with --append"
        )
        return ReplayTargetError(
            f"{self._where} holds something else than the beginning of this replay: the record at offset "
            f"{held.offset} {how}. Nothing was written over: {advice}"
        )

    @property
    def _where(self) -> str:
        return f"{self._topic}/{self._partition}"

    # Appending

    def _append(self, records: Sequence[ReplayRecord]) -> None:
        """Append in one transaction; where the log refuses a record, those before it, and say which it is."""
        try:
            self._append_settled([put.record for put in records])
        except RecordRefusedError as error:
            if len(records) == 1:
                raise RecordRefusedError(
                    f"{self._where} does not take entry {records[0].sequence} of "
                    f"{records[0].trail.origin} as it is: {error}"
                ) from error
            middle = len(records) // 2
            self._append(records[:middle])
            self._append(records[middle:])
        except WriterFencedError as error:
            raise WriterFencedError(
                f"another replay into {self._where} was begun, so this one ended. What it put stays"
            ) from error

    def _append_settled(self, records: list[NewRecord]) -> None:
        """Append; where nobody can say whether that took effect, find out and try again."""
        for attempt in range(_ATTEMPTS):
            try:
                appended = self._writer.append(records)
            except UncertainAppendError:
                if attempt == _ATTEMPTS - 1:
                    raise
                if not self._has_landed(records):
                    continue
            else:
                self._refuse_strays(appended.first_offset)
                self._end = appended.next_offset
            self.put_count += len(records)
            return

    def _refuse_strays(self, end: int) -> None:
        """Refuse a partition that got records of this replay from elsewhere since the last append.

        A transaction that a broker was thought to have given up can still land (KIP-890).
        """
        for stray in self._ours(self._end, end):
            raise self._other(stray, "was put there meanwhile, not by this replay")

    def _has_landed(self, records: Sequence[NewRecord]) -> bool:
        """Open another writer, which settles the transaction in doubt, and see whether it is there."""
        self._writer.close()
        self._writer = self._log.writer(self._topic, self._partition, name=self._name)
        end = self._log.bounds(self._topic, self._partition).end
        landed = list(self._ours(self._end, end))
        if landed and (
            len(landed) != len(records)
            or any(_difference(held, record) for held, record in zip(landed, records, strict=True))
        ):
            raise self._other(landed[0], "was put there meanwhile, not by this replay")
        self._end = end
        return bool(landed)


def _difference(held: LogRecord, record: NewRecord) -> str:
    """In what a record differs from what it should be; empty where in nothing."""
    if held.unreadable:
        return f"content, which can't be read ({held.unreadable})"
    parts = {
        "key": held.key == record.key,
        "headers": held.headers == record.headers,
        "value": held.value == record.value,
        "timestamp": held.timestamp_ms == record.timestamp_ms,
    }
    return " and ".join(name for name, equal in parts.items() if not equal)
