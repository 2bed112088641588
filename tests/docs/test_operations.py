"""docs/operations.md: it has a word on all that a service can say, and no word on what there is not."""

import ast
import re
from collections import defaultdict
from typing import get_args, get_type_hints

import pytest

from pages import ROOT, anchors, prose
from sealtrail.exits import ExitCode
from sealtrail.onward_ways import way_onward
from sealtrail_archiver.settings import Alarm
from sealtrail_chainer.errors import StopCode

pytestmark = pytest.mark.claim("C6")

PAGE = ROOT / "docs" / "operations.md"
SERVICES = [*(ROOT / "cli" / "sealtrail").glob("service*.py")]
STEPS = [*(ROOT / "chainer").rglob("*.py"), *(ROOT / "archiver").rglob("*.py")]


def part(heading: str, level: int = 2) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    _, found, after = prose(PAGE).partition(f"\n{'#' * level} {heading}\n")
    assert found, f"there is no section {heading}"
    return re.split(rf"^#{{1,{level}}} ", after, flags=re.MULTILINE)[0]


def rows(text: str) -> list[str]:
    """The first cells of a section's tables, without those of the heads."""
    return re.findall(
        r"^\| (?!---)(.*?) \|", re.sub(r"^\|.*\n\|---.*$", "", text, flags=re.MULTILINE), re.MULTILINE
    )


def called(paths, name: str):
    """Every call of a function of that name."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield node


def evidence() -> dict[str, set[str]]:
    """The names of what is seen, for each code with which the steps stop the line."""
    names = defaultdict(set)
    for call in called(STEPS, "LineStoppedError"):
        code = call.args[0]
        assert isinstance(code, ast.Attribute)
        names[StopCode[code.attr].value] |= {keyword.arg for keyword in call.keywords}
    return names


@pytest.mark.parametrize("code", StopCode)
def test_each_stop_has_a_section_with_its_evidence_and_what_to_do(code):
    text = part(code, 3)
    told = text.partition("*Evidence:*")[2].partition("*Do:*")[0]
    assert evidence()[code] <= set(re.findall(r"`(\w+)`", told))
    assert len(text.partition("*Do:*")[2].split()) > 5


@pytest.mark.parametrize("code", StopCode)
def test_each_stop_names_its_way_onward_or_needs_none(code):
    do = part(code, 3).partition("*Do:*")[2]
    ways = {way_onward("a/raw/0", code, seen) for seen in ({}, {"topic": "raw"})} - {None}
    named = set(re.findall(r"sealtrail\s(continue|record-gap|init\s--succeed)", do))
    assert {" ".join(name.split()) for name in named} == {way.removesuffix(" --dry-run") for way in ways}
    assert ways or "no entry is needed" in do or "move the evidence away" in do


def test_no_other_stop_has_a_section():
    headings = re.findall(r"^### (.*)$", part("When the line stops"), re.MULTILINE)
    assert headings == [*StopCode]


def test_each_alarm_has_a_row():
    codes = get_args(get_type_hints(Alarm)["code"])
    assert sorted(rows(part("Alarms"))) == sorted(f"`{code}`" for code in codes)


def test_each_exit_code_of_a_service_has_a_row():
    verdicts = {ExitCode.TAMPERED, ExitCode.INCOMPLETE, ExitCode.UNVERIFIABLE, ExitCode.UNPROTECTED}
    assert [int(row) for row in rows(part("Exit codes"))] == sorted({*ExitCode} - verdicts)


def test_each_event_of_the_log_has_a_row():
    told = {call.args[0].value for call in called(SERVICES, "tell")} | {"message"}
    listed = {event for row in rows(part("Monitoring")) for event in re.findall(r"`([\w-]+)`", row)}
    assert listed == told


def test_the_rights_are_those_of_the_files_in_use():
    text = part("Permissions")
    for policy in (ROOT / "deploy" / "policies").glob("*.json"):
        (row,) = re.findall(rf"^\| {policy.stem} \|.*$", text, re.MULTILINE)
        allowed = policy.read_text("utf-8").partition('"Deny"')[0]
        assert set(re.findall(r"s3:(\w+)", allowed)) == set(re.findall(r"`(\w+)`", row)), policy.name
    for acl in (ROOT / "deploy" / "acls").glob("*.acl"):
        lines = [line for line in acl.read_text("utf-8").splitlines() if not line.startswith("#")]
        (row,) = re.findall(rf"^\| {acl.stem} \|.*$", text, re.MULTILINE)
        operations = {word for line in lines for word in re.findall(r"--operation (\w+)", line)}
        assert operations <= set(re.findall(r"\w+", row.split("|")[2])), acl.name


def test_sections_are_found():
    assert "raw-overtaken" in anchors(PAGE)
    assert evidence()["raw-overtaken"] == {"first_lost", "first_kept"}
