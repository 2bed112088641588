"""How a MemoryLog misbehaves: every way in which a real broker has been seen to, on request and in order.

Two kinds. Faults of calls are scheduled and used up one by one::

    log.faults.schedule(None, AppendFault.UNCERTAIN_LOST)  # the next append works, the one after does not
    log.faults.unavailable(calls=3)

Acts on what the log holds happen at once::

    log.faults.lose_end("raw", 0, offset=17)
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING

from sealtrail_transport.errors import (
    LogUnavailableError,
    RecordRefusedError,
    UncertainAppendError,
    WriterFencedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_transport.log import NewRecord
    from sealtrail_transport.memory_log import MemoryLog, MemoryPartition


class AppendFault(Enum):
    """What goes wrong with one append, of a writer or of a producer."""

    UNAVAILABLE = auto()
    """LogUnavailableError before anything happened."""
    ABORTED = auto()
    """LogUnavailableError; the records took offsets, but nobody will ever read them."""
    FENCED = auto()
    """WriterFencedError though there is no newer writer, as when a coordinator gave up the transaction."""
    UNCERTAIN_APPENDED = auto()
    """UncertainAppendError; the records were appended."""
    UNCERTAIN_LOST = auto()
    """UncertainAppendError; the records were not appended."""
    UNCERTAIN_DELAYED = auto()
    """UncertainAppendError; the records land when `MemoryFaults.land_delayed` is called, whatever writer was
    opened meanwhile: the hole that KIP-890 closes."""


class MemoryFaults:
    """The faults of one MemoryLog."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._schedule: deque[AppendFault | None] = deque()
        self._unavailable_calls = 0
        self._refuses: Callable[[NewRecord], bool] = lambda _: False
        self._delayed: list[tuple[MemoryPartition, tuple[NewRecord, ...]]] = []

    def schedule(self, *faults: AppendFault | None) -> None:
        """Give each of the coming appends its fault; None lets one succeed."""
        self._schedule.extend(faults)

    def clear(self) -> None:
        """Forget the faults of calls that are still due; what is held back stays so."""
        self._schedule.clear()
        self._unavailable_calls = 0
        self._refuses = lambda _: False

    def unavailable(self, *, calls: int) -> None:
        """Let the next `calls` calls of any method raise LogUnavailableError."""
        self._unavailable_calls = calls

    def refuse(self, predicate: Callable[[NewRecord], bool]) -> None:
        """Refuse, from now on, every append that holds a record for which `predicate` is true."""
        self._refuses = predicate

    def land_delayed(self) -> int:
        """Append what UNCERTAIN_DELAYED held back; returns the number of records."""
        delayed, self._delayed = self._delayed, []
        for partition, records in delayed:
            self._log.commit(partition, records)
        return sum(len(records) for _, records in delayed)

    def write_foreign(self, topic: str, partition: int, *records: NewRecord) -> list[int]:
        """Append as a stranger would who ignores the one-writer rule; returns the offsets."""
        return self._log.commit(self._log.partition(topic, partition), records)

    def burn_offsets(self, topic: str, partition: int, count: int) -> None:
        """Take offsets for records that nobody will ever read: markers, or somebody's aborted transaction."""
        self._log.partition(topic, partition).end += count

    def open_transaction(self, topic: str, partition: int) -> None:
        """Let a stranger begin a transaction: what is appended from now on can't be read until it ends."""
        held = self._log.partition(topic, partition)
        held.open_from = held.stable_end
        held.end += 1

    def end_transaction(self, topic: str, partition: int) -> None:
        """Let that transaction be aborted."""
        self._log.partition(topic, partition).open_from = None

    def make_unreadable(self, topic: str, partition: int, offset: int, reason: str) -> None:
        """Hand the record at `offset` over as unreadable from now on, without its headers."""
        self._log.partition(topic, partition).make_unreadable(offset, reason)

    def recreate_topic(self, name: str) -> None:
        """Delete the topic with all it holds and make it again, as empty, with another topic id."""
        self._log.recreate(name)

    def lose_start(self, topic: str, partition: int, offset: int) -> None:
        """Delete everything below `offset`, as a retention by time or size does."""
        self._log.partition(topic, partition).drop_below(offset)

    def lose_end(self, topic: str, partition: int, offset: int) -> None:
        """Forget everything from `offset` on, as an unclean leader election does; offsets are used again."""
        self._log.partition(topic, partition).drop_from(offset)

    def on_call(self) -> None:
        """Called by the log at each call."""
        if self._unavailable_calls:
            self._unavailable_calls -= 1
            raise LogUnavailableError("the log is away (scheduled)")

    def on_append(self, partition: MemoryPartition, records: Sequence[NewRecord]) -> None:
        """Called by the log before each append that it would accept; raises what is due."""
        if any(map(self._refuses, records)):
            raise RecordRefusedError("the log refuses a record (scheduled)")
        fault = self._schedule.popleft() if self._schedule else None
        match fault:
            case None:
                return
            case AppendFault.UNAVAILABLE:
                raise LogUnavailableError("the log is away (scheduled)")
            case AppendFault.ABORTED:
                partition.end += len(records) + 1
                raise LogUnavailableError("the transaction was aborted (scheduled)")
            case AppendFault.FENCED:
                raise WriterFencedError("the coordinator gave up this writer (scheduled)")
            case AppendFault.UNCERTAIN_APPENDED:
                self._log.commit(partition, records)
            case AppendFault.UNCERTAIN_DELAYED:
                self._delayed.append((partition, tuple(records)))
            case AppendFault.UNCERTAIN_LOST:
                pass
        raise UncertainAppendError("no answer (scheduled)")
