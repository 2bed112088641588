"""README.md: its walk can be walked, its Python runs, its tables are those of the code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pages import ROOT, blocks, only_block, prose
from sealtrail.exits import ExitCode
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.audit_event import decode_event
from sealtrail_transport.sqlite_log import SqliteLog

README = ROOT / "README.md"


def test_the_verdicts_are_those_of_the_verifier_in_their_order():
    rows = re.findall(r"^\| (\w+) \| (\d+) \|", prose(README), re.MULTILINE)
    assert rows == [(verdict.value, str(verdict.exit_code)) for verdict in Verdict]


def test_every_exit_code_is_told():
    told = {
        int(number)
        for number in re.findall(r"\b\d+\b", prose(README).split("## Verdicts")[1].split("\n## ")[0])
    }
    assert set(ExitCode) <= told


def test_the_python_of_the_readme_records_an_event(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sealtrail").mkdir()
    with SqliteLog(tmp_path / ".sealtrail" / "log.db") as log:
        log.create_topic("events", partitions=1, append_time=False)
        exec(compile(only_block(README, "python"), "README.md", "exec"), {})  # noqa: S102 - our own page
        (record,) = log.read(
            "events", 0, log.bounds("events", 0).start, max_records=9, max_bytes=10**6
        ).records
    assert capsys.readouterr().out == "0\n"
    assert decode_event(record.value).action == "payrun.approve"


class Step:
    """A command of the walk and what the page says that it prints."""

    def __init__(self, text: str):
        lines = text.splitlines()
        here = re.search(r"<<'(\w+)'", lines[0])
        end = lines.index(here[1]) + 1 if here else 1
        self.command = "\n".join(lines[:end])
        self.shown = [line for line in lines[end:] if line.strip() not in {"", "…"}]


def walk() -> list[Step]:
    texts = [block.text for block in blocks(README) if block.language == "console"]
    return [Step(text) for block in texts for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def shape(line: str) -> str:
    """A line without what differs from run to run (hashes, times, sizes) and from store to store."""
    line = re.sub(r"\.sealtrail/store|s3://sealtrail", "ARCHIVE", line)
    line = re.sub(r", version \S+", "", line)
    line = re.sub(r"SHA256:\S+|[0-9a-f]{8,}…?", "HASH", line)
    return re.sub(r"[\d,.:TZ-]*\d[\d,.:TZ-]*", "0", line).strip()


def differs_by_store(line: str) -> bool:
    """Whether a line says what a folder without locks has to say otherwise than the embedded store."""
    return bool(re.search(r"lock|embedded|intact|^  sealed ", line, re.IGNORECASE))


@pytest.mark.embedded
def test_the_walk_can_be_walked(tmp_path):
    steps = walk()
    script = "".join(f"{step.command}\necho '--- end of step' $?\n" for step in steps)
    program = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALTRAIL_")}
    environment |= {
        "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
        "SEALTRAIL_ARCHIVE": "folder",  # the same walk, without a server to be started for each step
        "PYTHONWARNINGS": "error",
    }
    done = subprocess.run(
        ["sh"],
        input=script,
        cwd=tmp_path,
        env=environment,
        check=False,
        stdout=-1,
        stderr=-2,
        text=True,
        timeout=120,
    )
    outputs = re.findall(r"(.*?)--- end of step (\d+)\n", done.stdout, re.DOTALL)
    assert len(outputs) == len(steps), done.stdout
    for step, (printed, code) in zip(steps, outputs, strict=True):
        assert int(code) == expected_exit(step), f"{step.command}\n{printed}"
        really = {shape(line) for line in printed.splitlines()}
        missing = [line for line in step.shown if shape(line) not in really and not differs_by_store(line)]
        assert not missing, f"{step.command} really prints\n{printed}"
    assert {expected_exit(step) for step in steps} == {0, 10, 13}


def expected_exit(step: Step) -> int:
    """Where the page shows an intact archive, one in a folder without locks is unprotected."""
    said = " ".join(step.shown)
    return 10 if "TAMPERED" in said else 13 if "INTACT" in said else 0
