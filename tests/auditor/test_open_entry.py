"""find_entry: one entry, verified against the seal of its batch."""

from __future__ import annotations

import pytest

from auditor.builders import NOW, ORIGIN, codes, make_trail, policy_of, verify
from sealtrail_auditor.errors import EntryDamagedError, EntryMissingError, TrailSelectionError
from sealtrail_auditor.open_entry import find_entry
from sealtrail_schemas.leaf import Kind
from sealtrail_transport.folder_store import FolderStore


def find(trail, sequence, **settings):
    return find_entry(trail.store, policy_of(trail), ORIGIN, sequence, now=NOW, **settings)


@pytest.mark.parametrize("sequence", range(9))
@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_every_entry_is_found(sequence, codec):
    trail = make_trail(3, 1, 5, codec=codec)
    found = find(trail, sequence)
    assert found.leaf == trail.leaves[sequence]
    assert found.entry in trail.entries_of[found.placed.opened.seal.first.sequence]
    assert found.payload.value == (b'{"n":%d}' % sequence if sequence else found.payload.value)
    assert (found.origin, found.folder) == (ORIGIN, trail.folder)
    assert found.batch_key in {placed.batch for placed in trail.placed}
    assert found.checks
    assert found.not_checked
    assert (found.leaf.kind is Kind.GENESIS) == (sequence == 0)


@pytest.mark.parametrize("sequence", [9, 500])
def test_beyond_the_newest_seal_there_is_none(sequence):
    trail = make_trail(3, 1, 5)
    with pytest.raises(EntryMissingError, match=f"no valid seal of {ORIGIN} covers entry {sequence}"):
        find(trail, sequence)


def test_damage_in_its_batch_is_said():
    trail = make_trail(3, 3)
    placed = trail.placed[1]
    trail.store.corrupt(
        placed.batch, placed.batch_version, placed.batch_bytes.replace(b'{"n":5}', b'{"n":6}')
    )
    with pytest.raises(EntryDamagedError, match="an event was changed") as raised:
        find(trail, 4)
    [finding] = raised.value.findings
    assert (finding.code.code, finding.span) == ("ST-ENTRY-PAYLOAD", (5, 5))
    assert find(trail, 2).leaf.sequence == 2


def test_damage_elsewhere_does_not_hide_it():
    trail = make_trail(3, 3, 3)
    trail.store.erase(trail.placed[0].seal)
    trail.store.erase(trail.placed[2].batch)
    assert find(trail, 4).leaf.sequence == 4
    with pytest.raises(EntryMissingError):
        find(trail, 1)
    with pytest.raises(EntryMissingError, match="is gone"):
        find(trail, 7)


def test_squatted_seals_are_passed_over():
    trail = make_trail(3, 3)
    trail.store.put(f"{trail.folder}seals/{5:020}.seal", b"junk", retention=None)
    trail.store.put(f"{trail.folder}seals/readme", b"junk", retention=None)
    assert find(trail, 4).leaf.sequence == 4


def test_which_of_several_trails_has_to_be_said():
    trail = make_trail(3)
    other = make_trail(4, store=trail.store, incarnation=b"\x09" * 16)
    with pytest.raises(TrailSelectionError, match="several folders"):
        find(trail, 1)
    assert find(trail, 3, folder=other.folder).folder == other.folder
    with pytest.raises(TrailSelectionError, match="none of the trail"):
        find(trail, 3, folder="refunds/0/00000000/")


def test_a_trail_that_is_not_there():
    trail = make_trail(3)
    other = make_trail(1, origin="audit.example.com/refunds/0", seed=b"\x05" * 32)
    policy = policy_of(trail, other)
    with pytest.raises(EntryMissingError, match="holds nothing"):
        find_entry(trail.store, policy, other.origin, 0, now=NOW)
    with pytest.raises(TrailSelectionError, match="does not name"):
        find_entry(trail.store, policy_of(trail), other.origin, 0, now=NOW)


def test_in_a_plain_copy(tmp_path):
    trail = make_trail(2, 2, store=FolderStore(tmp_path), until=None)
    assert find(trail, 3).leaf.sequence == 3
    assert codes(verify(trail, now=NOW)) == ["ST-LOCK-NONE"]
