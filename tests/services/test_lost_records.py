"""Raw topics that lose records before they are chained: by real retention, and by real compaction."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import ResourceType

from command_line import await_true

pytestmark = [pytest.mark.containers, pytest.mark.claim("C6")]


def publish(stack, records):
    """Publish `(key, value, time in ms)` as other programs do; a time of 0 is the present."""
    producer = Producer({"bootstrap.servers": stack.cluster.address})
    for key, value, time_ms in records:
        producer.produce(stack.name, value, key, partition=0, timestamp=time_ms)
    assert producer.flush(30) == 0


def test_retention_that_overtook_the_chainer_stops_the_line_and_names_the_offsets(spare):
    """A broker goes by the time that events carry: those of 1970 are too old at once, whatever it keeps."""
    spare.make_raw(1, **{"retention.ms": "-1"})
    spare.init()
    publish(spare, [(None, b"chained", 1), (None, b"chained", 2)])
    spare.drain("chain")
    publish(spare, [(None, b"lost", 3), (None, b"lost", 4), (None, b"lost", 5)])
    spare.configure(ResourceType.TOPIC, spare.name, {"retention.ms": "604800000"})
    await_true(lambda: spare.log.bounds(spare.name, 0).start == 5, "retention")
    publish(spare, [(None, b"kept", 0)])
    answer = spare.call("chain", "--drain", "--instance", "one", "--log-format", "json")
    assert answer.exit_code == 3
    (stopped,) = [line for line in map(json.loads, answer.stderr.splitlines()) if line["event"] == "stopped"]
    assert stopped["code"] == "raw-overtaken"
    assert stopped["text"] == f"{spare.name} offsets 2 to 4 were deleted before they were chained"
    assert (stopped["first_lost"], stopped["first_kept"]) == (2, 5)


def test_what_compaction_left_is_chained_and_init_says_that_the_rest_is_not(spare):
    """Compaction takes records away without moving an end: the log itself doesn't tell what was lost."""
    compact = {"cleanup.policy": "compact", "max.compaction.lag.ms": "100", "segment.ms": "100"}
    spare.make_raw(1, **compact, **{"min.cleanable.dirty.ratio": "0.01"})
    assert "are not in the trail, and the trail can't tell" in spare.init().stderr
    before = [(b"k%d" % (number % 3), b"before %d" % number, 0) for number in range(9)]
    publish(spare, before)
    spare.drain()
    since = [(b"k%d" % (number % 3), b"since %d" % number, 0) for number in range(9)]
    publish(spare, since)

    def is_compacted():
        publish(spare, [(b"roll", b"", 0)])  # a segment is closed, and compacted, after the next record came
        return [value for value in spare.published()[0] if value] == [b"since 6", b"since 7", b"since 8"]

    await_true(is_compacted, "compaction")
    spare.drain()
    left = spare.published()[0]
    assert spare.chained()[0] == [value for _, value, _ in before] + left
    assert int(spare.verify()["trails"][0]["size"]) == 1 + 9 + len(left)
