"""Services without a broker: lines that come and go, what is logged, how they end."""

import io
import json
import logging
import signal
import threading
import time

import pytest

from command_line import INTERRUPT, TERMINATE, await_true, call, ended, running
from deployment import Deployment, values
from sealtrail import service_log
from sealtrail.interrupts import Interrupts
from sealtrail.line import Line
from sealtrail.pipeline import Pace, Pipeline
from sealtrail.pipeline_events import Away, Back, Failed, Recovered, Rejected, Sealed
from sealtrail.service import Service
from sealtrail.service_log import JsonLines, TextLines
from sealtrail.service_view import ServiceView
from sealtrail_chainer.chainer import Chainer
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.trail import writer_name
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError, TopicMissingError
from sealtrail_transport.kafka_errors import LogDeniedError
from sealtrail_transport.log import NewRecord


class Group:
    """A group of one, whose coordinator is the test: a list of what happens at each poll."""

    def __init__(self, service, *moments):
        self.service = service
        self.moments = list(moments)
        self.hints = {}

    def poll(self, *, timeout_s):
        if self.moments:
            moment = self.moments.pop(0)
            if isinstance(moment, Exception):
                raise moment
            moment()
        else:
            time.sleep(min(timeout_s, 0.005))

    def hint(self, partition, offset):
        self.hints[partition] = offset


@pytest.fixture
def office():
    return Deployment()


@pytest.fixture
def lines(caplog):
    """What was logged, as (event, fields) without the time."""
    caplog.set_level(logging.INFO, logger="sealtrail")

    def read(event=None):
        told = [(record.getMessage(), record.sealtrail_event[1]) for record in caplog.records]
        return [fields for name, fields in told if event in {None, name}]

    return read


def chain_line(office):
    return lambda partition: Line(office.trail.origin, office.chainer()) if partition == 0 else None


def run(service, *moments, interrupts=None):
    group = Group(service, *moments)
    service.run(group, interrupts or Interrupts())
    return group


def interrupted_by(service, *moments, number=signal.SIGTERM):
    """Run with a signal after the last moment."""
    interrupts = Interrupts()
    interrupts.expected = True
    return run(service, *moments, lambda: interrupts._take(number, None), interrupts=interrupts)


def test_it_drains_what_it_is_given(office, lines):
    office.publish(*values(10))
    service = Service(chain_line(office), drain=True)
    run(service, lambda: service.take(frozenset({0})))
    assert office.values()[1:] == values(10)
    assert lines("assigned") == [{"partitions": "0"}]
    assert lines("recovered") == [{"by": "chainer", "size": 1}]


def test_a_drain_waits_until_it_is_given_something(office):
    service = Service(chain_line(office), drain=True)
    empty = [lambda: service.take(frozenset())] * 5
    office.publish(*values(3))
    group = run(service, *empty, lambda: service.take(frozenset({0})))
    assert group.moments == []
    assert office.values()[1:] == values(3)


def test_when_a_partition_is_asked_back_the_work_on_it_has_ended(office, monkeypatch):
    """A step that is under way is waited for, within the callback."""
    inside, release, after = threading.Event(), threading.Event(), []
    step = Chainer.step

    def slow(chainer, *, now_ms):
        inside.set()
        release.wait()
        return step(chainer, now_ms=now_ms)

    monkeypatch.setattr(Chainer, "step", slow)
    service = Service(chain_line(office))

    def give_back():
        inside.wait()
        threading.Timer(0.05, release.set).start()
        service.give_back(frozenset({0}))
        after.append(release.is_set())
        assert service.pipeline.lines == ()

    interrupted_by(service, lambda: service.take(frozenset({0})), lambda: None, give_back)
    assert after == [True]


def test_what_was_given_back_can_be_given_again(office):
    service = Service(chain_line(office))
    office.publish(*values(3))
    take, give_back = lambda: service.take(frozenset({0})), lambda: service.give_back(frozenset({0}))

    def chained():
        await_true(lambda: len(office.values()) == 4, "three events to be chained")

    interrupted_by(service, take, lambda: None, give_back, take, lambda: None, chained)
    assert office.values()[1:] == values(3)


def test_a_partition_without_a_trail_is_told_of_once_and_looked_for_again(office, lines, monkeypatch):
    monkeypatch.setattr("sealtrail.service._LOOK_FOR_TRAILS_EVERY_S", 0)
    made = []

    def make(partition):
        made.append(partition)
        return Line(office.trail.origin, office.chainer()) if len(made) > 3 else None

    service = Service(make)
    found = lambda: await_true(lambda: len(made) > 3 or service._begin_lines(), "the trail")  # noqa: E731
    interrupted_by(service, lambda: service.take(frozenset({0})), lambda: None, found)
    assert len(lines("no-trail")) == 1
    assert len(service.pipeline.lines) == 1


def test_a_signal_ends_after_the_step_under_way(office, lines):
    office.publish(*values(3))
    service = Service(chain_line(office))
    chained = lambda: await_true(lambda: len(office.values()) == 4, "all")  # noqa: E731
    interrupted_by(service, lambda: service.take(frozenset({0})), lambda: None, chained)
    assert lines("ending") == [{"signal": "SIGTERM"}]


def test_retention_that_overtakes_a_chainer_stops_the_line(office, monkeypatch):
    """The read fails; what that means is found by recovering."""
    read = office.log.read
    lost = iter([True])

    def overtaken(topic, *place, **limits):
        if topic == "events" and next(lost, False):
            office.publish(*values(10))
            office.log.trim("events", 0, 5)
        return read(topic, *place, **limits)

    monkeypatch.setattr(office.log, "read", overtaken)
    service = Service(chain_line(office))
    with pytest.raises(LineStoppedError) as stopped:
        run(service, lambda: service.take(frozenset({0})))
    assert stopped.value.code is StopCode.RAW_OVERTAKEN
    assert stopped.value.evidence == {"first_lost": 0, "first_kept": 5}
    assert service.pipeline.failed_origin == office.trail.origin


def test_a_topic_that_was_missing_for_a_moment_is_compared_when_it_is_back(office, monkeypatch):
    read = office.log.read
    lost = iter([True])

    def gone(topic, *place, **limits):
        if topic == "events" and next(lost, False):
            office.log.faults.recreate_topic("events")
            raise TopicMissingError("there is no topic events")
        return read(topic, *place, **limits)

    monkeypatch.setattr(office.log, "read", gone)
    service = Service(chain_line(office))
    with pytest.raises(LineStoppedError) as stopped:
        run(service, lambda: service.take(frozenset({0})))
    assert stopped.value.code is StopCode.TOPIC_RECREATED


@pytest.mark.parametrize("error", [LogUnavailableError("away"), TopicMissingError("no such topic")])
def test_a_group_that_is_away_is_told_of_once(office, lines, error):
    service = Service(chain_line(office), drain=True)
    counted, blocked = [], []
    service.pipeline.on_event = counted.append
    look = lambda: blocked.append(service.blocked())  # noqa: E731
    run(service, look, error, error, look, lambda: (service.take(frozenset({0})), look()))
    assert counted[:2] == [Failed("group", error)] * 2
    assert blocked == ["the consumer group has not answered yet"] * 2 + [None]
    assert lines("away") == [{"what": "log", "by": "group", "error": str(error)}]
    assert lines("back") == [{"what": "log"}]


def test_a_group_that_refuses_ends_it(office):
    service = Service(chain_line(office))
    with pytest.raises(LogDeniedError):
        run(service, LogDeniedError("not authorised"))


def test_the_health_file_is_not_touched_before_the_group_has_answered(office, tmp_path, monkeypatch):
    monkeypatch.setattr("sealtrail.service._BEAT_EVERY_S", 0)
    file, seen = tmp_path / "healthy", []
    service = Service(chain_line(office), health_file=file)
    look = lambda: seen.append(file.exists())  # noqa: E731
    interrupted_by(service, lambda: None, look, lambda: service.take(frozenset()), lambda: None, look)
    assert seen == [False, True]


def test_positions_are_told_to_the_group(office, monkeypatch):
    monkeypatch.setattr("sealtrail.service._HINT_EVERY_S", 0)
    office.publish(*values(7))
    service = Service(chain_line(office))
    chained = lambda: await_true(lambda: len(office.values()) == 8, "all")  # noqa: E731
    group = interrupted_by(service, lambda: service.take(frozenset({0})), lambda: None, chained, lambda: None)
    assert group.hints == {0: office.log.bounds("events", 0).end}


def test_strays_that_a_chainer_meets_while_it_recovers_are_told_of(office, lines):
    office.chain()
    (offset,) = office.log.faults.write_foreign("events.chained", 0, NewRecord(None, b"hello"))
    service = Service(chain_line(office), drain=True)
    run(service, lambda: service.take(frozenset({0})))
    (alarm,) = lines("alarm")
    assert alarm["code"] == "stray"
    assert f"offset {offset} is stray: the last header is not sealtrail.link" in alarm["text"]


def test_the_lag_of_a_seal_is_the_age_of_its_oldest_entry(office, lines):
    office.publish(b"older")
    office.chain()
    office.clock.now_ms += 60_000
    office.publish(b"newer")
    office.chain()
    (step,) = office.archive()
    pipeline = Pipeline(clock_ms=lambda: 0)
    pipeline._told.put(Sealed(office.trail.origin, step.sealed))
    ServiceView(pipeline, clock_ms=lambda: office.clock.now_ms + 500).refresh()
    assert lines("sealed")[0]["lag_s"] == 60.5


def test_who_is_fenced_recovers_with_a_warning_that_names_both_causes(office, lines):
    service = Service(chain_line(office))

    def fence():
        await_true(lambda: len(office.values()) == 1, "the genesis")
        office.log.writer(office.trail.chained_topic, 0, name=writer_name(office.trail)).close()
        office.publish(*values(3))
        await_true(lambda: len(office.values()) == 4, "all to be chained nevertheless")

    interrupted_by(service, lambda: service.take(frozenset({0})), lambda: None, fence)
    (fenced,) = lines("fenced")
    assert "another chainer" in fenced["text"]
    assert "KIP-588" in fenced["text"]


class TestView:
    @pytest.fixture
    def pipeline(self):
        return Pipeline(clock_ms=lambda: 0, pace=Pace())

    @pytest.fixture
    def view(self, pipeline):
        return ServiceView(pipeline, clock_ms=lambda: 0)

    def tell(self, pipeline, *events):
        for event in events:
            if isinstance(event, Away):
                pipeline._away.add(event.who)
            pipeline._told.put(event)

    def test_what_many_threads_meet_is_told_of_once(self, pipeline, view, lines):
        error = LogUnavailableError("the broker is away")
        self.tell(pipeline, Away("chainer a/t/0", error), Away("chainer a/t/1", error))
        view.refresh()
        assert not view.is_healthy
        self.tell(pipeline, Back("chainer a/t/0"))
        view.refresh()
        assert lines("back") == []
        self.tell(pipeline, Back("chainer a/t/1"))
        view.refresh()
        assert lines("away") == [{"what": "log", "by": "chainer a/t/0", "error": "the broker is away"}]
        assert lines("back") == [{"what": "log"}]

    def test_log_and_store_are_told_apart(self, pipeline, view, lines):
        self.tell(
            pipeline,
            Away("archiver a/t/0", LogUnavailableError("log")),
            Away("archiver a/t/1", StoreUnavailableError("store")),
        )
        view.refresh()
        assert [fields["what"] for fields in lines("away")] == ["log", "store"]

    def test_a_line_that_left_while_the_log_was_away_leaves_it_to_the_group(self, pipeline, view, lines):
        self.tell(pipeline, Away("chainer a/t/0", LogUnavailableError("log")))
        view.refresh()
        pipeline._away.clear()
        view.refresh()
        assert lines("back") == []
        assert not view.is_healthy
        assert view.waits_for == "group waits for the log"
        view.group_back()
        assert view.waits_for is None
        assert lines("back") == [{"what": "log"}]
        assert view.is_healthy

    def test_what_stands_in_a_record_can_not_begin_a_line(self, pipeline, view, caplog):
        caplog.set_level(logging.INFO, logger="sealtrail")
        self.tell(pipeline, Rejected("a/t/0", "a key\n2026-01-01 ERROR - forged\x1b[2J"))
        view.refresh()
        (record,) = caplog.records
        for form in (TextLines(), JsonLines()):
            assert "\n" not in form.format(record)
            assert "\x1b" not in form.format(record)


class TestLogLines:
    @pytest.fixture
    def written(self, monkeypatch):
        """What a format writes."""

        def write(log_format, tell):
            stream = io.StringIO()
            monkeypatch.setattr("sys.stderr", stream)
            handler = service_log.write_to_stderr(log_format)
            try:
                tell()
            finally:
                service_log.stop_writing(handler)
            return stream.getvalue()

        return write

    def test_text(self, written):
        line = written(
            "text",
            lambda: service_log.tell(
                "sealed", origin="a/t/0", fields={"size": 3, "lag_s": 0.5, "text": 'a "b"', "none": None}
            ),
        )
        stamp, rest = line.split(" ", 1)
        assert len(stamp) == len("2026-11-23T09:30:00.123Z")
        assert rest == 'INFO a/t/0 sealed size=3 lag_s=0.5 text="a \\"b\\""\n'

    def test_json(self, written):
        line = json.loads(written("json", lambda: service_log.tell("ended", fields={"exit": 0})))
        assert line.pop("time").endswith("Z")
        assert line == {"level": "info", "origin": None, "event": "ended", "exit": 0}

    def test_warnings_of_libraries_are_lines_of_the_same_form(self, written):
        line = written("text", lambda: logging.getLogger("botocore").warning("two\nlines"))
        assert line.split(" ", 1)[1] == 'WARNING - message logger=botocore text="two lines"\n'

    def test_what_librdkafka_says_of_each_attempt_is_left_out(self, written):
        noise = logging.getLogger("sealtrail_transport.kafka")
        assert written("text", lambda: noise.warning("Connection refused")) == ""


def test_chain_and_archive_on_the_embedded_log(trail):
    call("produce", "-q", "-", stdin='{"n":1}\n{"n":2}\n')
    assert call("chain", "--drain").exit_code == 0
    answer = call("archive", "--drain", "--log-format", "json", "--batch-entries", "2")
    assert answer.exit_code == 0
    told = [json.loads(line) for line in answer.stderr.splitlines()]
    assert [line["event"] for line in told] == [
        "started",
        "assigned",
        "recovered",
        "sealed",
        "sealed",
        "revoked",
        "ended",
    ]
    assert [line["size"] for line in told if line["event"] == "sealed"] == [2, 3]
    assert sorted(path.name for path in trail.glob("store/events/0/*/seals/*")) == [
        f"{2:020}.seal",
        f"{3:020}.seal",
    ]


def test_the_chainer_needs_no_signing_key(trail):
    (trail / "keys/events-0.key").unlink()
    call("produce", "-q", "-", stdin='{"n":1}\n')
    assert call("chain", "--drain").exit_code == 0
    answer = call("archive", "--drain")
    assert answer.exit_code == 5
    assert "failed" in answer.stderr
    assert "events-0.key: No such file or directory; an archiver needs the signing key" in answer.stderr


def test_a_policy_without_the_key_of_a_trail_is_told_and_waited_for(trail):
    policy = (trail / "policy").read_text()
    (trail / "policy").write_text(policy.replace("\nlog ", "\n# log "))
    for command in ("chain", "archive"):
        answer = call(command, "--drain", "--log-format", "json")
        told = {line["event"]: line for line in map(json.loads, answer.stderr.splitlines())}
        assert answer.exit_code == 0
        assert "`sealtrail init`" in told["no-trail"]["text"]
        assert "the policy has no key of this partition" in told["no-trail"]["text"]


def test_a_policy_with_another_key_than_that_which_signs_is_a_mistake_in_the_settings(trail, tmp_path):
    """An archiver must not go on, and starting it again is in vain."""
    other = tmp_path / "other"
    assert call("init", "--data", other, "--base", "audit.example.com", "--archive", "folder").exit_code == 0
    (trail / "policy").write_bytes((other / "policy").read_bytes())
    answer = call("archive", "--drain", "--log-format", "json")
    *_, failed = map(json.loads, answer.stderr.splitlines())
    assert answer.exit_code == failed["exit"] == 2
    assert failed["event"] == "failed"
    assert "restore the other from its backup" in failed["error"]
    assert call("chain", "--drain").exit_code == 3  # the topic holds a trail of that key's no more


@pytest.mark.parametrize(("number", "code"), [(INTERRUPT, 130), (TERMINATE, 0)])
def test_a_signal_ends_a_service_on_the_embedded_log(trail, here, number, code):
    with running("chain", "--health-file", "healthy", cwd=here) as child:
        await_true((here / "healthy").exists, "the service to run")
        assert "is in use by process" in call("archive", "--drain").stderr
        answer = ended(child, number)
    assert answer.returncode == code, answer.stderr
    assert answer.stderr.splitlines()[-1].endswith(f"ended exit={code}")
    assert not (trail / "running.json").exists()


@pytest.mark.parametrize("command", ["chain", "archive"])
def test_evidence_keeps_a_service_from_starting_and_is_told_like_the_stop_itself(trail, command):
    (trail / "stopped-1.json").write_text(
        '{"message": "why", "origin": "a/events/0", "code": "raw-truncated"}'
    )
    answer = call(command, "--drain", "--log-format", "json")
    *_, stopped = map(json.loads, answer.stderr.splitlines())
    assert answer.exit_code == stopped["exit"] == 3
    assert (stopped["event"], stopped["level"]) == ("stopped", "error")
    assert (stopped["origin"], stopped["code"]) == ("a/events/0", "raw-truncated")
    assert stopped["evidence"] == ".sealtrail/stopped-1.json"
    assert "in doubt: why" in stopped["text"]


def test_evidence_that_can_not_be_read_keeps_a_service_from_starting_too(trail):
    (trail / "stopped-1.json").write_text("{")
    answer = call("chain", "--drain")
    assert answer.exit_code == 3
    assert "stopped text=" in answer.stderr


def pipeline_without_topics(office, recover_from):
    """A pipeline that drains a log whose topics are missing until `monkeypatch.undo`."""
    pipeline = Pipeline(
        [Line(office.trail.origin, office.chainer())],
        clock_ms=lambda: office.clock.now_ms,
        pace=Pace(idle_s=0.002, first_retry_s=0.002, longest_retry_s=0.01),
        recover_from=recover_from,
    )
    pipeline.drain()
    pipeline.start()
    return pipeline


@pytest.fixture
def no_topics(office, monkeypatch):
    def broken(name):
        raise TopicMissingError(f"there is no topic {name}")

    monkeypatch.setattr(office.log, "topic", broken)
    return monkeypatch


def test_a_pipeline_recovers_from_what_it_is_told_to(office, no_topics):
    pipeline = pipeline_without_topics(office, (TopicMissingError,))
    await_true(lambda: pipeline.away, "the error to be met")
    no_topics.undo()
    await_true(lambda: pipeline.wait(timeout_s=0.01), "the end")
    kinds = [type(event) for event in pipeline.events()]
    pipeline.close()
    assert kinds == [Away, Recovered, Back]


@pytest.mark.usefixtures("no_topics")
def test_any_other_error_ends_a_pipeline(office):
    pipeline = pipeline_without_topics(office, ())
    with pytest.raises(TopicMissingError):
        await_true(lambda: pipeline.wait(timeout_s=0.01), "the end")
    pipeline.close()
