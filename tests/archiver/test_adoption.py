"""What lies where a batch or a seal is to go: adopted if it is ours, else an alarm, and gone around."""

from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest

from archiver.archived import folder_of, ready, sealed_entries, verify
from deployment import ORIGIN, Deployment
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.batch import BatchReader, BatchWriter
from sealtrail_schemas.layout import batch_key, seal_key
from sealtrail_schemas.leaf import Leaf, make_link, split_link
from sealtrail_schemas.payload import encode_payload
from sealtrail_transport.log import LogRecord
from sealtrail_transport.seal_shelf import newest_seal, versions_of
from sealtrail_transport.store import LockMode, Retention

pytestmark = pytest.mark.claim("C8")


def first_batch(deployment, *, entries: slice, origin=ORIGIN) -> tuple[str, bytes]:
    """Name and bytes of a first batch of some of the chained entries, as another run might have left it."""
    twin = Deployment()
    twin.log, twin.store = deployment.log, type(deployment.store)(clock=deployment.clock.now)
    twin.archive()
    writer = BatchWriter(origin)
    for leaf, payload in sealed_entries(twin)[entries]:
        writer.add(leaf, payload)
    trail_id = find_anchor(deployment.log, deployment.store, deployment.trail).state.trail_id
    return f"events/0/{trail_id[:4].hex()}/{batch_key(0)}", writer.finish()


def squat(deployment, key, body, *, locked=True):
    until = deployment.clock.now() + timedelta(days=2)
    lock = Retention(LockMode.COMPLIANCE, until) if locked else None
    return deployment.store.put(key, body, retention=lock)


@pytest.mark.claim("C5")
@pytest.mark.parametrize("count", [3, 10], ids=["a shorter batch", "the whole batch"])
def test_a_batch_that_a_dead_run_left_is_adopted(count):
    deployment = ready()
    key, body = first_batch(deployment, entries=slice(count))
    version = squat(deployment, key, body)
    steps = deployment.archive()
    assert steps[0].sealed.adopted
    assert steps[0].sealed.entries == count
    assert steps[0].sealed.placed.opened.seal.batch.version_id == version
    assert len(sealed_entries(deployment)) == 10
    assert verify(deployment).verdict is Verdict.INTACT


def test_a_batch_longer_than_the_settings_would_make_is_adopted_too():
    deployment = ready()
    squat(deployment, *first_batch(deployment, entries=slice(8)))
    steps = deployment.archive(deployment.archiver(batch_entries=3, read_records=2))
    assert next(step.sealed.entries for step in steps if step.sealed) == 8
    assert len(sealed_entries(deployment)) == 10


@pytest.mark.parametrize(
    ("entries", "origin", "locked"),
    [
        (slice(1, 10), ORIGIN, True),
        (slice(10), "audit.example.com/other/0", True),
        (slice(10), ORIGIN, False),
    ],
    ids=["other entries", "another origin", "not locked"],
)
def test_a_squatted_name_is_an_alarm_and_is_gone_around(entries, origin, locked):
    deployment = ready()
    key, body = first_batch(deployment, entries=entries, origin=origin)
    squat(deployment, key, body, locked=locked)
    (step,) = deployment.archive()
    assert [alarm.code for alarm in step.alarms] == ["name-spoiled"]
    assert step.sealed.placed.opened.seal.batch.key == batch_key(0, 1)
    assert len(sealed_entries(deployment)) == 10


def test_a_batch_that_goes_on_beyond_what_is_committed_is_not_ours():
    deployment = ready()
    key, body = first_batch(deployment, entries=slice(10))
    deployment.log.faults.lose_end("events.chained", 0, 5)
    squat(deployment, key, body)
    (step,) = deployment.archive()
    assert [alarm.code for alarm in step.alarms] == ["name-spoiled"]


@pytest.mark.parametrize("good", [True, False], ids=["our batch", "garbage"])
def test_an_older_version_under_a_delete_marker(good):
    """`If-None-Match: *` succeeds over a marker: only the listing of versions tells."""
    deployment = ready()
    key, body = first_batch(deployment, entries=slice(10))
    version = squat(deployment, key, body if good else b"garbage")
    deployment.store.delete(key)
    (step,) = deployment.archive()
    seal = step.sealed.placed.opened.seal
    if good:
        assert (seal.batch.key, seal.batch.version_id) == (batch_key(0), version)
        assert [alarm.code for alarm in step.alarms] == ["extra-version"]
    else:
        assert seal.batch.key == batch_key(0, 1)
        assert [alarm.code for alarm in step.alarms] == ["name-spoiled"]


def test_a_squatted_seal_name_gets_a_new_version_and_an_alarm():
    deployment = ready()
    key, _ = first_batch(deployment, entries=slice(10))
    folder = key.removesuffix(batch_key(0))
    deployment.store.put(folder + seal_key(10), b"not a seal", retention=None)
    (step,) = deployment.archive()
    assert [alarm.code for alarm in step.alarms] == ["seal-name-spoiled"]
    assert len(versions_of(deployment.store, folder + seal_key(10))) == 2
    assert newest_seal(deployment.store, folder, deployment.keys).opened.checkpoint.size == 10


@pytest.mark.claim("C3")
def test_a_valid_seal_of_another_history_stops_the_line():
    deployment, twin = ready(), ready()
    twin.log.faults.recreate_topic("events.chained")
    deployment.archive()
    folder = folder_of(deployment)
    other = Deployment()
    other.log = deployment.log
    # The same key, trail and size, but the last event rewritten after it was sealed.
    bounds = other.log.bounds("events.chained", 0)
    partition = other.log.partition("events.chained", 0)
    last = max(partition.records)
    rewritten = _rechained(partition.records[last])
    partition.records[last] = rewritten
    (seal_line,) = versions_of(deployment.store, folder + seal_key(10))
    with deployment.store.open(seal_line.key, seal_line.version_id) as stream:
        other.store.put(seal_line.key, stream.read(), retention=squat_lock(other))
    assert bounds.end == other.log.bounds("events.chained", 0).end
    # An archiver that was recovered before the other one sealed meets its seal.
    other.store.erase(seal_line.key)
    archiver = other.archiver()
    archiver.step(now_ms=other.clock.now_ms)
    with deployment.store.open(seal_line.key, seal_line.version_id) as stream:
        other.store.put(seal_line.key, stream.read(), retention=squat_lock(other))
    with pytest.raises(LineStoppedError) as stopped:
        other.archive(archiver)
    assert stopped.value.code is StopCode.TWO_HISTORIES


def squat_lock(deployment):
    return Retention(LockMode.COMPLIANCE, deployment.clock.now() + timedelta(days=1))


def _rechained(record):
    """The record, chained again with other content: what an insider with write access would put there."""
    leaf_bytes, salt = split_link(record.headers[-1][1])
    payload = encode_payload(salt, None, (), b"rewritten")
    leaf = Leaf.parse(leaf_bytes)._replace(payload_hash=sha256(payload).digest()).encode()
    header = (record.headers[-1][0], make_link(leaf, salt))
    return LogRecord(record.offset, None, b"rewritten", (header,), record.timestamp_ms, record.timestamp_type)


def test_a_dead_batch_whose_lock_has_run_out_is_gone_around():
    deployment = ready()
    key, body = first_batch(deployment, entries=slice(10))
    squat(deployment, key, body)
    deployment.clock.now_ms += 3 * 86_400_000
    (step,) = deployment.archive()
    assert step.sealed.placed.opened.seal.batch.key == batch_key(0, 1)


def test_a_lock_that_somebody_extended_does_not_extend_those_to_come():
    deployment = ready()
    until = deployment.clock.now() + timedelta(days=36_500)
    key, body = first_batch(deployment, entries=slice(10))
    deployment.store.put(key, body, retention=Retention(LockMode.COMPLIANCE, until))
    (step,) = deployment.archive()
    assert step.sealed.adopted
    assert step.sealed.placed.opened.seal.retention.until == deployment.clock.now() + timedelta(days=1)
    assert verify(deployment).verdict is Verdict.INTACT


@pytest.mark.claim("C12")
def test_a_squatters_count_does_not_decide_what_is_read_into_memory():
    deployment = ready(40)
    key, body = first_batch(deployment, entries=slice(1))
    writer = BatchWriter(ORIGIN)
    (entry,) = BatchReader(BytesIO(body))
    writer.add(*entry)
    for _ in range(5_000):
        writer.add(b"", b"")
    squat(deployment, key, writer.finish())
    archiver = deployment.archiver(batch_entries=1, read_records=1)
    most = 0
    for _ in range(40):
        archiver.step(now_ms=deployment.clock.now_ms)
        most = max(most, archiver.pending)
    assert most <= 4
