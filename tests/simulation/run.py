"""Run histories: `python -m simulation.run --seeds 0:100000 --jobs 2`, in the folder `tests`.

Prints progress, the coverage table, and each violation with its seed. `--seed N --trace` plays one history
and tells it step by step. Exit code 1 where there was a violation.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from simulation.coverage import LEAST, Coverage
from simulation.schedule import play

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK = 200
PROGRESS_EVERY = 1_000


def run_block(seeds: range) -> tuple[Coverage, dict[int, str]]:
    """Play a block of seeds; returns what was covered, and what was violated, by seed."""
    coverage, violations = Coverage(), {}
    for seed in seeds:
        try:
            coverage.add(play(seed))
        except Exception as error:  # noqa: BLE001 -- whatever it is, this seed shows it
            violations[seed] = f"{type(error).__name__}: {error}"
    return coverage, violations


def blocks_of(seeds: range, size: int = BLOCK) -> list[range]:
    """Cut a range into blocks of at most `size` seeds."""
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    options = _parser().parse_args(arguments)
    if options.seed is not None:
        return _tell_one(options.seed, trace=options.trace)
    started = time.monotonic()
    coverage, violations = Coverage(), {}
    for part, broken in _results(blocks_of(options.seeds), options.jobs):
        coverage.merge(part)
        violations |= broken
        for seed, message in broken.items():
            _tell(f"seed {seed}: {message}")
        done = coverage.histories + len(violations)
        _progress(f"{done} of {len(options.seeds)} histories, {len(violations)} violations", done)
    _report(coverage, violations, time.monotonic() - started)
    return 1 if violations else 0


def _results(blocks: list[range], jobs: int) -> Iterable[tuple[Coverage, dict[int, str]]]:
    if jobs == 1:
        yield from map(run_block, blocks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(run_block, block) for block in blocks]):
            yield future.result()


def _report(coverage: Coverage, violations: dict[int, str], seconds: float) -> None:
    if sys.stderr.isatty():
        _tell("")
    for line in coverage.table():
        _tell(line)
    _tell("")
    _tell("what happened: " + ", ".join(f"{name} {count}" for name, count in sorted(coverage.seen.items())))
    _tell(f"cells reached less than {LEAST} times: {len(coverage.thin())}")
    _tell(f"points at which log or store were away less than {LEAST} times: {len(coverage.away_thin())}")
    _tell(f"{coverage.histories + len(violations)} histories in {seconds:.0f} s")
    _tell(f"violations: {len(violations)}" + (f", seeds {sorted(violations)}" if violations else ""))


def _tell_one(seed: int, *, trace: bool) -> int:
    try:
        play(seed, tell=_tell if trace else lambda _: None)
    except Exception:  # noqa: BLE001 -- whatever it is, it is what was asked for
        traceback.print_exc()
        return 1
    _tell(f"seed {seed}: no violation")
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _progress(line: str, done: int) -> None:
    """On a terminal always in the same line; in a file now and then."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
    elif done % PROGRESS_EVERY == 0:
        sys.stderr.write(line + "\n")


def _seeds(text: str) -> range:
    first, _, end = text.partition(":")
    if not (first.isdigit() and end.isdigit() and int(first) < int(end)):
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds: give FIRST:END, such as 0:1000")
    return range(int(first), int(end))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulation.run",
        description="Play histories of a simulated deployment, and judge each.",
        epilog="example: python -m simulation.run --seeds 0:100000 --jobs 2",
    )
    parser.add_argument("--seeds", type=_seeds, default=range(1_000), help="FIRST:END, without END [0:1000]")
    parser.add_argument("--jobs", type=int, default=1, help="processes [1]")
    parser.add_argument("--seed", type=int, help="play this one only")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell each step")
    return parser


if __name__ == "__main__":
    sys.exit(main())
