"""What a replay promises on every log. A test module subclasses it and gives it `log` and `topic`."""

from __future__ import annotations

import random

import pytest

from auditor.replayed import HOSTILE, as_new, numbered, replay_into, replay_of, trail_of
from contracts.log_contract import read_all
from sealtrail_auditor import replay_log
from sealtrail_auditor.errors import ReplayTargetError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.query import Query
from sealtrail_auditor.replay_log import LogTarget, replay_writer_name
from sealtrail_transport.errors import RecordRefusedError, TopicMissingError, WriterFencedError
from sealtrail_transport.log import NewRecord


class ReplayContract:
    """`log` is an empty log; `make_topic(**properties)` makes a topic of it and returns its name."""

    @pytest.fixture(autouse=True)
    def small_transactions(self, monkeypatch):
        monkeypatch.setattr(replay_log, "TRANSACTION_RECORDS", 2)

    @pytest.fixture
    def topic(self, make_topic):
        return make_topic()

    def test_every_record_is_as_it_was(self, log, topic):
        _, target = replay_into(log, topic, trail_of(*HOSTILE))
        assert as_new(read_all(log, topic)) == list(HOSTILE)
        assert (target.put_count, target.found) == (len(HOSTILE), 0)

    def test_a_second_run_adds_nothing(self, log, topic):
        trail = trail_of(*HOSTILE)
        replay_into(log, topic, trail)
        _, target = replay_into(log, topic, trail)
        assert as_new(read_all(log, topic)) == list(HOSTILE)
        assert (target.put_count, target.found) == (0, len(HOSTILE))

    def test_a_replay_that_was_left_goes_on(self, log, make_topic):
        trail = trail_of(*HOSTILE)
        for count in range(len(HOSTILE)):
            topic = make_topic()
            target = LogTarget(log, topic, 0)
            for _, put in zip(range(count), replay_of(trail), strict=False):
                target.put(put)
            target.close()  # what waits is dropped
            replay_into(log, topic, trail)
            assert as_new(read_all(log, topic)) == list(HOSTILE), count

    def test_what_was_chained_since_comes_behind(self, log, topic):
        trail = trail_of(*numbered(3))
        replay_into(log, topic, trail)
        trail.event(b"later", b"k", (), source_timestamp_ms=1_700_000_001_000)
        trail.seal()
        _, target = replay_into(log, topic, trail)
        assert [record.value for record in read_all(log, topic)] == [b"0", b"1", b"2", b"later"]
        assert (target.put_count, target.found) == (1, 3)

    @pytest.mark.parametrize(
        "other",
        [
            NewRecord(b"other", b"0", (), 1_700_000_000_000),
            NewRecord(b"k", b"0", ((b"h", None),), 1_700_000_000_000),
            NewRecord(b"k", None, (), 1_700_000_000_000),
            NewRecord(b"k", b"0", (), 1_700_000_000_001),
        ],
        ids=["key", "headers", "value", "timestamp"],
    )
    def test_a_topic_that_holds_something_else_is_refused(self, log, topic, other):
        log.writer(topic, 0, name=f"{topic}-other").append([other])
        with pytest.raises(ReplayTargetError, match="offset 0 differs in its"):
            replay_into(log, topic, trail_of(*numbered(3)))
        assert as_new(read_all(log, topic)) == [other]

    def test_a_topic_that_holds_something_more_is_refused(self, log, topic):
        trail = trail_of(*numbered(3))
        replay_into(log, topic, trail)
        log.writer(topic, 0, name=f"{topic}-other").append(numbered(1))
        with pytest.raises(ReplayTargetError, match="comes after all"):
            replay_into(log, topic, trail)

    def test_a_topic_with_a_clock_of_its_own_is_refused(self, log, make_topic):
        topic = make_topic(append_time=True)
        with pytest.raises(ReplayTargetError, match="CreateTime"):
            replay_into(log, topic, trail_of(*numbered(1)))
        assert read_all(log, topic) == []

    def test_no_topic(self, log, topic):
        with pytest.raises(TopicMissingError):
            replay_into(log, f"{topic}-missing", trail_of(*numbered(1)))
        with pytest.raises(TopicMissingError):
            replay_into(log, topic, trail_of(*numbered(1)), partition=1)

    def test_provenance_stands_behind_the_events_own_headers(self, log, topic):
        trail = trail_of(*HOSTILE)
        replay_into(log, topic, trail, provenance=True)
        for sequence, (record, original) in enumerate(zip(read_all(log, topic), HOSTILE, strict=True), 1):
            own, added = record.headers[: len(original.headers)], record.headers[len(original.headers) :]
            assert own == original.headers
            assert [name for name, _ in added] == [
                b"sealtrail.origin",
                b"sealtrail.sequence",
                b"sealtrail.entry",
                b"sealtrail.replay",
            ]
            assert dict(added)[b"sealtrail.origin"] == trail.origin.encode()
            assert dict(added)[b"sealtrail.sequence"] == b"%d" % sequence

    def test_among_others_each_record_comes_once(self, log, topic):
        foreign = log.writer(topic, 0, name=f"{topic}-other")
        foreign.append(numbered(2))
        trail = trail_of(*HOSTILE)
        target = LogTarget(log, topic, 0, replay_id="0" * 32)  # another replay, left at once
        target.close()
        _, target = replay_into(log, topic, trail, append=True)
        assert target.put_count == len(HOSTILE)
        foreign.append(numbered(1))
        _, target = replay_into(log, topic, trail, append=True)
        assert (target.put_count, target.found) == (0, len(HOSTILE))
        values = [record.value for record in read_all(log, topic)]
        assert values == [b"0", b"1", *(record.value for record in HOSTILE), b"0"]

    def test_two_questions_in_one_topic_do_not_mix(self, log, topic):
        trail = trail_of(*numbered(6))
        later, all_of_it = Query(span=Span(4, 5)), Query()
        replay_into(log, topic, trail, later, append=True)
        replay_into(log, topic, trail, all_of_it, append=True)
        replay_into(log, topic, trail, later, append=True)
        values = [record.value for record in read_all(log, topic)]
        assert values == [b"3", b"4", b"0", b"1", b"2", b"3", b"4", b"5"]

    def test_a_second_replay_ends_the_first(self, log, topic):
        trail = trail_of(*numbered(6))
        first, second = LogTarget(log, topic, 0), None
        for place, put in enumerate(replay_of(trail)):
            if place == 3:  # two are there, one waits
                second = replay_into(log, topic, trail)
            if place < 4:
                first.put(put)
        with pytest.raises(WriterFencedError, match="another replay"):
            first.flush()
        first.close()
        assert second[1].found == 2
        assert [record.value for record in read_all(log, topic)] == [b"%d" % n for n in range(6)]

    def test_a_record_that_is_refused_is_named_and_what_stands_before_is_there(self, log, make_topic):
        topic = make_topic(max_record_bytes=20_000)
        records = numbered(6)
        noise = random.Random(1).randbytes(60_000)  # a broker weighs what is compressed
        records[3] = NewRecord(b"k", noise, (), 1_700_000_000_003)
        with pytest.raises(RecordRefusedError, match="does not take entry 4 of audit"):
            replay_into(log, topic, trail_of(*records))
        assert as_new(read_all(log, topic)) == records[:3]

    def test_events_of_five_megabytes(self, log, topic, monkeypatch):
        monkeypatch.setattr(replay_log, "TRANSACTION_RECORDS", 1_000)
        large = [
            NewRecord(None, bytes([number]) * 5_000_000, (), 1_700_000_000_000 + number)
            for number in range(3)
        ]
        replay_into(log, topic, trail_of(*large))
        assert as_new(read_all(log, topic)) == large

    def test_the_writer_is_named_after_the_partition(self, log, topic):
        """So that whoever replays into it, from whatever archive, shuts out everybody else."""
        target = LogTarget(log, topic, 0)
        target.put(next(iter(replay_of(trail_of(*numbered(1))))))
        log.writer(topic, 0, name=replay_writer_name(topic, 0)).close()
        with pytest.raises(WriterFencedError):
            target.finish()
