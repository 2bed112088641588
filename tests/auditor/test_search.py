"""Searching views and batches: both give the same, and no view is believed further than it can be."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.builders import NOW, make_batch, make_trail, new_store, policy_of
from auditor.viewed import START, STEP, cloudtrail, fill, put_view, put_views, rows_of, search, view_bytes
from sealtrail_auditor.findings import Span
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_auditor.reading import TimeRange, find_trails
from sealtrail_auditor.search import Search
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.layout import seal_key
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.recognise_json import parse_mapping
from sealtrail_schemas.view import header_of
from sealtrail_transport.errors import StoreUnavailableError

ALICE = Query(patterns={"actor": (TextPattern("*/alice"),)})


def at(number: int) -> int:
    return int((START + number * STEP).timestamp() * 1000)


@pytest.fixture
def trail():
    """Three batches: genesis and two events, 4 and 5 events."""
    trail = fill(make_trail(1), 6, 5)
    put_views(trail)
    return trail


def sequences(hits) -> list[int]:
    return [hit.sequence for hit in hits]


def spans(found) -> list[tuple[int, int]]:
    return [tuple(span) for span in found]


QUERIES = [
    Query(),
    ALICE,
    Query(patterns={"actor": (TextPattern("*/alice"), TextPattern("*/bob"))}),
    Query(patterns={"action": (TextPattern("iam:*"),), "actor": (TextPattern("*/carol"),)}),
    Query(patterns={"outcome": (TextPattern("denied"),)}),
    Query(time=TimeRange(at(3), at(7))),
    Query(time=TimeRange(at(30), None)),
    Query(span=Span(2, 8)),
    Query(span=Span(100, 200)),
    Query(text=("user/BOB",)),
    Query(where={("userIdentity", "type"): ("IAMUser",), ("eventName",): ("PutObject", "CreateUser")}),
    Query(where={("eventName",): ("PutObject",)}, span=Span(6, 11)),
]


@pytest.mark.parametrize("query", QUERIES)
def test_views_proofs_and_batches_agree(trail, query):
    from_views, hits = search(trail, query)
    _, proven = search(trail, query, prove=True)
    in_full, verified = search(trail, query, full=True)
    assert [hit.row for hit in hits] == [hit.row for hit in proven] == [hit.row for hit in verified]
    assert not any(hit.verified for hit in hits)
    assert all(hit.verified for hit in verified)
    assert all(hit.proof.verdict is Verdict.INTACT and hit.proof.entry_hash for hit in proven)
    assert from_views.searched.is_whole
    assert in_full.findings.verdict is Verdict.INTACT


def test_alternatives_are_found(trail):
    _, hits = search(trail, QUERIES[2])
    assert {hit.row["actor"].rpartition("/")[2] for hit in hits} == {"alice", "bob"}
    assert len(hits) == 7


def test_only_batches_of_the_time_when_they_were_chained_are_looked_at(trail):
    begin = trail.leaves[0].chained_at_ms
    run, hits = search(trail, Query(chained=TimeRange(trail.placed[2].text.time.first_ms, None)))
    assert (sequences(hits), run.searched.batches) == ([7, 8, 9, 10, 11], 1)
    _, hits = search(trail, Query(chained=TimeRange(None, begin)))
    assert hits == []


def test_a_missing_view_is_said(trail):
    trail.store.erase(put_view(trail, 1))
    run, hits = search(trail, Query())
    assert sequences(hits) == [0, 7, 8, 9, 10, 11]
    assert spans(run.searched.without_view) == [(1, 6)]
    assert not run.searched.is_whole


def test_views_may_lie_elsewhere(trail):
    elsewhere = new_store()
    put_view(trail, 2, store=elsewhere)
    run, hits = search(trail, Query(), views=elsewhere)
    assert (sequences(hits), run.searched.views) == ([7, 8, 9, 10, 11], 1)


def other_batch(trail):
    return replace(header_of(trail.opened(1)), batch_sha256=bytes(32))


def other_trail(trail):
    return replace(header_of(trail.opened(1)), trail_id=bytes(32))


def other_origin(trail):
    return replace(header_of(trail.opened(1)), origin="audit.example.com/payments/1")


def other_span(trail):
    return replace(header_of(trail.opened(1)), first=2, last=7)


@pytest.mark.claim("C10")
@pytest.mark.parametrize("header", [other_batch, other_trail, other_origin, other_span])
@pytest.mark.parametrize("prove", [False, True])
def test_a_view_that_does_not_name_the_sealed_batch_is_not_believed(trail, header, prove):
    key = put_view(trail, 1, header=header(trail))
    run, hits = search(trail, Query(), prove=prove)
    assert sequences(hits) == [0, 7, 8, 9, 10, 11]
    (distrusted,) = run.searched.distrusted
    assert (distrusted.key, distrusted.span) == (key, Span(1, 6))
    assert "not of the batch that is sealed" in distrusted.reason


def hide(rows):
    return rows[:-1]


def repeat(rows):
    return [*rows[:-1], rows[-2]]


def swap(rows):
    return [rows[1], rows[0], *rows[2:]]


@pytest.mark.parametrize("doctored", [hide, repeat, swap])
def test_a_view_with_other_rows_than_entries_is_not_believed(trail, doctored):
    put_view(trail, 1, rows=doctored(rows_of(trail.entries_of[1])))
    run, hits = search(trail, Query())
    assert sequences(hits) == [0, 7, 8, 9, 10, 11]
    assert run.searched.distrusted_count == 1


def doctor(trail, **changes):
    """A view of the right batch, in which the first entry of alice's says something else."""
    rows = rows_of(trail.entries_of[1])
    place = next(number for number, row in enumerate(rows) if (row.actor or "").endswith("/alice"))
    rows[place] = rows[place]._replace(**changes)
    put_view(trail, 1, rows=rows)
    return rows[place].sequence


@pytest.mark.claim("C10")
def test_a_doctored_hit_is_not_borne_out(trail):
    sequence = doctor(trail, action="s3:DeleteBucket")
    run, hits = search(trail, ALICE, prove=True)
    (bad,) = [hit for hit in hits if hit.proof.verdict is not Verdict.INTACT]
    assert (bad.sequence, bad.proof.verdict) == (sequence, Verdict.TAMPERED)
    assert bad.proof.reason == "the sealed entry differs in action"
    assert (run.unproven, run.verdict, run.findings.verdict) == (1, Verdict.TAMPERED, Verdict.INTACT)


def test_a_hit_has_to_fit_by_what_is_not_shown_too(trail):
    doctor(trail, outcome="denied")
    query = Query(patterns={"outcome": (TextPattern("denied"),)})
    run, (hit,) = search(trail, query, columns=("actor",), prove=True)
    assert hit.proof.reason == "the sealed entry is not what was asked for"
    assert run.verdict is Verdict.TAMPERED


def test_what_a_view_hides_is_found_in_the_batch_only(trail):
    sequence = doctor(trail, actor="arn:aws:iam::123456789012:user/nobody")
    assert sequence not in sequences(search(trail, ALICE)[1])
    assert sequence in sequences(search(trail, ALICE, full=True)[1])


def test_a_damaged_batch_leaves_the_rest_searchable(trail):
    placed = trail.placed[1]
    trail.store.corrupt(
        placed.batch, placed.batch_version, make_batch(trail.origin, trail.entries_of[1][:-1])
    )
    full, hits = search(trail, ALICE, full=True)
    assert sequences(hits) == [9]
    assert spans(full.searched.damaged) == [(1, 6)]
    assert full.findings.verdict is Verdict.TAMPERED
    views, hits = search(trail, ALICE)
    assert (sequences(hits), views.findings.verdict) == ([3, 6, 9], Verdict.INTACT)  # no batch was read
    proving, hits = search(trail, ALICE, prove=True)
    assert [hit.proof.verdict for hit in hits] == [Verdict.INCOMPLETE, Verdict.INCOMPLETE, Verdict.INTACT]
    assert proving.findings.verdict is Verdict.TAMPERED
    assert (proving.unproven, proving.searched.is_whole) == (2, False)


def test_expired_batches_are_no_damage(trail):
    later = NOW + timedelta(days=400)
    for placed in trail.placed[:2]:
        trail.store.erase(placed.batch)
    put_view(trail, 0)
    for run, hits in [search(trail, Query(), now=later, full=True)]:
        assert (sequences(hits), spans(run.searched.expired)) == ([7, 8, 9, 10, 11], [(0, 6)])
        assert run.findings.verdict is Verdict.INTACT
    run, hits = search(trail, ALICE, now=later, prove=True)
    assert {hit.proof.reason for hit in hits[:2]} == {"its batch is gone: its retention has passed"}


def test_expired_seals_are_no_damage(trail):
    for placed in trail.placed[:2]:
        trail.store.erase(placed.seal)
        trail.store.erase(placed.batch)
    run, hits = search(trail, Query(), now=NOW + timedelta(days=400))
    assert (sequences(hits), spans(run.searched.expired)) == ([7, 8, 9, 10, 11], [(0, 6)])


def test_a_missing_seal_is_damage(trail):
    trail.store.erase(trail.placed[1].seal)
    for settings in ({}, {"full": True}):
        run, hits = search(trail, Query(), **settings)
        assert sequences(hits) == [0, 7, 8, 9, 10, 11]
        assert spans(run.searched.damaged) == [(1, 6)]
        assert run.findings.verdict is not Verdict.INTACT


MAPPING = parse_mapping("ours", {"actor": "eventName"})


def test_views_made_with_other_mappings_are_searched_and_said_but_prove_nothing(trail):
    put_view(trail, 1, recognisers=(MAPPING, *DEFAULT))
    run, hits = search(trail, Query(patterns={"actor": (TextPattern("PutObject"),)}))
    assert (sequences(hits), spans(run.searched.other_recognisers)) == ([1, 5], [(1, 6)])
    run, hits = search(trail, Query(), prove=True)
    assert (sequences(hits), run.searched.distrusted_count) == ([0, 7, 8, 9, 10, 11], 1)
    run, hits = search(trail, Query(span=Span(1, 6)), prove=True, recognisers=(MAPPING, *DEFAULT))
    assert (len(hits), run.unproven) == (6, 0)


def cut(data):
    return data[:-1]


def not_parquet(_data):
    return b"no Parquet" * 100


def empty(_data):
    return b""


def long_footer(data):
    return data[:-8] + (2**31).to_bytes(4, "little") + b"PAR1"


def no_footer(data):
    return data[:-8] + bytes(4) + b"PAR1"


@pytest.mark.parametrize("damage", [cut, not_parquet, empty, long_footer, no_footer])
def test_what_is_no_view_is_passed_over(trail, damage):
    key = put_view(trail, 1)
    trail.store.put_view(key, damage(view_bytes(header_of(trail.opened(1)), rows_of(trail.entries_of[1]))))
    run, hits = search(trail, Query())
    assert (sequences(hits), run.searched.distrusted_count) == ([0, 7, 8, 9, 10, 11], 1)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_in_a_view_end_nothing(trail, seed):
    key = put_view(trail, 1)
    data = bytearray(view_bytes(header_of(trail.opened(1)), rows_of(trail.entries_of[1])))
    for step in range(1, 9):
        data[(seed * 7_919 + step * 104_729) % len(data)] ^= 1 << seed % 8
    trail.store.put_view(key, bytes(data))
    run, hits = search(trail, Query(), prove=True)
    good = [hit.sequence for hit in hits if hit.proof.verdict is Verdict.INTACT]
    assert {0, 7, 8, 9, 10, 11} <= set(good)
    assert run.searched.batches == 3


def test_a_store_that_is_away_is_no_fault_of_the_view(trail):
    def fault(operation, _key, phase):
        if (operation, phase) == ("read_range", "before") and fault.calls_left == 0:
            raise StoreUnavailableError("the line is cut")
        fault.calls_left -= operation == "read_range" and phase == "before"

    for calls in range(4):  # the footers and the columns of several views
        fault.calls_left = calls
        trail.store.fault = fault
        with pytest.raises(StoreUnavailableError, match="the line is cut"):
            search(trail, Query())
        trail.store.fault = None


def test_only_the_columns_that_are_needed_are_read():
    trail = make_trail(1)
    for number in range(1_000):
        unlike = {"key": sha256(b"%d" % number).hexdigest()}
        trail.event(cloudtrail("alice", "s3:GetObject", START, requestParameters=unlike))
    trail.seal()
    put_views(trail)
    (_, line) = trail.store.versions("views/")
    size = line.size
    read = partial(bytes_read, trail)
    small = read(Query(), columns=("actor", "time"))
    assert read(Query(), columns=()) < small
    assert read(Query(text=("12",)), columns=()) - small > size / 2  # the value is most of a view


def bytes_read(trail, query, **settings) -> int:
    counted = []
    plain = trail.store.read_range

    def counting(*arguments, **named):
        data = plain(*arguments, **named)
        counted.append(len(data))
        return data

    trail.store.read_range = counting
    search(trail, query, **settings)
    trail.store.read_range = plain
    return sum(counted)


@pytest.mark.parametrize("full", [False, True])
def test_many_names_behind_the_last_seal_hide_nothing_from_a_search_by_time(trail, full):
    for size in range(1000, 1070):
        trail.store.put(trail.folder + seal_key(size), b"junk", retention=None)
    since = TimeRange(trail.placed[1].text.time.first_ms, None)
    run, hits = search(trail, Query(chained=since), full=full)
    assert sequences(hits) == list(range(1, 12))
    assert run.findings.verdict is not Verdict.INTACT


def test_damage_before_the_last_hit_that_was_wanted_is_told(trail):
    trail.store.corrupt(trail.placed[1].batch, trail.placed[1].batch_version, b"")
    (folder,) = find_trails(trail.store, policy_of(trail))
    run = Search(trail.store, folder, Query(span=Span(1, 11)), columns=(), now=NOW, full=True)
    assert next(iter(run)).sequence == 7
    assert run.findings.verdict is Verdict.TAMPERED


def test_entries_without_a_seal_at_the_end_of_what_was_asked_for_are_told(trail):
    trail.store.erase(trail.placed[1].seal)
    trail.store.erase(trail.placed[1].batch)
    run, hits = search(trail, Query(span=Span(2, 4)), full=True)
    assert (hits, spans(run.searched.damaged), run.searched.is_whole) == ([], [(2, 4)], False)


def test_what_is_still_kept_after_its_retention_has_not_expired(trail):
    trail.store.erase(put_view(trail, 1))
    later = NOW + timedelta(days=40 * 365)
    run, _ = search(trail, Query(), now=later)
    assert (spans(run.searched.without_view), spans(run.searched.expired)) == ([(1, 6)], [])


def doctored(trail, name: str, column: pa.Array) -> None:
    """Put the view of the second batch with another column."""
    key = put_view(trail, 1)
    rows = rows_of(trail.entries_of[1])
    good = pq.read_table(io.BytesIO(view_bytes(header_of(trail.opened(1)), rows)))
    file = io.BytesIO()
    pq.write_table(good.set_column(good.schema.get_field_index(name), name, column), file)
    trail.store.put_view(key, file.getvalue())


@pytest.mark.parametrize(
    ("name", "column", "reason"),
    [
        ("time", pa.array([2**62] * 6, pa.timestamp("ms", tz="UTC")), "a time that is none"),
        ("headers", pa.array([[{"key": 5}]] * 6), "the column headers is of type list"),
    ],
)
def test_a_view_with_other_values_than_views_have_is_not_believed(trail, name, column, reason):
    doctored(trail, name, column)
    run, hits = search(trail, Query(), columns=(name,))
    assert sequences(hits) == [0, 7, 8, 9, 10, 11]
    [view] = run.searched.distrusted
    assert view.reason.startswith(reason)


def test_a_text_that_stands_once_in_a_view_for_many_rows_is_counted_before_it_is_written_out(
    trail, monkeypatch
):
    monkeypatch.setattr("sealtrail_auditor.view_file.MAX_CHUNK_BYTES", 50_000)
    doctored(trail, "actor", pa.array(["a" * 20_000] * 6))
    run, hits = search(trail, Query())
    assert sequences(hits) == [0, 7, 8, 9, 10, 11]
    [view] = run.searched.distrusted
    assert view.reason == "a column of 120000 bytes when written out"


def test_a_view_that_asks_for_too_much_memory_stops_no_search(trail, monkeypatch):
    def read_range(*_arguments, **_settings):
        raise MemoryError

    monkeypatch.setattr(trail.store, "read_range", read_range)
    run, hits = search(trail, ALICE)
    assert (hits, run.searched.distrusted_count) == ([], 3)


def spans_passed_over(trail, query, **settings):
    run, _ = search(trail, query, **settings)
    return spans(run.searched.damaged), [finding.code.code for finding in run.findings.kept]


def test_a_seal_that_is_missing_at_the_end_of_the_range_is_said(trail):
    """As `full` says it: the walk comes to it only by the seal that lies behind the range."""
    trail.store.erase(trail.placed[1].seal)  # of entries 1 to 6
    until = Query(chained=TimeRange(None, trail.placed[2].text.time.first_ms))
    for query, missing in ((Query(span=Span(0, 4)), (1, 4)), (until, (1, 6))):
        told = ([missing], ["ST-SEAL-MISSING"])
        assert spans_passed_over(trail, query) == spans_passed_over(trail, query, full=True) == told
    assert spans_passed_over(trail, Query(span=Span(0, 0))) == ([], [])
