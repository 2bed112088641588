"""Each claim has tests that attack it, each such test is named by its claim, and all that is named exists."""

import re

from docs.claims import exists, marked, named, sections
from pages import ROOT

PAGE = (ROOT / "docs" / "claims.md").read_text("utf-8")


def test_each_claim_says_what_it_rests_on_what_it_leaves_out_and_what_attacks_it():
    for number, section in sections(PAGE).items():
        for part in ("*Rests on:* ", "*Does not cover:* ", "*Attacked by:*"):
            assert section.count(part) == 1, f"{number}: {part}"
        assert named(section), f"{number} has no checker"


def test_numbers_rise_and_stand_once():
    numbers = [int(number) for number in re.findall(r"^## C(\d+)\. ", PAGE, re.MULTILINE)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 12


def test_what_is_named_exists():
    missing = [test for section in sections(PAGE).values() for test in named(section) if not exists(test)]
    assert missing == []


def test_the_page_and_the_marks_agree():
    page = {number: named(section) for number, section in sections(PAGE).items()}
    assert page == marked()


def test_a_made_up_page_is_seen_through():
    page = (
        "## C1. One\n\n*Attacked by:*\n\n- `tests/docs/test_claims.py::test_nothing`\n\n"
        "## C2. Two\n\nnone\n\n## End\n\n- `x`\n"
    )
    assert {number: named(section) for number, section in sections(page).items()} == {
        "C1": {"tests/docs/test_claims.py::test_nothing"},
        "C2": set(),
    }
    assert not exists("tests/docs/test_claims.py::test_nothing")
    assert not exists("tests/docs/test_nothing.py")
    assert exists("tests/docs/test_claims.py::test_what_is_named_exists")
