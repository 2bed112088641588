"""Trails that go on from one another, under the same key or another: each is judged by the right one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditor.builders import NOW, codes, make_rotated, make_trail, new_store, policy_of, policy_with
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.body import Predecessor
from sealtrail_schemas.keys import Signer

ONE, TWO, THREE, THIEF = (bytes([number]) * 32 for number in (1, 2, 3, 9))
LONG_AGO_MS = 1_790_000_000_000


def successor_of(trail, seed: bytes, *, incarnation: bytes = b"\x05" * 16, key: str | None = "", **settings):
    """A trail under the key of `seed` that goes on from `trail`; `key`: what it states of the other's."""
    signed_by = trail.placed[-1].signer.verifier
    if key == "":
        key = None if signed_by == Signer.from_seed(trail.origin, seed).verifier else signed_by.vkey
    named = Predecessor(
        trail.origin, trail.size, trail.edge.root(), trail.opened(-1).text_sha256, "the topic was lost", key
    )
    place = {"store": trail.store, "incarnation": incarnation}
    return make_trail(2, 2, seed=seed, predecessor=named, **(place | settings))


def judged(trail, seed: bytes, **settings):
    return verify_archive(trail.store, policy_with(trail, seed), **({"now": NOW} | settings))


def of(report, trail):
    [part] = [part for part in report.trails if part.folder == trail.folder]
    return part


@pytest.fixture
def first():
    return make_trail(3, 2, clock_ms=LONG_AGO_MS)


def test_a_predecessor_under_another_key_is_judged_by_what_its_successor_states(first):
    second = successor_of(first, TWO)
    report = judged(first, TWO, pinned=[second.head, first.head], max_age=timedelta(hours=1))
    assert (report.verdict, codes(report)) == ("intact", [])
    assert of(report, second).predecessor.origin == first.origin
    assert of(report, second).predecessor_folder == first.folder
    assert of(report, first).successor_folder == second.folder
    assert any(second.folder in sentence for sentence in of(report, first).not_checked)


def test_a_line_of_three_trails_under_three_keys(first):
    second = successor_of(first, TWO, clock_ms=LONG_AGO_MS + 1_000_000)
    third = successor_of(second, THREE, incarnation=b"\x06" * 16)
    report = judged(first, THREE)
    assert codes(report) == []
    assert [of(report, trail).successor_folder for trail in (first, second, third)] == [
        second.folder,
        third.folder,
        None,
    ]


def test_a_successor_under_a_new_key_can_not_be_judged_by_the_old_one(first):
    second = successor_of(first, TWO)
    report = judged(first, ONE)
    assert (report.verdict, of(report, first).verdict) == ("unverifiable", "intact")
    assert set(codes(report)) == {"ST-SEAL-KEY"}
    assert any("ask" in sentence and "successor" in sentence for sentence in of(report, second).not_checked)


@pytest.mark.parametrize("trusted", [ONE, TWO], ids=["oldest", "newest"])
def test_a_successor_under_the_key_that_its_predecessor_was_given(trusted):
    first = make_rotated(TWO, clock_ms=LONG_AGO_MS)
    second = successor_of(first, TWO)
    report = judged(first, trusted, pinned=[first.head, second.head])
    assert codes(report) == []
    assert of(report, second).predecessor_folder == first.folder


def test_a_successor_whose_own_key_was_changed_since(first):
    second = successor_of(first, ONE)
    second.event()
    second.rotate(THREE)
    second.event()
    second.seal()
    for trusted in (ONE, THREE):
        assert codes(judged(first, trusted)) == []


def test_a_folder_that_a_thief_made_is_not_vouched_for(first):
    """Another trail of the same name, signed by the predecessor's key, that the successor does not name."""
    second = successor_of(first, TWO)
    forged = make_trail(4, store=first.store, incarnation=b"\x07" * 16)
    report = judged(first, TWO)
    assert codes(report) == ["ST-SEAL-KEY"]
    assert {of(report, trail).verdict for trail in (first, second)} == {"intact"}
    assert of(report, forged).verdict == "unverifiable"


@pytest.mark.parametrize("trusted", [ONE, TWO], ids=["oldest", "newest"])
def test_a_second_history_under_a_key_to_which_the_policys_leads(trusted):
    first = make_rotated(TWO, clock_ms=LONG_AGO_MS)
    second = make_trail(3, store=first.store, incarnation=b"\x07" * 16, seed=TWO)
    [finding] = judged(first, trusted).all_findings()
    assert (finding.code.code, finding.key) == ("ST-TRAIL-FORKED", second.folder)


def test_a_first_entry_that_was_changed_vouches_for_nothing(first):
    """Who gets below the store's interface lets the successor name a predecessor of their own."""
    forged = make_trail(4, store=first.store, incarnation=b"\x07" * 16, seed=THIEF)
    second = successor_of(first, TWO)
    lie = successor_of(forged, TWO, store=new_store())
    begun = second.placed[0]
    first.store.corrupt(begun.batch, begun.batch_version, lie.placed[0].batch_bytes)
    report = judged(first, TWO)
    assert report.verdict == "tampered"
    assert of(report, forged).verdict == "unverifiable"


def test_a_successor_that_a_thief_made_of_another_key(first):
    """Who lacks the policy's key can name any predecessor: it vouches for nothing."""
    forged = successor_of(first, THIEF)
    report = judged(first, ONE)
    assert of(report, first).verdict == "intact"
    assert of(report, forged).verdict == "unverifiable"


def refunds(first, **settings):
    """A successor of another topic."""
    origin, key = "audit.example.com/refunds/0", first.signer.verifier.vkey
    return successor_of(first, TWO, origin=origin, key=key, **settings)


def test_a_predecessor_of_another_origin_that_the_policy_names(first):
    second = refunds(first)
    report = verify_archive(first.store, policy_of(first, second), now=NOW)
    assert codes(report) == []
    assert of(report, second).predecessor_folder == first.folder
    assert of(report, first).successor_folder == second.folder


def test_a_predecessor_of_another_origin_does_not_have_to_be_up_to_date(first):
    second = refunds(first)
    settings = {"now": NOW, "max_age": timedelta(hours=1)}
    assert codes(verify_archive(first.store, policy_of(first, second), **settings)) == []
    first.store.erase(second.placed[0].seal)
    assert "ST-TRAIL-STALE" in codes(verify_archive(first.store, policy_of(first), **settings))


def test_a_predecessor_of_another_origin_that_the_policy_does_not_name(first):
    second = refunds(first)
    report = verify_archive(first.store, policy_of(second), trails=[second.origin], now=NOW)
    assert codes(report) == []
    assert any(first.origin in sentence for sentence in of(report, second).not_checked)


def test_a_predecessor_of_another_origin_that_is_not_as_it_was_named(first):
    second = refunds(first)
    first.event()
    first.seal()
    report = verify_archive(first.store, policy_of(first, second), now=NOW)
    assert (codes(report), report.verdict) == (["ST-TRAIL-PREDECESSOR"], "tampered")
    assert of(report, second).findings
