"""Tables for docs/reliability.md: what each scenario does, and what came of the runs."""

from __future__ import annotations

import json
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from faults.scenario import Scenario

_HEAD: Final = (
    "| scenario | runs | faults | acknowledged | wrong | chained again, s | sealed again, s | window, s |",
    "|---|---|---|---|---|---|---|---|",
)


def listing(scenarios: Iterable[Scenario]) -> str:
    """A table of scenarios and what they do."""
    rows = [f"| `{each.name}` | {each.about} |" for each in scenarios]
    return "\n".join(["| scenario | what is done |", "|---|---|", *rows]) + "\n"


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All results in a folder."""
    return [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))]


def table(results: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """A row for each scenario that has results, in the given order, and their sum; medians, then worst."""
    runs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for result in results:
        runs[result["scenario"]].append(result)
    rows = [_row(f"`{name}`", runs[name]) for name in order if name in runs]
    return "\n".join([*_HEAD, *rows, _row("**all**", results)]) + "\n"


def _row(name: str, runs: Sequence[Mapping[str, Any]]) -> str:
    windows = [run["window_worst_s"] for run in runs if run.get("window_worst_s") is not None]
    cells = [
        name,
        len(runs),
        sum(len(run.get("faults", ())) for run in runs),
        f"{sum(run.get('acknowledged', 0) for run in runs):,}",
        sum(bool(run["violations"]) for run in runs),
        _seconds(_recoveries(runs, "chainer")),
        _seconds(_recoveries(runs, "archiver")),
        f"{max(windows):.1f}" if windows else "-",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _recoveries(runs: Iterable[Mapping[str, Any]], part: str) -> list[float]:
    return [
        recovery["s"]
        for run in runs
        for recovery in run.get("recoveries", ())
        if recovery["part"] == part and recovery["s"] is not None
    ]


def _seconds(times: Sequence[float]) -> str:
    return f"{median(times):.1f}, {max(times):.1f}" if times else "-"
