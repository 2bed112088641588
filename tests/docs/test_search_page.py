"""docs/search.md: its commands and its examples for other tools give the same answers."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib

import duckdb
import pytest

from auditor.builders import make_trail
from auditor.viewed import ACTIONS, ACTORS, START, STEP, cloudtrail
from cli.archives import archive_of
from command_line import call
from pages import ROOT
from sealtrail_schemas.recognise_json import parse_mapping

PAGE = (ROOT / "docs/search.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


ONE_HOUR, SECRETS, ROOTS = [
    line for block in blocks("sh") for line in block.splitlines() if " search " in line
]
PANDAS = [block for block in blocks("python") if "pandas" in block]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two and a half hours of events, one a minute, some by the root user, some no JSON; with views."""
    folder = tmp_path_factory.mktemp("archive")
    trail = make_trail(1, until=None)
    for number in range(150):
        actor, action = ACTORS[number % 3], ACTIONS[number % 4]
        root = (
            {"userIdentity": {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}}
            if number % 50 == 9
            else {}
        )
        trail.event(cloudtrail(actor, action, START + number * STEP, **root))
        if number % 40 == 0:
            trail.event(b"no JSON")
            trail.event(b"\xff")
            trail.seal()
    trail.seal()
    archive = archive_of(folder, trail)
    assert archive.run("index", "--views", folder).exit_code == 0
    return folder


@pytest.fixture(autouse=True)
def _inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def asked(command: str) -> list[dict]:
    """The hits of a command of the page, run on our archive."""
    _, name, *arguments = shlex.split(command)
    columns = [] if "--columns" in arguments else ["--columns", "sequence,actor,action"]
    formats = [] if "--json" in arguments else ["--json"]
    run = call(name, "copy", "--policy", "policy", "--views", ".", *arguments, *columns, *formats)
    assert run.exit_code == 0, run.output
    return [line for line in map(json.loads, run.stdout.splitlines()) if "sequence" in line]


def in_duckdb(number: int, columns: str) -> list[tuple]:
    """Some columns of an answer; those with times would take pytz to become Python's."""
    return duckdb.sql(f"SELECT {columns} FROM ({blocks('sql')[number]})").fetchall()  # noqa: S608


def in_pandas(number: int):
    names: dict[str, object] = {}
    exec(compile(PANDAS[number], "docs/search.md", "exec"), names)  # noqa: S102 - our own page
    return names["answer"]


def test_one_actor_in_one_hour():
    hits = [hit["sequence"] for hit in asked(ONE_HOUR)]
    assert len(hits) == 20
    assert in_duckdb(0, "sequence") == [(hit,) for hit in hits]
    assert in_pandas(0).sequence.tolist() == hits


def test_who_read_secrets_in_a_quarter_of_an_hour():
    counts: dict[str, int] = {}
    for hit in asked(SECRETS):
        counts[hit["actor"]] = counts.get(hit["actor"], 0) + 1
    assert sum(counts.values()) == 4
    assert in_duckdb(1, "actor, times") == list(counts.items())
    answer = in_pandas(1)
    assert list(zip(answer.actor, answer.times, strict=True)) == list(counts.items())


def test_what_root_did():
    hits = [(hit["sequence"], hit["action"]) for hit in asked(ROOTS)]
    assert len(hits) == 3
    assert in_duckdb(2, "sequence, action") == hits
    answer = in_pandas(2)
    assert list(zip(answer.sequence, answer.action, strict=True)) == hits


def test_what_is_not_tried_is_python_at_least():
    (spark,) = [block for block in blocks("python") if "spark" in block]
    ast.parse(spark)
    assert "Not tried here" in PAGE


def test_the_settings_are_mappings():
    (toml,) = blocks("toml")
    okta, billing = tomllib.loads(toml)["recognise"].items()
    assert parse_mapping(*okta).identity != parse_mapping(*billing).identity
