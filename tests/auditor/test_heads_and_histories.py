"""Pinned heads, and several trails of one origin."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attacks import deeds
from auditor.builders import NOW, ORIGIN, TrailMaker, codes, make_trail, new_store, policy_of, verify
from sealtrail_auditor.errors import PinnedHeadError
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.body import Predecessor

pytestmark = pytest.mark.claim("C9")

LONG_AGO_MS = 1_790_000_000_000


@pytest.mark.parametrize("size", range(11))
def test_a_head_of_any_size_fits_its_own_history(size):
    trail = make_trail(3, 4, 3)
    assert codes(verify(trail, pinned=[trail.checkpoint_at(size)])) == []


@pytest.mark.parametrize("size", range(1, 11))
def test_a_head_of_another_root_fits_at_no_size(size):
    trail = make_trail(3, 4, 3)
    report = verify(trail, pinned=[trail.checkpoint_at(size, root=b"x" * 32)])
    assert codes(report) == ["ST-HEAD-ROOT"]
    assert report.trails[0].findings[0].span == (0, size - 1)


def test_a_longer_head_says_how_much_is_missing():
    trail = make_trail(3, 4)
    longer = make_trail(3, 4, 5, 6)
    [finding] = verify(trail, pinned=[longer.head]).all_findings()
    assert (finding.code.code, finding.span) == ("ST-HEAD-CUT", (7, 17))
    assert "at least 11 missing" in finding.found


def test_a_head_of_a_trail_that_is_gone():
    trail = make_trail(3)
    other = make_trail(2, origin="audit.example.com/refunds/0", seed=b"\x05" * 32)
    report = verify(trail, other, pinned=[other.head])
    assert codes(report) == ["ST-TRAIL-ABSENT"]
    assert "the pinned head has 2 entries" in report.findings[0].expected


def test_a_head_of_a_trail_without_seals():
    trail = make_trail(3)
    trail.store.erase(trail.placed[0].seal)
    assert sorted(codes(verify(trail, pinned=[trail.head]))) == ["ST-HEAD-CUT", "ST-TRAIL-UNSEALED"]


def test_a_head_says_nothing_of_a_trail_of_another_key():
    trail = make_trail(3)
    head = make_trail(3, seed=b"\x55" * 32).head
    other = TrailMaker(new_store(), seed=b"\x55" * 32)
    report = verify_archive(trail.store, policy_of(other), now=NOW, pinned=[head])
    assert codes(report) == ["ST-SEAL-KEY"]
    assert any("pinned head" in sentence for sentence in report.trails[0].not_checked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda head: head.replace(b"\n3\n", b"\n4\n"), "does not verify"),
        (lambda head: head.replace(b"payments", b"refunds"), "the policy does not name"),
        (lambda _: b"", "the policy does not name"),
        (lambda head: head[:-3], "can't be used"),
        (lambda _: b"\xff\xfe" * 4000, "the policy does not name"),
    ],
)
def test_a_head_that_is_none_is_no_verdict(change, message):
    trail = make_trail(3)
    with pytest.raises(PinnedHeadError, match=message):
        verify(trail, pinned=[change(trail.head)])


def test_a_changed_batch_is_not_taken_for_a_rewritten_history():
    trail = make_trail(3, 4)
    deeds.at(1, deeds.leaf_with(source_timestamp_ms=7))(trail)
    report = verify(trail, pinned=[trail.checkpoint_at(5), trail.head])
    assert codes(report) == ["ST-ENTRY-LINK"]
    assert any("size 5 could not be compared" in sentence for sentence in report.trails[0].not_checked)


def test_a_head_among_expired_entries_is_no_intact_trail():
    """Its batch is gone lawfully, so nothing else is wrong: but the head was to be compared."""
    trail = make_trail(3, 4, 2)
    for placed in trail.placed[:2]:
        trail.store.erase(placed.batch)
    expired = {"now": trail.until, "pinned": [trail.checkpoint_at(5)]}
    report = verify(trail, **expired)
    assert (codes(report), report.verdict) == (["ST-HEAD-UNCOMPARED"], "unverifiable")
    assert codes(verify(trail, now=trail.until, pinned=[trail.checkpoint_at(7)])) == []


def test_the_age_of_the_newest_entry():
    trail = make_trail(3)
    age = NOW.timestamp() - trail.clock_ms / 1000
    assert codes(verify(trail, max_age=timedelta(seconds=age))) == []
    assert codes(verify(trail, max_age=timedelta(seconds=age - 1))) == ["ST-TRAIL-STALE"]


def successor_of(trail: TrailMaker, **changes) -> TrailMaker:
    named = {
        "origin": trail.origin,
        "size": trail.size,
        "root": trail.edge.root(),
        "last_seal": trail.opened(-1).text_sha256,
        "reason": "the chained topic was lost",
    }
    incarnation = bytes([len(trail.folder) + trail.size]) * 16
    return make_trail(
        2, 2, store=trail.store, incarnation=incarnation, predecessor=Predecessor(**(named | changes))
    )


def test_trails_that_go_on_from_one_another_are_one_history():
    first = make_trail(3, 2, clock_ms=LONG_AGO_MS)
    second = successor_of(first)
    third = successor_of(second)
    report = verify(first, pinned=[first.head, first.checkpoint_at(4), second.head, third.head])
    assert codes(report) == []
    assert len(report.trails) == 3


def test_only_the_last_of_them_has_to_be_up_to_date():
    first = make_trail(3, clock_ms=LONG_AGO_MS)
    successor_of(first)
    assert codes(verify(first, max_age=timedelta(hours=1))) == []


@pytest.mark.parametrize(
    "changes",
    [{"root": b"x" * 32}, {"size": 7}, {"last_seal": b"x" * 32}, {"origin": "audit.example.com/refunds/0"}],
)
def test_a_successor_that_names_another_end_is_a_second_history(changes):
    first = make_trail(3, clock_ms=LONG_AGO_MS)
    second = successor_of(first, **changes)
    [finding] = verify(first).all_findings()
    assert (finding.code.code, finding.key) == ("ST-TRAIL-FORKED", second.folder)


def test_two_successors_of_one_trail_are_two_histories():
    first = make_trail(3, clock_ms=LONG_AGO_MS)
    successor_of(first)
    named = Predecessor(ORIGIN, first.size, first.edge.root(), first.opened(-1).text_sha256, "twice")
    make_trail(1, store=first.store, incarnation=b"\x77" * 16, predecessor=named)
    assert codes(verify(first)) == ["ST-TRAIL-FORKED"]


def test_of_trails_whose_first_entries_have_expired_nothing_is_said():
    first = make_trail(3, 2, clock_ms=LONG_AGO_MS)
    second = successor_of(first)
    for placed in (first.placed[0], second.placed[0]):
        first.store.erase(placed.batch)
    assert codes(verify(first, now=first.until)) == []
    assert codes(verify(first)) == ["ST-BATCH-MISSING", "ST-BATCH-MISSING"]


def test_a_trail_that_is_known_to_begin_anew_is_a_second_history():
    first = make_trail(3, 2, clock_ms=LONG_AGO_MS)
    second = make_trail(2, store=first.store, incarnation=b"\x77" * 16)
    first.store.erase(first.placed[0].batch)
    [finding] = verify(first, now=first.until).all_findings()
    assert (finding.code.code, finding.key) == ("ST-TRAIL-FORKED", second.folder)


def test_a_head_that_fits_none_of_several_trails():
    first = make_trail(3, clock_ms=LONG_AGO_MS)
    successor_of(first)
    report = verify(first, pinned=[first.checkpoint_at(2, root=b"x" * 32)])
    assert codes(report) == ["ST-HEAD-ROOT", "ST-HEAD-ROOT"]


def test_that_a_trail_without_its_first_entry_may_be_a_second_history_is_said():
    trail = make_trail(4)
    other = make_trail(4, 4, store=trail.store, incarnation=b"\x09" * 16)
    trail.store.erase(other.placed[0].seal)
    trail.store.erase(other.placed[0].batch)
    report = verify(trail, now=NOW + timedelta(days=3650))
    assert codes(report) == []
    said = {
        part.folder for part in report.trails if any("second history" in line for line in part.not_checked)
    }
    assert said == {other.folder}
