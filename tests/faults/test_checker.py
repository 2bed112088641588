"""The checker, with each fault planted: a judge that can't find any would call every run good."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from faults.checker import Archive, Archived, Head, Wrong, judge, window_s
from faults.records import Ack, Notes, Record, parse_value, read_record, value_of

ORIGIN = "audit.example.com/payments/0"
FOLDER = "payments/0/00000000/"
ROOTS = {ORIGIN: {3: b"three", 5: b"five"}}
HEADS = (
    Head(ORIGIN, FOLDER, 3, b"three", "seals/3"),
    Head(ORIGIN, FOLDER, 5, b"five", "seals/5"),
)


def record(count=4, producer="p"):
    """Acknowledged at the offsets 0, 1, 2, …, at the seconds 100, 101, 102, …"""
    return Record(producer, {number: Ack(0, number, 100.0 + number) for number in range(count)})


def archived(numbers, producer="p"):
    """Entries from 1 on, since 0 is the genesis; each at its number's offset."""
    return tuple(
        Archived(0, sequence, number, value_of(producer, number))
        for sequence, number in enumerate(numbers, start=1)
    )


GOOD = Archive("intact", (), archived(range(4)), 0, HEADS, ROOTS, {0: [(2, 105.0), (4, 110.0)]})


def wrongs(records, archive, **options):
    return {violation.wrong for violation in judge(records, archive, **options)}


def test_a_good_run_is_called_good():
    assert judge([record()], GOOD) == []


def test_an_event_without_an_answer_may_be_there_or_not():
    unsure = Record("p", record().acks | {3: None, 4: None})
    assert judge([unsure], GOOD) == []


def test_lost():
    assert wrongs([record(5)], GOOD) == {Wrong.LOST}


def test_lost_since_only_represented():
    assert wrongs([record()], replace(GOOD, rejected=1)) == {Wrong.LOST}


def test_repeated():
    events = (*archived(range(4)), Archived(0, 5, 4, value_of("p", 3)))
    assert Wrong.REPEATED in wrongs([record()], replace(GOOD, events=events))


def test_repeated_across_partitions():
    events = (*archived(range(4)), Archived(1, 1, 0, value_of("p", 3)))
    archive = replace(GOOD, events=events)
    assert Wrong.REPEATED in wrongs([record()], archive)


def test_invented():
    for value in (value_of("p", 17), value_of("q", 1), b"anything", b"{}", b"[1]"):
        events = (*archived(range(4)), Archived(0, 5, 4, value))
        assert wrongs([record()], replace(GOOD, events=events)) == {Wrong.INVENTED}


def test_reordered_by_the_producer_s_numbers():
    unsure = Record("p", dict.fromkeys(range(4)))  # so that no acknowledgement says where they lie
    events = tuple(
        Archived(0, sequence, sequence, value_of("p", number))
        for sequence, number in enumerate([0, 2, 1, 3], start=1)
    )
    assert wrongs([unsure], replace(GOOD, events=events)) == {Wrong.REORDERED}


def test_reordered_by_the_acknowledged_offset():
    acks = record().acks | {1: Ack(0, 9, 101.0)}
    assert wrongs([Record("p", acks)], GOOD) == {Wrong.REORDERED}


def test_in_another_partition_than_acknowledged():
    acks = record().acks | {1: Ack(1, 1, 101.0)}
    assert wrongs([Record("p", acks)], GOOD) == {Wrong.REORDERED}


def test_reordered_by_source_offset():
    events = (*archived(range(4)), Archived(0, 5, 0, value_of("q", 0)))
    records = [record(), Record("q", {0: None})]
    assert wrongs(records, replace(GOOD, events=events)) == {Wrong.REORDERED}


def test_forked_by_a_head_of_another_history():
    """Also one that nobody reads: an older version, or one under another name."""
    heads = (*HEADS, Head(ORIGIN, FOLDER, 3, b"other", "seals/3, an older version"))
    assert wrongs([record()], replace(GOOD, heads=heads)) == {Wrong.FORKED}


def test_forked_by_a_head_beyond_the_trail():
    heads = (*HEADS, Head(ORIGIN, FOLDER, 9, b"nine", "seals/9"))
    assert wrongs([record()], replace(GOOD, heads=heads)) == {Wrong.FORKED}


def test_forked_into_two_trails():
    heads = (*HEADS, Head(ORIGIN, "payments/0/11111111/", 3, b"three", "seals/3"))
    assert wrongs([record()], replace(GOOD, heads=heads)) == {Wrong.FORKED}


@pytest.mark.parametrize(("verdict", "findings"), [("tampered", ()), ("intact", ("ST-LOCK-WEAK x",))])
def test_false_alarm(verdict, findings):
    archive = replace(GOOD, verdict=verdict, findings=findings)
    assert wrongs([record()], archive) == {Wrong.FALSE_ALARM}


def test_an_alarm_with_a_reason_is_none():
    archive = replace(GOOD, verdict="unprotected", findings=("ST-OBJECT-MARKER x",))
    assert judge([record()], archive, findings_expected=frozenset({"ST-OBJECT-MARKER"})) == []
    expected = frozenset({"ST-OBJECT-SQUATTED"})
    assert wrongs([record()], archive, findings_expected=expected) == {Wrong.FALSE_ALARM, Wrong.UNNOTICED}


def test_unnoticed():
    assert wrongs([record()], GOOD, findings_expected=frozenset({"ST-OBJECT-MARKER"})) == {Wrong.UNNOTICED}


def test_the_window_is_from_acknowledgement_to_seal():
    assert window_s([record()], GOOD) == [5.0, 4.0, 8.0, 7.0]


def test_what_producers_note_is_read_again(tmp_path):
    file = tmp_path / "p.jsonl"
    notes = Notes(file)
    notes.sending(0)
    notes.acknowledged(0, 2, 17)
    notes.sending(1)
    notes.failed(1, "away")
    notes.sending(2)
    notes.close()
    with file.open("a") as torn:
        torn.write(json.dumps({"at": 1.0, "n": 2, "partition": 0, "offset": 1})[:-3])  # killed while it wrote
    found = read_record(file)
    assert found.producer == "p"
    assert (found.acks[0].partition, found.acks[0].offset) == (2, 17)
    assert list(found.acks) == [0, 1, 2]
    assert found.acks[1] is found.acks[2] is None
    assert found.acknowledged == 1


def test_values_say_who_published_them():
    assert parse_value(value_of("p", 7, padding=5)) == ("p", 7)
    assert len(value_of("p", 7, padding=5)) == len(value_of("p", 7)) + 5
