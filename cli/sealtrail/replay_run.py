"""One replay of several trails: into a topic, or into files; then what was replayed and what was not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from sealtrail.durations import format_duration
from sealtrail.exits import CommandError
from sealtrail.progress import Meter
from sealtrail.recognise_setting import current_recognisers
from sealtrail.report_text import print_findings
from sealtrail.terminal_text import printable
from sealtrail.times import format_time_ms
from sealtrail.wording import plural
from sealtrail_auditor.archive import total_batch_bytes
from sealtrail_auditor.provenance import Provenance, make_replay_id
from sealtrail_auditor.query_json import query_json
from sealtrail_auditor.replay import Replay
from sealtrail_auditor.replay_log import LogTarget
from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.record import NO_TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail.console import Output
    from sealtrail.replay_target import OpenTopic, Taker
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_auditor.replay import ReplayRecord
    from sealtrail_transport.store import Store


@dataclass(slots=True)
class _Done:
    """What became of one trail."""

    trail: TrailFolder
    replay: Replay
    put: int = 0
    found: int = 0


class ReplayRun:
    """Replays trails one after the other.

    Attributes:
        verdict: The worst of what was read so far.
    """

    def __init__(
        self,
        output: Output,
        store: Store,
        query: Query,
        *,
        provenance: bool,
        unverified: bool,
        now: datetime,
    ) -> None:
        """Prepare; arguments as those of `sealtrail_auditor.replay.Replay`."""
        self.verdict = Verdict.INTACT
        self._output = output
        self._store = store
        self._query = query
        self._provenance = provenance
        self._unverified = unverified
        self._now = now
        self._done: list[_Done] = []

    def into_topic(self, trail: TrailFolder, topic: OpenTopic, partition: int, *, append: bool) -> None:
        """Replay a trail into one partition; `append` to what other writers put there.

        Raises:
            ReplayTargetError: the partition can't take the replay.
            CommandError: the trail chains this very topic, or a record would be deleted as too old.
            LogError: the log refuses a record, or fails.
        """
        self._refuse_own_source(trail, topic)
        done = self._begin(trail)
        target = LogTarget(
            topic.log, topic.topic, partition, replay_id=self._replay_id(trail) if append else None
        )
        try:
            for put in self._shown(done):
                _refuse_too_old(put, topic, self._now)
                target.put(put)
            if done.replay.stopped is None:
                target.finish()
            else:
                target.flush()
        finally:
            target.close()
            done.put, done.found = target.put_count, target.found

    def into_files(self, trail: TrailFolder, taker: Taker) -> None:
        """Replay a trail into files. Raises OSError if one can't be written."""
        done = self._begin(trail)
        for put in self._shown(done):
            taker.put(put)
            done.put += 1

    def report(self, target: str, *, result_to_stderr: bool) -> None:
        """Say what was replayed and what was not."""
        self._output.record(
            target=target,
            replayed=sum(done.put for done in self._done),
            found=sum(done.found for done in self._done),
            verdict=self.verdict,
            trails=[_summary(done) for done in self._done],
        )
        tell = self._output.say if result_to_stderr else self._output.result
        for done in self._done:
            origin, there = escape(printable(done.trail.origin)), ""
            if done.found:
                there = f"; {plural(done.found, 'record was', 'records were')} there already"
            tell(f"{origin}: replayed {plural(done.put, 'record')} to {escape(printable(target))}{there}.")
            for line in _left_out(done.replay):
                self._output.warn(f"{origin}: {escape(printable(line))}")
            if done.replay.findings.kept:
                print_findings(self._output.err, done.replay.findings.kept)

    def _begin(self, trail: TrailFolder) -> _Done:
        provenance = Provenance(trail.origin, self._replay_id(trail)) if self._provenance else None
        replay = Replay(
            self._store,
            trail,
            self._query,
            recognisers=current_recognisers(),
            provenance=provenance,
            unverified=self._unverified,
            now=self._now,
            on_progress=lambda entries, length: self._meter.show(length, self._total, entries),
        )
        done = _Done(trail, replay)
        self._done.append(done)
        return done

    def _shown(self, done: _Done) -> Iterator[ReplayRecord]:
        """The records of a trail, with progress shown."""
        self._total = total_batch_bytes(self._store, done.trail.folder) if self._output.live else 0
        with Meter(self._output, "replaying") as self._meter:
            yield from done.replay
        self.verdict = Verdict.worst((self.verdict, done.replay.findings.verdict))

    def _refuse_own_source(self, trail: TrailFolder, topic: OpenTopic) -> None:
        newest = SealSearch(self._store, trail.folder, trail.keys).newest()
        info = topic.log.topic(topic.topic)
        if newest is not None and newest.opened.seal.source.topic_id == info.topic_id:
            raise CommandError(
                f"{trail.origin} chains topic {info.name}: what is replayed into it would be chained and "
                "archived again. Name another topic"
            )

    def _replay_id(self, trail: TrailFolder) -> str:
        return make_replay_id(trail.folder, query_json(self._query, current_recognisers()))


def _refuse_too_old(put: ReplayRecord, topic: OpenTopic, now: datetime) -> None:
    """Refuse a record that the topic would delete by its timestamp, within minutes and without a word."""
    time_ms = put.record.timestamp_ms
    if topic.retention_ms is None or time_ms is None or time_ms == NO_TIMESTAMP:
        return
    if time_ms < now.timestamp() * 1000 - topic.retention_ms:
        kept = format_duration(timedelta(milliseconds=topic.retention_ms))
        raise CommandError(
            f"topic {topic.topic} keeps records for {kept} by their own time, and entry {put.sequence} of "
            f"{put.trail.origin} is of {format_time_ms(time_ms)}: it would be deleted at once. Set "
            "retention.ms=-1"
        )


def _left_out(replay: Replay) -> Iterator[str]:
    """What was not replayed, in sentences."""
    if replay.stopped is not None:
        span, finding = replay.stopped.span, replay.stopped.finding
        why = "" if finding is None else f" ({finding.code.title})"
        yield (
            f"stopped before {span}: they do not verify{why}. Nothing of them or behind them was replayed; "
            "--unverified goes on, and marks them."
        )
    if replay.unverified:
        yield f"replayed though not verified, and marked so in a header: {replay.unverified}."
    if replay.lost:
        yield f"not replayed, since nothing readable is left of them: {replay.lost}."
    if replay.expired:
        yield f"gone, since their retention has passed: {replay.expired}."
    if replay.rejected:
        records = plural(replay.rejected, "record")
        yield f"{records} could not be chained at the time; their bytes are not in the archive."


def _summary(done: _Done) -> dict[str, Any]:
    replay = done.replay
    stopped = replay.stopped
    return {
        "trail": done.trail.origin,
        "folder": done.trail.folder,
        "replayed": done.put,
        "found": done.found,
        "rejected": replay.rejected,
        "stopped_before": None if stopped is None else list(stopped.span),
        "unverified": [list(span) for span in replay.unverified],
        "lost": [list(span) for span in replay.lost],
        "expired": [list(span) for span in replay.expired],
        "findings": [finding.to_json() for finding in replay.findings.kept],
    }
