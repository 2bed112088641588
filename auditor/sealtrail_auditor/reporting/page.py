"""report.html: one page for people, made from report.json alone.

All text is escaped, nothing is loaded from anywhere, and there is no script. The same report gives the same
page, byte for byte, with the same version of sealtrail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.pages.markup import Markup, element, join
from sealtrail_auditor.pages.template import STYLE, fill_template
from sealtrail_auditor.reporting.chart import draw_over_time
from sealtrail_auditor.reporting.page_judgement import checks, controls, findings, not_checked
from sealtrail_auditor.reporting.page_records import records
from sealtrail_auditor.reporting.page_tables import Section, contents, name, section, table
from sealtrail_auditor.reporting.page_text import NONE, count, duration, exactly, number, when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sealtrail_auditor.reporting.signed import SignedReport

_STYLES: Final = (STYLE, "report.css")
_COLOURS: Final = {"intact": "green", "tampered": "red", "incomplete": "red"}
_LOCKS: Final = {
    "enforced": "the store itself was asked",
    "noted": "a copy's notes, which nobody signed",
    "none": "nothing: this is a plain folder",
}
_GOOD: Final = frozenset({"intact", "unprotected"})
_HEADS: Final = (
    "Each is a signed statement of how far a trail reached. Keep them away from the archive: only who knows "
    "how a trail stood before can see that its end was cut off, or that its history was rewritten. Next time "
    "they are held against it with --head."
)


def render_page(report: SignedReport) -> bytes:
    """The page of a report."""
    members = report.members
    template = fill_template("report", title=members["title"], scripts=(), styles=_STYLES)
    parts = [
        *findings(members),
        _scope(members),
        checks(members),
        not_checked(members),
        controls(members),
        _over_time(members),
        *records(members),
        *_keys(members),
    ]
    body = join(
        _header(members),
        element(
            "main",
            _verdict(members),
            _signature(report),
            _facts(members),
            contents(parts),
            *(part.markup for part in parts),
        ),
        _footer(members),
    )
    return template.with_data(body.encode())


def _header(members: Mapping[str, Any]) -> Markup:
    return element(
        "header",
        element("p", "Auditor's report", class_="kicker"),
        element("h1", members["title"]),
        element("p", _period(members["scope"]), " in ", name(members["archive"]["address"]), class_="lead"),
    )


def _period(scope: Mapping[str, Any]) -> str:
    match scope["from"], scope["to"]:
        case None, None:
            return "All events"
        case start, None:
            return f"Events from {exactly(start)} UTC on"
        case None, end:
            return f"Events before {exactly(end)} UTC"
        case start, end:
            return f"Events from {exactly(start)} to {exactly(end)} UTC"
    raise AssertionError


def _verdict(members: Mapping[str, Any]) -> Markup:
    reasons = [finding["title"] for finding in members["findings"]]
    why = (
        f"Found: {'; '.join(reasons[:3])}{' and more, below' if len(reasons) > 3 else ''}." if reasons else ""
    )
    part = "" if members["scope"]["is_whole"] else "Only a part of the archive was looked at: see the scope."
    return element(
        "section",
        element("h2", members["verdict"].capitalize()),
        element("p", members["verdict_text"]),
        *(element("p", sentence) for sentence in (why, part) if sentence),
        class_=f"verdict {_COLOURS.get(members['verdict'], 'amber')}",
    )


def _signature(report: SignedReport) -> Markup:
    return element(
        "section",
        element("h2", "Signed by ", name(report.key.name)),
        element("p", element("span", report.key.fingerprint, class_="fingerprint")),
        element(
            "p",
            "Compare this fingerprint with the auditor's own, got by another way than this page. What is "
            "signed is report.json; this page is made from it and can be made again, or edited by "
            "anybody. To "
            "check both: ",
            element("code", "sealtrail verify-report report.json --key FINGERPRINT"),
            class_="aside",
        ),
        class_="signature",
    )


def _facts(members: Mapping[str, Any]) -> Markup:
    entries, events = members["entries"], members["events"]
    facts = [
        ("Entries verified", number(entries["verified"])),
        ("Events of the period", number(events["count"])),
        ("Failed or denied", number(events["failed"])),
        ("Trails", number(str(len(members["trails"]) + int(members["more_trails"])))),
        ("Judged at", f"{when(members['made_at'])} UTC"),
    ]
    pairs = (element("div", element("dt", term), element("dd", fact)) for term, fact in facts)
    return element("dl", *pairs, class_="facts")


def _scope(members: Mapping[str, Any]) -> Section:
    scope, archive, entries = members["scope"], members["archive"], members["entries"]
    read = f"{number(entries['verified'])} entries in {count(entries['batches'], 'batch', 'batches')}"
    heads = NONE if scope["kept_heads"] == "0" else f"of {count(scope['kept_heads'], 'trail')}"
    rows = [
        ("Archive", name(archive["address"])),
        ("Verified", _part(scope)),
        ("Read", f"{read}, {int(entries['bytes']) / 1e6:,.1f} MB"),
        ("Counted", _counted(members)),
        ("Locks known from", _LOCKS.get(archive["lock_knowledge"], archive["lock_knowledge"])),
        ("Heads kept from before", heads),
        ("Greatest age allowed", duration(scope["max_age_ms"]) if scope["max_age_ms"] else NONE),
        ("Policy", join("SHA-256 ", element("code", members["policy"]["sha256"]))),
    ]
    return section("Scope", table(None, rows, heads_first=True))


def _part(scope: Mapping[str, Any]) -> str:
    bounds = [
        ("entry {} and later", scope["first_sequence"]),
        ("up to entry {}", scope["last_sequence"]),
        ("chained {} or later", scope["chained_from"] and exactly(scope["chained_from"])),
        ("chained before {}", scope["chained_to"] and exactly(scope["chained_to"])),
    ]
    part = ", ".join(text.format(value) for text, value in bounds if value is not None)
    return f"{part}, widened to whole batches" if part else "all of it, from the first entry to the newest"


def _counted(members: Mapping[str, Any]) -> str:
    events = members["events"]
    others = [
        f"{number(events[which])} {what}"
        for which, what in (
            ("outside", "were read and lie outside"),
            ("undated", "tell no time"),
            ("unrecognised", "are of a form that this program does not know"),
        )
        if events[which] != "0"
    ]
    counted = f"{_period(members['scope'])}, by their own word or else by the record's timestamp"
    return "; ".join([counted, *others])


def _over_time(members: Mapping[str, Any]) -> Section:
    picture = members["over_time"]
    if picture is None:
        return section("Events over time", element("p", "There is no event with a time in this period."))
    aside = [f"Each bar is {duration(picture['width_ms'])}", "times in UTC, by the events' own word"]
    aside += [
        f"{count(picture[end], 'event')} {which} than shown"
        for end, which in (("earlier", "earlier"), ("later", "later"))
        if picture[end] != "0"
    ]
    if members["gaps"]["rows"]:
        aside.append("entries that are missing, damaged or expired are not in the picture")
    legend = [
        element("span", class_="dot"),
        " done ",
        element("span", class_="dot failed"),
        " failed or denied",
    ]
    return section(
        "Events over time",
        element("div", draw_over_time(picture), class_="timeline chart"),
        element("p", *legend, " · ", " · ".join(aside), class_="legend"),
    )


def _keys(members: Mapping[str, Any]) -> Iterator[Section]:
    policy = members["policy"]
    rows = [(name(key["origin"]), element("code", key["fingerprint"])) for key in policy["keys"]]
    more = f"And {count(policy['more_keys'], 'more key')}." if policy["more_keys"] != "0" else ""
    yield section(
        "Keys",
        element("p", "The policy names these. The verdict is worth as much as the way by which they came."),
        table(("Trail", "Fingerprint of its key"), rows, more=more),
    )
    heads = [trail["head"].strip() for trail in members["trails"] if trail["head"] is not None]
    bad = members["verdict"] not in _GOOD
    yield section(
        "Heads to keep",
        element("p", _HEADS),
        *(
            [element("p", "First find out what is wrong: until then, rely on those from before.")]
            if bad
            else []
        ),
        *(element("pre", head) for head in heads),
        *([] if heads else [element("p", "There are none.")]),
    )


def _footer(members: Mapping[str, Any]) -> Markup:
    return element(
        "footer",
        element(
            "p",
            f"Made by {members['program']} at {when(members['made_at'])} UTC from report.json. This page "
            "needs "
            "no network and runs no script.",
        ),
    )
