"""The page about the simulation knows its faults and its mutants."""

import pytest

from pages import ROOT, anchors
from simulation import mutants_of_archiver, mutants_of_chainer
from simulation.kinds import KINDS
from simulation.mutants import MUTANTS
from simulation.run import _parser
from simulation.test_simulation import SEEDS

PAGE = ROOT / "docs" / "simulation.md"


@pytest.mark.parametrize("name", KINDS)
def test_each_fault_is_told_with_what_may_follow(name):
    kind = KINDS[name]
    (row,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    told = ", ".join(sorted(kind.alarms)) or "none"
    stops = ", ".join(sorted(map(str, kind.stops))) or "none"
    assert row == f"| `{name}` | {kind.what} | {told} | {stops} |"


def test_each_mutant_is_told():
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert sorted(rows[len(KINDS) :]) == sorted(f"| `{name}` | {it.what} |" for name, it in MUTANTS.items())
    assert {it.make.__module__ for it in MUTANTS.values()} == {
        mutants_of_chainer.__name__,
        mutants_of_archiver.__name__,
    }


def test_the_seeds_and_options_are_those_of_the_program():
    page = PAGE.read_text("utf-8")
    assert f"seeds {SEEDS.start} to {SEEDS.stop - 1}" in page
    for option in ("--seeds", "--jobs", "--seed", "--trace"):
        assert option in page
        assert option in _parser().format_help()
    assert "coverage" in anchors(PAGE)
