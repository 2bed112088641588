"""The outbox's file: whose it is, what it keeps, and what is said when it can't be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from sealtrail_producers.outbox import Outbox, event_size
from sealtrail_schemas.errors import StampError
from sealtrail_schemas.producer_stamp import Numbers
from sealtrail_transport.errors import LogBusyError, LogError, LogUnavailableError
from sealtrail_transport.log import NewRecord, TopicInfo
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C15")

TOPIC = TopicInfo("raw", b"t" * 16, 2, 1 << 20, append_time=False)
EVENT = NewRecord(b"k", b"v", ((b"h", None), (b"h", b"x")), 5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.db"


def open_outbox(path, **options):
    outbox = Outbox(path, **({"producer": "p", "topic": "raw"} | options))
    outbox.learn(TOPIC)
    return outbox


@pytest.fixture
def outbox(path):
    outbox = open_outbox(path)
    yield outbox
    outbox.close()


def head(outbox, partition=0, **limits):
    return outbox.head(partition, **({"max_records": 100, "max_bytes": 1 << 20} | limits))


def test_events_are_numbered_from_0_in_each_partition_and_come_back_as_they_were(outbox):
    assert outbox.add([(0, EVENT), (1, EVENT), (0, NewRecord(None, None))]) == [0, 0, 1]
    assert outbox.add([(0, EVENT)]) == [2]
    assert [(event.number, event.record) for event in head(outbox)] == [
        (0, EVENT),
        (1, NewRecord(None, None)),
        (2, EVENT),
    ]
    assert outbox.waiting == {0: 3, 1: 1}
    assert outbox.waiting_bytes == 3 * event_size(EVENT) + event_size(NewRecord(None, None))


def test_all_of_it_is_there_after_a_start(path, outbox):
    outbox.add([(0, EVENT), (1, EVENT)])
    outbox.remember(0, 17)
    outbox.refuse(1, 0)
    incarnation, size = outbox.incarnation, outbox.waiting_bytes
    outbox.close()
    again = open_outbox(path)
    assert (again.incarnation, again.partitions, again.waiting, again.waiting_bytes) == (
        incarnation,
        2,
        {0: 1},
        size,
    )
    assert (again.log_offset(0), again.log_offset(1)) == (17, None)
    assert (again.numbered(), again.void(1)) == ({0: 1}, [Numbers(0, 0)])
    assert again.add([(1, EVENT)]) == [1]  # a number that has failed is never used again
    again.close()


def test_a_read_is_bounded_but_for_its_first_event(outbox):
    outbox.add([(0, EVENT)] * 5)
    assert len(head(outbox, max_records=2)) == 2
    assert len(head(outbox, max_bytes=3 * event_size(EVENT))) == 3
    assert len(head(outbox, max_bytes=1)) == 1
    assert head(outbox, partition=1) == []


def test_shipped_events_are_forgotten_and_room_is_free(outbox):
    outbox.add([(0, EVENT)] * 3)
    outbox.shipped(0, [0, 1], 9)
    assert [event.number for event in head(outbox)] == [2]
    assert (outbox.waiting, outbox.waiting_bytes, outbox.log_offset(0)) == ({0: 1}, event_size(EVENT), 9)
    outbox.shipped(0, [0, 1, 2], 12)  # as a scan may have it
    assert (outbox.waiting, outbox.waiting_bytes) == ({}, 0)


def test_declared_numbers_are_void_no_more(outbox):
    outbox.add([(0, EVENT)] * 5)
    for number in (0, 1, 3):
        outbox.refuse(0, number)
    assert outbox.void(0) == [Numbers(0, 1), Numbers(3, 3)]
    outbox.shipped(0, [2], 9, declared=[Numbers(0, 1)])
    assert outbox.void(0) == [Numbers(3, 3)]


def test_another_topic_of_the_name_is_noticed_and_growth_is_not_that(outbox):
    outbox.add([(0, EVENT)])
    outbox.remember(0, 17)
    assert not outbox.learn(TOPIC)
    assert not outbox.learn(TopicInfo("raw", b"t" * 16, 5, 1 << 20, append_time=False))
    assert (outbox.partitions, outbox.log_offset(0)) == (5, 17)
    assert outbox.learn(TopicInfo("raw", b"u" * 16, 5, 1 << 20, append_time=False))
    assert outbox.log_offset(0) == 0


@pytest.mark.claim("C12")
def test_the_file_is_bounded_by_what_waits(path, outbox):
    event = NewRecord(None, bytes(1_000))
    for _ in range(20):
        numbers = outbox.add([(0, event)] * 200)
        outbox.shipped(0, numbers, 0)
    outbox.close()
    assert path.stat().st_size < 3 * 200 * event_size(event)


# What is said


def test_a_second_producer_is_told(path, outbox):
    with pytest.raises(LogBusyError, match=r"outbox\.db: another producer uses this outbox; give each"):
        open_outbox(path)
    program = (
        "import sys; from sealtrail_producers.outbox import Outbox\n"
        "Outbox(sys.argv[1], producer='p', topic='raw')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "LogBusyError" in done.stderr
    outbox.add([(0, EVENT)])


@pytest.mark.parametrize("other", [{"producer": "q"}, {"topic": "other"}])
def test_an_outbox_of_another_producer_or_topic_is_told(path, outbox, other):
    outbox.close()
    with pytest.raises(LogError, match=r"the outbox of producer 'p' for topic 'raw', not of"):
        open_outbox(path, **other)
    open_outbox(path).close()  # and is free again


def test_another_file_is_left_alone(path, tmp_path):
    path.write_bytes(b"something else entirely, longer than a header " * 30)
    before = path.read_bytes()
    with pytest.raises(LogError, match="not a sealtrail outbox; move the file away"):
        open_outbox(path)
    assert path.read_bytes() == before
    SqliteLog(tmp_path / "log.db").close()
    with pytest.raises(LogError, match="a database of another program; give another path"):
        open_outbox(tmp_path / "log.db")


def test_a_newer_version_is_told(path, outbox):
    outbox.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(LogError, match="an outbox of version 2, but this sealtrail knows version 1 only"):
        open_outbox(path)


def test_damage_is_told_at_the_start(path, outbox):
    """Also where it would be met only when the event is shipped: in a page that a large one overflows to."""
    outbox.add([(0, NewRecord(None, bytes(200_000)))])
    outbox.close()
    content = bytearray(path.read_bytes())
    content[-8192 * 3 : -8192 * 3 + 4] = b"\xff" * 4  # where the page says which one follows
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"outbox\.db: the file is damaged"):
        open_outbox(path)


def test_a_full_disk_takes_nothing_and_no_number(outbox):
    outbox.add([(0, EVENT)])
    with outbox._pool.lend() as connection:
        connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(LogUnavailableError, match=r"outbox\.db: the disk is full; free some space"):
        outbox.add([(0, NewRecord(None, bytes(500)))] * 1_000)
    assert outbox.add([(0, EVENT)]) == [1]
    assert (outbox.waiting, len(head(outbox))) == ({0: 2}, 2)


def test_a_file_that_another_program_has_locked_is_told(path, outbox):
    outbox._pool._connect = lambda: sqlite3.connect(path, timeout=0.01, isolation_level=None)
    outbox._pool._close_idle()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogBusyError, match="another process holds its lock"):
        outbox.add([(0, EVENT)])
    other.execute("ROLLBACK")
    other.close()
    assert outbox.add([(0, EVENT)]) == [0]


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(LogUnavailableError, match=r"there is no folder .*absent; make it first"):
        open_outbox(tmp_path / "absent" / "outbox.db")
    assert not (tmp_path / "absent").exists()


def test_a_name_that_no_stamp_holds_is_told(path):
    with pytest.raises(StampError, match="printable ASCII characters without spaces"):
        open_outbox(path, producer="two words")
    assert not path.exists()


def test_a_closed_outbox_takes_nothing(outbox):
    outbox.close()
    outbox.close()
    with pytest.raises(LogError, match="this outbox is closed"):
        outbox.add([(0, EVENT)])


def test_what_is_recorded_is_flushed_and_what_is_noted_of_shipping_is_not(outbox):
    levels = []
    commit = outbox._commit

    def watch(connection):
        levels.append(connection.execute("PRAGMA synchronous").fetchone()[0])
        commit(connection)

    outbox._commit = watch
    outbox.add([(0, EVENT)])
    outbox.remember(0, 1, durable=True)
    outbox.shipped(0, [0], 2)
    assert levels == [2, 2, 1]  # FULL, FULL, NORMAL
