"""What may be gone, and what is known of locks: expired entries, plain folders and fetched copies."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.builders import NOW, YEAR, Clock, codes, make_trail, policy_of, verify
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.verify import verify_archive
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.store import LockMode, Retention

DAY = timedelta(days=1)


def aging_trail():
    """Four batches, each kept a day longer than the one before, at a time when two have expired."""
    trail = make_trail(2, until=NOW + DAY)
    for days in (2, 3, 4):
        trail.until = NOW + days * DAY
        trail.event()
        trail.event()
        trail.seal()
    trail.store._clock.now = NOW + 2 * DAY
    return trail


def test_what_has_expired_may_be_gone_from_the_front():
    trail = aging_trail()
    for placed in trail.placed[:2]:
        trail.store.erase(placed.batch)
        trail.store.erase(placed.seal)
    report = verify(trail, pinned=[trail.checkpoint_at(7)])
    [one] = report.trails
    assert (report.verdict, codes(report), one.expired) == ("intact", [], ((0, 3),))
    assert (one.size, one.entries_verified) == (8, 4)
    assert any("0-3 are gone; the retention" in sentence for sentence in one.not_checked)
    assert any("The first entry was not read" in sentence for sentence in one.not_checked)


def test_expired_batches_may_be_gone_and_their_seals_still_there():
    trail = aging_trail()
    for placed in trail.placed[:2]:
        trail.store.erase(placed.batch)
    report = verify(trail)
    assert (codes(report), report.trails[0].expired) == ([], ((0, 3),))


def test_expired_objects_that_are_still_there_are_verified():
    trail = aging_trail()
    report = verify(trail)
    assert (codes(report), report.trails[0].entries_verified) == ([], 8)


def test_an_expired_seal_may_be_gone_and_its_batch_still_there():
    trail = aging_trail()
    trail.store.erase(trail.placed[0].seal)
    report = verify(trail)
    assert (codes(report), report.trails[0].expired) == ([], ((0, 1),))


@pytest.mark.parametrize(("number", "code"), [(0, "ST-FRONT-MISSING"), (2, "ST-SEAL-MISSING")])
def test_what_has_not_expired_may_not_be_gone(number, code):
    trail = aging_trail()
    trail.store._clock.now = NOW + DAY - timedelta(seconds=1)
    trail.store.erase(trail.placed[number].seal)
    assert codes(verify(trail)) == [code]


def test_the_batch_behind_a_gap_stands_on_its_seal():
    trail = aging_trail()
    for placed in trail.placed[:2]:
        trail.store.erase(placed.seal)
    placed = trail.placed[2]
    trail.store.corrupt(
        placed.batch, placed.batch_version, placed.batch_bytes.replace(b'{"n":1}', b'{"n":2}', 1)
    )
    [finding] = verify(trail).all_findings()
    assert (finding.code.code, finding.span) == ("ST-ENTRY-PAYLOAD", (4, 4))


def test_a_legal_hold_and_a_longer_lock_are_no_findings():
    trail = make_trail(2, 2)
    placed = trail.placed[0]
    longer = Retention(LockMode.COMPLIANCE, NOW + 9 * YEAR)
    trail.store.set_retention(placed.batch, placed.batch_version, longer)
    trail.store.set_legal_hold(placed.seal, placed.seal_version, held=True)
    assert codes(verify(trail)) == []


def test_equal_weaknesses_of_batches_in_a_row_are_one_finding():
    trail = make_trail(2, 2, 2, 2)
    for placed in trail.placed[1:]:
        for key in (placed.batch, placed.seal):
            trail.store._objects[key][0].retention = None
    [finding] = verify(trail).all_findings()
    assert (finding.code.code, finding.span, finding.objects) == ("ST-LOCK-MISSING", (2, 7), 6)


def test_two_gaps_in_the_locks_are_two_findings():
    trail = make_trail(2, 2, 2)
    for number in (0, 2):
        trail.store._objects[trail.placed[number].batch][0].retention = None
    assert [finding.span for finding in verify(trail).all_findings()] == [(0, 1), (4, 5)]


def copied(trail, folder):
    """A copy as any tool makes it: names and bytes, no versions and no locks."""
    for line in trail.store.versions(""):
        path = folder / line.key
        path.parent.mkdir(parents=True, exist_ok=True)
        with trail.store.open(line.key, line.version_id) as stream:
            path.write_bytes(stream.read())
    return folder


def test_a_plain_copy_is_verified_but_for_locks_and_versions(tmp_path):
    trail = make_trail(2, 3)
    report = verify_archive(
        FolderStore(copied(trail, tmp_path)), policy_of(trail), now=NOW, pinned=[trail.head]
    )
    assert (report.verdict, report.lock_knowledge) == ("intact", "none")
    assert any("plain folder" in sentence for sentence in report.not_checked)


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_a_damaged_file_of_a_plain_copy(tmp_path, damage):
    trail = make_trail(2, 3)
    path = copied(trail, tmp_path) / trail.placed[1].batch
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    report = verify_archive(FolderStore(tmp_path), policy_of(trail), now=NOW)
    assert codes(report) == [
        {b"": "ST-BATCH-EMPTY", b"x": "ST-BATCH-TRUNCATED", None: "ST-BATCH-MISSING"}[damage]
    ]


def test_two_files_of_a_plain_copy_swapped(tmp_path):
    trail = make_trail(2, 2)
    one, two = (copied(trail, tmp_path) / placed.batch for placed in trail.placed)
    shutil.move(one, tmp_path / "aside")
    shutil.move(two, one)
    shutil.move(tmp_path / "aside", two)
    report = verify_archive(FolderStore(tmp_path), policy_of(trail), now=NOW)
    assert codes(report) == ["ST-BATCH-SWAPPED", "ST-BATCH-SWAPPED"]


def test_an_archive_made_in_a_plain_folder_says_that_nothing_is_locked(tmp_path):
    trail = make_trail(2, 2, store=FolderStore(tmp_path), until=None)
    [finding] = verify(trail).all_findings()
    assert (finding.code.code, finding.span, finding.objects) == ("ST-LOCK-NONE", (0, 3), 4)


@pytest.mark.claim("C10")
def test_the_sealed_version_is_read_whatever_lies_on_top():
    trail = make_trail(2, 2)
    for placed in trail.placed:
        for key in (placed.batch, placed.seal):
            trail.store.delete(key)
            trail.store.put(key, b"junk", retention=None)
    report = verify(trail)
    assert report.verdict == "unprotected"
    assert report.trails[0].entries_verified == 4
    assert set(codes(report)) == {"ST-OBJECT-VERSIONS", "ST-OBJECT-MARKER"}
    markers = {
        finding.found for finding in report.all_findings() if finding.code is FindingCode.OBJECT_MARKER
    }
    assert markers == {"1 delete marker(s), with a version on top"}
    trail.store.delete(trail.placed[0].batch)
    assert "2 delete marker(s), which hide it" in {finding.found for finding in verify(trail).all_findings()}


def test_other_content_in_the_place_of_a_sealed_version_is_not_taken_for_it():
    trail = make_trail(2, 2)
    placed = trail.placed[1]
    trail.store.erase(placed.batch)
    trail.store.put(placed.batch, bytes(len(placed.batch_bytes)), retention=None)
    [finding] = verify(trail).all_findings()
    assert (finding.code.code, finding.span) == ("ST-BATCH-SUBSTITUTED", (2, 3))
    later = verify(trail, now=trail.until)
    assert (codes(later), later.trails[0].expired) == ([], ((2, 3),))


def test_the_oldest_of_several_valid_seals_counts():
    trail = make_trail(2, 2)
    text = trail.placed[1].text
    again = trail.sign(replace(text, batch=replace(text.batch, version_id="gone")))
    trail.store.put(trail.placed[1].seal, again, retention=None, only_if_absent=False)
    report = verify(trail)
    assert codes(report) == ["ST-OBJECT-VERSIONS"]
    assert report.trails[0].entries_verified == 4


def test_a_squatted_batch_before_a_gap_is_not_part_of_the_gap():
    trail = make_trail(3, 3, 3)
    trail.store.put(f"{trail.folder}batches/{1:020}.avro", b"squatted", retention=None)
    trail.store.erase(trail.placed[1].seal)
    report = verify(trail)
    assert sorted(codes(report)) == ["ST-OBJECT-SQUATTED", "ST-SEAL-MISSING"]
    assert "1 batch(es) without a valid seal were not read." in report.trails[0].not_checked


def test_a_spoiled_name_was_gone_around():
    trail = make_trail(2)
    squatted = f"{trail.folder}batches/{2:020}.avro"
    trail.store.put(squatted, b"squatted", retention=None)
    trail.event()
    trail.seal(suffix=1)
    [finding] = verify(trail).all_findings()
    assert (finding.code.code, finding.key) == ("ST-OBJECT-SQUATTED", squatted)


def test_a_seal_name_taken_before_the_archiver_came():
    trail = make_trail(2)
    trail.store.put(f"{trail.folder}seals/{3:020}.seal", b"squatted", retention=None)
    trail.event()
    trail.seal(over=True)
    report = verify(trail)
    assert codes(report) == ["ST-OBJECT-VERSIONS"]
    assert report.trails[0].size == 3


def test_time_comes_in_from_outside():
    trail = make_trail(2, 2, store=None)
    assert isinstance(trail.store._clock, Clock)
    later = verify(trail, now=NOW + 2 * YEAR)
    assert codes(later) == []
