"""Trails whose key was changed: whichever of the keys the policy names, they read the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.builders import NOW, YEAR, codes, make_rotated, make_trail, policy_of, policy_with
from auditor.counting import CountingStore
from sealtrail_auditor.errors import PinnedHeadError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.folder_keys import follow_keys
from sealtrail_auditor.reading import Reading, VerifiedBatch, find_trails
from sealtrail_auditor.sample import Sampling
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.checkpoint import sign_checkpoint
from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import key_change_key
from sealtrail_transport.key_shelf import key_changes
from sealtrail_transport.store import LockMode, Retention

ONE, TWO, THREE, THIEF = (bytes([number]) * 32 for number in (1, 2, 3, 9))


def signer(trail, seed: bytes) -> Signer:
    return Signer.from_seed(trail.origin, seed)


def judged(trail, seed: bytes, **settings):
    """The report under the policy that names this key."""
    return verify_archive(trail.store, policy_with(trail, seed), **({"now": NOW} | settings))


@pytest.fixture
def trail():
    """Entries 0 to 4 by the first key, 5 to 9 by the second, 10 to 12 by the third; changes at 4 and 9."""
    return make_rotated(TWO, THREE)


@pytest.mark.parametrize("trusted", [ONE, TWO, THREE], ids=["oldest", "middle", "newest"])
class TestAnyKeyOfTheTrail:
    def test_the_verdict_is_intact_and_names_the_changes(self, trail, trusted):
        report = judged(trail, trusted, pinned=[trail.head])
        [part] = report.trails
        assert (report.verdict, codes(report), part.size) == ("intact", [], trail.size)
        told = [(control.sequence, control.reason) for control in part.statements]
        assert told == [(4, "as agreed"), (9, "as agreed")]
        assert not any("key change" in sentence for sentence in part.not_checked)

    def test_heads_of_every_key_are_compared(self, trail, trusted):
        for size in range(1, trail.size + 1):
            key = ONE if size <= 5 else TWO if size <= 10 else THREE
            for root, told in ((None, []), (b"x" * 32, ["ST-HEAD-ROOT"])):
                head = trail.checkpoint_at(size, root, signer(trail, key))
                assert codes(judged(trail, trusted, pinned=[head])) == told

    def test_a_head_by_a_key_whose_turn_it_was_not_is_no_head(self, trail, trusted):
        head = trail.checkpoint_at(7, None, signer(trail, ONE))
        with pytest.raises(PinnedHeadError, match="did not sign for it at that size"):
            judged(trail, trusted, pinned=[head])

    def test_parts_and_samples(self, trail, trusted):
        for first in range(trail.size):
            report = judged(trail, trusted, scope=Scope(first, first))
            assert codes(report) == []
            told = [control.sequence for control in report.trails[0].statements]
            looked_at = report.trails[0].looked_at
            assert told == [at for at in (4, 9) if looked_at.first <= at <= looked_at.last]
        assert codes(judged(trail, trusted, scope=Scope(sampling=Sampling("seed", count=1)))) == []

    def test_reading_and_searching(self, trail, trusted):
        [folder] = find_trails(trail.store, policy_with(trail, trusted))
        part = Reading(trail.store, folder, span=Span(4, 11), now=NOW)
        batches = list(part)
        assert all(isinstance(batch, VerifiedBatch) for batch in batches)
        assert [entry.sequence for batch in part for entry in batch.entries()] == list(range(4, 12))
        search = SealSearch(trail.store, *folder)
        assert search.newest().opened.checkpoint.size == trail.size
        assert search.before(6).opened.checkpoint.size == 5
        assert search.since(trail.leaves[6].chained_at_ms).opened.seal.first.sequence == 5

    def test_workers_give_the_same(self, trail, trusted):
        assert judged(trail, trusted, jobs=2).to_json() == judged(trail, trusted).to_json()


def test_a_trail_whose_key_was_never_changed_costs_one_listing_more():
    trail = make_trail(3)
    store = CountingStore(trail.store)
    prefixes = []
    store.versions = lambda prefix, **more: prefixes.append(prefix) or trail.store.versions(prefix, **more)
    find_trails(store, policy_of(trail))
    assert [prefix for prefix in prefixes if prefix.endswith("keys/")] == [f"{trail.folder}keys/"]


BOTH_ENDS = pytest.mark.parametrize("trusted", [ONE, THREE], ids=["oldest", "newest"])


def erase_note(trail, size: int) -> None:
    trail.store.erase(trail.folder + key_change_key(size))


def where(report, code: str) -> list[tuple[str, Span | None]]:
    findings = [finding for finding in report.all_findings() if finding.code.code == code]
    return [(finding.key, finding.span) for finding in findings]


@BOTH_ENDS
@pytest.mark.parametrize("sizes", [(5,), (10,), (5, 10)])
def test_where_a_note_is_missing_the_trail_itself_leads_to_the_key(trail, trusted, sizes):
    for size in sizes:
        erase_note(trail, size)
    report = judged(trail, trusted, pinned=[trail.head])
    assert (report.verdict, codes(report)) == ("incomplete", ["ST-KEY-UNLISTED"] * len(sizes))
    assert report.trails[0].entries_verified == trail.size
    expected = [(trail.folder + key_change_key(size), Span(size - 1, size - 1)) for size in sizes]
    assert where(report, "ST-KEY-UNLISTED") == expected


@BOTH_ENDS
def test_a_note_that_is_missing_hides_nothing_from_a_reader(trail, trusted):
    erase_note(trail, 10)
    [folder] = find_trails(trail.store, policy_with(trail, trusted))
    part = Reading(trail.store, folder, now=NOW)
    assert [entry.sequence for batch in part for entry in batch.entries()] == list(range(trail.size))


def test_a_note_that_is_not_put_yet_is_not_missing():
    """It is put behind the seal of its size and before any larger one."""
    trail = make_trail(3)
    trail.rotate(TWO, is_put=False)
    assert codes(judged(trail, ONE)) == []


def test_a_note_that_is_put_while_the_archive_is_verified_is_not_missing():
    trail = make_trail(3)
    note = trail.rotate(TWO, is_put=False)
    trail.event()
    trail.seal()
    store = CountingStore(trail.store)

    def open_and_put(key, version_id):
        if key == trail.placed[-1].batch and not list(trail.store.versions(f"{trail.folder}keys/")):
            trail.put_key_change(note, 4)
        return trail.store.open(key, version_id)

    store.open = open_and_put
    assert codes(verify_archive(store, policy_with(trail, ONE), now=NOW)) == []


def change(trail, old: bytes, new: bytes, **members) -> bytes:
    signers = [signer(trail, old), signer(trail, new)]
    return trail.statement(KeyChange(*(one.verifier for one in signers)), *signers, **members)


@pytest.mark.parametrize("trusted", [ONE, TWO, THREE], ids=["oldest", "middle", "newest"])
def test_a_key_that_was_replaced_twice(trail, trusted):
    """A thief of the first key adds a note of a change of their own, at a size where none is."""
    forged = trail.put_key_change(change(trail, ONE, THIEF, sequence=7), 8)
    report = judged(trail, trusted)
    assert (report.verdict, set(codes(report))) == ("tampered", {"ST-KEY-FORKED"})
    assert (forged, None) in where(report, "ST-KEY-FORKED")
    assert report.trails[0].entries_verified == trail.size


def test_a_rival_is_not_asked_for_its_lock(trail):
    """It is no object of the trail, and who put it may have locked it or not."""
    trail.put_key_change(change(trail, ONE, THIEF, sequence=2), 3, retention=None)
    assert codes(judged(trail, THREE)) == ["ST-KEY-FORKED"]


def test_a_fork_leads_as_far_as_it_is_none(trail):
    trail.put_key_change(change(trail, TWO, THIEF, sequence=7), 8)
    placed = list(key_changes(trail.store, trail.folder))
    keys = [signer(trail, seed).verifier for seed in (ONE, TWO, THREE)]
    assert follow_keys(keys[0], placed).keys.keys == tuple(keys[:2])
    assert follow_keys(keys[2], placed).keys.keys == tuple(keys)


def test_a_misplaced_change_leads_nowhere():
    """Both keys have signed it, for another entry: so the seals behind it are another key's."""
    trail = make_trail(3)
    trail.state("key-change", change(trail, ONE, TWO, sequence=9))
    trail.seal()
    trail.signer = signer(trail, TWO)
    trail.event()
    trail.seal()
    assert sorted(codes(judged(trail, ONE))) == ["ST-CONTROL-MISPLACED", "ST-SEAL-FORGED"]


@BOTH_ENDS
def test_a_note_that_no_entry_states(trusted):
    trail = make_trail(3, 3, 3)
    change_at_six = change(trail, ONE, THREE, sequence=5)
    trail.put_key_change(change_at_six, 6)
    report = judged(trail, trusted)
    assert where(report, "ST-KEY-UNSTATED") == ([(trail.placed[1].batch, Span(5, 5))])
    assert report.verdict == "tampered"


def test_a_note_beyond_the_end_of_the_trail_shows_that_the_end_was_cut_off():
    trail = make_rotated(TWO)
    for placed in trail.placed[1:]:
        trail.store.erase(placed.seal)
        trail.store.erase(placed.batch)
    report = judged(trail, ONE)
    assert (report.verdict, codes(report)) == ("incomplete", ["ST-KEY-AHEAD"])
    assert where(report, "ST-KEY-AHEAD") == [(trail.folder + key_change_key(5), Span(3, 4))]


@BOTH_ENDS
@pytest.mark.parametrize("seed", [ONE, TWO])
def test_a_seal_behind_the_change_by_a_key_that_had_been_replaced(trail, trusted, seed):
    trail.signer = signer(trail, seed)
    trail.event()
    behind = trail.seal()
    report = judged(trail, trusted)
    assert (report.verdict, codes(report)) == ("tampered", ["ST-SEAL-KEY-TURN"])
    assert where(report, "ST-SEAL-KEY-TURN") == [(behind.seal, Span(13, 13))]


@BOTH_ENDS
@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_second_version_of_a_seal_by_another_key_of_the_trail(trail, trusted, number):
    over = trail.placed[number]
    other = next(seed for seed in (TWO, ONE) if signer(trail, seed).verifier != over.signer.verifier)
    trail.signer = signer(trail, other)
    text = replace(over.text, checkpoint=sign_checkpoint(trail.opened(number).checkpoint, trail.signer))
    trail.store.put(over.seal, trail.sign(text), retention=None, only_if_absent=False)
    report = judged(trail, trusted)
    assert where(report, "ST-SEAL-KEY-TURN") == [(over.seal, Span(over.first, over.last))]
    [finding] = [one for one in report.all_findings() if one.code.code == "ST-SEAL-KEY-TURN"]
    assert over.signer.verifier.fingerprint in finding.expected
    assert trail.signer.verifier.fingerprint in finding.found


@BOTH_ENDS
def test_what_else_lies_under_keys(trail, trusted):
    name = trail.folder + key_change_key(5)
    trail.store.put(name, b"junk", retention=None, only_if_absent=False)
    trail.store.delete(trail.folder + key_change_key(10))
    strays = [trail.put_key_change(b"junk", 7), f"{trail.folder}keys/notes.txt"]
    trail.store.put(strays[1], b"junk", retention=None)
    strangers = [bytes([number]) * 32 for number in (7, 8)]
    strays.append(trail.put_key_change(change(trail, *strangers, sequence=7), 8))
    report = judged(trail, trusted)
    assert report.verdict == "unprotected"
    assert [key for key, _ in where(report, "ST-OBJECT-VERSIONS")] == [name]
    assert [key for key, _ in where(report, "ST-OBJECT-MARKER")] == [trail.folder + key_change_key(10)]
    assert sorted(key for key, _ in where(report, "ST-OBJECT-FOREIGN")) == sorted(strays)


@pytest.mark.parametrize(
    ("lock", "code"),
    [
        (None, "ST-LOCK-MISSING"),
        (Retention(LockMode.GOVERNANCE, NOW + YEAR), "ST-LOCK-WEAK"),
        (Retention(LockMode.COMPLIANCE, NOW + YEAR / 2), "ST-LOCK-SHORT"),
    ],
)
def test_the_lock_of_a_note(lock, code):
    trail = make_trail(3)
    trail.put_key_change(trail.rotate(TWO, is_put=False), retention=lock)
    trail.event()
    trail.seal()
    report = judged(trail, TWO)
    assert where(report, code) == [(trail.folder + key_change_key(4), Span(3, 3))]


def test_a_change_whose_entry_was_not_read_is_said(trail):
    trail.store.erase(trail.placed[1].batch)
    report = judged(trail, THREE, now=NOW + 2 * YEAR)
    assert codes(report) == []
    said = [sentence for sentence in report.trails[0].not_checked if "key change at entry 4" in sentence]
    assert len(said) == 1
