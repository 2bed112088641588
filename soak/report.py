"""A run's report: one HTML file that needs nothing else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from soak.plots import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd }
.passed { color: #1d7a3a } .failed { color: #b3261e; font-weight: bold } .open { color: #777 }
svg { width: 100%; height: auto } h1 { margin-bottom: 0 } p.sub { margin-top: 0; color: #555 }
"""
_WORDS: Final = {True: ("passed", "yes"), False: ("failed", "NO"), None: ("open", "not judged")}


def page(run: Mapping[str, Any]) -> str:
    """The report of a run, from its JSON."""
    title = "Soak: passed" if run["passed"] else "Soak: FAILED"
    about = (
        f"{run['production_s'] / 60:.1f} minutes at {run['rate']:,.0f} events a second of "
        f"{run['event_bytes']} bytes, faults from seed {run['seed']}; "
        f"version {run['version']}, {run['cores']} cores, begun {run['began']}"
    )
    facts = [(name.replace("_", " "), _text(value)) for name, value in run["figures"].items()]
    faults = [
        (f"{fault['began_s']:.1f}", f"{fault['ended_s']:.1f}", fault["fault"]) for fault in run["faults"]
    ]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p class="sub">{escape(about)}</p>
<table><tr><th>check</th><th></th><th>found</th></tr>{"".join(map(_check, run["checks"]))}</table>
{draw(run)}
<h2>Figures</h2>{_table(("", ""), facts)}
<h2>Faults</h2>{_table(("from, s", "to, s", "what"), faults)}
</body></html>
"""


def _check(check: Mapping[str, Any]) -> str:
    kind, word = _WORDS[check["passed"]]
    cells = (escape(check["name"]), f'<span class="{kind}">{word}</span>', escape(check["detail"]))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{''.join(lines)}</table>"


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.2f}"
    return str(value)
