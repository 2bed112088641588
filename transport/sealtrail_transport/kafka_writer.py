"""The one writer of a partition: a transactional producer whose transactional id fences older ones (KIP-98).

librdkafka has no part of KIP-890: a late answer to one transaction can reach into the next of the same
producer. So a transaction whose end is in doubt ends its producer too, and the next one's start settles it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import KafkaError, KafkaException, Producer

from sealtrail_transport.errors import (
    LogDeniedError,
    LogError,
    RecordRefusedError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.kafka_client import ClientEvents, call
from sealtrail_transport.kafka_errors import (
    FENCED,
    REFUSED,
    Attempt,
    kafka_errors,
    kind_of,
    log_error,
)
from sealtrail_transport.kafka_records import message_headers, message_time
from sealtrail_transport.log import Appended
from sealtrail_transport.record_size import record_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Message

    from sealtrail_transport.kafka_settings import KafkaSettings
    from sealtrail_transport.log import NewRecord, TopicInfo

_MARKER: Final = 1
"""Offsets that the end of a transaction takes."""
_FULL_WAIT_S: Final = 0.05
_FLUSH_S: Final = 0.02
_LEAST_COMMIT_S: Final = 1.0
_ABORT_S: Final = 1.0
_ABORT_TIMEOUT_S: Final = 10.0


class KafkaWriter:
    """`PartitionWriter` of a KafkaLog; made by `KafkaLog.writer`. For one thread.

    Args:
        each_offset: ask where each record went, not only the first.
        end: the partition's end, for an append of nothing.
        on_append: told where each append ended.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: TopicInfo,
        partition: int,
        *,
        name: str,
        each_offset: bool = False,
        end: Callable[[], int],
        on_append: Callable[[int], None],
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._name = name
        self._each_offset = each_offset
        self._end = end
        self._on_append = on_append
        self._timeout_s = settings.append_timeout_s
        self._why_closed: LogError | None = None
        self._has_gap = False
        where = f"{topic.name}/{partition}"
        self._attempt = Attempt(f"append to {where}", topic=topic.name, operation="Write", writer=name)
        self._events = ClientEvents(settings.bootstrap_servers)
        properties = settings.writer(name, max_record_bytes=topic.max_record_bytes)
        self._transaction_timeout_s = int(properties["transaction.timeout.ms"]) / 1000
        with kafka_errors(Attempt(f"open a writer for {where}", writer=name), self._events):
            self._producer: Producer | None = Producer(self._events.properties(properties))
            self._init(self._producer, settings.open_timeout_s)

    def append(self, records: Sequence[NewRecord]) -> Appended:
        """See `PartitionWriter.append`."""
        if self._producer is None:
            raise self._why_closed or LogError("this writer is closed; open another")
        if not records:
            end = self._end()
            return Appended(end, end)
        offsets = self._transact(self._producer, records, time.monotonic() + self._timeout_s)
        next_offset = max(offsets[0] + len(records), offsets[-1] + 1) + _MARKER
        appended = Appended(offsets[0], next_offset, offsets if self._each_offset else ())
        self._events.cause = None
        self._on_append(appended.next_offset)
        return appended

    def close(self) -> None:
        """See `PartitionWriter.close`."""
        self._producer = None  # frees it; `Producer.close` would flush for as long as it takes

    def _init(self, producer: Producer, timeout_s: float) -> None:
        """Fence and settle older writers, and report a hopeless connection before the time is up."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return call(producer.init_transactions, max(0.0, min(1.0, deadline - time.monotonic())))
            except KafkaException as error:
                call(producer.poll, 0)
                self._events.raise_definite()
                if not error.args[0].retriable() or time.monotonic() >= deadline:
                    raise

    def _transact(self, producer: Producer, records: Sequence[NewRecord], deadline: float) -> list[int]:
        """Append the records in one transaction; returns the offsets that were asked for, the first at least.

        Reports come in the order of the records, which is that of their offsets: all are of one partition.
        """
        reports = _Offsets()
        try:
            self._send(producer, records, reports, deadline)
            self._commit(producer, records, deadline)
        except _SequenceGapError:
            return self._transact(producer, records, deadline)
        if len(reports.offsets) != (len(records) if self._each_offset else 1):
            raise self._doubt("no report of where the records went")
        return reports.offsets

    def _send(
        self, producer: Producer, records: Sequence[NewRecord], reports: _Offsets, deadline: float
    ) -> None:
        """Begin a transaction and hand over the records; on return all were stored or have failed."""
        began_at = time.monotonic()
        try:
            call(producer.begin_transaction)
            self._produce(producer, records, reports, deadline)
            self._flush(producer, deadline)
        except RecordRefusedError:
            if not self._abort(producer):
                raise self._doubt("a transaction could not be aborted") from None
            raise
        except KafkaException as error:
            state = _state_error(producer)
            if state.txn_requires_abort():
                raise self._aborted(producer, state, records) from error
            # The coordinator gives up a transaction that takes too long, by the same answer.
            in_time = time.monotonic() - began_at < self._transaction_timeout_s
            if state.name() in FENCED and in_time:
                raise self._fenced() from error
            raise self._doubt(f"{error.args[0].str()}; {state.str()}") from error

    def _produce(
        self, producer: Producer, records: Sequence[NewRecord], reports: _Offsets, deadline: float
    ) -> None:
        topic, partition, produce = self._topic.name, self._partition, producer.produce
        report: Callable[[KafkaError | None, Message], None] | None = reports
        for index, record in enumerate(records):
            headers = message_headers(record, index)
            time_ms = 0 if self._topic.append_time else message_time(record, index)
            while True:
                try:
                    produce(topic, record.value, record.key, partition, report, None, time_ms, headers)
                    break
                except BufferError:  # the same record again, or there would be a hole
                    call(producer.poll, _FULL_WAIT_S)
                    self._check_going(producer, deadline)
                except KafkaException as error:
                    if error.args[0].name() in REFUSED:
                        raise self._refused(error.args[0], records, index) from error
                    raise
            report = reports if self._each_offset else None

    def _flush(self, producer: Producer, deadline: float) -> None:
        """Wait until every record was stored, or the transaction has failed and some never will be."""
        while call(producer.flush, _FLUSH_S):
            self._check_going(producer, deadline)

    def _check_going(self, producer: Producer, deadline: float) -> None:
        """Raise when there is nothing left to wait for."""
        state = _state_error(producer)
        if state.fatal() or state.txn_requires_abort():
            raise KafkaException(state)
        if time.monotonic() > deadline:
            raise self._doubt("the records were not acknowledged in time")

    def _commit(self, producer: Producer, records: Sequence[NewRecord], deadline: float) -> None:
        """Commit; on return it is done.

        Not to be called again after it ran out of time, though librdkafka says so: when its first step did
        (the client's thread got no processor), that step's late answer passes for the answer of the next, and
        an assertion ends the process.
        """
        while True:
            try:
                return call(producer.commit_transaction, max(_LEAST_COMMIT_S, deadline - time.monotonic()))
            except KafkaException as caught:
                error = caught.args[0]
                if error.retriable() and error.name() != "_TIMED_OUT" and time.monotonic() < deadline:
                    continue  # never abort what may be committed: the same call goes on with it
                if error.txn_requires_abort():
                    raise self._aborted(producer, error, records) from caught
                raise self._doubt(error.str()) from caught

    def _aborted(self, producer: Producer, error: KafkaError, records: Sequence[NewRecord]) -> LogError:
        """Abort; returns what to raise.

        A batch that the broker refused leaves a gap in the producer's sequence numbers. librdkafka mends it
        only when the next batch has been refused for that: the abort then raises the producer's epoch, unless
        a newer writer has (KIP-360), and the same records can be sent again.
        """
        aborted = self._abort(producer)
        if kind_of(error) is LogDeniedError:  # the coordinator may know of no transaction to be aborted
            self.close()
            return log_error(error, self._attempt, self._events)
        if not aborted:
            return self._doubt(error.str())
        if error.name() in REFUSED:
            self._has_gap = True
            return self._refused(error, records, None)
        if error.name() == "OUT_OF_ORDER_SEQUENCE_NUMBER" and self._has_gap:
            self._has_gap = False
            return _SequenceGapError(error.str())
        return self._doubt(error.str())

    def _abort(self, producer: Producer) -> bool:
        """Abort the transaction; False: nobody knows.

        Each call drops what is queued, then waits for what is under way; some of that may be queued again.
        The time of a call is long enough for its first step (see `_commit`).
        """
        deadline = time.monotonic() + min(self._timeout_s, _ABORT_TIMEOUT_S)
        while True:
            try:
                call(producer.abort_transaction, _ABORT_S)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() >= deadline:
                    return False
            else:
                return True

    def _refused(
        self, error: KafkaError, records: Sequence[NewRecord], index: int | None
    ) -> RecordRefusedError:
        """Say which record it was, as far as can be told: a broker refuses batches."""
        if error.name() == "MSG_SIZE_TOO_LARGE":
            sizes = [record_bytes(record) for record in records]
            index = sizes.index(max(sizes)) if index is None else index
            return RecordRefusedError(
                f"record {index} takes {sizes[index]} bytes uncompressed; topic {self._topic.name} allows "
                f"{self._topic.max_record_bytes}"
            )
        if index is None and len(records) == 1:
            index = 0
        which = f"one of {len(records)} records" if index is None else f"record {index}"
        return RecordRefusedError(f"topic {self._topic.name} refuses {which}: {error.str()}")

    def _fenced(self) -> WriterFencedError:
        self.close()
        self._why_closed = WriterFencedError(f"a newer writer {self._name!r} was opened")
        return self._why_closed

    def _doubt(self, reason: str) -> UncertainAppendError:
        self.close()
        return UncertainAppendError(
            f"Kafka at {self._events.where}: whether records were appended to {self._topic.name}/"
            f"{self._partition} is not known: {reason}"
        )


class _SequenceGapError(LogError):
    """Nothing was appended, and the same records can be sent again."""


class _Offsets:
    """The delivery reports of a transaction's records, or of its first."""

    def __init__(self) -> None:
        self.offsets: list[int] = []

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.offsets.append(cast("int", message.offset()))


def _state_error(producer: Producer) -> KafkaError:
    """What is wrong with the transaction under way; told by any call that its state does not allow."""
    try:
        call(producer.begin_transaction)
    except KafkaException as error:
        state: KafkaError = error.args[0]
        return state
    return KafkaError(KafkaError._STATE, "there was no transaction")  # noqa: SLF001 - the name of a code
