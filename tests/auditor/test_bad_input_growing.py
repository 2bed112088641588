"""An archive that grows while it is read: what was there before is read, and nothing is found wrong."""

from __future__ import annotations

from itertools import islice

import pytest

from auditor.builders import NOW, codes, policy_of
from auditor.replayed import replay_of
from auditor.viewed import fill, put_view
from cli.archives import lasting_trail
from packs import selected
from sealtrail.console import Output
from sealtrail.entry_filters import EntryFilters
from sealtrail.report_run import audit
from sealtrail_auditor.export import Export
from sealtrail_auditor.query import Query
from sealtrail_auditor.reading import Reading, TimeRange, find_trails
from sealtrail_auditor.reporting.members import About
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.search import Search
from sealtrail_auditor.timeline import make_timeline
from sealtrail_auditor.verify import verify_archive
from sealtrail_auditor.visit import Visit
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.recognise import DEFAULT

SIZES = (7, 10, 13)
"""How long the trail is before anybody reads, and after each of two further seals."""

NEVER = 1 << 30


class Growing:
    """A store to which two batches and their seals come, one object with every fourth request.

    Each line of a listing counts as a request.
    """

    def __init__(self, store, coming: list[str], start: int) -> None:
        self._store = store
        self._coming = coming
        self._start = start
        self.requests = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _tick(self) -> list[str]:
        self.requests += 1
        return self._coming[max(0, self.requests - self._start) // 4 :]

    def versions(self, prefix, *, after=None, limit=None):
        self._tick()
        lines = self._store.versions(prefix, after=after)
        return islice((line for line in lines if line.key not in self._tick()), limit)

    def head(self, key, version_id):
        assert key not in self._tick()
        return self._store.head(key, version_id)

    def open(self, key, version_id):
        assert key not in self._tick()
        return self._store.open(key, version_id)


@pytest.fixture
def trail():
    """Genesis, and four batches of three events; the last two of them are still to come."""
    return fill(lasting_trail(1), 3, 3, 3, 3)


def each_moment(trail, read) -> set[int]:
    """Read once for each moment at which the archive can begin to grow; all sizes that were met."""
    store = trail.store
    coming = [key for placed in trail.placed[-2:] for key in (placed.batch, placed.seal)]
    trail.store = still = Growing(store, coming, NEVER)
    met = {read()}
    assert met == {SIZES[0]}
    for moment in range(still.requests + 1):
        trail.store = Growing(store, coming, moment)
        met.add(read())
    return met


def of(trail):
    [folder] = find_trails(trail.store, policy_of(trail))
    return folder


def test_export(trail):
    def read() -> int:
        export = Export(trail.store, of(trail), Query(), recognisers=DEFAULT, now=NOW)
        sequences = [row.sequence for row in export]
        assert (list(export.damaged), len(export.findings.kept)) == ([], 0)
        assert sequences == [*range(export.head.opened.checkpoint.size)]
        return len(sequences)

    assert each_moment(trail, read) == set(SIZES)


@pytest.mark.parametrize("how", [{"full": True}, {"prove": True}, {}], ids=["full", "prove", "views"])
def test_search(trail, how):
    for number in range(3):
        put_view(trail, number)

    def read() -> int:
        run = Search(trail.store, of(trail), Query(), columns=("actor",), now=NOW, **how)
        sequences = [hit.sequence for hit in run]
        told = run.searched
        assert (list(told.damaged), len(run.findings.kept), list(told.distrusted)) == ([], 0, [])
        without = [sequence for span in told.without_view for sequence in range(span.first, span.last + 1)]
        assert sequences + without == [*range(len(sequences + without))]
        return len(sequences + without)

    assert each_moment(trail, read) <= set(SIZES)


def test_timeline(trail):
    def read() -> int:
        reading = Reading(trail.store, of(trail), now=NOW)
        timeline = make_timeline(reading, Query())
        assert (timeline.unread, len(reading.findings.kept)) == ((), 0)
        assert [step.sequence for step in timeline.steps] == [*range(1, timeline.entries)]
        return timeline.entries

    assert each_moment(trail, read) == set(SIZES)


def test_replay(trail):
    def read() -> int:
        replay = replay_of(trail)
        sequences = [put.sequence for put in replay]
        assert (replay.stopped, len(replay.findings.kept)) == (None, 0)
        assert sequences == [*range(1, len(sequences) + 1)]
        return len(sequences) + 1

    assert each_moment(trail, read) == set(SIZES)


def test_pack(trail):
    def read() -> int:
        entries = selected(trail)
        assert [entry.sequence for entry in entries] == [*range(len(entries))]
        return len(entries)

    assert each_moment(trail, read) == set(SIZES)


PARTS = {
    "whole": lambda _: Scope(),
    "from an entry on": lambda _: Scope(first=2),
    "from a time on": lambda trail: Scope(chained=TimeRange(trail.leaves[2].chained_at_ms, None)),
    "up to an entry": lambda _: Scope(first=2, last=6),
}


@pytest.mark.parametrize("part", PARTS)
def test_verify_a_part(trail, part):
    scope = PARTS[part](trail)

    def read() -> int:
        report = verify_archive(trail.store, policy_of(trail), now=NOW, scope=scope)
        assert (report.verdict, codes(report)) == ("intact", [])
        assert report.trails[0].size == report.trails[0].looked_at.last + 1
        return report.trails[0].size

    assert each_moment(trail, read) <= set(SIZES)


def test_a_visit_and_the_next(trail):
    whole = trail.store

    def read() -> int:
        policy, visit = policy_of(trail), Visit()
        first = verify_archive(trail.store, policy, now=NOW, visit=visit)
        visit = Visit.parse(visit.to_bytes(), policy)
        second = verify_archive(whole, policy, now=NOW, visit=visit)
        assert (first.verdict, second.verdict, codes(first) + codes(second)) == ("intact", "intact", [])
        [one], [two] = first.trails, second.trails
        assert one.entries_verified + two.entries_verified == two.size == SIZES[-1]
        return one.size

    assert each_moment(trail, read) <= set(SIZES)


def test_report(trail, monkeypatch):
    """What is counted is what was verified before, however the archive has grown since."""
    monkeypatch.setattr("sealtrail.report_run.current_output", Output)
    monkeypatch.setattr("sealtrail.report_run.current_recognisers", lambda: DEFAULT)
    auditor = Signer.from_seed("auditor.example.com/alice", b"\x0a" * 32).verifier

    def read() -> int:
        about = About("An audit", auditor, "sealtrail 0", policy_of(trail), bytes(32))
        report, members = audit(trail.store, about, [], EntryFilters(None, None, None), (), jobs=1)
        assert (report.verdict, members["verdict"], members["gaps"]["rows"]) == ("intact", "intact", [])
        return report.trails[0].size if members["entries"] else 0

    assert each_moment(trail, read) <= set(SIZES)
