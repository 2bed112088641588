"""Reading: a part of a trail, batch by batch, nothing of it unverified."""

from __future__ import annotations

import pytest

from attacks.insiders import make_chain_broken
from auditor.builders import NOW, ORIGIN, YEAR, make_trail, policy_of
from sealtrail_auditor.errors import TrailSelectionError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.reading import DamagedBatch, Reading, TimeRange, VerifiedBatch, find_trails
from sealtrail_auditor.seal_search import SealSearch


def reading(trail, *, now=NOW, **part):
    [folder] = find_trails(trail.store, policy_of(trail))
    return Reading(trail.store, folder, now=now, **part)


def sequences(part):
    """What was read: a sequence for each entry, and `(first, last, code)` for what could not be read."""
    read = []
    for batch in part:
        if isinstance(batch, DamagedBatch):
            read.append((*batch.span, batch.finding and batch.finding.code.code))
        else:
            read += [entry.sequence for entry in batch.entries()]
    return read


class CountingStore:
    """A store that notes which objects are opened."""

    def __init__(self, store):
        self._store = store
        self.opened = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def open(self, key, version_id):
        self.opened.append(key)
        return self._store.open(key, version_id)


def test_all_of_a_trail():
    trail = make_trail(3, 1, 5)
    entries = [entry for batch in reading(trail) for entry in batch.entries()]
    assert [entry.leaf for entry in entries] == trail.leaves
    assert [entry.sequence for entry in entries] == list(range(9))
    assert [entry.payload.value for entry in entries[1:]] == [b'{"n":%d}' % n for n in range(1, 9)]


@pytest.mark.parametrize("first", range(10))
@pytest.mark.parametrize("last", range(10))
def test_a_part_is_what_was_asked_for(first, last):
    trail = make_trail(3, 1, 5)
    expected = [number for number in range(9) if first <= number <= last]
    assert sequences(reading(trail, span=Span(first, last))) == expected


def test_nothing_outside_of_the_part_is_read():
    trail = make_trail(*[2] * 50)
    store = trail.store = CountingStore(trail.store)
    part = reading(trail, span=Span(60, 63))
    store.opened.clear()
    assert sequences(part) == [60, 61, 62, 63]
    batches = {key for key in store.opened if "/batches/" in key}
    seals = {key for key in store.opened if "/seals/" in key}
    assert batches == {trail.placed[30].batch, trail.placed[31].batch}
    assert seals == {trail.placed[number].seal for number in (29, 30, 31)}


@pytest.mark.parametrize("first", range(0, 9, 2))
@pytest.mark.parametrize("last", range(0, 9, 2))
def test_a_time_is_found_wherever_it_lies(first, last):
    trail = make_trail(3, 1, 5)
    times = [leaf.chained_at_ms for leaf in trail.leaves]
    chained = TimeRange(times[first], times[last] + 1)
    expected = [number for number, time in enumerate(times) if times[first] <= time <= times[last]]
    assert sequences(reading(trail, chained=chained)) == expected
    assert sequences(reading(trail, chained=TimeRange(times[-1] + 1, None))) == []
    assert sequences(reading(trail, chained=TimeRange(None, times[0]))) == []


def test_the_time_is_found_without_reading_all_seals():
    trail = make_trail(*[1] * 300)
    store = trail.store = CountingStore(trail.store)
    time_ms = trail.leaves[200].chained_at_ms
    part = reading(trail, chained=TimeRange(time_ms, time_ms + 1))
    store.opened.clear()
    assert sequences(part) == [200]
    assert len(store.opened) < 60


def test_a_damaged_batch_is_told_and_the_rest_is_read():
    trail = make_trail(3, 3, 3)
    middle = trail.placed[1]
    changed = middle.batch_bytes.replace(b'{"n":4}', b'{"n":7}')
    trail.store.corrupt(middle.batch, middle.batch_version, changed)
    part = reading(trail)
    assert sequences(part) == [0, 1, 2, (3, 5, "ST-ENTRY-PAYLOAD"), 6, 7, 8]
    assert part.findings.verdict.value == "tampered"


def test_nothing_of_a_batch_is_handed_out_before_its_last_byte_was_checked():
    trail = make_trail(3)
    placed = trail.placed[0]
    cut = placed.batch_bytes[:-1] + bytes([placed.batch_bytes[-1] ^ 1])
    trail.store.corrupt(placed.batch, placed.batch_version, cut)
    [batch] = reading(trail)
    assert isinstance(batch, DamagedBatch)


def test_other_bytes_at_the_second_reading_do_not_matter():
    trail = make_trail(3)
    for batch in reading(trail):
        assert isinstance(batch, VerifiedBatch)
        trail.store.corrupt(trail.placed[0].batch, trail.placed[0].batch_version, b"")
        assert [entry.sequence for entry in batch.entries()] == [0, 1, 2]
        assert [entry.sequence for entry in batch.entries()] == [0, 1, 2]


def test_a_batch_and_a_seal_that_are_gone():
    trail = make_trail(2, 2, 2, 2)
    trail.store.erase(trail.placed[1].batch)
    trail.store.erase(trail.placed[2].seal)
    assert sequences(reading(trail)) == [0, 1, (2, 3, "ST-BATCH-MISSING"), (4, 5, "ST-SEAL-MISSING"), 6, 7]
    assert sequences(reading(trail, span=Span(5, 6))) == [(5, 5, "ST-SEAL-MISSING"), 6]
    assert sequences(reading(trail, span=Span(6, 6))) == [6]


def test_more_gaps_than_findings_are_kept_are_gaps_all_the_same(monkeypatch):
    monkeypatch.setattr("sealtrail_auditor.findings.MAX_FINDINGS", 2)
    trail = make_trail(*[1] * 9)
    for number in (1, 3, 5, 7):
        trail.store.erase(trail.placed[number].seal)
    gaps = [read for read in sequences(reading(trail)) if isinstance(read, tuple)]
    assert gaps == [(number, number, "ST-SEAL-MISSING") for number in (1, 3, 5, 7)]


def test_what_has_expired_is_no_finding():
    trail = make_trail(2, 2, 2)
    trail.store.erase(trail.placed[0].seal)
    trail.store.erase(trail.placed[0].batch)
    trail.store.erase(trail.placed[1].batch)
    part = reading(trail, now=NOW + 2 * YEAR)
    assert sequences(part) == [(0, 1, None), (2, 3, None), 4, 5]
    assert part.findings.kept == ()


def test_a_seal_that_does_not_go_on_from_the_one_before_is_told():
    trail = make_chain_broken()
    part = reading(trail, span=Span(4, 4))
    sequences(part)
    assert [finding.code.code for finding in part.findings.kept] == ["ST-SEAL-CHAIN"]


def test_only_trails_of_the_policy_are_found():
    trail = make_trail(1)
    make_trail(1, store=trail.store, origin="audit.example.com/refunds/0", seed=b"\x05" * 32)
    assert [found.origin for found in find_trails(trail.store, policy_of(trail))] == [ORIGIN]
    with pytest.raises(TrailSelectionError, match="does not name"):
        find_trails(trail.store, policy_of(trail), ["audit.example.com/refunds/0"])


@pytest.mark.parametrize("sizes", [[1], [3, 1, 5], [1] * 20, [7] * 9])
def test_the_seal_before_any_entry(sizes):
    trail = make_trail(*sizes)
    [folder] = find_trails(trail.store, policy_of(trail))
    search = SealSearch(trail.store, *folder)
    ends = [placed.last + 1 for placed in trail.placed]
    assert search.newest().opened.checkpoint.size == ends[-1]
    for sequence in range(ends[-1] + 3):
        expected = max((end for end in ends if end <= sequence), default=None)
        found = search.before(sequence)
        assert (found and found.opened.checkpoint.size) == expected


def test_foreign_names_do_not_lead_a_search_astray():
    trail = make_trail(*[1] * 20)
    for size in (5, 6, 7, 30, 31):
        trail.store.put(f"{trail.folder}seals/{size:020}.seal", b"junk", retention=None, only_if_absent=False)
    for number in range(12):
        trail.store.put(f"{trail.folder}seals/{10:020}.seal{number:02}", b"junk", retention=None)
    [folder] = find_trails(trail.store, policy_of(trail))
    search = SealSearch(trail.store, *folder)
    assert search.newest().opened.checkpoint.size == 20
    assert [search.before(n).opened.checkpoint.size for n in range(1, 21)] == list(range(1, 21))
