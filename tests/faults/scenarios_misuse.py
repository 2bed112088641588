"""What others do to the parts: a foreign producer, a meddled bucket, a restored broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from faults.scenario import scenario
from sealtrail.data_folder import DataFolder
from sealtrail_chainer.chainer import writer_name
from sealtrail_schemas.layout import SEALS, batch_key, parse_seal_key
from sealtrail_transport.errors import LogError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from faults.harness import Run

DUELS: Final = 4


@scenario("foreign-transactional-id")
def foreign_transactional_id(run: Run) -> None:
    """Somebody else uses the chainer's transactional id, for a topic of their own, again and again: the
    chainer is fenced each time, recovers, and goes on."""
    run.begin()
    run.archive()
    run.chain()
    run.await_flow()
    trail = DataFolder(run.stack.data).policy_trails()[0]
    foreign = f"{run.stack.name}.foreign"
    run.stack.make_topic(foreign, 1, {})
    for _ in range(DUELS):
        writer = run.log.writer(foreign, 0, name=writer_name(trail))
        try:
            for _ in range(run.chance.randint(0, 3)):
                writer.append([NewRecord(None, b"not an audit event")])
        except LogError:  # the chainer was faster
            pass
        finally:
            writer.close()
        since = run.mark("the transactional id used elsewhere", "chainer")
        run.await_flow(since)
        run.pause(0, 1)
    run.settle()


@scenario("all-objects-deleted")
def all_objects_deleted(run: Run) -> None:
    """Somebody deletes every object of the archive, and the lock leaves them all under delete markers; then
    the archiver is killed and begins again. It has to go on from what is hidden, and the verifier to tell."""
    run.begin()
    run.chain()
    archiver = run.archive()
    run.await_flow()
    if run.chance.random() < 0.5:
        archiver.kill()
    client, bucket = run.open_store().client, run.stack.name
    for item in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        client.delete_object(Bucket=bucket, Key=item["Key"])
    run.expected.findings.add("ST-OBJECT-MARKER")
    archiver.kill()
    run.archive()
    run.mark("every object deleted, the archiver begins again", "archiver")
    run.settle()


@scenario("batch-name-taken")
def batch_name_taken(run: Run) -> None:
    """While the archiver is away, an object with other bytes is put under the name that its next batch will
    have. It has to raise an alarm and to go on under another name, and the verifier has to tell."""
    run.begin()
    run.chain()
    archiver = run.archive()
    run.await_flow()
    assert archiver.stop() == 0
    store = run.open_store()
    (folder,) = trail_folders(store)
    size = max(parse_seal_key(line.key.removeprefix(folder)) for line in store.versions(folder + SEALS))
    wrong = run.chance.choice([b"", b"nothing of worth", run.chance.randbytes(5_000)])
    store.put(folder + batch_key(size), wrong, retention=None)
    run.expected.alarms.add("name-spoiled")
    run.expected.findings.add("ST-OBJECT-SQUATTED")
    run.archive()
    run.mark("the next batch's name taken", "archiver")
    run.settle()


@scenario("default-retention-set")
def default_retention_set(run: Run) -> None:
    """Somebody gives the bucket a default retention, in the weaker mode, while the archiver runs. Each object
    carries its own lock, so nothing changes."""
    run.begin()
    run.chain()
    run.archive()
    run.await_flow()
    rule: Any = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": run.chance.randint(1, 30)}}
    run.open_store().client.put_object_lock_configuration(
        Bucket=run.stack.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    since = run.mark("a default retention set")
    run.await_flow(since)
    run.settle()


@scenario("chained-topic-ahead")
def chained_topic_ahead(run: Run) -> None:
    """The archiver is away while the chained topic gets far ahead of the sealed head, and the chainer is
    killed there and begins again; then the archiver is back."""
    run.begin(rate=300)
    archiver, chainer = run.archive(), run.chain()
    run.await_flow()
    archiver.kill()
    for _ in range(2):
        run.pause(2, 4)
        chainer.kill()
        chainer = run.chain()
        run.await_chained(run.mark("the chainer killed, ahead of the sealed head", "chainer"))
    run.archive()
    run.mark("the archiver is back", "archiver")
    run.settle()


@scenario("chained-topic-cut")
def chained_topic_cut(run: Run) -> None:
    """The broker's disk is set back, so that the chained topic ends below the sealed head. Chainer and
    archiver have to stop the line, each with chained-truncated, and to seal nothing more."""
    run.begin()
    services = [run.archive(), run.chain()]
    run.await_flow()
    brokers, topic = run.site.brokers, f"{run.stack.name}.chained"
    brokers.remember(topic)
    run.await_flow(time.time())
    for producer in run.producers:
        producer.stop()
    run.await_drained()
    for service in services:
        assert service.stop() == 0
    brokers.set_back(topic)
    run.mark_for_good("the broker's disk set back")
    run.expected.stops.add("chained-truncated")
    run.expected.ends.add(3)
    for start in run.chance.sample([run.chain, run.archive], 2):
        service = start()
        run.wait_until(lambda stopped=service: not stopped.is_running, f"{service.command} to stop")
        assert service.await_end() == 3, service.told
        (evidence,) = run.stack.data.glob("stopped-*.json")
        evidence.rename(evidence.with_suffix(f".{service.command}"))
