"""From measures to figures: medians over runs, ratios of pairs of one run, as JSON and as a table."""

from __future__ import annotations

import os
import platform
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench.plan import END_TO_END, STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.plan import Measures

    Run = dict[str, dict[str, Measures]]

FORMAT: Final = "sealtrail-bench/1"
_MIB: Final = 2**20


def figures(runs: Sequence[Run], *, events: int, event_bytes: int, transaction_events: int) -> dict[str, Any]:
    """All figures of a benchmark, ready for JSON."""
    return {
        "format": FORMAT,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "events": events,
        "event_bytes": event_bytes,
        "transaction_events": transaction_events,
        "runs": len(runs),
        "stages": {stage.name: _stage([run[stage.name] for run in runs], events) for stage in STAGES}
        | {END_TO_END: _stage([run[END_TO_END] for run in runs], events)},
        "measures": list(runs),
    }


def table(told: dict[str, Any]) -> Table:
    """The same for people."""
    title = "{events:,} events of {event_bytes} bytes, median of {runs}".format(**told)
    shown = Table(title=title, title_justify="left")
    shown.add_column("stage")
    for column in ("events/s", "of floor", "CPU µs", "peak MiB"):
        shown.add_column(column, justify="right")
    for name, stage in told["stages"].items():
        for part, figure in stage.items():
            is_stage = part == "sealtrail"
            shown.add_row(
                name if is_stage else f"  {part}",
                f"{figure['events_per_s']:,.0f}",
                f"{figure['of_floor']:.2f}" if "of_floor" in figure else "",
                f"{figure['cpu_us_per_event']:.1f}",
                f"{figure['peak_rss_bytes'] / _MIB:.0f}" if "peak_rss_bytes" in figure else "",
                style=None if is_stage else "dim",
                end_section=part == list(stage)[-1],
            )
    return shown


def _stage(runs: Sequence[dict[str, Measures]], events: int) -> dict[str, dict[str, float]]:
    """Figures of a stage and its floors. The floor that counts is the last one measured."""
    parts = {part: _part([run[part] for run in runs], events) for part in runs[0]}
    *_, floor = parts
    if "archiver" not in parts:
        ratios = [run[floor]["wall_s"] / run["sealtrail"]["wall_s"] for run in runs]
        parts["sealtrail"]["of_floor"] = median(ratios)
    return parts


def _part(measures: Sequence[Measures], events: int) -> dict[str, float]:
    part = {
        "events_per_s": events / median(measure["wall_s"] for measure in measures),
        "cpu_us_per_event": median(measure["cpu_s"] for measure in measures) / events * 1e6,
    }
    if "peak_rss_bytes" in measures[0]:
        part["peak_rss_bytes"] = max(measure["peak_rss_bytes"] for measure in measures)
    return part
