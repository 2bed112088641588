"""What every log adapter promises. A test module subclasses `LogContract` and gives it the fixture `log`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_CREATE, TIMESTAMP_NONE
from sealtrail_transport.errors import (
    LogError,
    OffsetOutOfRangeError,
    RecordRefusedError,
    TopicMissingError,
    WriterFencedError,
)
from sealtrail_transport.log import LogRecord, NewRecord

NOW_MS = 1_700_000_000_000
"""What the clock of the log under test says."""
YEAR_2100_MS = 4_102_444_800_000
MAX_RECORD_BYTES = 8 * 1024 * 1024


def value_records(*values: bytes) -> list[NewRecord]:
    return [NewRecord(None, value) for value in values]


def read_all(log, topic: str = "raw", partition: int = 0, **limits: int) -> list[LogRecord]:
    """Everything from the start to the end, in as many reads as the limits ask for."""
    limits = {"max_records": 100, "max_bytes": 1 << 20} | limits
    bounds = log.bounds(topic, partition)
    offset, records = bounds.start, []
    while offset < bounds.end:
        chunk = log.read(topic, partition, offset, **limits)
        assert chunk.next_offset > offset
        records += chunk.records
        offset = chunk.next_offset
    return records


def read_values(log, topic: str = "raw", partition: int = 0) -> list[bytes | None]:
    return [record.value for record in read_all(log, topic, partition)]


class LogContract:
    """Subclasses override `log` with a fixture: an adapter whose clock says NOW_MS, with the topics below."""

    @pytest.fixture
    def log(self):
        raise NotImplementedError

    def recreate(self, log, name: str):
        """Delete the topic and make it again; returns the log to go on with."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def topics(self, log):
        log.create_topic("raw", partitions=2, append_time=False, max_record_bytes=MAX_RECORD_BYTES)
        log.create_topic("chained", partitions=1, append_time=True, max_record_bytes=MAX_RECORD_BYTES)

    # Topics

    def test_a_topic_is_described(self, log):
        info = log.topic("raw")
        assert (info.name, info.partitions, info.max_record_bytes) == ("raw", 2, MAX_RECORD_BYTES)
        assert len(info.topic_id) == 16
        assert info.topic_id != log.topic("chained").topic_id

    def test_creating_a_topic_again_changes_nothing(self, log):
        before = log.topic("raw")
        assert log.create_topic("raw", partitions=9, append_time=True, max_record_bytes=1) == before
        assert log.topic("raw") == before

    def test_a_recreated_topic_is_empty_and_has_another_id(self, log):
        before = log.topic("raw")
        log.append_events("raw", 0, value_records(b"old"))
        log = self.recreate(log, "raw")
        assert log.topic("raw").topic_id != before.topic_id
        assert read_values(log) == []

    @pytest.mark.parametrize(("topic", "partition"), [("absent", 0), ("raw", 2), ("raw", -1)])
    def test_a_missing_topic_or_partition_is_told_by_every_method(self, log, topic, partition):
        calls = [
            lambda: log.bounds(topic, partition),
            lambda: log.read(topic, partition, 0, max_records=1, max_bytes=1),
            lambda: log.writer(topic, partition, name="w"),
            lambda: log.trim(topic, partition, 0),
            lambda: log.append_events(topic, partition, value_records(b"x")),
        ]
        for call in calls:
            with pytest.raises(TopicMissingError, match=topic):
                call()
        with pytest.raises(TopicMissingError, match="absent"):
            log.topic("absent")

    # Appending and reading

    def test_records_come_back_in_order_at_rising_offsets(self, log):
        writer = log.writer("raw", 0, name="w")
        values = [b"%d" % number for number in range(25)]
        for first in range(0, 25, 5):
            writer.append(value_records(*values[first : first + 5]))
        records = read_all(log, max_records=7)
        assert [record.value for record in records] == values
        offsets = [record.offset for record in records]
        assert offsets == sorted(set(offsets))

    def test_partitions_are_separate(self, log):
        log.writer("raw", 0, name="zero").append(value_records(b"zero"))
        log.writer("raw", 1, name="one").append(value_records(b"one"))
        assert read_values(log, "raw", 0) == [b"zero"]
        assert read_values(log, "raw", 1) == [b"one"]

    def test_an_empty_append_adds_nothing(self, log):
        log.writer("raw", 0, name="w").append([])
        assert log.append_events("raw", 0, []) == []
        assert read_values(log) == []

    def test_the_end_of_the_log_is_an_empty_chunk(self, log):
        log.append_events("raw", 0, value_records(b"a", b"b"))
        end = log.bounds("raw", 0).end
        chunk = log.read("raw", 0, end, max_records=10, max_bytes=1000)
        assert (chunk.records, chunk.next_offset) == ((), end)

    @pytest.mark.parametrize("beyond", [-1, 1])
    def test_reading_past_either_end_is_an_error(self, log, beyond):
        log.append_events("raw", 0, value_records(b"a", b"b", b"c"))
        second = read_all(log)[1].offset
        log.trim("raw", 0, second)
        bounds = log.bounds("raw", 0)
        offset = bounds.start - 1 if beyond < 0 else bounds.end + 1
        with pytest.raises(OffsetOutOfRangeError, match=str(offset)):
            log.read("raw", 0, offset, max_records=1, max_bytes=1)

    def test_reading_a_new_partition_starts_at_zero(self, log):
        assert (log.bounds("raw", 0).start, log.bounds("raw", 0).end) == (0, 0)
        assert log.read("raw", 0, 0, max_records=1, max_bytes=1).records == ()

    def test_max_records_bounds_a_read(self, log):
        log.append_events("raw", 0, value_records(b"a", b"b", b"c"))
        chunk = log.read("raw", 0, 0, max_records=2, max_bytes=1000)
        assert [record.value for record in chunk.records] == [b"a", b"b"]
        rest = log.read("raw", 0, chunk.next_offset, max_records=2, max_bytes=1000)
        assert [record.value for record in rest.records] == [b"c"]

    def test_max_bytes_bounds_a_read_and_counts_keys_and_headers(self, log):
        record = NewRecord(b"kk", b"vvv", ((b"h", b"wwww"),))  # ten bytes
        log.append_events("raw", 0, [record] * 3)
        for max_bytes, expected in [(9, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3)]:
            chunk = log.read("raw", 0, 0, max_records=100, max_bytes=max_bytes)
            assert len(chunk.records) == expected, max_bytes

    def test_one_record_is_read_whatever_its_size(self, log):
        large = bytes(5_000_000)
        log.append_events("raw", 0, value_records(large, b"small"))
        chunk = log.read("raw", 0, 0, max_records=10, max_bytes=1)
        assert [record.value for record in chunk.records] == [large]

    @pytest.mark.parametrize(
        ("key", "value", "headers"),
        [
            (None, None, ()),
            (b"", b"", ()),
            (b"k", None, ()),
            (None, b"v", ()),
            (bytes(range(256)), bytes(range(256)), ()),
            (b"k", b"v", ((b"a", b"1"), (b"b", b"2"), (b"a", b"1"), (b"a", b"0"))),
            (b"k", b"v", ((b"h", None), (b"h", b""), (b"", b""), (b"", None))),
            (b"k", b"v", ((b"bad\xff\xfekey", b"\x00\xff"), ("clé".encode(), b"x" * 70_000))),
        ],
    )
    def test_content_comes_back_byte_for_byte(self, log, key, value, headers):
        log.writer("raw", 0, name="w").append([NewRecord(key, value, headers)])
        (record,) = read_all(log)
        assert (record.key, record.value, record.headers) == (key, value, headers)
        assert record.unreadable is None

    # Timestamps

    @pytest.mark.parametrize(
        ("given_ms", "kept_ms", "kind"),
        [
            (None, NOW_MS, TIMESTAMP_CREATE),
            (0, 0, TIMESTAMP_CREATE),
            (1, 1, TIMESTAMP_CREATE),
            (YEAR_2100_MS, YEAR_2100_MS, TIMESTAMP_CREATE),
            (2**63 - 1, 2**63 - 1, TIMESTAMP_CREATE),
            (NO_TIMESTAMP, NO_TIMESTAMP, TIMESTAMP_NONE),
        ],
    )
    def test_the_producers_time_is_kept(self, log, given_ms, kept_ms, kind):
        log.append_events("raw", 0, [NewRecord(None, b"x", timestamp_ms=given_ms)])
        (record,) = read_all(log)
        assert (record.timestamp_ms, record.timestamp_type) == (kept_ms, kind)

    def test_a_negative_time_is_kept_or_refused(self, log):
        before_1970_ms = -(2**63)
        try:
            log.append_events("raw", 0, [NewRecord(None, b"x", timestamp_ms=before_1970_ms)])
        except RecordRefusedError:
            assert read_all(log) == []
        else:
            assert [record.timestamp_ms for record in read_all(log)] == [before_1970_ms]

    @pytest.mark.parametrize("given_ms", [None, 0, YEAR_2100_MS, NO_TIMESTAMP])
    def test_an_append_time_topic_keeps_its_own_time(self, log, given_ms):
        log.append_events("chained", 0, [NewRecord(None, b"x", timestamp_ms=given_ms)])
        (record,) = read_all(log, "chained")
        assert (record.timestamp_ms, record.timestamp_type) == (NOW_MS, TIMESTAMP_APPEND)

    # Atomic transactions and refusals

    @pytest.mark.parametrize(
        "refused",
        [NewRecord(None, bytes(MAX_RECORD_BYTES)), NewRecord(None, b"x", timestamp_ms=2**63)],
        ids=["too large", "impossible time"],
    )
    def test_a_refused_record_takes_its_whole_append_with_it(self, log, refused):
        writer = log.writer("raw", 0, name="w")
        with pytest.raises(RecordRefusedError, match="record 1"):
            writer.append([NewRecord(None, b"good"), refused])
        with pytest.raises(RecordRefusedError, match="record 0"):
            log.append_events("raw", 0, [refused, NewRecord(None, b"good")])
        assert read_values(log) == []
        writer.append(value_records(b"the writer goes on"))
        assert read_values(log) == [b"the writer goes on"]

    def test_the_record_limit_counts_key_headers_and_overhead(self, log):
        log.create_topic("small", partitions=1, append_time=False, max_record_bytes=1000)
        log.append_events("small", 0, value_records(bytes(900)))
        for record in [
            NewRecord(None, bytes(990)),
            NewRecord(bytes(100), bytes(900)),
            NewRecord(None, bytes(900), ((b"h" * 50, bytes(50)),)),
            NewRecord(None, bytes(900), ((b"", None),) * 5),
        ]:
            with pytest.raises(RecordRefusedError, match="1000"):
                log.append_events("small", 0, [record])
        assert len(read_all(log, "small")) == 1

    # Fencing

    def test_a_newer_writer_fences_the_older(self, log):
        older = log.writer("raw", 0, name="w")
        older.append(value_records(b"1"))
        newer = log.writer("raw", 0, name="w")
        with pytest.raises(WriterFencedError, match="w"):
            older.append(value_records(b"zombie"))
        with pytest.raises(WriterFencedError):
            older.append(value_records(b"zombie again"))
        newer.append(value_records(b"2"))
        assert read_values(log) == [b"1", b"2"]

    def test_closing_the_newer_writer_does_not_free_the_older(self, log):
        older = log.writer("raw", 0, name="w")
        log.writer("raw", 0, name="w").close()
        with pytest.raises(WriterFencedError):
            older.append(value_records(b"zombie"))
        assert read_values(log) == []

    def test_writers_of_other_names_are_left_alone(self, log):
        first, second = log.writer("raw", 0, name="a"), log.writer("raw", 0, name="b")
        first.append(value_records(b"1"))
        second.append(value_records(b"2"))
        assert read_values(log) == [b"1", b"2"]

    def test_a_writer_tells_where_each_record_went_if_asked(self, log):
        writer = log.writer("raw", 0, name="w", each_offset=True)
        first, second = writer.append(value_records(b"a", b"b", b"c")), writer.append(value_records(b"d"))
        told = [*first.offsets, *second.offsets]
        assert [(record.offset, record.value) for record in read_all(log)] == list(
            zip(told, (b"a", b"b", b"c", b"d"), strict=True)
        )
        assert tuple(log.writer("raw", 0, name="w").append(value_records(b"e")).offsets) == ()

    def test_the_written_end_lies_behind_all_that_was_appended(self, log):
        assert log.written_end("raw", 0) == 0
        appended = log.writer("raw", 0, name="w").append(value_records(b"a", b"b"))
        assert log.written_end("raw", 0) >= appended.first_offset + 2
        log.writer("raw", 0, name="w")  # on return it is settled
        assert log.written_end("raw", 0) == appended.next_offset
        assert log.written_end("raw", 1) == 0

    def test_a_closed_writer_appends_nothing(self, log):
        writer = log.writer("raw", 0, name="w")
        writer.close()
        writer.close()
        with pytest.raises(LogError, match="closed"):
            writer.append(value_records(b"x"))
        assert read_values(log) == []

    # Trimming

    def test_trim_moves_the_start_and_keeps_the_rest(self, log):
        log.append_events("raw", 0, value_records(*[b"%d" % n for n in range(2_500)]))
        kept = read_all(log)[2_200:]
        log.trim("raw", 0, kept[0].offset)
        assert log.bounds("raw", 0).start == kept[0].offset
        assert read_all(log) == kept

    def test_trim_leaves_other_partitions_alone(self, log):
        for partition in (0, 1):
            log.append_events("raw", partition, value_records(b"a", b"b"))
        log.trim("raw", 0, log.bounds("raw", 0).end)
        assert read_values(log, "raw", 1) == [b"a", b"b"]

    def test_trimming_all_keeps_the_end(self, log):
        log.append_events("raw", 0, value_records(b"a", b"b"))
        end = log.bounds("raw", 0).end
        log.trim("raw", 0, end)
        bounds = log.bounds("raw", 0)
        assert (bounds.start, bounds.end) == (end, end)
        assert log.append_events("raw", 0, value_records(b"c")) == [end]
        assert read_values(log) == [b"c"]

    def test_trimming_below_the_start_changes_nothing(self, log):
        log.append_events("raw", 0, value_records(b"a", b"b", b"c"))
        second = read_all(log)[1].offset
        log.trim("raw", 0, second)
        log.trim("raw", 0, 0)
        assert log.bounds("raw", 0).start == second
        assert read_values(log) == [b"b", b"c"]

    def test_trimming_above_the_end_is_an_error(self, log):
        log.append_events("raw", 0, value_records(b"a"))
        bounds = log.bounds("raw", 0)
        with pytest.raises(OffsetOutOfRangeError, match=str(bounds.end + 1)):
            log.trim("raw", 0, bounds.end + 1)
        assert log.bounds("raw", 0) == bounds

    # Many producers

    def test_append_events_returns_where_each_record_went(self, log):
        offsets = log.append_events("raw", 0, value_records(b"a", b"b"))
        assert [record.offset for record in read_all(log)] == offsets

    def test_producers_in_threads_lose_nothing_and_keep_their_own_order(self, log):
        def produce(name: int) -> list[int]:
            offsets = []
            for number in range(10):
                offsets += log.append_events("raw", 0, value_records(b"%d %d" % (name, number)))
            return offsets

        with ThreadPoolExecutor(4) as threads:
            offsets = [offset for found in threads.map(produce, range(4)) for offset in found]
        values = read_values(log)
        assert len(set(offsets)) == len(values) == 40
        for name in range(4):
            own = [value for value in values if value.startswith(b"%d " % name)]
            assert own == [b"%d %d" % (name, number) for number in range(10)]

    def test_writers_in_threads_append_whole_transactions(self, log):
        def write(name: int) -> None:
            writer = log.writer("raw", 0, name=f"w{name}")
            for number in range(5):
                writer.append(value_records(*[b"%d %d" % (name, number)] * 4))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(write, range(4)))
        values = read_values(log)
        assert len(values) == 80
        for first in range(0, 80, 4):
            assert len(set(values[first : first + 4])) == 1
