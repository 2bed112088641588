"""Verifying a part: what is told is what a whole verification tells of it, and nothing else is read."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations_with_replacement, pairwise

import pytest

from attacks.corpus import ATTACKS
from auditor.builders import NOW, YEAR, codes, make_trail, verify
from auditor.counting import CountingStore
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import ScopeError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.reading import TimeRange
from sealtrail_auditor.scope import Scope
from sealtrail_schemas.layout import batch_key

COUNTS = (4, 4, 4)
ELSEWHERE = {
    # of the whole trail
    FindingCode.HEAD_ROOT,
    FindingCode.HEAD_CUT,
    FindingCode.TRAIL_STALE,
    FindingCode.TRAIL_FORKED,
    FindingCode.KEY_AHEAD,
    # of what a seal behind the part shows
    FindingCode.KEY_UNLISTED,
    # of an entry that stands behind the end of a batch
    FindingCode.ENTRY_EXTRA,
}


def told(report, span):
    """What findings say of these entries: codes with each entry that they are about."""
    return {
        (finding.code, sequence)
        for finding in report.all_findings()
        if finding.span is not None and finding.code not in ELSEWHERE
        for sequence in range(max(finding.span.first, span.first), min(finding.span.last, span.last) + 1)
    }


@pytest.mark.parametrize(("first", "last"), list(combinations_with_replacement(range(0, 12, 3), 2)))
def test_an_intact_part(first, last):
    trail = make_trail(*COUNTS)
    report = verify(trail, scope=Scope(first, last))
    assert report.verdict == "intact", codes(report)
    [part] = report.trails
    assert part.looked_at == Span(first // 4 * 4, last // 4 * 4 + 3)
    assert part.entries_verified == part.looked_at.last - part.looked_at.first + 1


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
@pytest.mark.parametrize("batch", range(3))
def test_a_part_is_told_what_the_whole_is_told_of_it(attack, batch):
    trail = attack.make()
    settings = attack.do(trail) or {}
    span = Span(4 * batch, 4 * batch + 3)
    whole = verify(trail, **settings)
    try:
        part = verify(trail, **settings, scope=Scope(*span))
    except ScopeError:
        assert not told(whole, span)
        return
    assert told(part, span) == told(whole, span)


def test_nothing_outside_of_the_part_is_read_or_listed():
    trail = make_trail(*[2] * 200)
    store = trail.store = CountingStore(trail.store)
    report = verify(trail, scope=Scope(200, 207), progress=lambda _: None)
    assert report.trails[0].entries_verified == 8
    batches = {key for key in store.opened if "/batches/" in key}
    seals = {key for key in store.opened if "/seals/" in key}
    assert batches == {trail.placed[number].batch for number in range(100, 104)}
    first_seal = trail.placed[0].seal  # shows whose folder it is
    assert seals == {first_seal, *(trail.placed[number].seal for number in range(99, 104))}
    listed = {key for key in store.listed if "/batches/" in key}
    first_batch = trail.placed[0].batch  # shows that there is a folder
    assert listed == {first_batch, *(trail.placed[number].batch for number in range(100, 106))}


def test_an_object_that_does_not_belong_is_told_only_where_it_lies():
    trail = make_trail(*COUNTS)
    trail.store.put(trail.folder + batch_key(6), b"junk", retention=None)
    assert codes(verify(trail, scope=Scope(4, 7))) == ["ST-OBJECT-SQUATTED"]
    assert codes(verify(trail, scope=Scope(4, 8))) == ["ST-OBJECT-SQUATTED"]
    assert codes(verify(trail, scope=Scope(0, 3))) == []
    assert codes(verify(trail, scope=Scope(8, 8))) == []


def test_the_part_before_and_behind_a_gap():
    trail = make_trail(2, 2, 2, 2, 2)
    for number in (1, 2):
        trail.store.erase(trail.placed[number].seal)
    assert codes(verify(trail, scope=Scope(0, 1))) == []
    assert codes(verify(trail, scope=Scope(6, 7))) == []
    assert codes(verify(trail, scope=Scope(1, 2))) == ["ST-SEAL-MISSING"]
    assert codes(verify(trail, scope=Scope(4, 5))) == ["ST-SEAL-MISSING"]
    report = verify(trail, scope=Scope(0, 1))
    assert any("behind entry 1 was not looked at" in sentence for sentence in report.trails[0].not_checked)


def test_what_has_expired_in_a_part_is_told():
    trail = make_trail(2, 2, 2)
    for what in (trail.placed[0].seal, trail.placed[0].batch, trail.placed[1].batch):
        trail.store.erase(what)
    report = verify(trail, now=NOW + 2 * YEAR, scope=Scope(1, 3))
    assert report.verdict == "intact"
    assert report.trails[0].expired == (Span(0, 3),)


@pytest.mark.parametrize(("first", "last"), list(combinations_with_replacement(range(0, 12, 3), 2)))
def test_a_part_by_time(first, last):
    trail = make_trail(*COUNTS)
    times = [leaf.chained_at_ms for leaf in trail.leaves]
    by_time = verify(trail, scope=Scope(chained=TimeRange(times[first], times[last] + 1)))
    assert by_time.verdict == "intact"
    assert by_time.trails[0].looked_at == Span(first // 4 * 4, last // 4 * 4 + 3)


def test_a_gap_in_the_time_asked_for_is_told():
    trail = make_trail(*COUNTS)
    trail.store.erase(trail.placed[1].seal)
    times = [leaf.chained_at_ms for leaf in trail.leaves]
    assert codes(verify(trail, scope=Scope(chained=TimeRange(times[5], times[6])))) == ["ST-SEAL-MISSING"]
    assert codes(verify(trail, scope=Scope(chained=TimeRange(times[8], None)))) == ["ST-SEAL-MISSING"]
    assert codes(verify(trail, scope=Scope(chained=TimeRange(times[8] + 1, None)))) == []


def test_damage_behind_the_newest_good_seal_is_met_by_time():
    trail = make_trail(*COUNTS)
    newest = trail.placed[2]
    trail.store.corrupt(newest.seal, newest.seal_version, b"")
    report = verify(trail, scope=Scope(chained=TimeRange(trail.leaves[9].chained_at_ms, None)))
    assert codes(report) == ["ST-SEAL-EMPTY"]


@pytest.mark.parametrize(
    "scope",
    [
        Scope(first=12),
        Scope(first=500, last=600),
        Scope(chained=TimeRange(None, 1)),
        Scope(chained=TimeRange(1 << 50, None)),
        Scope(first=8, chained=TimeRange(None, 1)),
    ],
)
def test_nothing_in_the_range_is_no_verdict(scope):
    with pytest.raises(ScopeError, match="nothing was verified"):
        verify(make_trail(*COUNTS), scope=scope)


@pytest.mark.parametrize(
    "bounds",
    [
        {"first": 5, "last": 4},
        {"first": -1},
        {"last": -1},
        {"chained": TimeRange(5, 5)},
        {"chained": TimeRange(6, 5)},
    ],
)
def test_a_range_that_holds_nothing_is_refused(bounds):
    with pytest.raises(ScopeError):
        Scope(**bounds)


def test_a_head_is_compared_where_it_lies_in_the_part():
    trail = make_trail(*COUNTS)
    good, bad = trail.checkpoint_at(6), trail.checkpoint_at(6, root=bytes(32))
    assert codes(verify(trail, pinned=[good], scope=Scope(4, 7))) == []
    assert codes(verify(trail, pinned=[bad], scope=Scope(4, 7))) == ["ST-HEAD-ROOT"]
    for elsewhere in (Scope(0, 3), Scope(8, 11)):
        [part] = verify(trail, pinned=[bad], scope=elsewhere).trails
        assert (part.verdict, part.heads_uncompared) == ("intact", (6,))


def test_a_cut_tail_is_seen_only_where_the_part_goes_to_the_end():
    trail = make_trail(*COUNTS)
    head = trail.head
    trail.store.erase(trail.placed[2].seal)
    trail.store.erase(trail.placed[2].batch)
    assert codes(verify(trail, pinned=[head], scope=Scope(4, 7))) == []
    assert codes(verify(trail, pinned=[head], scope=Scope(first=4))) == ["ST-HEAD-CUT"]


def test_parts_that_follow_on_each_other_make_the_whole():
    trail = make_trail(3, 1, 5, 2)
    trail.rejected()
    trail.control()
    trail.seal()
    parts = [
        verify(trail, scope=Scope(*ends)).trails[0] for ends in [(0, 2), (3, 3), (4, 8), (9, 10), (11, 12)]
    ]
    whole = verify(trail).trails[0]
    assert sum(part.entries_verified for part in parts) == whole.entries_verified
    assert sum((part.bytes_read for part in parts), 0) == whole.bytes_read
    assert all(one.looked_at.last + 1 == other.looked_at.first for one, other in pairwise(parts))


def test_two_trails_where_one_goes_on_from_the_other_are_no_fork_in_a_part():
    trail = make_trail(4)
    make_trail(4, store=trail.store, incarnation=b"\x09" * 16)
    assert codes(verify(trail)) == ["ST-TRAIL-FORKED"]
    report = verify(trail, scope=Scope(0, 1))
    assert codes(report) == []
    assert any("second history" in sentence for sentence in report.trails[0].not_checked)


def test_a_trail_that_ended_before_the_part_is_as_old_as_its_end():
    old = make_trail(4)
    new = make_trail(4, origin="audit.example.com/refunds/0", seed=b"\x05" * 32, store=old.store)
    new.event(b"later")
    new.seal()
    since = new.placed[1].text.time.first_ms
    age = NOW - datetime.fromtimestamp(since / 1000, UTC)
    report = verify(old, new, scope=Scope(chained=TimeRange(since, None)), max_age=age)
    assert codes(report) == ["ST-TRAIL-STALE"]
    assert report.trails[0].looked_at is None
    assert "None of its entries lies in the range." in report.trails[0].not_checked
