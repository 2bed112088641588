"""No change to the bytes of an archive goes unseen: every bit, length and exchange of a small one."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.builders import codes, make_trail, policy_of, verify
from sealtrail_auditor import seals
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.payload import MAX_HEADERS
from sealtrail_schemas.seal import open_seal

pytestmark = pytest.mark.claim("C9", "C11")

OBJECTS = ["first batch", "second batch", "first seal", "second seal"]
PAIRS = list(combinations(OBJECTS, 2))


@pytest.fixture(autouse=True)
def seals_are_opened_once(monkeypatch):
    """Opening the same bytes under the same key again gives the same; remembering it halves the time."""
    remembered = lru_cache(maxsize=64)(open_seal)
    monkeypatch.setattr(seals, "open_seal", remembered)


class Bench:
    """A sealed trail of two batches of two entries, of which one object at a time is changed."""

    def __init__(self, codec="null"):
        self.trail = make_trail(2, 2, codec=codec)
        self.policy = policy_of(self.trail)
        one, two = self.trail.placed
        self.objects = {
            "first batch": (one.batch, one.batch_version, one.batch_bytes),
            "second batch": (two.batch, two.batch_version, two.batch_bytes),
            "first seal": (one.seal, one.seal_version, one.note),
            "second seal": (two.seal, two.seal_version, two.note),
        }
        assert codes(verify(self.trail)) == []

    def data(self, name):
        return self.objects[name][2]

    def judge(self, changes):
        """Verify with these objects changed, and put them back."""
        store = self.trail.store
        for name, data in changes.items():
            store.corrupt(*self.objects[name][:2], data)
        report = verify_archive(store, self.policy, now=store._clock())
        for name in changes:
            store.corrupt(*self.objects[name])
        return report


@pytest.mark.parametrize("bit", range(8))
@pytest.mark.parametrize("name", OBJECTS)
def test_every_bit_counts(name, bit):
    bench = Bench()
    data = bytearray(bench.data(name))
    for position in range(len(data)):
        data[position] ^= 1 << bit
        report = bench.judge({name: bytes(data)})
        assert report.verdict in {"tampered", "unverifiable"}, position
        assert report.verdict == "tampered" or "seal" in name, position
        data[position] ^= 1 << bit


@pytest.mark.parametrize("name", ["first batch", "second batch"])
def test_every_byte_of_a_compressed_batch_counts(name):
    bench = Bench("deflate")
    data = bytearray(bench.data(name))
    for position in range(len(data)):
        data[position] ^= 0x10
        assert bench.judge({name: bytes(data)}).verdict == "tampered", position
        data[position] ^= 0x10


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("name", OBJECTS)
def test_every_length_counts(name, codec):
    bench = Bench(codec)
    data = bench.data(name)
    for length in range(len(data)):
        report = bench.judge({name: data[:length]})
        assert report.verdict == "tampered", length
        assert len(report.all_findings()) == 1, length
        if "batch" in name:
            assert codes(report)[0] in {"ST-BATCH-TRUNCATED", "ST-BATCH-EMPTY", "ST-ENTRY-MISSING"}, length
    assert bench.judge({name: data + b"\n"}).verdict == "tampered"


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_no_two_objects_can_be_exchanged(pair):
    bench = Bench()
    one, two = pair
    report = bench.judge({one: bench.data(two), two: bench.data(one)})
    assert report.verdict == "tampered"


@pytest.mark.parametrize("pair", PAIRS, ids=" over ".join)
def test_no_object_can_stand_in_for_another(pair):
    bench = Bench()
    one, two = pair
    assert bench.judge({two: bench.data(one)}).verdict == "tampered"
    assert bench.judge({one: bench.data(two)}).verdict == "tampered"


texts = st.one_of(st.none(), st.binary(max_size=40), st.just(b"v" * 9_000))
events = st.tuples(
    texts,
    texts,
    st.lists(st.tuples(st.binary(max_size=9), st.one_of(st.none(), st.binary(max_size=70))), max_size=70),
)
batches = st.lists(st.lists(events, min_size=1, max_size=4), min_size=1, max_size=4)


def archive_of(batches_of_events, codec):
    trail = make_trail(1, codec=codec)
    for batch in batches_of_events:
        for value, key, headers in batch:
            trail.event(value, key=key, headers=headers)
        trail.seal()
    return trail


@given(batches, st.sampled_from(["null", "deflate"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_archived_is_intact(batches_of_events, codec):
    assert MAX_HEADERS > 70
    trail = archive_of(batches_of_events, codec)
    report = verify(trail, pinned=[trail.head])
    assert codes(report) == []
    assert report.trails[0].entries_verified == trail.size


@given(batches, st.sampled_from(["null", "deflate"]), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_changed_is_not_intact(batches_of_events, codec, data):
    trail = archive_of(batches_of_events, codec)
    placed = data.draw(st.sampled_from(trail.placed))
    what = data.draw(st.sampled_from(["batch", "seal"]))
    key, version, before = (
        (placed.batch, placed.batch_version, placed.batch_bytes)
        if what == "batch"
        else (placed.seal, placed.seal_version, placed.note)
    )
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, min(len(before), start + 60)))
    after = before[:start] + data.draw(st.binary(max_size=60)) + before[end:]
    trail.store.corrupt(key, version, after)
    verdict = verify(trail).verdict
    assert (verdict == "intact") == (after == before)
