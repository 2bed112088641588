"""The tables of docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

from faults.catalogue import SCENARIOS
from faults.report import listing, table

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
RUN = {
    "scenario": "a",
    "violations": [],
    "faults": ["x", "y"],
    "acknowledged": 1_000,
    "window_worst_s": 2.34,
    "recoveries": [
        {"what": "x", "part": "chainer", "s": 1.0},
        {"what": "y", "part": "chainer", "s": None},
        {"what": "x", "part": "archiver", "s": 4.0},
    ],
}


def test_runs_of_a_scenario_share_a_row():
    bad = RUN | {"violations": ["lost: 3"], "window_worst_s": 7.0, "recoveries": []}
    slow = RUN | {"recoveries": [{"what": "x", "part": "chainer", "s": 3.0}]}
    other = {"scenario": "b", "violations": ["stuck: 90 s"], "faults": []}
    rows = table([RUN, bad, slow, other], ["b", "never run", "a"]).splitlines()
    assert rows[2:] == [
        "| `b` | 1 | 0 | 0 | 1 | - | - | - |",
        "| `a` | 3 | 6 | 3,000 | 1 | 2.0, 3.0 | 4.0, 4.0 | 7.0 |",
        "| **all** | 4 | 6 | 3,000 | 2 | 2.0, 3.0 | 4.0, 4.0 | 7.0 |",
    ]


def test_the_page_lists_every_scenario_as_it_is():
    assert listing(SCENARIOS.values()) in PAGE.read_text(encoding="utf-8")


def test_the_page_has_a_result_of_every_scenario():
    page = PAGE.read_text(encoding="utf-8")
    results = page[page.index("## Results") :]
    assert [name for name in SCENARIOS if f"| `{name}` | " not in results] == []
