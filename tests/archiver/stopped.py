"""Deployments in memory whose line stops, what mends them, and a process that dies on the way."""

from deployment import Deployment, values
from sealtrail_archiver.onward import Site, continue_trail, record_gap
from sealtrail_chainer.diagnosis import diagnose
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.log import NewRecord


class CrashError(Exception):
    """The process is gone."""


def site(deployment, signer=None) -> Site:
    return Site(
        deployment.log,
        deployment.store,
        deployment.trail,
        signer or deployment.signer,
        deployment.retention,
        clock_ms=lambda: deployment.clock.now_ms,
        entropy=deployment.random.randbytes,
    )


def sealed(count=9, **kwargs) -> Deployment:
    """A trail with `count` events sealed and two more chained."""
    deployment = Deployment(**kwargs)
    deployment.publish(*values(count))
    deployment.chain()
    deployment.archive()
    deployment.publish(*values(2, count))
    deployment.chain()
    return deployment


def stop_of(deployment) -> LineStoppedError | None:
    return diagnose(deployment.log, deployment.store, deployment.trail).stop


def recreate(deployment):
    deployment.log.faults.recreate_topic("events.chained")


def overtake(deployment):
    deployment.log.faults.lose_start("events.chained", 0, deployment.log.bounds("events.chained", 0).end)


def truncate(deployment):
    deployment.log.faults.lose_end("events.chained", 0, 2)


def alter(deployment):
    """Change what a chained record that is not sealed yet holds."""
    partition = deployment.log.partition("events.chained", 0)
    last = max(partition.records)
    partition.records[last] = partition.records[last]._replace(value=b"another")


def invent(deployment):
    """Write a stray that claims an event which was chained with other content."""
    partition = deployment.log.partition("events.chained", 0)
    record = partition.records[max(partition.records)]
    link = record.headers[-1][1]
    deployment.log.faults.write_foreign(
        "events.chained", 0, NewRecord(None, b"invented", ((b"sealtrail.link", link),))
    )


CHAINED_STOPS = {
    StopCode.TOPIC_RECREATED: recreate,
    StopCode.CHAINED_OVERTAKEN: overtake,
    StopCode.CHAINED_TRUNCATED: truncate,
    StopCode.PAYLOAD_MISMATCH: alter,
    StopCode.STRAY_LOST: invent,
}


def lose_raw(deployment):
    deployment.publish(*values(4, 20))
    deployment.log.faults.lose_start("events", 0, deployment.log.bounds("events", 0).end - 2)


def prepared(deployment, way):
    """Harm a deployment, and return what mends it, as often as it is called."""
    if way is StopCode.RAW_OVERTAKEN:
        lose_raw(deployment)
        return lambda: record_gap(site(deployment), reason="a test")
    CHAINED_STOPS[way](deployment)
    return lambda: continue_trail(site(deployment), way, reason="a test")


def failing(operation):
    def fault(found, key, phase):
        if found == operation:
            raise StoreUnavailableError(f"{phase} {key}")

    return fault


class Crashes:
    """Lets the process die at the n-th effect on log or store, before it or behind it: reading has none."""

    def __init__(self, deployment, at):
        self.left = at
        self.log, self.store = deployment.log, deployment.store
        self.commit, self.writer = self.log.commit, self.log.writer

    def __enter__(self):
        self.store.fault = lambda operation, *_: self.count() if operation == "put" else None
        self.log.commit = lambda *args: self.around(self.commit, *args)
        self.log.writer = lambda *args, **kwargs: self.around(self.writer, *args, **kwargs)
        return self

    def __exit__(self, *_):
        del self.log.commit, self.log.writer
        self.store.fault = None

    def count(self):
        if self.left == 0:
            raise CrashError
        self.left -= 1

    def around(self, effect, *args, **kwargs):
        self.count()
        answer = effect(*args, **kwargs)
        self.count()
        return answer


def crashed_at(deployment, at, act) -> bool:
    """Whether the process died there."""
    with Crashes(deployment, at):
        try:
            act()
        except CrashError:
            return True
    return False
