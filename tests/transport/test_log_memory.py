"""MemoryLog: the contract, and each way in which it can be told to misbehave."""

from __future__ import annotations

import pytest

from contracts.log_contract import NOW_MS, LogContract, read_all, read_values, value_records
from sealtrail_transport.errors import (
    LogError,
    LogUnavailableError,
    OffsetOutOfRangeError,
    RecordRefusedError,
    UncertainAppendError,
    WriterFencedError,
)
from sealtrail_transport.log import Bounds
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.memory_log import MemoryLog


class TestMemoryLog(LogContract):
    @pytest.fixture
    def log(self):
        return MemoryLog(clock_ms=lambda: NOW_MS)

    def recreate(self, log, name):
        log.faults.recreate_topic(name)
        return log


class TestMemoryLogWithoutMarkers(TestMemoryLog):
    @pytest.fixture
    def log(self):
        return MemoryLog(clock_ms=lambda: NOW_MS, markers=False)


@pytest.fixture
def log():
    log = MemoryLog(clock_ms=lambda: NOW_MS)
    log.create_topic("raw", partitions=1, append_time=False)
    return log


@pytest.fixture
def writer(log):
    return log.writer("raw", 0, name="w")


def test_markers_make_gaps(log, writer):
    writer.append(value_records(b"a", b"b"))
    writer.append(value_records(b"c"))
    assert [record.offset for record in read_all(log)] == [0, 1, 3]
    assert log.bounds("raw", 0) == Bounds(0, 5)


def test_an_aborted_append_takes_offsets_that_nobody_reads(log, writer):
    log.faults.schedule(AppendFault.ABORTED)
    with pytest.raises(LogUnavailableError, match="aborted"):
        writer.append(value_records(b"a", b"b"))
    chunk = log.read("raw", 0, 0, max_records=10, max_bytes=10)
    assert (chunk.records, chunk.next_offset) == ((), 3)
    writer.append(value_records(b"c"))
    assert [(record.offset, record.value) for record in read_all(log)] == [(3, b"c")]


def test_the_schedule_is_used_up_in_order(log, writer):
    log.faults.schedule(None, AppendFault.UNAVAILABLE, None)
    writer.append(value_records(b"1"))
    with pytest.raises(LogUnavailableError, match="away"):
        writer.append(value_records(b"2"))
    writer.append(value_records(b"3"))
    writer.append(value_records(b"4"))
    assert read_values(log) == [b"1", b"3", b"4"]


@pytest.mark.parametrize(
    ("fault", "left"), [(AppendFault.UNCERTAIN_APPENDED, [b"x"]), (AppendFault.UNCERTAIN_LOST, [])]
)
def test_an_uncertain_append_took_effect_or_not_and_ends_the_writer(log, writer, fault, left):
    log.faults.schedule(fault)
    with pytest.raises(UncertainAppendError):
        writer.append(value_records(b"x"))
    with pytest.raises(LogError, match="closed"):
        writer.append(value_records(b"y"))
    log.writer("raw", 0, name="w")
    assert read_values(log) == left


def test_a_delayed_append_lands_after_a_newer_writer_was_opened(log, writer):
    log.faults.schedule(AppendFault.UNCERTAIN_DELAYED)
    with pytest.raises(UncertainAppendError):
        writer.append(value_records(b"zombie"))
    newer = log.writer("raw", 0, name="w")
    newer.append(value_records(b"new"))
    assert read_values(log) == [b"new"]
    assert log.faults.land_delayed() == 1
    assert log.faults.land_delayed() == 0
    assert read_values(log) == [b"new", b"zombie"]


def test_a_writer_can_be_fenced_without_a_newer_one(log, writer):
    log.faults.schedule(AppendFault.FENCED)
    with pytest.raises(WriterFencedError):
        writer.append(value_records(b"x"))
    assert read_values(log) == []


def test_unavailable_holds_for_every_method_and_so_many_calls(log, writer):
    calls = [
        lambda: log.topic("raw"),
        lambda: log.bounds("raw", 0),
        lambda: log.read("raw", 0, 0, max_records=1, max_bytes=1),
        lambda: log.writer("raw", 0, name="v"),
        lambda: log.trim("raw", 0, 0),
        lambda: log.append_events("raw", 0, value_records(b"x")),
        lambda: writer.append(value_records(b"x")),
        lambda: log.create_topic("other", partitions=1, append_time=False),
    ]
    log.faults.unavailable(calls=len(calls))
    for call in calls:
        with pytest.raises(LogUnavailableError):
            call()
    for call in calls:
        call()


def test_records_are_refused_by_predicate(log, writer):
    log.faults.refuse(lambda record: record.value == b"bad")
    with pytest.raises(RecordRefusedError):
        writer.append(value_records(b"good", b"bad"))
    writer.append(value_records(b"good"))
    assert read_values(log) == [b"good"]


def test_a_foreign_record_needs_no_writer(log, writer):
    log.faults.write_foreign("raw", 0, *value_records(b"foreign"))
    writer.append(value_records(b"own"))
    assert read_values(log) == [b"foreign", b"own"]


def test_burnt_offsets_are_skipped(log, writer):
    log.faults.burn_offsets("raw", 0, 5)
    writer.append(value_records(b"x"))
    assert [record.offset for record in read_all(log)] == [5]


def test_an_unreadable_record_says_why(log, writer):
    writer.append(value_records(b"x"))
    log.faults.make_unreadable("raw", 0, 0, "a header key is not UTF-8")
    (record,) = read_all(log)
    assert (record.unreadable, record.value) == ("a header key is not UTF-8", b"x")


def test_both_ends_can_be_lost(log, writer):
    writer.append(value_records(b"1", b"2", b"3", b"4"))
    log.faults.lose_start("raw", 0, 1)
    log.faults.lose_end("raw", 0, 3)
    assert log.bounds("raw", 0) == Bounds(1, 3)
    assert read_values(log) == [b"2", b"3"]
    with pytest.raises(OffsetOutOfRangeError):
        log.read("raw", 0, 4, max_records=1, max_bytes=1)
    writer.append(value_records(b"offset 3 again"))
    assert [record.offset for record in read_all(log)] == [1, 2, 3]


def test_a_strangers_open_transaction_hides_what_is_committed_behind_it(log, writer):
    writer.append(value_records(b"a"))
    log.faults.open_transaction("raw", 0)
    appended = writer.append(value_records(b"b"))
    assert read_values(log) == [b"a"]
    assert log.bounds("raw", 0).end <= appended.first_offset
    assert log.written_end("raw", 0) == appended.next_offset
    log.faults.end_transaction("raw", 0)
    assert read_values(log) == [b"a", b"b"]
