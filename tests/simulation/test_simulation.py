"""Histories of a simulated deployment, each judged from outside, and what they have covered together.

docs/simulation.md tells what a history is, which faults there are, and how coverage is counted.
"""

import json
from collections import Counter

import pytest
from filelock import FileLock

from crash_points import POINTS
from simulation.checker import Archived, _judge_events, _judge_heads, judge
from simulation.coverage import LEAST, NEVER, WANTED, Coverage
from simulation.kinds import KINDS
from simulation.looks import folder_of
from simulation.run import blocks_of, main, run_block
from simulation.schedule import play
from simulation.world import Violation, World

pytestmark = pytest.mark.claim("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C11", "C14")

SEEDS = range(1_700)
BLOCKS = blocks_of(SEEDS, 100)


@pytest.fixture(scope="session")
def block_result(tmp_path_factory):
    """What a block of seeds came to, played once by whichever process asks first."""
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):  # pytest-xdist gives each of its processes a folder of its own
        folder = folder.parent

    def result(seeds):
        file = folder / f"simulation-{seeds.start}.json"
        with FileLock(f"{file}.lock"):
            if not file.exists():
                coverage, violations = run_block(seeds)
                cells = [[*cell, count] for cell, count in coverage.cells.items()]
                told = [coverage.histories, cells, coverage.away, coverage.seen, violations]
                file.write_text(json.dumps(told))
        histories, cells, away, seen, violations = json.loads(file.read_text())
        counted = Counter({(kind, label): count for kind, label, count in cells})
        return Coverage(histories, counted, Counter(away), Counter(seen)), violations

    return result


@pytest.mark.parametrize("seeds", BLOCKS, ids=str)
def test_no_history_breaks_a_promise(block_result, seeds):
    _, violations = block_result(seeds)
    assert violations == {}


def test_every_crash_point_is_reached_twenty_times_under_every_fault(block_result):
    coverage = Coverage()
    for seeds in BLOCKS:
        coverage.merge(block_result(seeds)[0])
    assert coverage.thin() == []
    assert coverage.away_thin() == []
    # The schedule would prove little if its work were not of every kind.
    assert (
        min(coverage.seen[did] for did in ("chained", "heartbeat", "doubted", "sealed", "rejected")) >= LEAST
    )
    assert coverage.seen["WriterFencedError"] >= LEAST


@pytest.mark.full
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seeds", blocks_of(range(SEEDS.stop, 20_000), 2_000), ids=str)
def test_no_history_of_many_breaks_a_promise(seeds):
    _, violations = run_block(seeds)
    assert violations == {}


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(8, id="two archivers that judged a batch differently sealed twice from one place"),
        pytest.param(7_414, id="a seal that landed late hid the one that everything goes on from"),
        pytest.param(14_083, id="the same, beside a squatter's seal"),
        pytest.param(15_793, id="the same, with what came between"),
        pytest.param(
            30_996, id="a stray of a chainer that had not noticed a lost tail yet was called a false alarm"
        ),
        pytest.param(33_054, id="a genesis that landed in the next one's transaction was passed over"),
        pytest.param(6, id="an archiver that freed space met a lost tail, and ended in an error"),
    ],
)
def test_a_history_that_once_went_wrong_goes_well(seed):
    """As the schedule is now: each of these seeds fails again without the mend (see the mutants)."""
    play(seed)


def test_a_history_follows_from_its_seed():
    told = [[], []]
    for lines in told:
        play(17, tell=lines.append)
    assert told[0] == told[1]
    other = []
    play(18, tell=other.append)
    assert other != told[0]


def test_cells_that_are_left_out_are_of_known_kinds_and_points_and_have_a_reason():
    for kinds, labels, reason in NEVER.values():
        assert kinds <= set(KINDS)
        assert labels <= set(POINTS)
        assert reason
    assert {kind for kind, _ in WANTED} == set(KINDS)
    assert {label for _, label in WANTED} == set(POINTS)


def settled() -> World:
    """A history without faults: four events, all of them sealed."""
    world = World(1)
    for _ in range(4):
        world.publish()
    archiver = world.archivers[0]
    for _ in range(30):
        world.step(world.chainer)
        world.step(archiver, flush=True)
        world.do_work(archiver)
    judge(world)
    return world


@pytest.mark.parametrize(
    ("deed", "verdict"),
    [
        # Each transaction takes an offset for its marker.
        (lambda world: world.acknowledged.update({8: (b"event 4", True)}), "lost"),
        (lambda world: world.acknowledged.pop(2), "invented"),
        (lambda world: world.acknowledged.update({2: (b"other", True)}), "changed"),
        (lambda world: world.acknowledged.update({2: (b"event 1", False)}), "changed"),
        (lambda world: world.heads.update(dict.fromkeys(world_of_other_events().heads)), "verdict tampered"),
    ],
)
def test_the_checker_sees_what_is_wrong(deed, verdict):
    world = settled()
    deed(world)
    with pytest.raises(Violation, match=verdict):
        judge(world)


@pytest.mark.parametrize(
    ("offsets", "verdict"), [((0, 2, 2, 4, 6), "repeated"), ((0, 4, 2, 6), "reordered"), ((0, 2, 6), "lost")]
)
def test_the_checker_sees_the_order_of_what_was_archived(offsets, verdict):
    world = settled()
    found = [Archived(offset, world.acknowledged[offset][0]) for offset in offsets]
    with pytest.raises(Violation, match=verdict):
        _judge_events(world, found)


def test_the_checker_sees_a_sealed_head_that_is_no_prefix():
    world = settled()
    folder = folder_of(world)
    for hashes in ([], [bytes(32)] * 9):
        with pytest.raises(Violation, match="forked"):
            _judge_heads(world, folder, hashes)


def world_of_other_events() -> World:
    """Another history under the same key."""
    world = World(1)
    world.publish(b"another")
    for _ in range(30):
        world.step(world.chainer)
        world.step(world.archivers[0], flush=True)
        world.do_work(world.archivers[0])
    return world


def test_the_command_plays_a_range_and_tells_one_history(capsys):
    assert main(["--seeds", "0:3"]) == 0
    out = capsys.readouterr().out
    assert "3 histories in" in out
    assert "violations: 0" in out
    assert main(["--seed", "4", "--trace"]) == 0
    assert "dies at" in capsys.readouterr().out


def test_the_command_names_the_seed_of_a_violation(capsys, monkeypatch):
    def broken(seed):
        raise Violation(f"lost in {seed}")

    monkeypatch.setattr("simulation.run.play", broken)
    assert main(["--seeds", "7:8"]) == 1
    assert "seed 7: Violation: lost in 7" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--seeds", "7"])
    assert "give FIRST:END" in capsys.readouterr().err
