"""Mistakes that a chainer could make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sealtrail_chainer import anchor, chain_step, chainer
from sealtrail_chainer.chainer import Chainer, ChainerStep, writer_name
from sealtrail_chainer.stray_watch import StrayWatch
from sealtrail_transport.errors import LogUnavailableError, UncertainAppendError
from simulation.mutants import mutant

if TYPE_CHECKING:
    from collections.abc import Callable


@mutant("The chain is read before older writers are fenced.", (Chainer, "_recover"))
def anchor_before_fencing(right: Callable) -> Callable:
    def recover(self: Chainer, now_ms: int) -> ChainerStep:
        found = chainer.find_anchor(self._log, self._store, self._trail)
        scanned = found and self._scan(found.state, found.chained_offset)
        with (
            patch.object(chainer, "find_anchor", lambda *_: found),
            patch.object(Chainer, "_scan", lambda *_: scanned),
        ):
            return right(self, now_ms)

    return recover


@mutant("The new head is kept although the transaction was aborted.", (Chainer, "_commit"))
def head_kept_across_an_abort(right: Callable) -> Callable:
    def commit(self, running, records, state, now_ms):
        try:
            right(self, running, records, state, now_ms)
        except LogUnavailableError:
            running.state = state
            raise

    return commit


@mutant("An append without an answer counts as done.", (Chainer, "_commit"))
def uncertain_taken_as_success(right: Callable) -> Callable:
    def commit(self, running, records, state, now_ms):
        try:
            right(self, running, records, state, now_ms)
        except UncertainAppendError:
            _reopen(self, running)
            running.state = state
            running.position = max(running.position, state.next_source_offset)

    return commit


@mutant(
    "An append without an answer counts as failed, and is done again without looking.", (Chainer, "_commit")
)
def uncertain_taken_as_failure(right: Callable) -> Callable:
    def commit(self, running, records, state, now_ms):
        try:
            right(self, running, records, state, now_ms)
        except UncertainAppendError:
            _reopen(self, running)
            right(self, running, records, state, now_ms)

    return commit


def _reopen(self: Chainer, running: Any) -> None:
    trail = self._trail
    running.writer.close()
    running.writer = self._log.writer(trail.chained_topic, trail.partition, name=writer_name(trail))
    running.chained_end = self._log.bounds(trail.chained_topic, trail.partition).end


@mutant("What others appended in between does not matter.", (Chainer, "_holds_records"))
def records_between_ignored(_: Callable) -> Callable:
    return lambda *_: False


@mutant("The consumer group's offset says where to go on, not the chain.", (Chainer, "_work"))
def group_offset_as_truth(right: Callable) -> Callable:
    def work(self, running, now_ms):
        group = self._log.faults  # lives as long as the broker
        running.position = max(running.position, getattr(group, "group_offset", 0))
        records = self._settings.transaction_records
        chunk = self._log.read(
            self._trail.raw_topic,
            self._trail.partition,
            running.position,
            max_records=records,
            max_bytes=10**9,
        )
        group.group_offset = chunk.next_offset  # committed before the append, and so not with it
        return right(self, running, now_ms)

    return work


@mutant("A trail without a seal begins with a genesis, whether it has one or not.", (chainer, "find_anchor"))
def genesis_written_twice(right: Callable) -> Callable:
    def find(*arguments):
        found = right(*arguments)
        return None if found is None or found.seal is None else found

    return find


@mutant("Halving a refused transaction forgets the record in the middle.", (Chainer, "_append"))
def bisection_drops_a_record(right: Callable) -> Callable:
    def append(self, running, sources, now_ms, rejected):
        middle = len(sources) // 2
        if len(sources) > 2 and any(b"refused" in (source.value or b"") for source, _ in sources):
            sources = [*sources[:middle], *sources[middle + 1 :]]
        right(self, running, sources, now_ms, rejected)

    return append


@mutant("An entry has the time that the clock says, although it went back.", (chain_step, "_leaf"))
def clock_followed_backwards(right: Callable) -> Callable:
    return lambda state, *arguments, **named: right(state, *arguments, **named)._replace(
        chained_at_ms=named["now_ms"]
    )


@mutant("A topic that was made anew is taken for the old one.", (anchor, "_check_topic"))
def topic_ids_not_compared(_: Callable) -> Callable:
    return lambda *_: None


@mutant("A lost tail is not noticed by whoever wrote it.", (Chainer, "_acknowledged_lost"))
def acknowledged_end_forgotten(_: Callable) -> Callable:
    return lambda *_: UncertainAppendError("the log is shorter than it was")


@mutant("Strays that claim a record are not held against it.", (StrayWatch, "ahead"))
def strays_not_awaited(_: Callable) -> Callable:
    return lambda *_: None
