"""The parts of the page that tell what was recorded: by whom, what, what failed, and where nothing was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.pages.markup import Markup, element, join
from sealtrail_auditor.reporting.page_tables import Section, moment, name, section, table, tag
from sealtrail_auditor.reporting.page_text import NONE, count, duration, number, when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COUNT_HEADS: Final = ("Events", "Failed", "First (UTC)", "Last (UTC)")
_NUMBERS: Final = (1, 2)


def records(members: Mapping[str, Any]) -> Iterator[Section]:
    """The parts, in order."""
    yield section("Who", _counted(members["actors"], "Actor", "actor"))
    yield section("What was done", _counted(members["actions"], "Action", "action"))
    yield section("What stands out", _notable(members["notable"]))
    yield section("Failures and denials", _failures(members["failures"], members["events"]))
    yield section("Gaps and pauses", *_gaps(members), *_pauses(members))
    yield section("Rejected records", *_rejected(members["rejected"]))
    yield section("Retention", _retention(members))


def _counted(counted: Mapping[str, Any], head: str, member: str) -> Markup:
    if not counted["rows"]:
        return element("p", "There is no event in this period.")
    rows = [(name(row[member]), *_counts(row)) for row in counted["rows"]]
    return table((head, *_COUNT_HEADS), rows, numbers=_NUMBERS, more=_more(counted, f"more {member}s"))


def _counts(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    failed = number(row["failed"]) if row["failed"] != "0" else NONE
    return number(row["events"]), failed, moment(row["first_time"]), moment(row["last_time"])


def _more(counted: Mapping[str, Any], names: str) -> str:
    """What a table leaves out, and what it could not count."""
    sentences = []
    if counted["more_events"] != "0":
        least = "" if counted["is_exact"] else "at least "
        events = count(counted["more_events"], "event")
        sentences.append(f"And {least}{number(counted['more_names'])} {names} with {events}.")
    if not counted["is_exact"]:
        sentences.append(
            "There were too many names to count all of them to the end: each number can be up to "
            f"{number(counted['may_miss'])} too low."
        )
    return " ".join(sentences)


def _notable(counted: Mapping[str, Any]) -> Markup:
    if not counted["rows"]:
        return element("p", "No action stands out by its name.")
    rows = [(name(row["action"]), *_counts(row), tag(row["mark"])) for row in counted["rows"]]
    return join(
        element(
            "p",
            "Actions at which an investigator looks first. That is a guess from their names, never a "
            "judgement.",
        ),
        table(
            ("Action", *_COUNT_HEADS, "Why"),
            rows,
            numbers=_NUMBERS,
            more=_more(counted, "more such actions"),
        ),
    )


def _failures(counted: Mapping[str, Any], events: Mapping[str, Any]) -> Markup:
    outcomes = ", ".join(f"{outcome} {number(n)}" for outcome, n in events["outcomes"].items())
    summary = element(
        "p", f"Events by outcome: {outcomes}." if outcomes else "There is no event in this period."
    )
    if not counted["rows"]:
        return join(summary, element("p", "No event says that it failed or was denied."))
    rows = [
        (
            name(row["actor"]),
            name(row["action"]),
            row["outcome"],
            number(row["events"]),
            moment(row["first_time"]),
            moment(row["last_time"]),
        )
        for row in counted["rows"]
    ]
    heads = ("Actor", "Action", "Outcome", "Events", "First (UTC)", "Last (UTC)")
    return join(summary, table(heads, rows, numbers=(3,), more=_more(counted, "more combinations")))


def _gaps(members: Mapping[str, Any]) -> Iterator[Markup]:
    gaps = members["gaps"]
    if not gaps["rows"]:
        yield element("p", "No entry that a seal covers is missing, damaged or expired.")
        return
    rows = [
        (name(row["origin"]), row["what"], _span(row["first"], row["last"]), _length(row))
        for row in gaps["rows"]
    ]
    more = f"And {count(gaps['more'], 'more gap')}." if gaps["more"] != "0" else ""
    yield element(
        "p",
        "These entries could not be read, so nothing of them is counted above. What is missing has no "
        "time: gaps are "
        "listed whatever the period is.",
    )
    yield table(("Trail", "What", "Which", "Entries"), rows, numbers=(3,), more=more)


def _span(first: str, last: str) -> str:
    return f"entry {number(first)}" if first == last else f"entries {number(first)} to {number(last)}"


def _length(row: Mapping[str, Any]) -> str:
    return number(str(int(row["last"]) - int(row["first"]) + 1))


def _pauses(members: Mapping[str, Any]) -> Iterator[Markup]:
    rows, stops = [], []
    for trail in members["trails"]:
        pauses = trail["pauses"]
        rows.append(
            (
                name(trail["origin"] or trail["folder"]),
                _pause(pauses["longest_quiet"]),
                _pause(pauses["longest_silence"]),
                number(pauses["stops"]),
            )
        )
        stops += [(name(trail["origin"]), _pause(stop)) for stop in pauses["longest_stops"]]
    yield element(
        "p",
        "When nothing happens, a trail still gets a heartbeat every few minutes. So quiet and stopped "
        "differ: the "
        "longest time without an event may be quiet, the longest without any entry was a silence in which "
        "nothing was "
        "recorded. Silences of more than 15 minutes count as stops. Times are when entries were chained.",
    )
    if rows:
        yield table(
            ("Trail", "Longest without an event", "Longest without any entry", "Stops"), rows, numbers=(3,)
        )
    if stops:
        yield element("h3", "Stops")
        yield table(("Trail", "Stop"), stops[:50], more="" if len(stops) <= 50 else "And others.")


def _pause(pause: Mapping[str, Any] | None) -> str:
    if pause is None:
        return NONE
    return join(
        element("strong", duration(pause["length_ms"])),
        element("span", f"from {when(pause['from'])}, behind entry {number(pause['after'])}", class_="piece"),
    )


def _rejected(rejected: Mapping[str, Any]) -> Iterator[Markup]:
    if rejected["count"] == "0":
        yield element("p", "No entry that was read stands for a record that was rejected.")
        return
    rows = [
        (
            name(row["origin"]),
            number(row["sequence"]),
            moment(row["chained_at"]),
            row["reason"],
            number(row["size"]),
        )
        for row in rejected["rows"]
    ]
    left = int(rejected["count"]) - len(rows)
    yield element(
        "p",
        f"{count(rejected['count'], 'record')} could not be archived. An entry stands in the place of "
        "each, with the "
        "reason; what the record held is not in the archive.",
    )
    yield table(
        ("Trail", "Entry", "Chained at (UTC)", "Reason", "Bytes"),
        rows,
        numbers=(1, 4),
        more=f"And {left:,} more." if left else "",
    )


def _retention(members: Mapping[str, Any]) -> Markup:
    rows = [
        (
            name(trail["origin"] or trail["folder"]),
            ", ".join(
                f"{mode}: {count(n, 'batch', 'batches')}" for mode, n in trail["retention"]["batches"].items()
            )
            or NONE,
            moment(trail["retention"]["shortest_until"]),
            moment(trail["retention"]["latest_until"]),
        )
        for trail in members["trails"]
    ]
    more = f"And {count(members['more_trails'], 'more trail')}." if members["more_trails"] != "0" else ""
    return join(
        element(
            "p",
            "What the seals promise for the batches that were read. Whether objects are locked so, the "
            "checks "
            "locks and retention say.",
        ),
        table(("Trail", "Mode", "Shortest until (UTC)", "Longest until (UTC)"), rows, more=more),
    )
