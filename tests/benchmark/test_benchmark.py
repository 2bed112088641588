"""The benchmark: its stages in memory, its arithmetic, and once all of it, very small, on real servers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bench import floors, stages
from bench.figures import figures, table
from bench.job import Job
from bench.plan import END_TO_END, STAGES
from sealtrail_transport.buffered_sink import BufferedSink
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.memory_store import MemoryStore

_MEASURED = {"wall_s", "cpu_s", "peak_rss_bytes", "began_at", "ended_at"}


@pytest.fixture
def job(monkeypatch):
    """A small job whose servers are in memory."""
    log = MemoryLog()
    store = MemoryStore(lambda: datetime.now(UTC))
    monkeypatch.setattr(stages, "KafkaLog", lambda _settings: nullcontext(log))
    monkeypatch.setattr(stages, "KafkaSink", lambda _settings, topic: BufferedSink(log, topic))
    monkeypatch.setattr(Job, "store", lambda _self: store)
    return Job("", "", "bench", events=25, event_bytes=500, transaction_events=10, codec="null")


@pytest.fixture
def archived(job):
    """The same after its events were produced, chained and archived."""
    stages.setup(job)
    for stage in (stages.produce, stages.chain, stages.archive):
        assert stage(job).keys() == _MEASURED
    return job


@pytest.mark.parametrize("verify", [stages.verify, stages.verify_copy])
def test_the_stages_work_on_each_other_s_output(archived, verify):
    assert verify(archived).keys() == _MEASURED


@pytest.mark.parametrize("verify", [stages.verify, stages.verify_copy])
def test_a_verdict_over_fewer_entries_is_no_measurement(archived, verify):
    with pytest.raises(RuntimeError, match="26 entries"):
        verify(replace(archived, events=26))


@pytest.mark.parametrize("floor", [floors.verify_payloads, floors.verify_chain, floors.verify_merkle])
def test_the_floors_of_verify_read_what_was_archived(archived, floor):
    assert floor(archived).keys() == _MEASURED


def test_a_floor_that_follows_no_chain_is_no_measurement(archived, monkeypatch):
    entries = list(floors._entries(archived))
    monkeypatch.setattr(floors, "_entries", lambda _job: entries[1:])
    with pytest.raises(RuntimeError, match="not the chain"):
        floors.verify_chain(archived)


def test_events_are_json_of_the_length_asked_for():
    events = [Job("", "", "bench", 2, size, 1).event(number) for size in (400, 500) for number in (0, 99_999)]
    assert [len(value) for _, value in events] == [400, 400, 500, 500]
    assert [json.loads(value)["number"] for _, value in events] == [0, 99_999] * 2


def _measure(wall_s):
    return {"wall_s": wall_s, "cpu_s": wall_s / 2, "peak_rss_bytes": 2**20 * wall_s}


def _run(chain_s, floor_s):
    """Measures of a run in which all stages but `chain` take a second, as their floors do."""
    stages_of_run = {
        stage.name: {"sealtrail": _measure(1), **{name: _measure(1) for name, _ in stage.floors}}
        for stage in STAGES
    }
    stages_of_run["chain"] = {"sealtrail": _measure(chain_s), "transactional copy loop": _measure(floor_s)}
    stages_of_run[END_TO_END] = {"sealtrail": {"wall_s": 5, "cpu_s": 1}, "archiver": _measure(4)}
    return stages_of_run


def test_ratios_are_of_pairs_and_rates_are_medians():
    told = figures([_run(2, 1), _run(4, 3), _run(1, 1)], events=100, event_bytes=500, transaction_events=10)
    chain = told["stages"]["chain"]["sealtrail"]
    assert chain["of_floor"] == pytest.approx(0.75)  # of 0.5, 0.75 and 1; the medians' own ratio is 0.5
    assert chain["events_per_s"] == pytest.approx(50)
    assert chain["cpu_us_per_event"] == pytest.approx(1e6 / 100)
    assert chain["peak_rss_bytes"] == 4 * 2**20
    assert "of_floor" not in told["stages"][END_TO_END]["sealtrail"]
    assert len(told["measures"]) == told["runs"] == 3


def test_the_table_has_a_line_for_each_stage_and_floor():
    told = figures([_run(2, 1)], events=100, event_bytes=500, transaction_events=10)
    page = io.StringIO()
    Console(file=page, width=120).print(table(told))
    for name in (*(stage.name for stage in STAGES), END_TO_END, "transactional copy loop", "archiver"):
        assert name in page.getvalue()
    assert "0.50" in page.getvalue()


@pytest.mark.full
@pytest.mark.containers
def test_all_of_it_runs_on_real_servers(tmp_path):
    answer = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench.run", "--events", "200", "--runs", "1", "--json", str(answer)]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True, stdout=subprocess.DEVNULL)
    told = json.loads(answer.read_text())
    assert list(told["stages"]) == [*(stage.name for stage in STAGES), END_TO_END]
    assert all(part["events_per_s"] > 0 for stage in told["stages"].values() for part in stage.values())
