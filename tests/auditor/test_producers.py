"""Producers' numbers: what is missing, void or there twice, told apart from what was done to the archive."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.builders import NOW, codes, make_trail, policy_of, verify
from sealtrail_auditor import numbering, saved_stamps, stamps
from sealtrail_auditor.numbering import MAX_RUNS, Numbering, count, subtract
from sealtrail_auditor.sample import Sampling
from sealtrail_auditor.saved_stamps import parse_stamps, stamps_json
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.stamps import STAMP_KEYS, StampCounts, StampReader
from sealtrail_auditor.trail_result import TrailResult
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.visit import Visit
from sealtrail_schemas.canonical_json import Members, dumps_canonical
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.producer_stamp import (
    MAX_NUMBER,
    STAMP_HEADER,
    VOID_HEADER,
    Numbers,
    Stamp,
    runs_of,
    stamp_headers,
    union,
)
from sealtrail_schemas.trail_keys import TrailKeys

pytestmark = pytest.mark.claim("C19")

A, B = "a" * 16, "b" * 16


def publish(trail, *numbers, producer="p", incarnation=A, void=(), before=()):
    for number in numbers:
        trail.event(headers=(*before, *stamp_headers(Stamp(producer, incarnation, number), void)))


def trail_of(*numbers, **stamp):
    trail = make_trail()
    publish(trail, *numbers, **stamp)
    trail.seal()
    return trail


def told(report, place=0):
    """What is told of each incarnation: producer, incarnation, events, missing, repeated, void."""
    producers = report.trails[place].producers
    return producers and [
        (each.producer, each.incarnation, each.events, each.missing, each.repeated, each.void)
        for each in producers.producers
    ]


def missing_runs(report):
    return [tuple(run) for each in report.trails[0].producers.producers for run in each.missing_runs]


def test_nothing_is_told_where_no_event_has_a_stamp():
    report = verify(make_trail(5))
    assert report.trails[0].producers is None
    assert report.to_json()["trails"][0]["producers"] is None
    assert not any("producer" in line for line in report.trails[0].not_checked)


def test_whole_numbers_are_told_as_such():
    report = verify(trail_of(*range(10)), complete_producers=True)
    assert report.verdict is Verdict.INTACT
    assert told(report) == [("p", A, 10, 0, 0, 0)]
    assert report.trails[0].producers.from_start
    assert any("behind the highest number" in line for line in report.trails[0].not_checked)


def test_what_is_missing_or_repeated_does_not_change_the_verdict():
    report = verify(trail_of(0, 1, 3, 3, 6))
    assert (report.verdict, codes(report)) == (Verdict.INTACT, [])
    assert told(report) == [("p", A, 5, 3, 1, 0)]
    assert missing_runs(report) == [(2, 2), (4, 5)]


def test_unless_it_is_asked_to():
    report = verify(trail_of(0, 1, 3, 3, 6), complete_producers=True)
    assert (report.verdict, codes(report)) == (
        Verdict.INCOMPLETE,
        ["ST-PRODUCER-MISSING", "ST-PRODUCER-REPEATED"],
    )
    missing, repeated = report.all_findings()
    assert missing.expected == f"each number of producer p, incarnation {A}, up to 6 once"
    assert (missing.found, repeated.found) == (
        "3 missing: 2, 4-5",
        "1 event(s) with a number that another has",
    )


def test_a_missing_beginning_shows():
    report = verify(trail_of(2, 3))
    assert missing_runs(report) == [(0, 1)]


def test_void_numbers_are_not_missing():
    trail = make_trail()
    publish(trail, 0, 1)
    publish(trail, 6, void=[Numbers(2, 3), Numbers(5, 5)])
    trail.seal()
    report = verify(trail)
    assert told(report) == [("p", A, 3, 1, 0, 3)]
    assert missing_runs(report) == [(4, 4)]


@pytest.mark.parametrize("batches", [1, 2])
def test_a_void_number_that_is_there_was_delivered_after_all(batches):
    for first, second in (((1, ()), (2, [Numbers(1, 1)])), ((2, [Numbers(1, 1)]), (1, ()))):
        trail = make_trail()
        publish(trail, 0)
        publish(trail, first[0], void=first[1])
        if batches == 2:
            trail.seal()
        publish(trail, second[0], void=second[1])
        trail.seal()
        assert told(verify(trail)) == [("p", A, 3, 0, 0, 0)]


def test_incarnations_partitions_and_producers_are_told_apart():
    first = make_trail()
    second = make_trail(store=first.store, origin="audit.example.com/payments/1", seed=b"\x05" * 32)
    publish(first, 0, 1)
    publish(first, 0, incarnation=B)
    publish(first, 0, producer="q")
    publish(first, 2)
    publish(second, 1)
    for trail in (first, second):
        trail.seal()
    report = verify(first, second)
    assert told(report) == [("p", A, 3, 0, 0, 0), ("p", B, 1, 0, 0, 0), ("q", A, 1, 0, 0, 0)]
    assert told(report, 1) == [("p", A, 1, 1, 0, 0)]


def test_numbers_go_on_over_batches_and_out_of_order():
    trail = make_trail()
    for numbers in ([0, 1], [4, 5], [2], [3, 6]):
        publish(trail, *numbers)
        trail.seal()
    assert told(verify(trail)) == [("p", A, 7, 0, 0, 0)]


def test_a_repetition_in_another_batch_shows():
    trail = make_trail()
    for numbers in ([0, 1, 2], [3, 1], [1, 4]):
        publish(trail, *numbers)
        trail.seal()
    assert told(verify(trail)) == [("p", A, 7, 0, 2, 0)]


def test_only_a_last_stamp_counts():
    trail = make_trail()
    publish(trail, 0, before=stamp_headers(Stamp("old", B, 17)))
    trail.event(headers=(*stamp_headers(Stamp("replayed", B, 5)), (b"sealtrail.replay", b"x")))
    trail.event(headers=((STAMP_HEADER, b"in the key"), (b"h", STAMP_KEYS[0])))
    trail.event(value=STAMP_KEYS[0] * 3)
    trail.seal()
    assert told(verify(trail)) == [("p", A, 1, 0, 0, 0)]


def test_stamps_that_are_none_are_counted_and_harm_nothing():
    trail = trail_of(0)
    for value in (b"", None, b"\xff" * 300, b"p " + b"a" * 16 + b" 99999999999999999999", b"p q r"):
        trail.event(headers=((STAMP_HEADER, value),))
    trail.event(headers=((STAMP_HEADER, b"p %s 1" % A.encode()), (VOID_HEADER, b"5-1")))
    trail.event(headers=((VOID_HEADER, b"5"),))
    trail.seal()
    report = verify(trail, complete_producers=True)
    assert report.verdict is Verdict.INTACT
    assert told(report) == [("p", A, 1, 0, 0, 0)]
    assert report.trails[0].producers.unreadable == 6
    assert any(
        "6 event(s) carry a producer's stamp that can't be read" in s for s in report.trails[0].not_checked
    )


def test_huge_numbers_are_no_trouble():
    report = verify(trail_of(0, MAX_NUMBER, 7, MAX_NUMBER))
    assert told(report) == [("p", A, 4, MAX_NUMBER - 2, 1, 0)]
    report = verify(trail_of(5, void=[Numbers(0, MAX_NUMBER)]))
    assert told(report)[0][3] == 0


def test_large_events_are_read_as_well():
    trail = make_trail()
    for number in range(3):
        headers = stamp_headers(Stamp("n" * 128, A, number))
        trail.event(value=bytes(20_000 * number), headers=((b"h", bytes(9_000)), *headers))
    trail.seal()
    assert told(verify(trail)) == [("n" * 128, A, 3, 0, 0, 0)]


# Less than the whole


def batches(*runs):
    trail = make_trail()
    for numbers in runs:
        publish(trail, *numbers)
        trail.seal()
    return trail


def test_of_a_part_only_what_lies_between_is_missing():
    trail = batches(range(3), [3, 4, 6], range(7, 9))
    report = verify(trail, scope=Scope(first=4, last=8))
    assert missing_runs(report) == [(5, 5)]
    assert not report.trails[0].producers.from_start
    assert any("before the first entry that was read" in line for line in report.trails[0].not_checked)


def test_of_a_sample_nothing_is_a_finding():
    trail = batches(*([number] for number in range(30)))
    report = verify(trail, scope=Scope(sampling=Sampling(count=5, seed="00" * 8)), complete_producers=True)
    assert report.verdict is Verdict.INTACT
    assert any("may be those of entries that were not read" in line for line in report.trails[0].not_checked)


def test_behind_a_lost_batch_nothing_is_called_missing_that_may_lie_in_it():
    trail = batches(range(3), range(3, 6), range(6, 9))
    trail.store.erase(trail.placed[1].batch)
    report = verify(trail, complete_producers=True)
    assert codes(report) == ["ST-BATCH-MISSING"]
    assert any("may be those of entries that were not read" in line for line in report.trails[0].not_checked)


def test_nothing_is_counted_of_a_damaged_batch():
    trail = batches(range(3))
    placed = trail.placed[0]
    trail.store.corrupt(placed.batch, placed.batch_version, placed.batch_bytes[:-9])
    assert told(verify(trail)) is None


def test_a_result_that_was_put_aside_does_not_change():
    trail = make_trail()
    result = TrailResult.new(trail.folder, TrailKeys.only(trail.signer.verifier))
    result.stamps = counts_of([(("p", A), 0, set())])
    copy = result.copy()
    copy.stamps.add(counts_of([(("p", A), 1, set())]))
    assert result.stamps == counts_of([(("p", A), 0, set())])


def test_what_has_expired_is_not_missed():
    trail = make_trail(until=NOW + timedelta(days=1))
    publish(trail, 0, 1)
    first = trail.seal()
    trail.until = NOW + timedelta(days=9)
    publish(trail, 2, 4)
    trail.seal()
    trail.store._clock.now = NOW + timedelta(days=2)
    for key in (first.batch, first.seal):
        trail.store.erase(key)
    report = verify(trail, complete_producers=True)
    assert codes(report) == ["ST-PRODUCER-MISSING"]
    assert missing_runs(report) == [(3, 3)]


# Visits


def visit(trail, state, **options):
    visit = Visit() if state is None else Visit.parse(state, policy_of(trail))
    report = verify(trail, visit=visit, **options)
    return report, visit.to_bytes()


def test_visits_say_together_what_one_verification_says():
    trail, state = make_trail(), None
    for numbers in ([0, 1, 2], [4, 5], [5, 8]):
        publish(trail, *numbers)
        publish(trail, *numbers, producer="q")
        trail.seal()
        report, state = visit(trail, state)
        whole = verify(trail)
        assert report.trails[0].producers == whole.trails[0].producers
    assert told(report) == [("p", A, 7, 3, 1, 0), ("q", A, 7, 3, 1, 0)]


def test_a_visit_without_news_tells_it_again():
    trail = trail_of(0, 2)
    _, state = visit(trail, None)
    assert told(visit(trail, state)[0]) == [("p", A, 2, 1, 0, 0)]


def test_a_state_of_a_version_that_did_not_count_is_gone_on_from():
    trail = trail_of(0, 1)
    _, state = visit(trail, None)
    members = json.loads(state)
    (saved,) = members["trails"].values()
    del saved["result"]["stamps"], saved["result"]["stamps_from"]
    publish(trail, 2, 4)
    trail.seal()
    report, _ = visit(trail, dumps_canonical(members))
    assert missing_runs(report) == [(3, 3)]
    assert not report.trails[0].producers.from_start


def test_a_state_moves_not_on_where_something_is_missing_and_that_matters():
    trail = trail_of(0, 2)
    first, state = visit(trail, None, complete_producers=True)
    again, _ = visit(trail, state, complete_producers=True)
    assert codes(first) == codes(again) == ["ST-PRODUCER-MISSING"]


incarnations = st.tuples(st.sampled_from("pqr"), st.sampled_from([A, B]))
numbers = st.integers(0, 60)
readings = st.lists(st.tuples(incarnations, numbers, st.sets(numbers, max_size=3)), max_size=60)


def counts_of(readings):
    reader = StampReader()
    for (producer, incarnation), number, void in readings:
        headers = stamp_headers(Stamp(producer, incarnation, number), runs_of(sorted(void)))
        payload = encode_payload(bytes(16), None, headers, b"v")
        reader.read(payload, payload.index(STAMP_KEYS[0] if not void else STAMP_KEYS[1]))
    return reader.counts()


@given(readings, st.lists(st.integers(0, 60), max_size=4))
def test_the_count_is_that_of_all_numbers_however_they_are_cut_into_batches(readings, cuts):
    counts = StampCounts()
    edges = [0, *sorted(cuts), len(readings)]
    for first, last in pairwise(edges):
        counts.add(counts_of(readings[first:last]))
    expected = {}
    for incarnation, number, void in readings:
        one = expected.setdefault(incarnation, SimpleNamespace(met=[], void=set()))
        one.met.append(number)
        one.void |= void
    assert counts.numberings.keys() == expected.keys()
    for incarnation, one in expected.items():
        found, met = counts.numberings[incarnation], set(one.met)
        assert (found.events, found.highest) == (len(one.met), max(met))
        assert found.repeated == len(one.met) - len(met)
        assert count(found.void) == len(one.void - met)
        assert found.missing(from_start=True) == len(set(range(max(met))) - met - one.void)
    assert parse_stamps(Members({"s": stamps_json(counts)}).take_object_or_null("s")) == counts


@given(st.sets(numbers), st.sets(numbers))
def test_runs_are_sets(first, second):
    one, other = runs_of(sorted(first)), runs_of(sorted(second))
    assert union(one, other) == runs_of(sorted(first | second))
    assert subtract(one, other) == runs_of(sorted(first - second))
    assert count(one) == len(first)


# Bounds


def test_more_gaps_than_are_told_apart_are_counted():
    report = verify(trail_of(*range(0, 2_000, 2)))
    ((_, _, events, missing, repeated, _),) = told(report)
    assert (events, missing, repeated) == (1_000, 999, 0)
    assert len(missing_runs(report)) < MAX_RUNS


def test_more_incarnations_than_are_told_apart_are_summed_up(monkeypatch):
    monkeypatch.setattr(stamps, "MAX_INCARNATIONS", 8)
    trail = make_trail()
    for life in range(20):
        publish(trail, 0, 2, incarnation=f"{life:016x}")
        trail.seal()
    publish(trail, 3, incarnation=f"{19:016x}")
    trail.seal()
    report = verify(trail)
    assert told(report)[0] == ("p", None, 24, 12, 0, 0)
    assert told(report)[1:] == [("p", f"{life:016x}", 2 + (life == 19), 1, 0, 0) for life in range(12, 20)]
    assert any("only sums are told" in line for line in report.trails[0].not_checked)


def test_an_incarnation_that_goes_on_is_not_summed_up(monkeypatch):
    monkeypatch.setattr(stamps, "MAX_INCARNATIONS", 4)
    counts = StampCounts()
    for life in range(20):
        counts.add(counts_of([(("lasting", A), life, set()), ((f"p{life}", A), 0, set())]))
    assert counts.numberings["lasting", A].events == 20


def test_millions_of_producers_take_no_more_room(monkeypatch):
    monkeypatch.setattr(stamps, "MAX_INCARNATIONS", 50)
    assert len(counts_of([((f"p{number}", A), 0, set()) for number in range(200)]).numberings) == 50
    chance = random.Random(1)
    counts = StampCounts()
    for _ in range(20):
        readings = [((f"{chance.random()}", A), chance.randrange(2**62), set()) for _ in range(200)]
        counts.add(counts_of(readings))
    assert (len(counts.numberings), len(counts.retired)) == (50, 50)
    assert counts.left_out == 20 * 200 - 100


def test_what_is_saved_is_bounded(monkeypatch):
    monkeypatch.setattr(saved_stamps, "MAX_SAVED_CHARACTERS", 500)
    counts = counts_of([((f"p{number:02}", A), 0, set()) for number in range(40)])
    saved = parse_stamps(Members({"s": stamps_json(counts)}).take_object_or_null("s"))
    assert 0 < len(saved.numberings) < 40
    assert len(saved.numberings) + len(saved.retired) == 40
    assert list(saved.numberings) == list(counts.numberings)[-len(saved.numberings) :]


@pytest.mark.parametrize(
    "line",
    ["", "p", f"p {A} 1 1 0 0 0", f"p {A} 1 x 0 0 0-1 -", f"p {A} 1 1 0 0 1-0 -", f"p {A} 1 1 0 0 - - -", 7],
)
def test_what_is_no_count_is_refused(line):
    text = {"incarnations": [line], "retired": [], "unreadable": "0", "left_out": "0"}
    with pytest.raises(FormatError):
        parse_stamps(Members({"s": text}).take_object("s"))


def test_a_numbering_stays_small():
    total = Numbering()
    for number in range(0, 100_000, 3):
        total = total.joined(Numbering(1, number, (Numbers(number, number),)))
    assert len(total.covered) <= numbering.MAX_RUNS
    assert total.missing(from_start=True) == 66_666
