"""Alert rules, dashboard and docs/metrics.md name the metrics that there are, with labels that they have."""

import json
import re
from collections import defaultdict
from typing import NamedTuple

import pytest
import yaml

from deployment import Deployment, values
from pages import ROOT, prose
from sealtrail.pipeline_events import Failed
from sealtrail_chainer.errors import LineStoppedError
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.log import NewRecord
from watched import watched

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "sealtrail.json"
PAGE = ROOT / "docs" / "metrics.md"
OF_PROMETHEUS = {"job", "instance"}  # the labels that scraping adds


class Series(NamedTuple):
    """What a metric is: its type, and the labels of all its samples."""

    kind: str
    labels: set


@pytest.fixture(scope="module")
def shown():
    """All that a pipeline shows which has chained, sealed, met errors and alarms, and stopped at last.

    The metrics by their documented names, and the labels of each name that an expression can ask for.
    """
    office = Deployment()
    office.publish(*values(3))
    office.chain()
    office.log.faults.write_foreign("events.chained", 0, NewRecord(None, b"a stranger's"))
    offset = office.log.bounds("events", 0).end
    office.publish(*values(3))
    office.log.faults.make_unreadable("events", 0, offset, "a header is not text")
    with watched(office) as run:
        run.pipeline.on_event(Failed("group", LogUnavailableError("away")))
        for machine in ("chainer", "chainer", "archiver", "archiver"):
            run.step(machine)
        while not run.value("sealed_batches_total"):
            office.clock.now_ms += 10_000
            run.step("archiver")
        run.monitor.sample(run.pipeline, now_s=0)
        for worker in run.line.workers:
            worker.close()
        office.log.faults.recreate_topic("events.chained")
        with pytest.raises(LineStoppedError):
            run.drain()
        families = list(run.registry.collect())
    metrics, asked = {}, defaultdict(set)
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = set()
        for sample in family.samples:
            asked[sample.name] |= {*sample.labels} | OF_PROMETHEUS
            labels |= {*sample.labels}
        metrics[name] = Series(family.type, labels - {"le"})
    return metrics, asked


def rules():
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels():
    found = json.loads(DASHBOARD.read_text("utf-8"))
    return [panel for panel in found["panels"] if panel["type"] != "row"]


def expressions():
    """Every expression with the name of what asks it, and the labels that its text shows."""
    for rule in rules():
        texts = " ".join(rule["annotations"].values())
        yield rule["alert"], rule["expr"], set(re.findall(r"\$labels\.(\w+)", texts))
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    told = json.loads(DASHBOARD.read_text("utf-8"))
    for each in told["annotations"]["list"]:
        yield each["name"], each["expr"], set(re.findall(r"{{(\w+)}}", each["titleFormat"]))
    for variable in told["templating"]["list"]:
        if variable["type"] == "query":
            asked, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            yield variable["name"], asked, {label}


def selected(expression):
    """The metrics of an expression, each with the labels by which it is selected there."""
    without_text = re.sub(r'"[^"]*"', '""', expression)
    for name, labels in re.findall(r"\b(sealtrail_\w+|process_\w+|up)\b(?:{([^}]*)})?", without_text):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))


def grouped(expression):
    """The labels after by, on, without, ignoring, group_left and group_right."""
    lists = re.findall(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)", expression)
    return {label for text in lists for label in re.findall(r"\w+", text)}


@pytest.mark.parametrize(("asks", "expression", "shows"), [*expressions()])
def test_what_is_asked_for_exists(shown, asks, expression, shows):
    _, asked = shown
    asked = asked | {"up": OF_PROMETHEUS}
    found = [*selected(expression)]
    assert found, asks
    there = set()
    for name, labels in found:
        assert name in asked, f"{asks} asks for {name}"
        assert labels <= asked[name], f"{asks} selects {name} by {labels - asked[name]}"
        there |= asked[name]
    wanted = grouped(expression) | shows
    assert wanted <= there, f"{asks} groups by or shows {wanted - there}"


def test_every_label_that_a_rule_shows_is_left_in_its_result():
    """Aggregation drops the labels that it does not name."""
    for rule in rules():
        kept = grouped(rule["expr"])
        shows = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        assert not kept or shows <= kept, rule["alert"]


def test_each_metric_is_on_the_page_with_its_type_and_labels(shown):
    metrics, _ = shown
    rows = re.findall(r"^\| `(sealtrail_\w+)` \| (\w+) \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {name: Series(kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert told == {name: each for name, each in metrics.items() if name.startswith("sealtrail_")}
    for name in re.findall(r"`(process_\w+)`", prose(PAGE)):
        assert name in metrics


def test_each_alert_has_a_line_of_what_to_do():
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = page.partition("\n## Alert rules\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", section, re.MULTILINE))
    assert [*told] == sorted(told, key=[rule["alert"] for rule in rules()].index)
    assert {*told} == {rule["alert"] for rule in rules()}
    assert all(len(text.split()) > 5 for text in told.values())


def test_each_rule_says_how_urgent_it_is():
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]


def test_panels_have_their_own_places_and_say_what_they_show():
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert panel["description"], panel["title"]
        taken |= cells
