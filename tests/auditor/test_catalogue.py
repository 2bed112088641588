"""The catalogue of findings: stable in form, raised by tests, complete in docs/findings.md."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from attacks.corpus import ATTACKS
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.verdict import Verdict

HERE = Path(__file__).parent


def test_every_finding_is_raised_by_a_test():
    by_attacks = {code for attack in ATTACKS for code in (attack.code, *attack.also)}
    texts = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    named = set(re.findall(r'"(ST-[A-Z-]+)"', texts)) | {
        FindingCode[name].code for name in re.findall(r"FindingCode\.([A-Z_]+)\b", texts)
    }
    nowhere = {code.code for code in FindingCode if code not in by_attacks} - named
    assert not nowhere, f"no test raises {', '.join(sorted(nowhere))}"


def test_codes_have_one_form():
    for kind in FindingCode:
        assert kind.code == "ST-" + kind.name.replace("_", "-")
    assert len({kind.code for kind in FindingCode}) == len(FindingCode)


@pytest.mark.parametrize("kind", FindingCode, ids=lambda kind: kind.code)
def test_each_explains_itself(kind):
    assert kind.verdict is not Verdict.INTACT
    assert re.fullmatch(r"[a-z].*[^.]", kind.title)
    for text in (kind.meaning, kind.advice):
        assert re.fullmatch(r"[A-Z].*[.]", text)
        assert "  " not in text


def test_verdicts_have_their_precedence_and_exit_codes():
    assert [(verdict.value, verdict.exit_code) for verdict in Verdict] == [
        ("tampered", 10),
        ("incomplete", 11),
        ("unverifiable", 12),
        ("unprotected", 13),
        ("intact", 0),
    ]
    assert Verdict.worst([]) is Verdict.INTACT
    assert Verdict.worst(reversed(Verdict)) is Verdict.TAMPERED
    assert Verdict.worst([Verdict.UNPROTECTED, Verdict.UNVERIFIABLE]) is Verdict.UNVERIFIABLE


def test_the_page_is_made_from_the_catalogue():
    script = runpy.run_path(str(HERE.parents[1] / "docs" / "make_findings.py"))
    assert script["main"](["--check"]) == 0
