"""The plots of a run, one above the other over the same time, with the faults marked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from soak.series import age_of_newest_seal, line_of, rate_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

_COLOURS: Final = {"producer": "#7a7a7a", "chainer": "#1f6fb2", "archiver": "#c2571a"}
_FAULTS: Final = {
    "kill -9 chainer": "#1f6fb2",
    "kill -9 archiver": "#c2571a",
    "SIGSTOP chainer": "#8fc1e3",
    "SIGSTOP archiver": "#f0b48c",
    "pause broker": "#9b59b6",
    "pause store": "#3a9a5b",
    "restart store": "#b8c234",
}
_MIB: Final = 2**20


def draw(run: Mapping[str, Any]) -> str:
    """The plots as SVG; `run` is the run's JSON."""
    samples, faults = run["samples"], run["faults"]
    at = [sample["at_s"] for sample in samples]
    figure = Figure(figsize=(11, 13), layout="constrained")
    rates, lag, ages, memory = figure.subplots(4, 1, sharex=True)
    for part, name, text in (
        ("producer", "acknowledged", "acknowledged"),
        ("chainer", "size", "chained"),
        ("archiver", "size", "sealed"),
    ):
        rates.plot(at, rate_of(samples, part, name), color=_COLOURS[part], label=text, linewidth=1)
    lag.plot(at, line_of(samples, "chainer", "lag"), color=_COLOURS["chainer"], label="chainer", linewidth=1)
    lag.plot(
        at, line_of(samples, "archiver", "lag"), color=_COLOURS["archiver"], label="archiver", linewidth=1
    )
    unsealed = line_of(samples, "archiver", "unsealed")
    lag.plot(at, unsealed, color="#c2571a", linestyle=":", label="read and not sealed", linewidth=1)
    oldest = line_of(samples, "archiver", "oldest_unsealed_s")
    ages.plot(at, oldest, color=_COLOURS["archiver"], label="oldest unsealed entry", linewidth=1)
    newest = age_of_newest_seal(samples, run["began_at"])
    ages.plot(at, newest, color="#3a9a5b", label="newest seal", linewidth=1)
    for service in ("chainer", "archiver"):
        resident = [value / _MIB for value in line_of(samples, service, "rss_bytes")]
        memory.plot(at, resident, color=_COLOURS[service], label=service, linewidth=1)
    for axes, title, unit in (
        (rates, "Throughput, over five seconds", "events/s"),
        (lag, "Lag, and entries in memory", "offsets, entries"),
        (ages, "Age", "seconds"),
        (memory, "Memory", "MiB resident"),
    ):
        _finish(axes, title, unit, faults, run["production_s"])
    memory.set_xlabel("seconds of the run; production ends at the dashed line")
    shown = {fault["fault"] for fault in faults}
    patches = [
        Patch(color=colour, alpha=0.45, label=name) for name, colour in _FAULTS.items() if name in shown
    ]
    if patches:
        figure.legend(handles=patches, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return _svg(figure)


def _finish(
    axes: Axes, title: str, unit: str, faults: Sequence[Mapping[str, Any]], production_s: float
) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    for fault in faults:
        # A second at least, or a kill could not be seen.
        end = max(fault["ended_s"], fault["began_s"] + 1)
        axes.axvspan(fault["began_s"], end, color=_FAULTS[fault["fault"]], alpha=0.3, linewidth=0)
    axes.axvline(production_s, color="#555555", linestyle="--", linewidth=0.8)
    axes.legend(loc="upper left", fontsize=8, frameon=True, framealpha=0.8, edgecolor="none")


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    # Text stays text, and ids are the same in every run.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
