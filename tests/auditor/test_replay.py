"""Replay: on the memory and the SQLite log, with crashes planted, and of archives that are damaged."""

from __future__ import annotations

import itertools

import pytest

from auditor.builders import NOW, YEAR, make_batch
from auditor.replayed import HOSTILE, as_new, numbered, replay_id_of, replay_into, replay_of, trail_of
from contracts.log_contract import read_all
from contracts.replay_contract import ReplayContract
from sealtrail_auditor import replay_log
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import ReplayTargetError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.query import Query
from sealtrail_auditor.reading import TimeRange
from sealtrail_auditor.verdict import Verdict
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C13")


class _WithTopics:
    @pytest.fixture
    def make_topic(self, log):
        numbers = itertools.count()

        def make(*, append_time=False, max_record_bytes=DEFAULT_MAX_RECORD_BYTES):
            name = f"t{next(numbers)}"
            log.create_topic(name, partitions=1, append_time=append_time, max_record_bytes=max_record_bytes)
            return name

        return make


class TestMemory(_WithTopics, ReplayContract):
    @pytest.fixture
    def log(self):
        return MemoryLog()


class TestSqlite(_WithTopics, ReplayContract):
    @pytest.fixture
    def log(self, tmp_path):
        with SqliteLog(tmp_path / "log.db") as log:
            yield log


class Killed(BaseException):
    """The process is gone."""


class MortalLog:
    """A log whose user dies at the n-th step: before or after each call, and between commit and answer."""

    def __init__(self, log, steps: int) -> None:
        self._log = log
        self._steps = steps

    def __getattr__(self, name):
        return self._mortal(getattr(self._log, name))

    def writer(self, *arguments, **named):
        return MortalWriter(self, self._mortal(self._log.writer)(*arguments, **named))

    def _mortal(self, call):
        def called(*arguments, **named):
            self.step()
            answer = call(*arguments, **named)
            self.step()
            return answer

        return called

    def step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise Killed


class MortalWriter:
    def __init__(self, log, writer) -> None:
        self.append = log._mortal(writer.append)
        self.close = lambda: None  # a dead process closes nothing


@pytest.fixture
def small_transactions(monkeypatch):
    monkeypatch.setattr(replay_log, "TRANSACTION_RECORDS", 2)


@pytest.mark.parametrize("append", [False, True], ids=["alone", "append"])
@pytest.mark.usefixtures("small_transactions")
def test_killed_at_every_step(append):
    trail = trail_of(*HOSTILE)
    for steps in itertools.count():
        log = MemoryLog()
        log.create_topic("t", partitions=1, append_time=False)
        try:
            replay_into(MortalLog(log, steps), "t", trail, append=append)
        except Killed:
            pass
        else:
            assert steps > 10, "nobody was killed"
            return
        replay_into(log, "t", trail, append=append)
        assert [record.value for record in read_all(log, "t")] == [each.value for each in HOSTILE], steps


@pytest.mark.usefixtures("small_transactions")
def test_killed_again_and_again():
    trail = trail_of(*HOSTILE)
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    for steps in itertools.count(1):
        try:
            replay_into(MortalLog(log, steps), "t", trail)
        except Killed:
            continue
        break
    assert as_new(read_all(log, "t")) == list(HOSTILE)


@pytest.mark.parametrize("fault", [AppendFault.UNCERTAIN_APPENDED, AppendFault.UNCERTAIN_LOST])
@pytest.mark.parametrize("append", [False, True], ids=["alone", "append"])
@pytest.mark.usefixtures("small_transactions")
def test_an_answer_that_never_came(fault, append):
    trail = trail_of(*HOSTILE)
    for place in range(4):
        log = MemoryLog()
        log.create_topic("t", partitions=1, append_time=False)
        log.faults.schedule(*[None] * place, fault, fault)
        _, target = replay_into(log, "t", trail, append=append)
        assert [record.value for record in read_all(log, "t")] == [each.value for each in HOSTILE]
        assert target.put_count == len(HOSTILE)


def test_what_somebody_else_writes_meanwhile_is_no_answer():
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    log.faults.schedule(AppendFault.UNCERTAIN_LOST)
    original = log.writer

    def writer(*arguments, **named):
        log.faults.write_foreign("t", 0, *numbered(1))
        return original(*arguments, **named)

    trail = trail_of(*HOSTILE)
    target = replay_log.LogTarget(log, "t", 0)
    for put in replay_of(trail):
        target.put(put)
    log.writer = writer
    with pytest.raises(ReplayTargetError, match="meanwhile"):
        target.finish()


def test_what_an_older_replay_had_under_way_counts():
    """It is settled when the new writer opens, so that only then can be seen what the partition holds."""
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    open_writer = log.writer

    def writer(*arguments, **named):
        log.faults.write_foreign("t", 0, *HOSTILE[:3])
        return open_writer(*arguments, **named)

    log.writer = writer
    _, target = replay_into(log, "t", trail_of(*HOSTILE))
    assert (target.found, target.put_count) == (3, len(HOSTILE) - 3)


@pytest.mark.parametrize("append", [False, True], ids=["alone", "append"])
@pytest.mark.parametrize("after", [3, 8])
@pytest.mark.usefixtures("small_transactions")
def test_a_transaction_that_lands_late_is_noticed(append, after):
    """The hole that KIP-890 closes; Kafka's client for Python has no part of that."""
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    log.faults.schedule(AppendFault.UNCERTAIN_DELAYED)
    trail = trail_of(*HOSTILE)
    replay_id = replay_id_of(trail) if append else None
    target = replay_log.LogTarget(log, "t", 0, replay_id=replay_id)

    def go_on():
        for place, put in enumerate(replay_of(trail, provenance=append), 1):
            target.put(put)
            if place == after:
                target.flush()
                assert log.faults.land_delayed() == 2
        target.finish()

    with pytest.raises(ReplayTargetError, match="meanwhile"):
        go_on()


def test_what_others_write_meanwhile_is_theirs():
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    trail = trail_of(*HOSTILE)
    target = replay_log.LogTarget(log, "t", 0, replay_id=replay_id_of(trail))
    for put in replay_of(trail, provenance=True):
        target.put(put)
        target.flush()
        log.faults.write_foreign("t", 0, *numbered(1))
    target.finish()
    assert [record.value for record in read_all(log, "t")][::2] == [each.value for each in HOSTILE]


@pytest.mark.usefixtures("small_transactions")
def test_a_log_that_is_away_ends_it_and_the_next_run_goes_on():
    trail = trail_of(*HOSTILE)
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    log.faults.schedule(None, AppendFault.ABORTED)
    with pytest.raises(LogUnavailableError):
        replay_into(log, "t", trail)
    replay_into(log, "t", trail)
    assert as_new(read_all(log, "t")) == list(HOSTILE)


# What is replayed


def damage(trail, number: int, *, old: bytes, new: bytes) -> None:
    """Change bytes of a batch, as nobody can who keeps to the lock."""
    placed = trail.placed[number]
    assert placed.batch_bytes.count(old) == 1
    trail.store.corrupt(placed.batch, placed.batch_version, placed.batch_bytes.replace(old, new))


def values_of(replay) -> list[bytes | None]:
    return [put.record.value for put in replay]


def words(*texts: str):
    return [
        each._replace(value=text.encode()) for each, text in zip(numbered(len(texts)), texts, strict=True)
    ]


def test_entries_that_sealtrail_made_are_not_replayed():
    trail = trail_of(*numbered(2))
    trail.heartbeat()
    trail.rejected()
    trail.control()
    trail.event(b"last", source_timestamp_ms=5)
    trail.seal()
    replay = replay_of(trail)
    assert values_of(replay) == [b"0", b"1", b"last"]
    assert replay.rejected == 1


def test_what_is_asked_for():
    trail = trail_of(*numbered(9))
    moments = [leaf.chained_at_ms for leaf in trail.leaves]
    assert values_of(replay_of(trail, Query(span=Span(2, 5)))) == [b"1", b"2", b"3", b"4"]
    chained = TimeRange(moments[3], moments[5])
    assert values_of(replay_of(trail, Query(chained=chained))) == [b"2", b"3"]
    happened = TimeRange(1_700_000_000_004, 1_700_000_000_006)
    assert values_of(replay_of(trail, Query(time=happened))) == [b"4", b"5"]
    assert values_of(replay_of(trail, Query(text=("7",)))) == [b"7"]


def test_a_time_of_the_log_itself_is_restored_as_a_time():
    trail = trail_of()
    trail.event(b"v", source_timestamp_ms=77, source_timestamp_type=2)
    trail.seal()
    [put] = replay_of(trail)
    assert (put.record.timestamp_ms, put.timestamp_type) == (77, 2)


@pytest.mark.usefixtures("small_transactions")
def test_it_stops_before_a_damaged_batch_and_goes_on_once_that_is_whole():
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    trail = trail_of(*words("aaa", "bbb", "ccc", "ddd", "eee"), per_batch=2)
    damage(trail, 2, old=b"ddd", new=b"dxd")
    replay, target = replay_into(log, "t", trail)
    assert [record.value for record in read_all(log, "t")] == [b"aaa", b"bbb"]
    assert replay.stopped.span == Span(3, 4)
    assert replay.findings.verdict is Verdict.TAMPERED
    trail.store.corrupt(trail.placed[2].batch, trail.placed[2].batch_version, trail.placed[2].batch_bytes)
    replay, target = replay_into(log, "t", trail)
    assert [record.value for record in read_all(log, "t")] == [b"aaa", b"bbb", b"ccc", b"ddd", b"eee"]
    assert (target.found, target.put_count, replay.stopped) == (2, 3, None)


def test_what_does_not_verify_says_so_in_a_header():
    trail = trail_of(*words("aaa", "bbb", "ccc", "ddd", "eee"), per_batch=2)
    damage(trail, 2, old=b"ddd", new=b"dxd")
    replay = replay_of(trail, unverified=True)
    records = [put.record for put in replay]
    assert [record.value for record in records] == [b"aaa", b"bbb", b"ccc", b"dxd", b"eee"]
    [finding] = replay.findings.kept
    mark = (b"sealtrail.unverified", finding.code.code.encode())
    assert [record.headers for record in records] == [(), (), (mark,), (mark,), ()]
    assert list(replay.unverified) == [Span(3, 4)]
    assert replay.stopped is None


def test_a_part_of_what_does_not_verify():
    trail = trail_of(*words("aaa", "bbb", "ccc", "ddd"), per_batch=4)
    damage(trail, 1, old=b"ddd", new=b"dxd")
    replay = replay_of(trail, Query(span=Span(2, 3)), unverified=True)
    assert values_of(replay) == [b"bbb", b"ccc"]
    assert (list(replay.unverified), list(replay.lost)) == ([Span(2, 3)], [])


def test_of_a_batch_that_is_cut_off_what_can_be_read_is_replayed():
    trail = trail_of(*words("aaa", "bbb", "ccc"), per_batch=3)
    placed = trail.placed[1]
    cut = placed.batch_bytes[: placed.batch_bytes.index(b"ccc")]
    trail.store.corrupt(placed.batch, placed.batch_version, cut)
    replay = replay_of(trail, unverified=True)
    assert values_of(replay) == [b"aaa", b"bbb"]
    assert list(replay.lost) == [Span(3, 3)]


@pytest.mark.parametrize("what", ["batch", "seal"])
def test_of_what_is_gone_nothing_is_replayed_and_that_is_said(what):
    trail = trail_of(*words("aaa", "bbb", "ccc", "ddd"), per_batch=2)
    trail.store.erase(getattr(trail.placed[1], what))
    replay = replay_of(trail, unverified=True)
    assert values_of(replay) == [b"ccc", b"ddd"]
    assert list(replay.lost) == [Span(1, 2)]
    assert replay.findings.verdict is Verdict.INCOMPLETE


def test_noise_in_the_place_of_a_batch():
    trail = trail_of(*words("aaa", "bbb"), per_batch=2)
    placed = trail.placed[1]
    trail.store.corrupt(placed.batch, placed.batch_version, b"\0" * len(placed.batch_bytes))
    replay = replay_of(trail, unverified=True)
    assert (values_of(replay), list(replay.lost)) == ([], [Span(1, 2)])


def test_what_does_not_verify_is_asked_for_by_its_times_too():
    trail = trail_of(*words("aaa", "bbb", "ccc"), per_batch=3)
    damage(trail, 1, old=b"ccc", new=b"cxc")
    moments = [leaf.chained_at_ms for leaf in trail.leaves]
    asked = Query(chained=TimeRange(moments[2], None))
    assert values_of(replay_of(trail, asked, unverified=True)) == [b"bbb", b"cxc"]


def test_what_was_added_to_a_batch_is_not_replayed():
    trail = trail_of(*words("aaa", "bbb"), per_batch=2)
    placed = trail.placed[1]
    entries = [*trail.entries_of[1], *trail.entries_of[1]]
    trail.store.corrupt(placed.batch, placed.batch_version, make_batch(trail.origin, entries))
    assert values_of(replay_of(trail, unverified=True)) == [b"aaa", b"bbb"]


def test_an_entry_that_is_none_is_left_out():
    trail = trail_of(*words("aaa", "bbb", "ccc"), per_batch=3)
    leaf = trail.leaves[2].encode()
    damage(trail, 1, old=leaf, new=b"?" + leaf[1:])
    replay = replay_of(trail, unverified=True)
    assert values_of(replay) == [b"aaa", b"ccc"]
    assert list(replay.lost) == [Span(2, 2)]


def expire(trail, number: int) -> None:
    placed = trail.placed[number]
    trail.store.erase(placed.batch)


def test_expired_batches_are_no_damage():
    trail = trail_of(*words("aaa", "bbb", "ccc", "ddd"), per_batch=2)
    expire(trail, 1)
    replay = replay_of(trail, now=NOW + 2 * YEAR)
    assert values_of(replay) == [b"ccc", b"ddd"]
    assert list(replay.expired) == [Span(1, 2)]
    assert replay.stopped is None


def test_a_replay_goes_on_though_its_beginning_has_expired_since():
    log = MemoryLog()
    log.create_topic("t", partitions=1, append_time=False)
    trail = trail_of(*words("aaa", "bbb", "ccc", "ddd"), per_batch=2)
    replay_into(log, "t", trail, append=True)
    expire(trail, 1)
    trail.event(b"eee", b"k", (), source_timestamp_ms=1)
    trail.seal()
    replay_into(log, "t", trail, append=True, now=NOW + 2 * YEAR)
    values = [record.value for record in read_all(log, "t")]
    assert values == [b"aaa", b"bbb", b"ccc", b"ddd", b"eee"]


def test_the_code_of_a_finding_fits_a_header():
    assert all(code.code.isascii() for code in FindingCode)
