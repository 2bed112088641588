"""KafkaLog: the contract. Where Kafka or its client can't keep a promise to the letter, it is said here."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace

import pytest

from contracts.log_contract import YEAR_2100_MS, LogContract, read_all, value_records
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_CREATE, TIMESTAMP_NONE
from sealtrail_transport.errors import RecordRefusedError
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.log import NewRecord

pytestmark = pytest.mark.containers


class LogOfItsOwn(KafkaLog):
    """A KafkaLog whose topics and writers carry a prefix, and to which events can be appended at once.

    Many producers append through transactions of a thread's own, since the contract asks for all or nothing.
    """

    def __init__(self, settings, prefix=None):
        super().__init__(settings)
        self.prefix = prefix or f"t-{uuid.uuid4().hex[:12]}-"
        self._writers = {}

    def topic(self, name):
        return replace(super().topic(self.prefix + name.removeprefix(self.prefix)), name=name)

    def create_topic(self, name, **parameters):
        return replace(super().create_topic(self.prefix + name, **parameters), name=name)

    def bounds(self, topic, partition):
        return super().bounds(self.prefix + topic.removeprefix(self.prefix), partition)

    def read(self, topic, partition, offset, **limits):
        return super().read(self.prefix + topic, partition, offset, **limits)

    def written_end(self, topic, partition):
        return super().written_end(self.prefix + topic.removeprefix(self.prefix), partition)

    def writer(self, topic, partition, *, name, **options):
        return super().writer(self.prefix + topic, partition, name=self.prefix + name, **options)

    def trim(self, topic, partition, offset):
        super().trim(self.prefix + topic, partition, offset)

    def append_events(self, topic, partition, records):
        key = (topic, partition, threading.get_ident())
        if key not in self._writers:
            self._writers[key] = self.writer(topic, partition, name=f"events {key}")
        first = self._writers[key].append(records).first_offset
        return list(range(first, first + len(records)))


class TestKafkaLog(LogContract):
    @pytest.fixture
    def log(self, cluster):
        # What a broker weighs is compressed; only so do the sizes in the contract mean what they say.
        with LogOfItsOwn(cluster.settings(**{"compression.type": "none"})) as log:
            yield log

    def recreate(self, log, name):
        delete_topic(log, log.prefix + name)
        log = LogOfItsOwn(log._settings, log.prefix)
        log.create_topic(name, partitions=2, append_time=False)
        return log

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
            (b"k", b"v", (("clé".encode(), b"x" * 70_000),)),
        ],
    )
    def test_content_comes_back_byte_for_byte(self, log, key, value, headers):
        super().test_content_comes_back_byte_for_byte(log, key, value, headers)

    @pytest.mark.parametrize("key", [b"bad\xff\xfekey", b"cut\x00short"])
    def test_a_header_key_that_the_client_garbles_is_refused(self, log, key):
        with pytest.raises(RecordRefusedError, match="record 1 has a header key"):
            log.append_events("raw", 0, [NewRecord(None, b"x"), NewRecord(None, b"x", ((key, b"x"),))])
        assert read_all(log) == []

    @pytest.mark.parametrize(
        ("given_ms", "kind"),
        [
            (1, TIMESTAMP_CREATE),
            (YEAR_2100_MS, TIMESTAMP_CREATE),
            (2**63 - 1, TIMESTAMP_CREATE),
            (NO_TIMESTAMP, TIMESTAMP_NONE),
        ],
    )
    def test_the_producers_time_is_kept(self, log, given_ms, kind):
        super().test_the_producers_time_is_kept(log, given_ms, given_ms, kind)

    def test_without_a_time_the_present_is_taken(self, log):
        before_ms = time.time_ns() // 1_000_000
        log.append_events("raw", 0, value_records(b"x"))
        (record,) = read_all(log)
        assert before_ms <= record.timestamp_ms <= time.time_ns() // 1_000_000
        assert record.timestamp_type == TIMESTAMP_CREATE

    def test_the_time_zero_is_refused_rather_than_sent_as_the_present(self, log):
        with pytest.raises(RecordRefusedError, match="record 0 has the timestamp 0"):
            log.append_events("raw", 0, [NewRecord(None, b"x", timestamp_ms=0)])
        assert read_all(log) == []

    @pytest.mark.parametrize("given_ms", [None, 0, YEAR_2100_MS, NO_TIMESTAMP])
    def test_an_append_time_topic_keeps_its_own_time(self, log, given_ms):
        log.append_events("chained", 0, [NewRecord(None, b"x", timestamp_ms=given_ms)])
        (record,) = read_all(log, "chained")
        assert record.timestamp_type == TIMESTAMP_APPEND
        assert abs(record.timestamp_ms - time.time_ns() // 1_000_000) < 60_000

    def test_the_record_limit_counts_key_headers_and_overhead(self, log):
        """The broker's own count: what other logs refuse, to be on the safe side, may fit here."""
        log.create_topic("small", partitions=1, append_time=False, max_record_bytes=1000)
        log.append_events("small", 0, value_records(bytes(900)))
        for record in [
            NewRecord(None, bytes(990)),
            NewRecord(bytes(100), bytes(900)),
            NewRecord(None, bytes(900), ((b"h" * 50, bytes(50)),)),
        ]:
            with pytest.raises(RecordRefusedError, match="1000"):
                log.append_events("small", 0, [record])
        assert len(read_all(log, "small")) == 1

    def test_records_that_fit_one_by_one_fit_together(self, log):
        log.create_topic("small", partitions=1, append_time=False, max_record_bytes=1000)
        log.append_events("small", 0, value_records(*[bytes(300)] * 50))
        assert len(read_all(log, "small")) == 50


def delete_topic(log, name):
    """Delete a topic and wait until the broker has forgotten it."""
    log._admin._client.delete_topics([name], operation_timeout=10)[name].result()
    while name in log._admin._client.list_topics(timeout=10).topics:
        pass
