"""Ways onward from a stopped line, over memory log and store: stated once, sealed, and read from then on."""

import contextlib
import itertools

import pytest

from archiver.archived import sealed_entries, verify
from deployment import Deployment, values
from sealtrail_archiver.errors import KeyChangedError
from sealtrail_archiver.onward import Site, continue_trail, record_gap
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.diagnosis import NotThisWayError, diagnose
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.body import ControlBody, parse_body
from sealtrail_schemas.control import open_control
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault


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


def controls(deployment):
    """The statements in the archive, in order."""
    found = []
    for leaf_bytes, payload in sealed_entries(deployment):
        leaf = Leaf.parse(leaf_bytes)
        if leaf.kind is Kind.CONTROL:
            body = parse_body(Kind.CONTROL, decode_payload(payload).value)
            assert isinstance(body, ControlBody)
            control = open_control(body.note.encode(), deployment.signer.verifier)
            assert control.is_at(leaf)
            found.append(control)
    return found


def events(deployment) -> list[bytes]:
    """The values of the archived events, in order."""
    leaves = [(Leaf.parse(leaf), payload) for leaf, payload in sealed_entries(deployment)]
    return [decode_payload(payload).value for leaf, payload in leaves if leaf.kind is Kind.EVENT]


def stop_of(deployment) -> LineStoppedError | None:
    return diagnose(deployment.log, deployment.store, deployment.trail).stop


def go_on(deployment, more=2):
    """Publish, chain and seal with fresh services, and verify."""
    deployment.publish(*values(more, 100))
    deployment.chain()
    deployment.archive()
    assert verify(deployment).verdict is Verdict.INTACT


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


@pytest.mark.parametrize("code", CHAINED_STOPS)
def test_a_trail_whose_chained_topic_failed_goes_on_from_its_newest_seal(code):
    deployment = sealed()
    CHAINED_STOPS[code](deployment)
    assert stop_of(deployment).code is code
    stated = continue_trail(site(deployment), None, reason="a test")
    assert stop_of(deployment) is None
    (control,) = controls(deployment)
    topic = deployment.log.topic("events.chained")
    assert (control.deed.stop, control.deed.chained_topic.id) == (code, topic.topic_id)
    assert (control.sequence, control.reason) == (10, "a test") == (stated.control.sequence, "a test")
    go_on(deployment)
    assert events(deployment) == values(11) + values(2, 100)


def test_what_was_not_sealed_is_chained_again_from_the_raw_topic():
    deployment = sealed()
    recreate(deployment)
    continue_trail(site(deployment), None, reason="a test")
    assert events(deployment) == values(9)
    deployment.chain()
    deployment.archive()
    assert events(deployment) == values(11)


def test_acknowledged_entries_that_are_lost_are_gone_on_from_at_the_end_of_the_chain():
    """No new process can see that they are: the evidence says so."""
    deployment = sealed()
    chainer = deployment.chain()
    deployment.log.faults.lose_end("events.chained", 0, deployment.log.bounds("events.chained", 0).end - 2)
    deployment.publish(b"one more")
    with pytest.raises(LineStoppedError) as caught:
        deployment.chain(chainer)
    assert caught.value.code is StopCode.ACKNOWLEDGED_LOST
    assert stop_of(deployment) is None
    for _ in range(2):  # the second run finds what the first did
        continue_trail(site(deployment), StopCode.ACKNOWLEDGED_LOST, reason="a test")
    (control,) = controls(deployment)
    assert control.deed.stop == StopCode.ACKNOWLEDGED_LOST
    deployment.chain()
    deployment.archive()
    assert events(deployment)[:11] == values(11)
    assert verify(deployment).verdict is Verdict.INTACT


def test_a_stray_that_no_new_process_sees_is_left_by_its_evidence():
    deployment = sealed()
    continue_trail(site(deployment), StopCode.STRAY_LOST, reason="a test")
    assert [control.deed.stop for control in controls(deployment)] == ["stray-lost"]
    go_on(deployment)


def test_a_gap_in_the_raw_topic_is_stated_with_its_offsets():
    deployment = sealed()
    deployment.publish(*values(4, 11))
    end = deployment.log.bounds("events", 0).end
    first_lost = diagnose(deployment.log, deployment.store, deployment.trail).scanned.state.next_source_offset
    deployment.log.faults.lose_start("events", 0, end - 2)
    assert stop_of(deployment).code is StopCode.RAW_OVERTAKEN
    for _ in range(2):
        stated = record_gap(site(deployment), reason="retention")
    deed = stated.control.deed
    assert (deed.first_lost, deed.first_kept) == (first_lost, end - 2)
    assert stop_of(deployment) is None
    go_on(deployment)
    assert len(controls(deployment)) == 1
    assert events(deployment) == values(11) + values(1, 14) + values(2, 100)


@pytest.mark.parametrize("known", [None, StopCode.TOPIC_RECREATED, StopCode.RAW_OVERTAKEN])
def test_nothing_is_continued_that_nothing_stops(known):
    deployment = sealed()
    with pytest.raises(NotThisWayError, match="nothing stops") as caught:
        continue_trail(site(deployment), known, reason="a test")
    assert caught.value.stop is None
    assert controls(deployment) == []


def test_no_gap_is_recorded_where_there_is_none():
    deployment = sealed()
    with pytest.raises(NotThisWayError, match="there is no gap"):
        record_gap(site(deployment), reason="a test")


def lose_raw(deployment):
    deployment.publish(*values(4, 20))
    deployment.log.faults.lose_start("events", 0, deployment.log.bounds("events", 0).end - 2)


def recreate_both(deployment):
    deployment.log.faults.recreate_topic("events")
    recreate(deployment)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lose_raw, StopCode.RAW_OVERTAKEN),
        (lambda deployment: deployment.log.faults.lose_end("events", 0, 3), StopCode.RAW_TRUNCATED),
        (lambda deployment: deployment.log.faults.recreate_topic("events"), StopCode.TOPIC_RECREATED),
        (recreate_both, StopCode.TOPIC_RECREATED),
    ],
    ids=["raw overtaken", "raw truncated", "raw made anew", "both made anew"],
)
def test_what_befell_the_raw_topic_is_not_continued(harm, code):
    deployment = sealed()
    harm(deployment)
    with pytest.raises(NotThisWayError) as caught:
        continue_trail(site(deployment), None, reason="a test")
    assert caught.value.stop.code is code
    assert controls(deployment) == []


def test_what_was_never_sealed_is_not_continued():
    deployment = Deployment()
    deployment.publish(*values(3))
    deployment.chain()
    overtake(deployment)
    with pytest.raises(NotThisWayError, match="is sealed, so there is nothing to go on from"):
        continue_trail(site(deployment), None, reason="a test")


def test_a_gap_is_not_recorded_in_a_chain_that_cannot_be_read():
    deployment = sealed()
    lose_raw(deployment)
    truncate(deployment)
    with pytest.raises(LineStoppedError) as caught:
        record_gap(site(deployment), reason="a test")
    assert caught.value.code is StopCode.CHAINED_TRUNCATED
    continue_trail(site(deployment), None, reason="a test")
    record_gap(site(deployment), reason="a test")
    go_on(deployment)
    assert [control.name for control in controls(deployment)] == ["continuation", "gap"]


def test_a_continuation_that_nobody_sealed_is_where_readers_begin():
    """As after a crash between append and seal: chainer and archiver go on without ceremony."""
    deployment = sealed()
    recreate(deployment)
    deployment.store.fault = failing("put")
    with pytest.raises(StoreUnavailableError):
        continue_trail(site(deployment), None, reason="a test")
    deployment.store.fault = None
    assert stop_of(deployment) is None
    go_on(deployment)
    assert len(controls(deployment)) == 1


def failing(operation):
    def fault(found, key, phase):
        if found == operation:
            raise StoreUnavailableError(f"{phase} {key}")

    return fault


def test_a_continuation_under_another_key_is_no_anchor():
    deployment = sealed()
    recreate(deployment)
    thief = Signer.from_seed(deployment.origin, b"t" * 32)
    with pytest.raises(KeyChangedError):
        continue_trail(site(deployment, thief), None, reason="a test")
    assert stop_of(deployment).code is StopCode.TOPIC_RECREATED


def test_a_chainer_that_still_runs_goes_on_behind_the_entry():
    deployment = sealed()
    chainer = deployment.chain()
    lose_raw(deployment)
    record_gap(site(deployment), reason="a test")
    deployment.chain(chainer)
    deployment.archive()
    assert verify(deployment).verdict is Verdict.INTACT
    assert len(controls(deployment)) == 1


@pytest.mark.parametrize("fault", [fault for fault in AppendFault if fault is not AppendFault.FENCED])
@pytest.mark.parametrize("way", [StopCode.TOPIC_RECREATED, StopCode.RAW_OVERTAKEN])
def test_each_fault_of_the_append_leaves_one_entry(way, fault):
    deployment = sealed()
    act = prepared(deployment, way)
    deployment.log.faults.schedule(fault)
    with contextlib.suppress(LogUnavailableError):
        act()
    act()
    deployment.log.faults.land_delayed()
    deployment.chain()
    deployment.archive()
    assert verify(deployment).verdict is Verdict.INTACT
    assert len(controls(deployment)) == 1


def prepared(deployment, way):
    """Harm a deployment, and return what mends it, as often as it is called."""
    if way is StopCode.RAW_OVERTAKEN:
        lose_raw(deployment)
        return lambda: record_gap(site(deployment), reason="a test")
    CHAINED_STOPS[way](deployment)
    return lambda: continue_trail(site(deployment), way, reason="a test")


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


@pytest.mark.parametrize("way", [StopCode.RAW_OVERTAKEN, *CHAINED_STOPS])
def test_a_crash_at_any_effect_is_completed_by_the_next_run(way):
    for at in itertools.count():
        deployment = sealed(count=2)
        act = prepared(deployment, way)
        if not crashed_at(deployment, at, act):
            break
        act()
        go_on(deployment)
        assert len(controls(deployment)) == 1
    assert at == (6 if way is StopCode.RAW_OVERTAKEN else 10)
