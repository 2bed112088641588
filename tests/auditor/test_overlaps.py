"""Seals that go on from one place and agree: followed, their entries counted once; a contradiction is none.

Two archivers of one trail that judged a batch differently, one of whose seals landed late, leave such trails.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from auditor.builders import NOW, codes, make_trail, verify
from auditor.counting import CountingStore
from auditor.test_producers import publish, told
from auditor.test_proof import checked, prove
from auditor.test_reading import reading, sequences
from auditor.test_visit import Auditor
from auditor.viewed import put_view, search
from sealtrail_auditor.findings import Span
from sealtrail_auditor.query import Query
from sealtrail_auditor.sample import Sampling
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.merkle import RightEdge

pytestmark = pytest.mark.claim("C3")


def twin_of(trail):
    """Another archiver's view of the same trail, in the same bucket; what each reads is the same."""
    twin = copy.copy(trail)
    twin.edge = trail.edge.copy()
    twin.waiting, twin.leaves, twin.placed = [], list(trail.leaves), list(trail.placed)
    return twin


def read_to(trail, size):
    while trail.size < size:
        trail.event(b'{"n":%d}' % trail.size)


def branched(ours, theirs, *, start=4):
    """Batches of two archivers that both begin at `start`, up to the sizes that are given."""
    trail = make_trail(start)
    twin = twin_of(trail)
    for size in theirs:
        read_to(twin, size)
        twin.seal()
    for suffix, size in enumerate(ours):
        read_to(trail, size)
        trail.seal(suffix=1 if suffix == 0 else 0)
    return trail, twin


def disagreeing(ours, theirs):
    """A trail read to size `ours`, and another archiver's seal of size `theirs` of another history."""
    trail = make_trail(4)
    twin = twin_of(trail)
    twin.event(b"other")
    read_to(twin, theirs)
    twin.seal()
    read_to(trail, ours)
    return trail


SHAPES = {
    "the shorter one is late": ([7, 9], [6]),
    "the longer one is late": ([6, 7, 9], [8]),
    "it ends with both": ([7], [6]),
    "both go on": ([6, 9, 11], [7, 10]),
    "the late one is gone on from": ([6], [8, 10, 11]),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def shape(request):
    return request.param


@pytest.fixture
def trail(shape):
    first, second = branched(*shape)
    return max(first, second, key=lambda made: made.size)


def test_it_verifies_and_each_entry_counts_once(trail):
    report = verify(trail)
    # Whoever came second went around the other's batch, which looks as if somebody else had put it there.
    assert set(codes(report)) <= {"ST-OBJECT-SQUATTED"}
    assert report.verdict is Verdict.UNPROTECTED
    assert report.trails[0].entries_verified == report.trails[0].size == trail.size
    assert report.trails[0].kinds == {"genesis": 1, "event": trail.size - 1}


def test_every_head_that_was_signed_is_a_prefix(shape):
    for made in branched(*shape):
        heads = [placed.text.checkpoint for placed in made.placed]
        assert "ST-HEAD-ROOT" not in codes(report := verify(made, pinned=heads))
        assert not report.trails[0].heads_uncompared


def test_each_entry_is_read_once(trail):
    assert sequences(reading(trail)) == list(range(trail.size))


def test_each_part_is_what_was_asked_for(trail):
    for first in range(trail.size):
        for last in range(first, trail.size):
            expected = list(range(first, last + 1))
            assert sequences(reading(trail, span=Span(first, last))) == expected
            report = verify(trail, scope=Scope(first=first, last=last))
            assert report.verdict in (Verdict.INTACT, Verdict.UNPROTECTED), codes(report)


def test_each_entry_can_be_proven(trail):
    for sequence in range(trail.size):
        proven = prove(trail, sequence)
        assert checked(trail, proven, proven.found.entry.payload).proven


def test_a_sample_of_it_is_good(trail):
    for seed in range(5):
        report = verify(trail, scope=Scope(sampling=Sampling(str(seed), share=Fraction(3, 10))))
        assert set(codes(report)) <= {"ST-OBJECT-SQUATTED"}


def test_a_visit_goes_on_from_a_seal_that_was_overlapped_since():
    trail = make_trail(4)
    late = twin_of(trail)
    read_to(late, 6)
    late.seal()
    auditor = Auditor(trail)
    assert auditor.visit().verdict is Verdict.INTACT
    read_to(trail, 7)
    trail.seal(suffix=1)
    read_to(trail, 9)
    trail.seal()
    report = auditor.visit()
    assert set(codes(report)) <= {"ST-OBJECT-SQUATTED"}
    assert (report.trails[0].size, report.trails[0].entries_verified) == (9, 3)


def test_rejected_entries_and_stamps_count_once():
    trail = make_trail(4)
    twin = twin_of(trail)
    for made, sizes in ((twin, [7]), (trail, [8, 9])):
        publish(made, 0, 1)
        made.rejected()
        for number, size in enumerate(sizes):
            publish(made, *range(2 + made.size - 7, 2 + size - 7))
            made.seal(suffix=int(made is trail and number == 0))
    report = verify(trail)
    assert report.trails[0].kinds == {"genesis": 1, "event": 7, "rejected": 1}
    assert told(report) == [("p", "a" * 16, 4, 0, 0, 0)]


def test_a_search_in_views_finds_each_entry_once():
    trail, _ = branched([7, 9], [6])
    for number in range(len(trail.placed)):
        put_view(trail, number)
    run, hits = search(trail, Query())
    assert [hit.sequence for hit in hits] == list(range(9))
    assert not run.searched.distrusted_count


def test_a_seal_that_says_something_else_contradicts():
    trail = disagreeing(7, 6)
    trail.seal(suffix=1)
    report = verify(trail)
    assert report.verdict is Verdict.TAMPERED
    [forked] = [one for one in report.all_findings() if one.code.code == "ST-SEAL-FORKED"]
    assert forked.key == trail.placed[-1].seal


def test_a_seal_that_names_one_object_with_other_bytes_contradicts():
    trail = make_trail(4)
    twin = twin_of(trail)
    read_to(twin, 6)
    twin.seal()
    read_to(trail, 7)
    trail.seal(suffix=1, batch=replace(twin.placed[-1].text.batch, length=1))
    assert "ST-SEAL-FORKED" in codes(verify(trail))


def test_a_seal_whose_batch_can_not_be_read_contradicts():
    """It is what was sealed, so nobody but the key's holder has made it so."""
    trail = make_trail(4)
    twin = twin_of(trail)
    read_to(twin, 6)
    twin.seal()
    read_to(trail, 7)
    trail.seal(suffix=1, batch_bytes=b"no batch")
    assert "ST-SEAL-FORKED" in codes(verify(trail))


def test_copies_of_a_seal_that_contradicts_are_read_once():
    trail = disagreeing(7, 5)
    placed = trail.seal(suffix=1)
    for _ in range(5):
        trail.store.put(placed.seal, placed.note, retention=None, only_if_absent=False)
    trail.store = CountingStore(trail.store)
    assert "ST-SEAL-FORKED" in codes(verify(trail, now=NOW))
    assert trail.store.opened.count(placed.batch) == 1


def test_damage_in_an_overlapping_batch_is_found_as_such():
    trail, _ = branched([7, 9], [6])
    placed = trail.placed[1]
    at = placed.batch_bytes.index(b'{"n":6}')
    changed = placed.batch_bytes[: at + 5] + b"7" + placed.batch_bytes[at + 6 :]
    trail.store.corrupt(placed.batch, placed.batch_version, changed)
    report = verify(trail)
    assert "ST-ENTRY-PAYLOAD" in codes(report)
    assert "ST-SEAL-FORKED" not in codes(report)


def test_what_expires_one_after_the_other_is_no_contradiction(shape):
    first, second = branched(*shape)
    placed = {each.seal: each for made in (first, second) for each in made.placed}
    later = NOW + timedelta(days=400)
    for key in sorted(placed)[:-1]:
        first.store.erase(placed[key].seal)
        first.store.erase(placed[key].batch)
        report = verify(first, now=later)
        assert set(codes(report)) <= {"ST-OBJECT-SQUATTED"}


def test_batches_that_have_expired_are_no_contradiction(shape):
    first, second = branched(*shape)
    for placed in {each.seal: each for made in (first, second) for each in made.placed}.values():
        first.store.erase(placed.batch)
    report = verify(first, now=NOW + timedelta(days=400))
    assert report.verdict is Verdict.INTACT
    assert [tuple(span) for span in report.trails[0].expired] == [(0, report.trails[0].size - 1)]


def test_an_overlapping_batch_that_is_gone_is_missing():
    trail, _ = branched([7, 9], [6])
    trail.store.erase(trail.placed[1].batch)
    report = verify(trail)
    assert report.verdict is Verdict.INCOMPLETE
    assert codes(report) == ["ST-BATCH-MISSING"]


def test_a_seal_can_not_hide_another_tree_behind_the_seal_that_it_extends():
    """Where that is gone, the tree goes on from the seal that is overlapped."""
    trail = make_trail(4)
    twin = twin_of(trail)
    read_to(twin, 8)
    twin.seal()
    read_to(trail, 6)
    trail.waiting = []  # the seal of size 6 never was
    edge = RightEdge.empty()
    edge.extend([bytes([number]) * 32 for number in range(10)])
    read_to(trail, 10)
    trail.seal(edge=edge)
    assert set(codes(verify(trail, pinned=[twin.head, trail.head]))) >= {"ST-SEAL-ROOT"}


@pytest.mark.parametrize("expired", [False, True])
def test_a_seal_of_another_tree_is_told_where_its_batch_is_gone(expired):
    """Both trees have a complete subtree of eight entries, which is not the same."""
    trail = disagreeing(12, 9)
    placed = trail.seal(suffix=1)
    trail.store.erase(placed.batch)
    report = verify(trail, now=NOW + timedelta(days=400 if expired else 0))
    assert "ST-SEAL-ROOT" in codes(report)
    assert report.verdict is Verdict.TAMPERED


def test_a_batch_that_is_not_what_was_sealed_is_read_in_each_sample():
    trail, _ = branched([7, 9, 11, 13, 15], [6])
    placed = trail.placed[1]
    trail.store.corrupt(placed.batch, placed.batch_version, placed.batch_bytes[:-1] + b"x")
    for seed in range(10):
        report = verify(trail, scope=Scope(sampling=Sampling(str(seed), count=1)))
        assert report.verdict is Verdict.TAMPERED


def test_what_one_of_two_batches_still_has_is_read():
    trail, _ = branched([7, 9], [6])
    trail.store.erase(trail.placed[1].batch)
    assert sequences(reading(trail)) == [0, 1, 2, 3, 4, 5, (6, 6, "ST-BATCH-MISSING"), 7, 8]


@pytest.mark.parametrize(("days", "told"), [(2, True), (0.01, True), (0, False)])
def test_an_overlapping_seal_may_not_be_kept_for_less_time(days, told):
    trail = make_trail(4)
    twin = twin_of(trail)
    twin.until += timedelta(days=days)
    read_to(twin, 6)
    twin.seal()
    read_to(trail, 7)
    trail.seal(suffix=1)
    assert ("ST-SEAL-BACKDATED" in codes(verify(trail))) is told


def test_an_overlapping_seal_without_retention_is_told():
    trail = make_trail(4, until=None)
    twin = twin_of(trail)
    twin.until = NOW + timedelta(days=365)
    read_to(twin, 6)
    twin.seal()
    read_to(trail, 7)
    trail.seal(suffix=1)
    assert "ST-SEAL-BACKDATED" in codes(verify(trail))


def test_nothing_is_read_where_seals_do_not_overlap(monkeypatch):
    """It is looked for only where a seal would contradict."""
    monkeypatch.setattr("sealtrail_auditor.seal_walk.find_overlap", None)
    assert verify(make_trail(3, 1, 5)).verdict is Verdict.INTACT
