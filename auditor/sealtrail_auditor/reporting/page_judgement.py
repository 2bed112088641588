"""The parts of the page that judge: what is wrong, what was checked and what was not, and controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.pages.markup import Markup, element, join
from sealtrail_auditor.reporting.page_tables import Section, section, table, tag
from sealtrail_auditor.reporting.page_text import NONE, count, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SIGNS: Final = {"passed": "✓", "failed": "✗", "supported": "✓", "not supported": "✗"}
_STATE_COLOURS: Final = {
    "passed": "green",
    "failed": "red",
    "supported": "green",
    "not supported": "red",
    "not made": "amber",
    "open": "amber",
}
_SUPPORT: Final = (
    "Where all the checks that are named in a row passed, this report supports the control. Where one "
    "failed, "
    "it does not; where one was not made, that is open. No rule is met by a log alone: who may do what, how "
    "people work and much else belong to it, and nothing here speaks of that. The subjects are told in our "
    "words; the publications have the text."
)


def findings(members: Mapping[str, Any]) -> Iterator[Section]:
    """What is wrong; nothing where there is nothing."""
    if members["findings"]:
        yield section("What is wrong", *(_finding(each) for each in members["findings"]))


def _finding(finding: Mapping[str, Any]) -> Markup:
    colour = "red" if finding["verdict"] in {"tampered", "incomplete"} else "amber"
    more = f"And {count(finding['more_places'], 'more place')}." if finding["more_places"] != "0" else ""
    return element(
        "article",
        element(
            "h3", _sentence(finding["title"]), " ", tag(finding["code"]), " ", tag(finding["verdict"], colour)
        ),
        element("p", finding["meaning"]),
        *(table(None, _place(place), heads_first=True) for place in finding["places"]),
        element("p", more) if more else Markup(),
        element("p", element("strong", "Next: "), finding["advice"]),
        class_=f"finding {colour}",
    )


def _place(place: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    first, last = place["first_sequence"], place["last_sequence"]
    entries = "" if first is None else f"entry {first}" if first == last else f"entries {first} to {last}"
    objects = "" if place["objects"] == "1" else f"{number(place['objects'])} objects in a row"
    parts = [part for part in (place["origin"], entries, objects) if part]
    yield "Where", join(*(element("span", part, class_="piece") for part in parts or ["the archive"]))
    if place["key"]:
        version = f", version {place['version_id']}" if place["version_id"] else ""
        yield "Object", element("code", place["key"] + version)
    for head in ("expected", "found"):
        if place[head]:
            yield head.capitalize(), place[head]


def controls(members: Mapping[str, Any]) -> Section:
    """The controls, each with its checks."""
    states = {check["name"]: check["state"] for check in members["checks"]}
    rows = []
    framework = None
    for control in members["controls"]:
        shown = "" if control["framework"] == framework else control["framework"]
        framework = control["framework"]
        checks = [_check_tag(each, states.get(each, "not made")) for each in control["checks"]]
        about = join(element("strong", shown), element("span", control["clause"], class_="piece"))
        rows.append((about, control["subject"], join(*checks), _state(control["state"])))
    return section(
        "Controls, and whether this report supports them",
        element("p", _SUPPORT),
        table(("Clause", "What it is about", "Checks", "This report"), rows, class_="controls stacked"),
    )


def _check_tag(check: str, state: str) -> Markup:
    sign = _SIGNS.get(state, NONE)
    return join(tag(f"{sign} {check}", _STATE_COLOURS.get(state, "amber"), title=f"{check}: {state}"), " ")


def _state(state: str) -> Markup:
    sign = _SIGNS.get(state, NONE)
    return element("span", f"{sign} {state}", class_=f"state {_STATE_COLOURS.get(state, 'grey')}")


def checks(members: Mapping[str, Any]) -> Section:
    """The named checks, and how they came out."""
    rows = [
        (
            element("strong", check["name"]),
            join(element("span", check["question"], class_="piece"), check["says"]),
            _state(check["state"]),
        )
        for check in members["checks"]
    ]
    return section(
        "What was checked",
        table(("Check", "Question and answer", "Result"), rows, class_="checklist stacked"),
    )


def not_checked(members: Mapping[str, Any]) -> Section:
    """What was not checked."""
    return section(
        "What was not checked",
        element("ul", *(element("li", sentence) for sentence in members["not_checked"]), class_="sentences"),
    )


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
