"""Verification by sample: what is read, and what that is worth."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.builders import codes, make_trail, verify
from auditor.counting import CountingStore
from sealtrail_auditor.errors import ScopeError
from sealtrail_auditor.sample import Sampling, detection, draw
from sealtrail_auditor.scope import Scope


def sampled(trail, seed="seed", **how):
    return verify(trail, scope=Scope(sampling=Sampling(seed, **how)))


@given(st.integers(1, 60), st.data())
def test_the_probability_is_the_hypergeometric_one(population, data):
    drawn = data.draw(st.integers(0, population))
    damaged = data.draw(st.integers(0, population))
    expected = 1 - Fraction(comb(population - damaged, drawn), comb(population, drawn))
    assert detection(population, drawn, damaged) == pytest.approx(float(expected), abs=1e-12)


def test_the_probability_is_what_is_met():
    """Of all ways to damage two of six batches, so many are met by this sample."""
    drawn = draw(Sampling("seed", count=2), 6, map(str, range(6))).seals
    met = [pair for pair in combinations(map(str, range(6)), 2) if drawn & set(pair)]
    assert len(met) / comb(6, 2) == pytest.approx(detection(6, 2, 2))


def test_every_batch_is_drawn_as_often_as_any_other():
    keys = [str(number) for number in range(10)]
    counts = dict.fromkeys(keys, 0)
    for seed in range(2_000):
        for key in draw(Sampling(str(seed), count=3), 10, keys).seals:
            counts[key] += 1
    assert all(500 < count < 700 for count in counts.values())


@pytest.mark.parametrize(("share", "drawn"), [("1/100", 1), ("1/10", 2), ("1/2", 8), ("1", 15)])
def test_a_share_is_rounded_up(share, drawn):
    report = sampled(make_trail(*[2] * 16), share=Fraction(share))
    assert len(report.sample.seals) == drawn
    assert report.sample.population == 15
    assert report.trails[0].batches_verified == drawn + 1


def test_the_seed_says_which_batches_are_read():
    trail = make_trail(*[2] * 30)

    def read(seed):
        trail.store = CountingStore(trail.store)
        sampled(trail, seed, count=5)
        return {key for key in trail.store.opened if "/batches/" in key}

    assert read("a") == read("a")
    assert len(read("a")) == 6
    assert read("a") != read("b")
    assert trail.placed[0].batch in read("a") & read("b")


def test_more_than_there_are_is_all():
    trail = make_trail(*[2] * 5)
    report = sampled(trail, count=50)
    assert report.sample.meets(1) == 1
    assert report.trails[0].batches_verified == 5


def test_of_what_is_not_read_seals_and_listings_are_checked():
    trail = make_trail(*[2] * 9)
    seed = next(
        seed
        for seed in map(str, range(100))
        if not sampled(trail, seed, count=1).sample.seals & {placed.seal for placed in trail.placed[2:6]}
    )
    unread = trail.placed[2]
    trail.store.corrupt(unread.batch, unread.batch_version, b"x" * unread.text.batch.length)
    assert codes(sampled(trail, seed, count=1)) == []
    trail.store.corrupt(trail.placed[3].batch, trail.placed[3].batch_version, b"of another length")
    trail.store.erase(trail.placed[4].batch)
    trail.store.corrupt(trail.placed[5].seal, trail.placed[5].seal_version, b"")
    assert sorted(codes(sampled(trail, seed, count=1))) == [
        "ST-BATCH-DAMAGED",
        "ST-BATCH-MISSING",
        "ST-SEAL-EMPTY",
    ]


def test_a_head_within_a_batch_makes_it_read():
    trail = make_trail(*[4] * 9)
    bad = trail.checkpoint_at(18, root=bytes(32))
    report = verify(trail, pinned=[bad], scope=Scope(sampling=Sampling("seed", count=1)))
    assert codes(report) == ["ST-HEAD-ROOT"]


def test_a_sample_of_a_part():
    trail = make_trail(*[2] * 30)
    scope = Scope(first=20, last=39, sampling=Sampling("seed", count=3))
    report = verify(trail, scope=scope)
    assert report.sample.population == 10
    assert report.trails[0].batches_verified == 3


@pytest.mark.parametrize(
    "how",
    [{}, {"count": 0}, {"share": Fraction(0)}, {"share": Fraction(2)}, {"count": 1, "share": Fraction(1)}],
)
def test_what_is_no_sample_is_refused(how):
    with pytest.raises(ScopeError):
        Sampling("seed", **how)
