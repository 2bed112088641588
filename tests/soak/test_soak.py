"""What the soak plans, counts, judges and draws; and one short run of it on real servers."""

import json
import subprocess
import sys
from concurrent.futures import Future
from itertools import pairwise
from math import isnan
from pathlib import Path
from types import SimpleNamespace

import pytest

from deployment import Deployment, values
from sealtrail_transport.errors import DeliveryError
from soak.counting import Counted, archived_values, count_events
from soak.events import event_number, event_value
from soak.judging import check_alarms, check_counts, check_ends, check_memory, memory_of
from soak.outcome import finish
from soak.plan import KILLS_FROM_S, KILLS_UNTIL, Fault, plan_faults
from soak.producer import Outcomes
from soak.report import page
from soak.sampling import read_metrics
from soak.series import age_of_newest_seal, line_of, rate_of
from watched import watched

MIB = 2**20


class TestPlan:
    def test_a_seed_gives_the_same_plan_and_another_seed_another(self):
        plans = [plan_faults(seed, duration_s=600, every_s=25) for seed in (7, 7, 8)]
        assert plans[0] == plans[1] != plans[2]

    @pytest.mark.parametrize("seed", range(20))
    def test_faults_come_one_after_the_other_and_end_before_the_run_does(self, seed):
        planned = plan_faults(seed, duration_s=600, every_s=25)
        assert all(one.at_s + one.lasts_s < other.at_s for one, other in pairwise(planned))
        assert planned[-1].at_s + planned[-1].lasts_s < 600 - 10

    @pytest.mark.parametrize("seed", range(20))
    def test_each_kind_comes_and_kills_only_while_a_process_can_still_grow_old(self, seed):
        planned = plan_faults(seed, duration_s=600, every_s=25)
        assert {each.fault for each in planned} == set(Fault)
        assert all(KILLS_FROM_S <= each.at_s <= KILLS_UNTIL * 600 for each in planned if each.fault.kills)

    @pytest.mark.parametrize("seed", range(20))
    def test_each_service_is_held_before_the_first_minute_is_measured(self, seed):
        first, second = plan_faults(seed, duration_s=600, every_s=25)[:2]
        assert [first.fault, second.fault] == [Fault.STOP_CHAINER, Fault.STOP_ARCHIVER]
        assert second.at_s + second.lasts_s <= 60 + first.lasts_s

    def test_a_run_that_is_too_short_has_none(self):
        assert plan_faults(1, duration_s=20, every_s=5) == ()


class TestCounting:
    def test_an_event_has_its_number_and_its_length(self):
        for number in (0, 7, 10**12):
            value = event_value(number, 500)
            assert (event_number(value), len(value)) == (number, 500)
            assert json.loads(value)["number"] == number

    def test_what_is_none_of_ours_has_no_number(self):
        assert [event_number(value) for value in (None, b"", b"x", b'{"number":-1,')] == [None] * 4

    @pytest.mark.parametrize(
        ("numbers", "failed", "expected"),
        [
            ([0, 1, 2], [], Counted(3, 0, 0, 0, 0)),
            ([0, 2], [], Counted(2, 1, 0, 0, 0)),
            ([0, 1, 1, 2, 2, 2], [], Counted(6, 0, 3, 0, 0)),
            ([0, 1, 2, 3], [], Counted(4, 0, 0, 0, 1)),
            ([0, 2], [1], Counted(2, 0, 0, 0, 0)),
            ([0, 1, 2], [1], Counted(3, 0, 0, 1, 0)),
            ([1], [1], Counted(1, 2, 0, 1, 0)),
        ],
    )
    def test_lost_repeated_and_foreign_ones_are_told_apart(self, numbers, failed, expected):
        found = [event_value(number, 100) for number in numbers]
        assert count_events(found, published=3, failed=failed) == expected

    def test_an_entry_that_nobody_published_is_foreign(self):
        assert count_events([None, b"hello"], published=0, failed=[]).foreign == 2

    def test_the_events_of_an_archive_and_nothing_else(self):
        office = Deployment()
        office.publish(*values(5))
        office.chain()
        office.archive()
        assert [*archived_values(office.store)] == values(5)

    def test_what_the_producer_was_told_counts(self):
        outcomes = Outcomes()
        for number, error in enumerate((None, DeliveryError("lost"), None)):
            future = Future()
            future.set_exception(error) if error else future.set_result(None)
            outcomes.note(number, future)
        assert (outcomes.acknowledged, outcomes.failed) == (2, [1])


def life(pid, began_s, ended_s, rss):
    """Samples of a process, one a second; `rss` gives MiB by its age."""
    return [
        {"at_s": at, "chainer": {"pid": pid, "age_s": at - began_s, "rss_bytes": rss(at - began_s) * MIB}}
        for at in range(began_s, ended_s)
    ]


class TestJudging:
    def test_memory_is_that_of_one_process_against_its_own_first_minute(self):
        samples = [
            *life(1, 0, 200, lambda _age: 500),
            *life(2, 205, 600, lambda age: 100 if age < 300 else 110),
            {"at_s": 600, "chainer": {}},
        ]
        memory = memory_of(samples, "chainer", ended_s=600)
        assert (memory.first_minute, memory.end) == (100 * MIB, 110 * MIB)
        assert (memory.first_minute_of_run, memory.most, memory.age_s) == (500 * MIB, 500 * MIB, 394)
        of_run, of_process = check_memory("chainer", memory)
        assert of_run.passed
        assert of_process.passed
        assert "500.0 → 110.0 MiB, times 0.22" in of_run.detail
        assert "100.0 → 110.0 MiB, times 1.10" in of_process.detail

    def test_memory_that_grows_by_more_than_a_fifth_fails(self):
        memory = memory_of(life(1, 0, 600, lambda age: 100 + age / 10), "chainer", ended_s=600)
        for check in check_memory("chainer", memory):
            assert check.passed is False
            assert "107.5 → 158.5 MiB, times 1.47" in check.detail

    def test_a_process_that_begins_small_does_not_hide_growth_in_the_run(self):
        samples = [*life(1, 0, 200, lambda _age: 100), *life(2, 205, 600, lambda _age: 130)]
        of_run, of_process = check_memory("chainer", memory_of(samples, "chainer", ended_s=600))
        assert (of_run.passed, of_process.passed) == (False, True)

    def test_what_happens_while_it_drains_is_not_judged(self):
        samples = life(1, 0, 700, lambda age: 100 if age < 600 else 1000)
        assert all(
            check.passed for check in check_memory("chainer", memory_of(samples, "chainer", ended_s=599))
        )

    @pytest.mark.parametrize("samples", [[], life(1, 0, 100, lambda _age: 100)])
    def test_a_process_that_was_too_young_is_not_judged(self, samples):
        of_run, of_process = check_memory("chainer", memory_of(samples, "chainer", ended_s=100))
        assert of_process.passed is None
        assert of_run.passed is (True if samples else None)

    def test_counts_must_be_exact(self):
        assert check_counts(Counted(3, 0, 0, 1, 0), acknowledged=2).passed
        for bad in (Counted(3, 1, 0, 0, 0), Counted(3, 0, 1, 0, 0), Counted(3, 0, 0, 0, 1)):
            assert not check_counts(bad, acknowledged=3).passed
        assert not check_counts(Counted(4, 0, 0, 0, 0), acknowledged=3).passed

    def test_services_end_when_they_are_told_to(self):
        assert check_ends({"chainer": [], "archiver": []}).passed
        assert check_ends({"chainer": [3], "archiver": []}).detail == "chainer: [3]"
        assert not check_ends({"chainer": [3], "archiver": []}).passed

    def test_strays_are_the_only_alarms_that_pass(self):
        assert check_alarms([("stray", "x")]).passed
        assert not check_alarms([("stray", "x"), ("name-spoiled", "y")]).passed


class TestSeries:
    def test_a_value_that_is_missing_is_a_gap(self):
        samples = [{"at_s": 0, "chainer": {"lag": 3}}, {"at_s": 1, "chainer": {}}, {"at_s": 2}]
        found = line_of(samples, "chainer", "lag")
        assert found[0] == 3
        assert all(map(isnan, found[1:]))

    def test_a_rate_bridges_what_is_missing(self):
        samples = [{"at_s": at, "chainer": {"size": 100 * at}} for at in range(11)]
        for at in (4, 5, 6):
            samples[at]["chainer"] = {}
        found = rate_of(samples, "chainer", "size")
        assert all(map(isnan, found[:5]))
        assert found[5:] == [100] * 6

    def test_the_age_of_the_newest_seal_grows_while_the_archiver_is_silent(self):
        seen = [{}, {"newest_seal_at": 1001.0}, {}, {"newest_seal_at": 1003.0}]
        samples = [{"at_s": at, "archiver": each} for at, each in enumerate(seen)]
        found = age_of_newest_seal(samples, 1000.0)
        assert isnan(found[0])
        assert found[1:] == [0, 1, 0]


def test_the_metrics_that_it_wants_are_there():
    office = Deployment()
    office.publish(*values(3))
    with watched(office) as run:
        run.step("chainer")
        run.step("archiver")
        run.monitor.sample(run.pipeline, now_s=0)
        from prometheus_client import generate_latest

        found = read_metrics(generate_latest(run.registry).decode())
    assert found.keys() >= {"healthy", "size", "lag", "unsealed", "oldest_unsealed_s"}
    assert "newest_seal_at" not in found


@pytest.fixture
def outcome(monkeypatch):
    """The end of a run that lasted ten seconds, in which an event was lost."""
    office = Deployment()
    office.publish(*(event_value(number, 100) for number in (0, 1, 3)))
    office.chain()
    office.archive()
    monkeypatch.setattr("soak.outcome.open_s3", lambda *_: office.store)
    sealed = [{"event": "sealed", "lag_s": seconds} for seconds in (1.0, 2.0, 9.0)]
    services = {
        "chainer": SimpleNamespace(told=lambda _: [], unwanted=[], lives=[1]),
        "archiver": SimpleNamespace(
            told=lambda event: sealed if event == "sealed" else [], unwanted=[], lives=[1, 2]
        ),
    }
    produced = {"published": 4, "outcome": {"acknowledged": 4, "failed": []}}
    samples = life(1, 0, 10, lambda _age: 100)
    verified = subprocess.CompletedProcess((), 0, '{"verdict": "intact"}', "")
    told = finish(
        services, samples, produced, drained_s=1.5, production_s=10, verified=verified, archive="s3://x"
    )
    faults = [{"fault": fault.value, "began_s": 3.0, "ended_s": 3.2} for fault in Fault]
    about = {"minutes": 0.2, "seed": 1, "rate": 1, "event_bytes": 100, "version": "0", "cores": 1}
    run = {"began": "now", "began_at": 0.0, "production_s": 10.0, "faults": faults, "samples": samples}
    return json.loads(json.dumps({**told, **about, **run}))


def test_one_check_that_fails_fails_the_run(outcome):
    assert outcome["passed"] is False
    (failed,) = [check for check in outcome["checks"] if check["passed"] is False]
    assert failed["detail"].startswith("4 acknowledged, 3 archived; 1 lost, 0 repeated")
    figures = outcome["figures"]
    assert (figures["rewritable_window_median_s"], figures["rewritable_window_worst_s"]) == (2, 9)
    assert figures["archiver_processes"] == 2


def test_the_report_is_one_page_with_plots_checks_and_faults(outcome):
    text = page(outcome)
    assert text.count("<svg") == 1
    assert "http://www.w3.org" in text  # the name of SVG's namespace
    assert not [word for word in ("src=", "<link", "<script") if word in text]
    for told in ("Soak: FAILED", ">NO<", "not judged", "1 lost", *Fault):
        assert told in text


@pytest.mark.full
@pytest.mark.containers
@pytest.mark.timeout(900)
def test_it_runs_on_real_servers(tmp_path):
    options = ("--minutes", "0.7", "--seed", "3", "--rate", "200", "--fault-every", "8", "--batch-age", "1s")
    command = [sys.executable, "-m", "soak.run", *options, "--results", tmp_path]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = tmp_path.glob("*/soak.json")
    told = json.loads(file.read_text())
    assert told["figures"]["events_acknowledged"] > 200 * 30
    assert len(told["faults"]) >= 2
    assert told["samples"][-1]["archiver"]["size"] > 200 * 30
    assert file.with_name("soak.html").exists()
