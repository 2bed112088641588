"""docs/investigation.md: its commands print what the page says they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from auditor.steps import step, timeline_of
from command_line import call
from pages import ROOT, blocks
from sealtrail.timeline_json import timeline_json
from sealtrail_auditor.findings import Span
from sealtrail_auditor.timeline import Unread
from sealtrail_auditor.verdict import Verdict

PAGE = ROOT / "docs" / "investigation.md"
DATA = ROOT.parent / "shared" / "data" / "cloudtrail"
VERDICTS = {"UNPROTECTED": 13}
"""Exit codes of commands whose last line begins so; all others end with 0."""


def shell(text: str):
    """Each command of a console block with what it is to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def misfit(told: str, expected: str) -> str | None:
    """The first lines that a page shows and output has not; None where it is what the page shows.

    `…` on a line of its own is any lines, within a line any text.
    """
    chunks: list[list[str]] = [[]]
    for line in expected.splitlines():
        if line == "…":
            chunks.append([])
        else:
            chunks[-1].append(line)
    lines, place = told.splitlines(), 0
    for number, chunk in enumerate(chunks):  # the first place that fits leaves the most room for the rest
        end = len(lines) - len(chunk)
        first = end if number == len(chunks) - 1 else place
        last = end if number else 0
        found = next((at for at in range(max(first, place), last + 1) if _stands_at(chunk, lines, at)), None)
        if found is None:
            return "\n".join(chunk) or "(nothing more)"
        place = found + len(chunk)
    return None


def _stands_at(chunk: list[str], lines: list[str], place: int) -> bool:
    part = lines[place : place + len(chunk)]
    patterns = (r".*?".join(map(re.escape, line.split("…"))) + " *" for line in chunk)
    return len(part) == len(chunk) and all(map(re.fullmatch, patterns, part))


def arguments(command: str) -> list[str]:
    """A command's arguments as a shell would pass them."""
    program, *words = shlex.split(command)
    assert program == "sealtrail"
    return [
        name
        for word in words
        for name in (sorted(map(str, Path().glob(word))) if "*.json" in word else [word])
    ]


@pytest.mark.skipif(not DATA.is_dir(), reason="the CloudTrail files are not here")
def test_every_command_prints_what_the_page_shows(tmp_path, monkeypatch):
    for name in os.environ:
        if name.startswith(("SEALTRAIL_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DATA, tmp_path / "cloudtrail")
    for block in blocks(PAGE):
        assert block.language == "console"
        for command, expected in shell(block.text):
            done = call(*arguments(command))
            verdict = (expected.splitlines() or [""])[-1].partition(":")[0]
            assert done.exit_code == VERDICTS.get(verdict, 0), f"{command}\n{done.stderr}"
            assert misfit(done.stdout, expected) is None, command
    assert "malicious-iam-user" in (tmp_path / "bert-jan.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("told", "expected", "is_same"),
    [
        ("a\nb\nc\n", "a\n…\nc\n", True),
        ("a\nc\n", "a\n…\nc\n", True),
        ("a b c  \n", "a … c\n", True),
        ("a\nb\n", "a\n", False),
        ("a\nb\n", "b\n…\n", False),
        ("a #12\n", "a #1\n", False),
        ("a\nb\na\nc\n", "a\n…\na\n…\n", True),
        ("a\n", "a\n…\na\n", False),
        ("a\n", "…\n", True),
        ("", "…\n", True),
        ("", "", True),
        ("a\n", "", False),
    ],
)
def test_the_comparison_can_fail(told, expected, is_same):
    assert (misfit(told, expected) is None) is is_same


def test_every_member_of_the_json_lines_is_explained():
    page = PAGE.read_text("utf-8")
    explained = set(re.findall(r"`(\w+)`", page.partition("The lines of `--json`")[2]))
    timeline = timeline_of(step(1), unread=[Unread("o", Span(1, 2), None, None)])
    one, gap, end = map(json.loads, map(json.dumps, timeline_json(timeline, Verdict.INTACT, [])))
    assert {*one, "unread", *gap["unread"], "timeline", *end["timeline"]} <= explained
