"""What `sealtrail chain` and `sealtrail archive` share: lines that come and go with the partitions given.

The thread that runs this takes part in the group and does nothing slow; each line works in threads of its
own. So a step may take as long as it takes, and the group never throws the process out for it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from sealtrail.pipeline import Pipeline
from sealtrail.pipeline_events import Failed
from sealtrail.service_log import tell
from sealtrail.service_view import ServiceView
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import (
    LogUnavailableError,
    OffsetOutOfRangeError,
    TopicMissingError,
    WriterFencedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sealtrail.interrupts import Interrupts
    from sealtrail.line import Line
    from sealtrail.membership import Membership, Partitions

RECOVER_FROM: Final = (OffsetOutOfRangeError, TopicMissingError, WriterFencedError)
"""After these a machine recovers. Recovery finds out what is wrong, and stops the line if it must."""

_POLL_S: Final = 0.2
_BEAT_EVERY_S: Final = 1.0
_HINT_EVERY_S: Final = 5.0
_LOOK_FOR_TRAILS_EVERY_S: Final = 10.0


class Service:
    """Runs a line for each partition that it is given, until it is told to end.

    Args:
        make_line: makes the line of a partition; None where that has no trail yet.
        drain: end once everything there was when a partition was taken is worked off.
        health_file: touched every second while nothing is waited for.
    """

    def __init__(
        self, make_line: Callable[[int], Line | None], *, drain: bool = False, health_file: Path | None = None
    ) -> None:
        self._make_line = make_line
        self._drain = drain
        self._health_file = health_file
        self.pipeline = Pipeline(clock_ms=system_clock_ms, recover_from=RECOVER_FROM)
        self._view = ServiceView(self.pipeline, clock_ms=system_clock_ms)
        self._lines: dict[int, Line] = {}
        self._new: set[int] = set()
        self._without_trail: set[int] = set()
        self._hinted: dict[int, int] = {}
        self._joined = False
        self._beat = _Every(_BEAT_EVERY_S)
        self._hint = _Every(_HINT_EVERY_S)
        self._look = _Every(_LOOK_FOR_TRAILS_EVERY_S)

    def blocked(self) -> str | None:
        """What keeps it from working beside what its lines wait for, in one line. For any thread."""
        return self._view.waits_for if self._joined else "the consumer group has not answered yet"

    def run(self, membership: Membership, interrupts: Interrupts) -> None:
        """Work until interrupted or drained; a second signal returns without waiting for steps under way.

        Raises:
            LineStoppedError: the integrity of a trail is in doubt.
            WriterFencedError: another process has joined the group under this one's instance name.
            TransportError: what waiting can't mend.
        """
        if self._drain:
            self.pipeline.drain()
        self.pipeline.start()
        try:
            while not self._is_over(interrupts):
                self._poll(membership)
                self._begin_lines()
                self._view.refresh()
                if self._hint.is_due():
                    self._tell_positions(membership)
                if self._health_file is not None and self._beat.is_due():
                    self._touch(self._health_file)
        finally:
            self.pipeline.close()
            self._view.refresh()

    def take(self, partitions: Partitions) -> None:
        """See `Listener.take`. The lines are made outside of the group's callback."""
        self._joined = True
        self._view.group_back()
        self._new |= partitions
        if partitions:
            tell("assigned", fields={"partitions": _listed(partitions)})

    def give_back(self, partitions: Partitions) -> None:
        """See `Listener.give_back`."""
        if partitions:
            self._leave(partitions)
            tell("revoked", fields={"partitions": _listed(partitions)})
        if not self.pipeline.is_stopping:  # at the end nobody asked
            self._view.group_back()

    def lose(self, partitions: Partitions) -> None:
        """See `Listener.lose`."""
        tell("lost", level=logging.WARNING, fields={"partitions": _listed(partitions)})
        self._leave(partitions)

    def _is_over(self, interrupts: Interrupts) -> bool:
        if interrupts.count > 1:
            self.pipeline.abandon()
        elif interrupts.count and not self.pipeline.is_stopping:
            tell("ending", fields={"signal": interrupts.first and interrupts.first.name})
            self.pipeline.stop()
        if not self.pipeline.wait(timeout_s=0):
            return False
        drained = self._drain and bool(self._lines or self._without_trail) and not self._new
        return bool(interrupts.count) or drained

    def _poll(self, membership: Membership) -> None:
        try:
            membership.poll(timeout_s=_POLL_S)
        except (LogUnavailableError, TopicMissingError) as error:
            self.pipeline.on_event(Failed("group", error))
            self._view.group_away(error)

    def _begin_lines(self) -> None:
        if self._without_trail and self._look.is_due():
            self._new |= self._without_trail
        for partition in sorted(self._new):
            line = self._make_line(partition)
            if line is not None:
                self._lines[partition] = line
                self.pipeline.add(line)
                self._without_trail.discard(partition)
            elif partition not in self._without_trail:
                self._without_trail.add(partition)
                text = (
                    "the policy has no key of this partition: `sealtrail init` begins its trail, and writes "
                    "the line that was lost"
                )
                tell("no-trail", level=logging.WARNING, fields={"partition": partition, "text": text})
        self._new.clear()

    def _leave(self, partitions: Partitions) -> None:
        self._new -= partitions
        self._without_trail -= partitions
        self.pipeline.remove([self._lines.pop(each) for each in partitions & self._lines.keys()])
        self._view.refresh()  # what they did comes before what is told of them

    def _tell_positions(self, membership: Membership) -> None:
        for partition, line in self._lines.items():
            offset = line.next_offset
            if offset is not None and self._hinted.get(partition) != offset:
                self._hinted[partition] = offset
                membership.hint(partition, offset)

    def _touch(self, file: Path) -> None:
        if self._joined and self._view.is_healthy:
            file.touch()


class _Every:
    """Something that is due now and then."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_at = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + self._period_s
        return True


def _listed(partitions: Partitions) -> str:
    return ",".join(map(str, sorted(partitions)))
