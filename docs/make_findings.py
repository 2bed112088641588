#!/usr/bin/env python3
"""Write docs/findings.md from the catalogue of findings; --check only says whether that would change it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.verdict import Verdict

PAGE = Path(__file__).parent / "findings.md"

INTRO = """\
<!-- Made by docs/make_findings.py from auditor/sealtrail_auditor/catalogue.py: change that. -->

# Findings

`sealtrail verify` reports what is wrong with an archive as *findings*, and so does `verify-proof` with proofs
and packs. Each has a code that never changes its meaning, the place (object, version, entries), what was
expected and what was found. This page says what each code means and what to do about it.

All findings of an archive together make its verdict, the first of these that applies:

| verdict | exit code | says |
|---|---|---|
"""

SAYS = {
    Verdict.TAMPERED: "something was changed, or the key has signed two histories",
    Verdict.INCOMPLETE: "something is missing: a gap, a cut tail, a trail that has stopped",
    Verdict.UNVERIFIABLE: "it can't be judged: an unknown key or format",
    Verdict.UNPROTECTED: "all of it is there and unchanged, but not protected as it was sealed",
    Verdict.INTACT: "all of it is there, unchanged and protected, as far as it was checked",
}


def make_page() -> str:
    """The text of docs/findings.md."""
    rows = "".join(f"| {verdict} | {verdict.exit_code} | {SAYS[verdict]} |\n" for verdict in Verdict)
    sections = [_section(verdict) for verdict in Verdict if verdict is not Verdict.INTACT]
    return INTRO + rows + "".join(sections)


def _section(verdict: Verdict) -> str:
    kinds = "".join(
        f"\n### {kind.code}\n\n{_sentence(kind.title)}\n\n{_wrapped(kind.meaning)}\n\n"
        f"{_wrapped('*What to do:* ' + kind.advice)}\n"
        for kind in FindingCode
        if kind.verdict is verdict
    )
    return f"\n## {verdict.capitalize()}\n{kinds}"


def _sentence(clause: str) -> str:
    return f"**{clause[0].upper()}{clause[1:]}.**"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=112, break_long_words=False, break_on_hyphens=False)


def main(arguments: list[str]) -> int:
    """Write the page, or check it; returns the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/make_findings.py [--check]\n")
        return 2
    page = make_page()
    if not arguments:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.stderr.write(f"{PAGE} is out of date: run python docs/make_findings.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
