"""Stamper: numbers without gaps, and void ones declared once by what is delivered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.errors import StampError
from sealtrail_schemas.producer_stamp import MAX_VOID_BYTES, VOID_HEADER, read_stamp
from sealtrail_transport.buffered_sink import BufferedSink, SinkSettings
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.stamper import Stamper

pytestmark = pytest.mark.claim("C19")

SOON_S = 30.0
RECORD = NewRecord(b"k", b"v", ((b"h", b"x"),))


@pytest.fixture
def stamper():
    return Stamper("p", bytes(8))


def said(numbered):
    return read_stamp(numbered.record.headers)


def test_each_partition_is_numbered_from_0(stamper):
    numbered = [stamper.number(RECORD, partition) for partition in (0, 1, 0, 0)]
    assert [said(each)[0][1:] for each in numbered] == [("0" * 16, number) for number in (0, 0, 1, 2)]
    assert numbered[0].record[:2] == RECORD[:2]
    assert numbered[0].record.headers[:-1] == RECORD.headers


def test_a_failed_number_is_declared_void_by_the_next_event_of_its_partition(stamper):
    failed = [stamper.number(RECORD, 0) for _ in range(3)]
    for numbered in (failed[0], failed[1]):
        stamper.fail(numbered)
    assert said(stamper.number(RECORD, 1))[1] == ()
    assert said(stamper.number(RECORD, 0))[1] == ((0, 1),)
    assert said(stamper.number(RECORD, 0))[1] == ()


def test_what_a_failed_event_had_to_declare_is_declared_by_another(stamper):
    stamper.fail(stamper.number(RECORD, 0))
    stamper.fail(stamper.number(RECORD, 0))
    assert said(stamper.number(RECORD, 0))[1] == ((0, 1),)


def test_a_number_that_was_given_back_is_used_and_declares_the_same(stamper):
    stamper.fail(stamper.number(RECORD, 0))
    stamper.give_back(stamper.number(RECORD, 0))
    stamp, void = said(stamper.number(RECORD, 0))
    assert (stamp.number, void) == (1, ((0, 0),))


def test_too_many_void_numbers_are_declared_by_several_events(stamper):
    numbered = [stamper.number(RECORD, 0) for _ in range(2_000)]
    for each in numbered[::2]:
        stamper.fail(each)
    declared = []
    while void := said(stamper.number(RECORD, 0))[1]:
        declared += void
    assert declared == [(number, number) for number in range(0, 2_000, 2)]


@given(st.lists(st.sampled_from(["sent", "failed", "given back"]), max_size=60))
def test_every_number_is_sent_or_declared_void(fates):
    stamper = Stamper("p", bytes(8))
    sent, void = set(), set()
    for fate in [*fates, "sent"]:
        numbered = stamper.number(RECORD, 0)
        if fate == "failed":
            stamper.fail(numbered)
        elif fate == "given back":
            stamper.give_back(numbered)
        else:
            stamp, runs = said(numbered)
            sent.add(stamp.number)
            void |= {number for run in runs for number in range(run.first, run.last + 1)}
    assert sent | void == set(range(max(sent) + 1))
    assert not sent & void


def test_a_name_that_no_stamp_holds_is_refused():
    with pytest.raises(StampError):
        Stamper("two words", bytes(8))


# In a sink


@pytest.fixture
def log():
    log = MemoryLog()
    log.create_topic("raw", partitions=2, append_time=False)
    return log


def records(log, partition=0):
    return log.read("raw", partition, 0, max_records=9_999, max_bytes=1 << 30).records


def test_a_sinks_events_are_numbered_in_the_order_of_their_partitions(log, stamper):
    sink = BufferedSink(log, "raw", stamper=stamper)
    for number in range(200):
        sink.publish(NewRecord(None, b"%d" % number), max_block_s=SOON_S)
    assert sink.flush(timeout_s=SOON_S) == 0
    sink.close()
    for partition in range(2):
        numbers = [read_stamp(record.headers)[0].number for record in records(log, partition)]
        assert numbers == list(range(100))


def test_what_a_sink_could_not_deliver_is_declared_void(log, stamper):
    log.faults.refuse(lambda record: record.value == b"bad")
    sink = BufferedSink(log, "raw", stamper=stamper)
    for value in (b"a", b"bad"):
        sink.publish(NewRecord(b"k", value), max_block_s=SOON_S)
    sink.flush(timeout_s=SOON_S)
    position = sink.publish(NewRecord(b"k", b"b"), max_block_s=SOON_S).result(SOON_S)
    sink.close()
    found = records(log, position.partition)
    assert [record.value for record in found] == [b"a", b"b"]
    assert found[-1].headers[-1] == (VOID_HEADER, b"1")


def test_what_a_sink_repeats_has_one_number(log, stamper):
    log.faults.schedule(AppendFault.UNCERTAIN_APPENDED)
    sink = BufferedSink(log, "raw", settings=SinkSettings(first_retry_s=0, max_retry_s=0), stamper=stamper)
    position = sink.publish(RECORD, max_block_s=SOON_S).result(SOON_S)
    sink.close()
    assert [read_stamp(record.headers)[0].number for record in records(log, position.partition)] == [0, 0]


def test_void_numbers_of_a_long_outage_stay_small(stamper):
    for _ in range(10_000):
        stamper.fail(stamper.number(RECORD, 0))
    void = said(stamper.number(RECORD, 0))[1]
    assert void == ((0, 9_999),)
    assert MAX_VOID_BYTES > 8
