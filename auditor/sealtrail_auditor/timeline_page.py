"""A timeline as one page: `--html`. It needs no network, no script, and opens in any browser.

All text of events is escaped by `sealtrail_auditor.pages.markup`, and the page's policy lets nothing run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_auditor.notable import Mark
from sealtrail_auditor.pages.markup import Markup, element, join, plain
from sealtrail_auditor.pages.template import STYLE, fill_template
from sealtrail_auditor.timeline import Unread
from sealtrail_auditor.timeline_picture import legend, timeline_picture
from sealtrail_auditor.timeline_runs import Plain, condense, place_unread
from sealtrail_auditor.timeline_words import (
    TrailNames,
    action_groups,
    actions,
    between,
    failure_groups,
    length_words,
    moment,
    named,
    outcomes,
    session_facts,
    session_words,
    sessions_words,
    steps_words,
    tell,
    when,
    why_unread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail_auditor.timeline import Session, Step, Timeline
    from sealtrail_auditor.timeline_runs import Run, Sort

MOST_STEPS: Final = 20_000
"""Up to so many steps the page has each; of more, the first `MOST_OF_RUN` of each run."""

MOST_OF_RUN: Final = 100
MOST_SESSIONS: Final = 50
MOST_GROUPS: Final = 40
MOST_UNREAD: Final = 20

_LEGEND: Final[tuple[tuple[Sort, str], ...]] = (
    *((mark, mark.value) for mark in Mark),
    (Plain.DENIED, "denied"),
    (Plain.DONE, "another step"),
)


def timeline_page(timeline: Timeline, *, asked: str) -> Iterator[bytes]:
    """The page, piece by piece.

    Args:
        timeline: what to show; at least one step.
        asked: what was asked for, in words.
    """
    names = TrailNames(timeline.origins)
    runs = condense(timeline.steps)
    actor = next((actor for actor in timeline.actors if actor), "somebody")
    others = len(timeline.actors) - 1
    title = f"{actor} and {others:,} more" if others else actor
    template = fill_template("timeline", title=f"Timeline: {plain(title)}", styles=(STYLE, "timeline.css"))
    yield template.head
    yield _head(timeline, title, asked, names).encode()
    yield _picture(timeline, runs).encode()
    yield _sessions(timeline).encode()
    yield _marked(timeline, names).encode()
    for piece in _steps(timeline, runs, names):
        yield piece.encode()
    yield template.tail


def _head(timeline: Timeline, title: str, asked: str, names: TrailNames) -> Markup:
    return element(
        "header",
        element("p", "Timeline", class_="kicker"),
        element("h1", title),
        element("p", f"Asked for: {asked}", class_="lead"),
        _checked(timeline, names),
        _facts(timeline),
    )


def _checked(timeline: Timeline, names: TrailNames) -> Markup:
    read = f"{timeline.entries:,} {'entry' if timeline.entries == 1 else 'entries'}"
    if not timeline.unread:
        return element(
            "section",
            element("p", f"All of {read} that were read verify against the seals of {names.words}."),
            class_="verdict ok",
        )
    lines = [
        element("li", f"{names.unread(missing)} {why_unread(missing)}. {between(missing)}".strip())
        for missing in timeline.unread[:MOST_UNREAD]
    ]
    if len(timeline.unread) > MOST_UNREAD:
        lines.append(element("li", f"and {len(timeline.unread) - MOST_UNREAD:,} more"))
    return element(
        "section",
        element("h2", "Steps may be missing"),
        element("p", f"{read} verify. These could not be shown:"),
        element("ul", *lines),
        class_="missing",
    )


def _facts(timeline: Timeline) -> Markup:
    facts = {"Steps": f"{len(timeline.steps):,}"}
    if timeline.span_ms is not None:
        first, last = timeline.span_ms
        facts |= {"First": moment(first), "Last": moment(last), "Length": length_words(last - first)}
    facts["Denied or failed"] = f"{len(timeline.failures):,}"
    facts["Sessions"] = f"{len(timeline.sessions):,}"
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in facts.items()]
    return element("dl", *rows, class_="facts")


def _picture(timeline: Timeline, runs: Sequence[Run]) -> Markup:
    run_of = {(step.origin, step.sequence): number for number, run in enumerate(runs) for step in run.steps}
    picture = timeline_picture(timeline, run_of)
    if picture is None:
        return Markup("")
    keys = [element("span", legend(sort), f" {words}") for sort, words in _LEGEND]
    keys.append(element("span", legend(Mark.RIGHTS, failed=True), " hollow: failed or denied"))
    keys.append(element("span", "times in UTC, by the events' own word"))
    if any(step.time_ms is None for step in timeline.steps):
        keys.append(element("span", "steps without a time are not drawn"))
    return element(
        "section",
        element("h2", "Over time"),
        element("div", picture, class_="timeline"),
        element("p", *keys, class_="legend"),
    )


def _sessions(timeline: Timeline) -> Markup:
    with_actor = len(timeline.actors) > 1
    rows = [_session(session, with_actor=with_actor) for session in timeline.sessions[:MOST_SESSIONS]]
    pieces = [element("div", element("table", *rows, class_="sessions"), class_="scroll")]
    if len(timeline.sessions) > MOST_SESSIONS:
        pieces.append(element("p", f"and {len(timeline.sessions) - MOST_SESSIONS:,} more", class_="aside"))
    note = "Steps with one sign-in or credential from one address, without a pause of half an hour."
    return element("section", element("h2", "Sessions"), element("p", note, class_="aside"), *pieces)


def _session(session: Session, *, with_actor: bool) -> Markup:
    cells = [
        element("td", f"s{session.number}", class_="number"),
        element("td", session_words(session)),
        element("td", " ".join(when(session.steps)) or "at no known time"),
        element("td", ", ".join(session_facts(session))),
    ]
    if with_actor:
        cells.append(element("td", session.actor or "somebody"))
    return element("tr", *cells)


def _marked(timeline: Timeline, names: TrailNames) -> Markup:
    pieces = []
    for mark in Mark:
        if steps := timeline.marked(mark):
            groups = [(actions(group), group) for group in action_groups(steps)]
            heading = element("h3", legend(mark), f" {mark.value.capitalize()}: {steps_words(len(steps))}")
            pieces += [heading, _groups(groups, names)]
    if failures := timeline.failures:
        groups = [(f"{why}: {actions(its)}", its) for why, its in failure_groups(failures)]
        heading = element("h3", legend(Plain.DENIED), f" Denied or failed: {steps_words(len(failures))}")
        pieces += [heading, _groups(groups, names, with_outcome=False)]
    if not pieces:
        return Markup("")
    note = "Guessed from the names of actions: where to look first, no judgement."
    return element(
        "section",
        element("h2", "What stands out"),
        element("p", note, class_="aside"),
        *pieces,
        class_="marked",
    )


def _groups(
    groups: Sequence[tuple[str, Sequence[Step]]], names: TrailNames, *, with_outcome: bool = True
) -> Markup:
    rows = [
        element(
            "tr",
            element("td", what),
            element("td", named(step.resource for step in steps)),
            element("td", outcomes(steps) if with_outcome else ""),
            element("td", names.entries(steps)),
        )
        for what, steps in groups[:MOST_GROUPS]
    ]
    if len(groups) > MOST_GROUPS:
        rows.append(element("tr", element("td", f"and {len(groups) - MOST_GROUPS:,} more kinds")))
    return element("div", element("table", *rows), class_="scroll")


def _steps(timeline: Timeline, runs: Sequence[Run], names: TrailNames) -> Iterator[Markup]:
    note = "Steps are put together where they belong together; open a line to see each."
    is_whole = len(timeline.steps) <= MOST_STEPS
    if not is_whole:
        note += f" Of each line the first {MOST_OF_RUN} are here; `sealtrail timeline --json` has all."
    yield join(
        element("h2", "Step by step"),
        element("p", note, class_="aside"),
        element(
            "p",
            element("label", element("input", type="checkbox", id="only-marked"), " only what stands out"),
            class_="show",
        ),
    )
    yield Markup('<div class="runs">')
    date, number = None, 0
    for told in place_unread(runs, timeline.unread):
        if isinstance(told, Unread):
            yield _gap(told, names)
            continue
        words = tell(told, names)
        if words.date != date:
            date = words.date
            yield element("p", date or "No time known", class_="date")
        yield _run(told, number, names, most=None if is_whole else MOST_OF_RUN)
        number += 1
    yield Markup("</div>")


def _gap(missing: Unread, names: TrailNames) -> Markup:
    text = f"{names.unread(missing)} {why_unread(missing)}; {between(missing)}".removesuffix("; ")
    return element("p", text, class_="gap expired" if missing.finding is None else "gap")


def _run(run: Run, number: int, names: TrailNames, most: int | None) -> Markup:
    words = tell(run, names)
    spans = {
        "action": words.what,
        "on": words.on,
        "gained": words.gained and f"→ {words.gained}",
        "outcome": words.outcome,
        "places": words.entries,
        "more": words.more and f"+ {words.more}",
    }
    label = element("span", words.label, class_=f"label {words.label}") if words.label else element("span")
    summary = element(
        "summary",
        element("time", words.clock),
        element("span", sessions_words(words.sessions), class_="session"),
        label,
        element(
            "span",
            *(element("span", text, class_=name) for name, text in spans.items() if text),
            class_="what",
        ),
    )
    table = element("div", _step_table(run.steps[:most], names), class_="scroll")
    class_ = "run" if words.label else "run plain"
    return element("details", summary, table, id=f"run-{number}", class_=class_)


def _step_table(steps: Sequence[Step], names: TrailNames) -> Markup:
    titles = ("time", "entry", "session", "action", "resource", "how it ended")
    head = element("tr", *(element("th", title) for title in titles))
    return element("table", head, *(_step_row(step, names) for step in steps), class_="steps")


def _step_row(step: Step, names: TrailNames) -> Markup:
    how = step.how
    ended = ": ".join(text for text in (step.outcome, how.detail or how.reason) if text)
    if how.gained:
        ended += f" → {how.gained}"
    return element(
        "tr",
        element("td", "" if step.time_ms is None else moment(step.time_ms), class_="number"),
        element("td", names.entry(step), class_="number"),
        element("td", f"s{step.session}"),
        element("td", step.action or ""),
        element("td", step.resource or ""),
        element("td", ended),
    )
