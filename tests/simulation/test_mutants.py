"""Each planted bug is caught by seeds that run with the tests; none is caught where none is planted."""

import pytest

from simulation import mutants_of_archiver, mutants_of_chainer
from simulation.mutants import MUTANTS
from simulation.run import run_block
from simulation.schedule import play
from simulation.test_simulation import SEEDS

pytestmark = pytest.mark.claim("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C14")


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_caught(name, record_property):
    with MUTANTS[name].planted():
        for seed in SEEDS:
            try:
                play(seed)
            except Exception as error:  # noqa: BLE001 -- a bug shows as a violation or as an error of its own
                record_property("caught", f"after {seed + 1}: {error}")
                return
    pytest.fail(f"no seed of {SEEDS} sees this: {MUTANTS[name].what}")


def test_a_mutant_is_taken_back():
    for mutant in MUTANTS.values():
        before = [getattr(owner, name) for owner, name in mutant.places]
        with mutant.planted():
            assert [getattr(owner, name) for owner, name in mutant.places] != before
        assert [getattr(owner, name) for owner, name in mutant.places] == before
    _, violations = run_block(range(20))
    assert violations == {}


def test_there_are_enough_of_both_parts():
    for module in (mutants_of_chainer, mutants_of_archiver):
        assert sum(mutant.make.__module__ == module.__name__ for mutant in MUTANTS.values()) >= 10
    assert len(MUTANTS) >= 15
    assert all(mutant.what.endswith(".") for mutant in MUTANTS.values())
