"""`python -m faults.run`: faults on real parts, each from a seed; what is done is kept and not done again.

Results lie in one JSON file for each scenario and seed. See docs/reliability.md.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faults.catalogue import SCENARIOS
from faults.harness import Run, StuckError
from faults.report import listing, read_results, table
from faults.scenarios_clocks import find_faketime
from faults.sites import open_site

if TYPE_CHECKING:
    from typing import Any

    from faults.scenario import Scenario
    from faults.sites import Site


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="Scenarios to run; a part of the name will do.")
@click.option("--seeds", default="1-3", show_default=True, help="Seeds, as 7 or 1-3 or 1,5.")
@click.option("--repeat", is_flag=True, help="Run also what has a result.")
@click.option("--long", "is_long", is_flag=True, help="Outages last a minute, not some seconds.")
@click.option("--report", is_flag=True, help="Run nothing; print the tables of docs/reliability.md.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("build/faults"), show_default=True)
def main(  # noqa: PLR0917 - options
    only: tuple[str, ...], seeds: str, repeat: bool, is_long: bool, report: bool, results: Path
) -> None:
    """Break real brokers, stores, networks and processes, and check that nothing is lost or forked.

    \b
    make faults
    make faults FAULTS="--only broker --seeds 4-9"
    """
    if report:
        click.echo(listing(SCENARIOS.values()) + "\n" + table(read_results(results), list(SCENARIOS)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # containers are to be removed
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # containers are stopped here
    wanted = [s for s in SCENARIOS.values() if not only or any(part in s.name for part in only)]
    results.mkdir(parents=True, exist_ok=True)
    failed = 0
    for kind in dict.fromkeys(each.site for each in wanted):
        todo = [
            (each, seed, results / f"{each.name}.{seed}.json")
            for seed in parse_seeds(seeds)
            for each in wanted
            if each.site == kind
        ]
        todo = [job for job in todo if repeat or not job[2].exists()]
        if not todo:
            continue
        with open_site(kind) as site:
            for each, seed, file in todo:
                if (missing := lacks(each, site)) is not None:
                    click.echo(f"{each.name}: left out, {missing}")
                    continue
                site.mend()
                result = play(each, site, seed, quick=not is_long)
                tell(result)
                failed += bool(result["violations"])
                if not any(violation.startswith("harness:") for violation in result["violations"]):
                    keep(result, file)  # what the harness has spoiled is no result
    if failed:
        raise click.ClickException(f"{failed} runs found something wrong")


def lacks(each: Scenario, site: Site) -> str | None:
    """What a scenario needs and this machine does not have."""
    if each.needs_proxies and site.proxies is None:
        return "there is no toxiproxy-server on the PATH, nor in $TOXIPROXY_SERVER"
    if each.needs_faketime and (shutil.which("cc") is None or find_faketime() is None):
        return "there is no cc, or no libfaketime (Debian's package faketime), nor $FAKETIME_LIBRARY"
    return None


def parse_seeds(text: str) -> list[int]:
    """`7`, `1-3`, `1,5`."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def play(each: Scenario, site: Site, seed: int, *, quick: bool) -> dict[str, Any]:
    """Play a scenario from a seed in a folder of its own; returns its result."""
    began, started = time.time(), time.monotonic()
    head = {"scenario": each.name, "seed": seed, "began": round(began), "quick": quick}
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        run = held.enter_context(Run(site, folder, seed, quick=quick))
        try:
            each.play(run)
            found = run.judge()
        except StuckError as error:
            found = {"violations": [f"stuck: {error}"], "faults": [mark.what for mark in run.marks]}
        except Exception:  # noqa: BLE001 - whatever it is, the other runs go on
            told = [f"{s.command}/{s.instance}: {s.told[-5:]}" for s in run.services[-4:]]
            found = {"violations": [f"harness: {traceback.format_exc()}"], "told": told}
    return head | {"duration_s": round(time.monotonic() - started, 1)} | found


def keep(result: dict[str, Any], file: Path) -> None:
    """Write a result whole or not at all."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(result, indent=1) + "\n")
    draft.replace(file)


def tell(result: dict[str, Any]) -> None:
    """One line, and what is wrong."""
    counts = f"{result.get('acknowledged')} acknowledged, {result.get('archived')} archived"
    click.echo(f"{result['scenario']} {result['seed']}: {result['duration_s']} s, {counts}")
    for violation in result["violations"]:
        click.echo(f"  WRONG {violation}")


if __name__ == "__main__":
    main()
