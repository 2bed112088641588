"""Metrics and health of real processes: as they start, work, end and stop."""

import json
import re
import socket
import sqlite3
import sys
import urllib.request

import pytest

from command_line import TERMINATE, await_true, call, ended, running, spawn
from sealtrail import monitor

pytestmark = pytest.mark.embedded


def url_told(child):
    """Read what a child says on stderr up to the address of its metrics."""
    for line in child.stderr:
        if found := re.search(r"http://\S+/metrics", line):
            return found[0].strip('"')
    raise AssertionError("it has ended without telling the address")


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - to loopback
        return answer.read().decode()


def value(text, name, **labels):
    """The value of a series in the text form, whatever other labels it has."""
    for line in text.splitlines():
        series, _, number = line.rpartition(" ")
        if series.partition("{")[0] == f"sealtrail_{name}" and all(
            f'{key}="{wanted}"' in series for key, wanted in labels.items()
        ):
            return float(number)
    return None


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("command", "counted", "number"),
    [("up", "sealed_entries_total", 3), ("chain", "chained_records_total", 2), ("archive", "sealed_size", 1)],
)
def test_a_service_serves_what_it_does_until_it_ends(here, command, counted, number):
    spawn("produce", "-q", "-", cwd=here, stdin='{"n":1}\n{"n":2}\n', check=0)
    # Views are off by the environment of the tests; a batch is sealed at once.
    more = [] if command == "chain" else ["--batch-age", "0s"]
    with running(command, "--metrics", ":0", *more, cwd=here) as child:
        url = url_told(child)
        assert url.startswith("http://127.0.0.1:")
        await_true(lambda: value(get(url), counted) == number, f"{number} to be counted")
        text = get(url)
        assert value(text, "build_info", service=command) == value(text, "healthy") == 1
        assert re.search(r"^process_resident_memory_bytes [\d.e+]+$", text, re.MULTILINE)
        assert get(url.replace("/metrics", "/healthz")) == "ok\n"
        answer = ended(child, TERMINATE)
    assert answer.returncode == 0, answer.stderr
    with pytest.raises(OSError, match="refused"):
        get(url)


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("command", ["up", "chain", "archive"])
def test_a_port_that_is_taken_is_one_line(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = call(command, "--drain", "--metrics", f":{port}")
    assert answer.exit_code == 5
    assert f"--metrics 127.0.0.1:{port}: Address already in use. Name another address" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.usefixtures("trail")
def test_without_prometheus_client_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sealtrail.metrics", None)
    answer = call("chain", "--drain", "--metrics", ":0")
    assert answer.exit_code == 5
    assert "pip install 'sealtrail[metrics]'" in answer.stderr
    assert call("chain", "--drain").exit_code == 0


def stop_the_next_start(here, trail):
    """Archive something, then let the chained topic be another."""
    spawn("produce", "-q", "-", cwd=here, stdin='{"n":1}\n', check=0)
    spawn("up", "--drain", cwd=here, check=0)
    with sqlite3.connect(trail / "log.db") as log:
        log.execute("UPDATE topics SET topic_id = randomblob(16) WHERE name = 'events.chained'")
    log.close()


@pytest.mark.parametrize("command", ["up", "chain"])
def test_a_stopped_line_is_shown_once_before_the_process_ends(trail, here, command):
    stop_the_next_start(here, trail)
    with running(command, "--metrics", ":0", cwd=here) as child:
        url = url_told(child)
        await_true(lambda: list(trail.glob("stopped-*.json")), "the evidence")
        text = get(url)
        assert value(text, "line_stopped", code="topic-recreated") == 1
        assert value(text, "healthy") == 0
        answer = ended(child)
    assert answer.returncode == 3, answer.stderr


def test_nobody_who_looks_is_waited_for_so_long_only(trail, here, monkeypatch):
    stop_the_next_start(here, trail)
    monkeypatch.setattr(monitor, "_LINGER_S", 0)
    answer = call("chain", "--metrics", ":0", "--log-format", "json")
    assert answer.exit_code == 3
    assert [json.loads(line)["event"] for line in answer.stderr.splitlines()][-1] == "stopped"
