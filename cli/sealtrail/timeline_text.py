"""A timeline as text for people. What it says comes from events: never trusted."""

from __future__ import annotations

from itertools import chain
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from rich.text import Text

from sealtrail.terminal_text import printable
from sealtrail.wording import plural
from sealtrail_auditor.notable import Mark
from sealtrail_auditor.timeline import Unread
from sealtrail_auditor.timeline_runs import condense, each_alone, place_unread
from sealtrail_auditor.timeline_words import (
    TrailNames,
    action_groups,
    actions,
    between,
    failure_groups,
    length_words,
    moment,
    outcomes,
    session_facts,
    session_words,
    sessions_words,
    shorten,
    tell,
    when,
    why_unread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail_auditor.timeline import Step, Timeline
    from sealtrail_auditor.timeline_runs import Run
    from sealtrail_auditor.timeline_words import Told

MOST_SESSIONS: Final = 12
MOST_ACTORS: Final = 5
MOST_FAILURES: Final = 5
MOST_GAINED: Final = 10
MOST_UNREAD: Final = 20
MOST_ACTIONS: Final = {Mark.WATCHING: 16, Mark.RIGHTS: 16, Mark.SECRETS: 5, Mark.REMOVED: 5}
"""So many lines each; the rest is summed up in one more."""

_STYLES: Final = {
    "watching": "bold red",
    "rights": "bold magenta",
    "secrets": "bold cyan",
    "removed": "bold yellow",
    "denied": "yellow",
}
_CLOCK_WIDTH: Final = 18
_SESSION_WIDTH: Final = 5


def timeline_lines(timeline: Timeline, width: int | None, *, every_step: bool = False) -> Iterator[Text]:
    """The story, line by line.

    Args:
        timeline: at least one step.
        width: in characters, to which to wrap; None: every paragraph is one line.
        every_step: whether each step has a line of its own.
    """
    names = TrailNames(timeline.origins)
    story = each_alone(timeline.steps) if every_step else condense(timeline.steps)
    return chain(
        _head(timeline, names, width),
        _sessions(timeline, width),
        _standing_out(timeline, names, width),
        _went_on_as(timeline, names),
        _story(timeline, story, names, width),
    )


def _head(timeline: Timeline, names: TrailNames, width: int | None) -> Iterator[Text]:
    actors = timeline.actors
    for actor, count in list(actors.items())[:MOST_ACTORS]:
        line = printable(actor or "somebody whom the event does not name")
        yield Text(line if len(actors) == 1 else f"{line}: {plural(count, 'step')}", style="bold")
    if len(actors) > MOST_ACTORS:
        yield Text(f"and {len(actors) - MOST_ACTORS:,} more actors", style="bold")
    span = "at no known time"
    if timeline.span_ms is not None:
        first, last = timeline.span_ms
        span = f"in {length_words(last - first)}, from {moment(first)} to {moment(last)}"
        span = f"at {moment(first)}" if first == last else span
        span += " (UTC, by the events' own word)"
    yield from _hanging("", f"{plural(len(timeline.steps), 'step')} {span}", width)
    read = f"{plural(timeline.entries, 'entry', 'entries')} of {names.words}"
    yield from _hanging("", f"{read} read, each verified against its seal", width)
    yield from _unread(timeline, names)


def _unread(timeline: Timeline, names: TrailNames) -> Iterator[Text]:
    if not timeline.unread:
        return
    for missing in timeline.unread[:MOST_UNREAD]:
        yield _unread_line(missing, names, lead="")
    if len(timeline.unread) > MOST_UNREAD:
        yield Text(f"and {len(timeline.unread) - MOST_UNREAD:,} more gaps", style="bold yellow")
    yield Text("Steps may be missing there.")


def _unread_line(missing: Unread, names: TrailNames, *, lead: str) -> Text:
    style = "yellow" if missing.finding is None else "bold yellow"
    times = between(missing)
    text = f"{lead}{names.unread(missing)} {why_unread(missing)}{f' ({times})' if times else ''}"
    return Text(printable(text), style=style)


def _sessions(timeline: Timeline, width: int | None) -> Iterator[Text]:
    yield from _heading("Sessions")
    many_actors = len(timeline.actors) > 1
    for session in timeline.sessions[:MOST_SESSIONS]:
        span = " ".join(when(session.steps)) or "at no known time"
        facts = [session_words(session), *session_facts(session)]
        facts += [f"by {shorten(session.actor)}"] if many_actors and session.actor else []
        yield from _hanging(f"  {f's{session.number}':<5} {span:<28}  ", ", ".join(facts), width)
    more = timeline.sessions[MOST_SESSIONS:]
    if more:
        steps = sum(len(session.steps) for session in more)
        yield Text(f"  and {plural(len(more), 'more session')} with {plural(steps, 'step')}")


def _standing_out(timeline: Timeline, names: TrailNames, width: int | None) -> Iterator[Text]:
    marked = {mark: steps for mark in Mark if (steps := timeline.marked(mark))}
    if not marked and not timeline.failures:
        return
    yield from _heading("What stands out, by the names of actions: where to look first, no judgement")
    for mark, steps in marked.items():
        yield Text(
            f"  {mark.value.capitalize()}: {plural(len(steps), 'step')}", style=_STYLES[mark.name.lower()]
        )
        yield from _groups(
            [(actions(group), group) for group in action_groups(steps)], names, width, MOST_ACTIONS[mark]
        )
    if timeline.failures:
        yield Text(f"  Denied or failed: {plural(len(timeline.failures), 'step')}", style="yellow")
        groups = [(f"{why}: {actions(its)}", its) for why, its in failure_groups(timeline.failures)]
        yield from _groups(groups, names, width, MOST_FAILURES, with_outcome=False)


def _groups(
    groups: Sequence[tuple[str, tuple[Step, ...]]],
    names: TrailNames,
    width: int | None,
    most: int,
    *,
    with_outcome: bool = True,
) -> Iterator[Text]:
    """One line for each group of steps, and one for those beyond `most`."""
    for what, steps in groups[:most]:
        outcome = outcomes(steps) if with_outcome else ""
        text = f"{what}{f' ({outcome})' if outcome else ''}  {names.entries(steps)}"
        yield from _hanging("    ", text, width)
    if len(groups) > most:
        rest = [step for _, steps in groups[most:] for step in steps]
        yield from _hanging("    ", f"and {plural(len(rest), 'step')} of other kinds: {actions(rest)}", width)


def _went_on_as(timeline: Timeline, names: TrailNames) -> Iterator[Text]:
    gained: dict[str, list[Step]] = {}
    for step in timeline.steps:
        if step.how.gained is not None:
            gained.setdefault(step.how.gained, []).append(step)
    if not gained:
        return
    yield from _heading("Can go on as: roles taken and keys made, to be followed in turn")
    for name, steps in list(gained.items())[:MOST_GAINED]:
        yield Text(f"  {printable(name)}  {printable(names.entries(steps))}")
    if len(gained) > MOST_GAINED:
        yield Text(f"  and {len(gained) - MOST_GAINED:,} more")


def _story(timeline: Timeline, runs: Sequence[Run], names: TrailNames, width: int | None) -> Iterator[Text]:
    title = "Step by step"
    if len(runs) < len(timeline.steps):
        title += f", condensed to {plural(len(runs), 'line')} (--all has each)"
    yield from _heading(title)
    with_session = len(timeline.sessions) > 1
    date = None
    for told in place_unread(runs, timeline.unread):
        if isinstance(told, Unread):
            yield _unread_line(told, names, lead="  ---- ")
            continue
        words = tell(told, names)
        if words.date != date:
            yield Text(f"  {words.date or 'no time known'}", style="bold")
            date = words.date
        sessions = sessions_words(words.sessions) if with_session else ""
        lead = (
            f"  {words.clock:<{_CLOCK_WIDTH}} {sessions:<{_SESSION_WIDTH * with_session}}{words.label:<8}  "
        )
        for number, line in enumerate(_hanging(lead, run_text(words), width)):
            if number == 0 and words.label:
                end = len(lead.rstrip())
                line.stylize(_STYLES[words.label], end - len(words.label), end)
            yield line


def run_text(words: Told) -> str:
    """What one run says behind its time: `2x ssm:GetParameter  #90, #91  + 4 looked up`."""
    parts = [words.what]
    parts += [words.on] if words.on else []
    parts += [f"[{words.outcome}]"] if words.outcome else []
    parts += [f"→ {words.gained}"] if words.gained else []
    parts += [words.entries]
    parts += [f"+ {words.more}"] if words.more else []
    return "  ".join(parts)


def _heading(text: str) -> list[Text]:
    return [Text(""), Text(text, style="bold underline")]


def _hanging(lead: str, text: str, width: int | None) -> Iterator[Text]:
    shown = printable(text)
    room = 0 if width is None else max(width - len(lead), 40)
    lines = wrap(shown, room, break_long_words=False, break_on_hyphens=False) if room else [shown]
    for number, line in enumerate(lines or [""]):
        yield Text((" " * len(lead) if number else lead) + line)
