"""The shipper's decisions one by one; `tests/simulation/test_outbox_simulation.py` has it die everywhere."""

from __future__ import annotations

import pytest

from sealtrail_producers.errors import OutboxCopiedError
from sealtrail_producers.outbox import Outbox
from sealtrail_producers.shipper import Did, Shipper, ShipperSettings, writer_name
from sealtrail_schemas.producer_stamp import VOID_HEADER, Stamp, read_stamp, stamp_headers
from sealtrail_transport.errors import LogUnavailableError, TopicMissingError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.memory_log import MemoryLog

pytestmark = pytest.mark.claim("C15")


class Case:
    """An outbox, its log, and what the shipper told."""

    def __init__(self, path):
        self.log = MemoryLog()
        self.log.create_topic("raw", partitions=2, append_time=False)
        self.outbox = Outbox(path, producer="p", topic="raw")
        self.outbox.learn(self.log.topic("raw"))
        self.shipped, self.refused = [], []
        self.start()

    def start(self):
        self.shipper = Shipper(
            self.log,
            self.outbox,
            ShipperSettings(transaction_records=3, refresh_after_s=10),
            on_shipped=lambda _, numbers, offsets: self.shipped.extend(zip(numbers, offsets, strict=True)),
            on_refused=lambda partition, number, _: self.refused.append((partition, number)),
        )

    def add(self, *values, partition=0):
        self.outbox.add([(partition, NewRecord(None, value, (), 7)) for value in values])

    def step(self, now_s=0.0):
        return self.shipper.step(now_s=now_s)

    def work(self):
        """Step until there is nothing to do; returns what was done."""
        done = []
        while not done or done[-1] is not Did.IDLE:
            done.append(self.step().did)
        return done

    def records(self, partition=0):
        bounds = self.log.bounds("raw", partition)
        return self.log.read("raw", partition, bounds.start, max_records=999, max_bytes=1 << 20).records

    def values(self, partition=0):
        return [record.value for record in self.records(partition)]


@pytest.fixture
def case(tmp_path):
    case = Case(tmp_path / "outbox.db")
    yield case
    case.outbox.close()


def test_events_are_shipped_in_transactions_and_forgotten(case):
    case.add(b"a", b"b", b"c", b"d")
    assert case.work() == [Did.OPENED, Did.SHIPPED, Did.SHIPPED, Did.IDLE]
    assert case.values() == [b"a", b"b", b"c", b"d"]
    assert case.shipped == [(0, 0), (1, 1), (2, 2), (3, 4)]
    assert case.outbox.waiting == {}


def test_a_partition_with_nothing_to_ship_is_not_opened(case):
    case.add(b"a", partition=1)
    case.work()
    assert case.log._epochs == {writer_name("p", "raw", 1): 1}


def test_a_start_with_nothing_in_doubt_scans_nothing(case):
    case.add(b"a")
    case.work()
    case.log.faults.write_foreign("raw", 0, *[NewRecord(None, b"stranger")] * 50)
    case.start()
    case.add(b"b")
    assert case.work() == [Did.OPENED, Did.SHIPPED, Did.IDLE]


def test_an_append_in_doubt_is_looked_for(case):
    case.add(b"a", b"b")
    case.log.faults.schedule(AppendFault.UNCERTAIN_APPENDED)
    assert case.work() == [Did.OPENED, Did.DOUBTED, Did.OPENED, Did.SCANNED, Did.IDLE]
    assert case.values() == [b"a", b"b"]
    assert case.shipped == [(0, 0), (1, 1)]


def test_a_coordinator_that_gave_up_the_writer_is_no_end(case):
    """As after a week without events, or a transaction that took too long."""
    case.add(b"a")
    case.work()
    case.add(b"b")
    case.log.faults.schedule(AppendFault.FENCED)
    assert case.work()[0] is Did.DOUBTED
    assert case.values() == [b"a", b"b"]


def test_partitions_take_turns_though_one_is_stuck(case):
    case.add(b"a")
    case.add(b"b", partition=1)
    read_only = case.log.writer

    def writer(topic, partition, **options):
        if partition == 0:
            raise LogUnavailableError("no leader")
        return read_only(topic, partition, **options)

    case.log.writer = writer
    for _ in range(2):
        with pytest.raises(LogUnavailableError):
            case.step()
        case.step()
    assert case.values(1) == [b"b"]
    assert case.outbox.waiting == {0: 1}


def test_a_lasting_refusal_makes_a_number_void_and_the_next_event_says_so(case):
    case.log.faults.refuse(lambda record: record.value.startswith(b"bad"))
    case.add(b"a", b"bad", b"b", b"bad too", b"c")
    case.work()
    assert case.values() == [b"a", b"b", b"c"]
    assert case.refused == [(0, 1), (0, 3)]
    assert [read_stamp(record.headers)[1] for record in case.records()] == [(), ((1, 1),), ((3, 3),)]
    case.add(b"d")
    case.work()
    assert case.records()[-1].headers[-1][0] != VOID_HEADER  # once is enough


def test_an_event_is_not_lost_to_the_void_numbers_that_it_would_have_to_carry(case):
    case.log.faults.refuse(
        lambda record: record.value == b"bad" or (record.value == b"full" and len(record.headers) > 1)
    )
    case.add(b"bad", b"full", b"next")
    case.work()
    assert case.values() == [b"full", b"next"]
    assert [len(record.headers) for record in case.records()] == [1, 2]


def test_an_event_is_not_lost_to_its_time(case):
    """A broker may refuse what waited for too long (`message.timestamp.before.max.ms`)."""
    case.log.faults.refuse(lambda record: record.timestamp_ms == 7)
    case.add(b"old")
    case.work()
    assert case.values() == [b"old"]
    assert case.records()[0].timestamp_ms > 7


def test_retention_that_overtook_the_offset_is_told_and_nothing_is_lost(case):
    case.add(b"a")
    case.work()
    case.add(b"b")
    case.log.faults.schedule(AppendFault.UNCERTAIN_APPENDED)
    assert case.step().did is Did.DOUBTED
    case.log.faults.write_foreign("raw", 0, NewRecord(None, b"stranger"))
    case.log.faults.lose_start("raw", 0, case.log.bounds("raw", 0).end - 2)
    warning = case.step().warning
    assert "what is not found is shipped again, and may then be in the log twice" in warning
    case.work()
    assert case.values() == [b"stranger", b"b"]


def test_retention_is_no_matter_where_nothing_is_in_doubt(case):
    case.add(b"a")
    case.work()
    case.log.faults.write_foreign("raw", 0, *[NewRecord(None, b"stranger")] * 9)
    case.log.faults.lose_start("raw", 0, 8)
    case.start()
    case.add(b"b")
    assert case.step().warning is None
    case.work()
    assert case.values()[-1] == b"b"


def test_a_log_that_lost_its_end_is_told(case):
    case.add(b"a")
    case.work()
    case.add(b"b")
    case.log.faults.schedule(AppendFault.UNCERTAIN_LOST)
    case.step()
    case.log.faults.lose_end("raw", 0, 0)
    assert "the log has lost events that it acknowledged" in case.step().warning
    case.work()
    assert case.values() == [b"b"]


def test_a_topic_made_anew_is_told_and_gets_what_waits(case):
    case.add(b"a")
    case.work()
    case.add(b"b")
    case.log.faults.schedule(AppendFault.UNCERTAIN_APPENDED)
    case.step()
    case.log.faults.recreate_topic("raw")
    assert "is another one than before" in case.step().warning
    case.work()
    assert case.values() == [b"b"]


def test_a_missing_topic_is_waited_for(case):
    case.add(b"a")
    kept = case.log._topics.pop("raw")
    with pytest.raises(TopicMissingError):
        case.step()
    case.log._topics["raw"] = kept
    case.work()
    assert case.values() == [b"a"]


def test_chosen_partitions_stay_when_the_topic_grows(case):
    case.add(b"a", partition=1)
    bigger = MemoryLog()
    bigger.create_topic("raw", partitions=5, append_time=False)
    case.log = bigger
    case.start()
    case.work()
    assert case.values(1) == [b"a"]
    assert case.outbox.partitions == 5


@pytest.mark.parametrize("number", [0, 99])
def test_a_copy_of_the_outbox_is_found_out(case, number):
    case.add(b"first")
    case.work()
    case.add(b"ours")
    case.log.faults.schedule(AppendFault.UNCERTAIN_LOST)
    case.step()
    stamp = Stamp("p", case.outbox.incarnation, number or 1)
    case.log.faults.write_foreign("raw", 0, NewRecord(None, b"the copy's", stamp_headers(stamp)))
    case.step()
    with pytest.raises(OutboxCopiedError, match="but another event: a copy of the file is or was in use"):
        case.step()
    assert case.outbox.waiting == {0: 1}


def test_foreign_stamps_are_passed_over(case):
    case.add(b"ours")
    case.log.faults.schedule(AppendFault.UNCERTAIN_APPENDED)
    assert [case.step().did for _ in range(2)] == [Did.OPENED, Did.DOUBTED]
    incarnation = case.outbox.incarnation
    for headers in (
        stamp_headers(Stamp("q", incarnation, 5)),
        stamp_headers(Stamp("p", "f" * 16, 5)),
        ((b"sealtrail.producer", b"\xff"),),
        ((b"sealtrail.producer", None),),
        (*stamp_headers(Stamp("p", incarnation, 5)), (b"sealtrail.replay", b"x")),
    ):
        case.log.faults.write_foreign("raw", 0, NewRecord(None, b"stranger", headers))
    case.work()
    assert case.values().count(b"ours") == 1


def test_an_idle_shipper_keeps_its_offset_new(case):
    case.add(b"a")
    case.work()
    case.log.faults.write_foreign("raw", 0, *[NewRecord(None, b"stranger")] * 9)
    assert case.step(now_s=9).did is Did.IDLE
    assert case.step(now_s=10).did is Did.REFRESHED
    assert case.outbox.log_offset(0) == case.log.bounds("raw", 0).end
    assert case.step(now_s=11).did is Did.IDLE
    assert case.step(now_s=5).did is Did.IDLE  # a clock that goes back is no trouble
    assert case.step(now_s=15).did is Did.REFRESHED
