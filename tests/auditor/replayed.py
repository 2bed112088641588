"""Trails to be replayed, and replaying them."""

from __future__ import annotations

from auditor.builders import NOW, TrailMaker, new_store, policy_of
from contracts.log_contract import YEAR_2100_MS
from sealtrail_auditor.provenance import Provenance, make_replay_id
from sealtrail_auditor.query import Query
from sealtrail_auditor.query_json import query_json
from sealtrail_auditor.reading import find_trails
from sealtrail_auditor.replay import Replay
from sealtrail_auditor.replay_log import LogTarget
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.record import NO_TIMESTAMP
from sealtrail_transport.log import NewRecord

HOSTILE = (
    NewRecord(None, b'{"n":1}', (), 1_700_000_000_000),
    NewRecord(b"k", None, (), 1),  # a tombstone of 1970
    NewRecord(b"", b"", ((b"h", b""), (b"h", None), (b"h", b"")), YEAR_2100_MS),
    NewRecord(
        b"\x00\xff", bytes(range(256)), ((b"b", b"\x00\xff"), (b"a", b"1"), (b"b", b"2")), 1_600_000_000_000
    ),
    NewRecord("ключ".encode(), "=1+1\r\n\u202e".encode(), (("имя".encode(), b"v"), (b"", None)), 5),
    NewRecord(
        b"k", b'{"n":1}', ((b"sealtrail.sequence", b"7"), (b"sealtrail.link", b"x")), 1_700_000_000_001
    ),
    NewRecord(None, None, (), NO_TIMESTAMP),
    NewRecord(None, b'{"n":1}', (), 1_700_000_000_000),  # the first one, again
)


def trail_of(*records: NewRecord, per_batch: int = 3, store=None, **settings) -> TrailMaker:
    """A trail of these records as events, in batches; genesis alone in the first one."""
    trail = TrailMaker(store or new_store(), **settings)
    trail.seal()
    for number, record in enumerate(records, 1):
        trail.event(
            record.value,
            record.key,
            record.headers,
            source_timestamp_ms=record.timestamp_ms,
            source_timestamp_type=0 if record.timestamp_ms == NO_TIMESTAMP else 1,
        )
        if number % per_batch == 0 or number == len(records):
            trail.seal()
    return trail


def numbered(count: int) -> list[NewRecord]:
    return [NewRecord(b"k", b"%d" % number, (), 1_700_000_000_000 + number) for number in range(count)]


def replay_of(trail, query=None, *, provenance=False, **settings) -> Replay:
    query = query or Query()
    (folder,) = find_trails(trail.store, policy_of(trail))
    told = Provenance(trail.origin, replay_id_of(trail, query)) if provenance else None
    settings = {"recognisers": DEFAULT, "now": NOW} | settings
    return Replay(trail.store, folder, query, provenance=told, **settings)


def replay_id_of(trail, query=None) -> str:
    return make_replay_id(trail.folder, query_json(query or Query(), DEFAULT))


def replay_into(log, topic: str, trail, query=None, *, append=False, partition=0, **settings):
    """Replay a trail as the program does; returns the replay and the target."""
    replay = replay_of(trail, query, **({"provenance": append} | settings))
    target = LogTarget(log, topic, partition, replay_id=replay_id_of(trail, query) if append else None)
    try:
        for put in replay:
            target.put(put)
        if replay.stopped is None:
            target.finish()
        else:
            target.flush()
    finally:
        target.close()
    return replay, target


def as_new(records) -> list[NewRecord]:
    """Records that were read as the ones that were appended."""
    return [NewRecord(each.key, each.value, each.headers, each.timestamp_ms) for each in records]
