"""A MemoryLog as one process sees it: appends meet the faults that are due, and a lost tail is noticed.

A broker whose partition lost its end tells each consumer that had read further (KIP-320); so the next read
from there fails here as well, even if the partition has grown again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_transport.errors import OffsetOutOfRangeError
from sealtrail_transport.memory_faults import AppendFault

if TYPE_CHECKING:
    from simulation.world import World

APPEND_FAULTS = {
    "append-refused-by-network": AppendFault.UNAVAILABLE,
    "append-aborted": AppendFault.ABORTED,
    "append-fenced": AppendFault.FENCED,
    "append-unanswered-done": AppendFault.UNCERTAIN_APPENDED,
    "append-unanswered-lost": AppendFault.UNCERTAIN_LOST,
    "append-late": AppendFault.UNCERTAIN_DELAYED,
}
"""Kinds of faults that a MemoryLog knows how to play."""


class FaultyLog:
    """What has no fault of its own goes to the MemoryLog."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._log = world.log
        self._position: dict[str, int] = {}
        self._cut: dict[str, int] = {}

    def __getattr__(self, name):
        return getattr(self._log, name)

    def lose_end(self, topic: str, offset: int) -> None:
        """The partition has lost its records from `offset` on."""
        if self._position.get(topic, 0) > offset:
            self._cut[topic] = offset
            self._position[topic] = offset

    def read(self, topic, partition, offset, *, max_records, max_bytes):
        cut = self._cut.pop(topic, None)
        if cut is not None and offset > cut:
            raise OffsetOutOfRangeError(f"{topic} was truncated to offset {cut}, below offset {offset}")
        chunk = self._log.read(topic, partition, offset, max_records=max_records, max_bytes=max_bytes)
        self._position[topic] = max(self._position.get(topic, 0), chunk.next_offset)
        return chunk

    def writer(self, topic, partition, *, name):
        return FaultyWriter(self._world, self._log.writer(topic, partition, name=name), topic, partition)


class FaultyWriter:
    """A writer whose next append meets the fault that is due."""

    def __init__(self, world: World, writer, topic: str, partition: int) -> None:
        self._world = world
        self._writer = writer
        self._place = (topic, partition)

    def append(self, records):
        world = self._world
        if world.lands_in_next:  # old records in a new transaction, before its own
            world.lands_in_next = False
            world.log.faults.land_delayed()
        kind = world.due_appends.pop(0) if world.due_appends else None
        if kind is None:
            return self._writer.append(records)
        if kind == "append-late-in-part":  # the first of several produce requests arrives, the others do not
            records = records[: (len(records) + 1) // 2]
        faults = world.log.faults
        faults.schedule(APPEND_FAULTS.get(kind, AppendFault.UNCERTAIN_DELAYED))
        try:
            return self._writer.append(records)
        finally:
            if faults._schedule:  # it never came to that: this writer is fenced or closed
                faults._schedule.clear()
                world.due_appends.insert(0, kind)
            else:
                world.strike(kind)
                world.lands_in_next = kind == "append-late-in-next"

    def close(self):
        self._writer.close()
