"""A diagnosis for people: what was examined, group by group; the verdict last."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from sealtrail.doctor_report import Group, kind_of
from sealtrail.exits import ExitCode
from sealtrail.terminal_text import hanging, printable
from sealtrail.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from sealtrail.doctor_report import Diagnosis, Examined

_KINDS: Final = {
    "passed": ("ok", "green"),
    "error": ("error", "bold red"),
    "warning": ("warning", "yellow"),
    "info": ("info", "cyan"),
    "not_permitted": ("denied", "cyan"),
    "not_checked": ("unseen", "yellow"),
}
"""The word for each kind of result, and its style."""

_STYLES: Final = {
    ExitCode.LINE_STOPPED: "bold white on red",
    ExitCode.UNPROTECTED: "bold white on red",
    ExitCode.IO: "bold black on yellow",
    ExitCode.OK: "bold black on green",
}
_ORDER: Final = list(Group)
_INDENT: Final = " " * 11


def print_diagnosis(console: Console, diagnosis: Diagnosis, *, briefly: bool) -> None:
    """Print it, as wide as the terminal; `briefly`: the verdict and nothing else."""
    if not briefly:
        for text in _lines(diagnosis, console.width if console.is_terminal else None):
            console.print(text)
    console.print(_verdict(diagnosis, in_colour=console.is_terminal))


def _lines(diagnosis: Diagnosis, width: int | None) -> Iterator[Text]:
    by_group = sorted(diagnosis.examined, key=lambda each: _ORDER.index(each.group))
    for group, members in groupby(by_group, key=lambda each: each.group):
        subject = diagnosis.subjects.get(group)
        yield Text.assemble((group.value.capitalize(), "bold"), f"  {printable(subject)}" if subject else "")
        for each in members:
            yield from _finding(each, width) if each.is_finding else [_headline(each, each.result.title)]
        if group is Group.STORE and diagnosis.probe is not None:
            yield from map(Text, hanging(_INDENT, _left(diagnosis.probe), width))
        yield Text("")


def _left(probe: Mapping[str, Any]) -> str:
    count = "an unknown number of" if probe["left_behind"] is None else f"{probe['left_behind']:,}"
    return (
        f"{count} objects stay in {probe['scratch']} until their locks end, the last at "
        f"{probe['unlocked_at']}; a later probe deletes them"
    )


def _finding(each: Examined, width: int | None) -> Iterator[Text]:
    result = each.result
    yield _headline(each, result.code)
    rows = (
        ("checked", result.title),
        ("expected", result.expected),
        ("found", result.found),
        ("fix", result.fix),
    )
    for label, text in rows:
        if text:
            yield from map(Text, hanging(f"{_INDENT}{label:<10}", text, width))


def _headline(each: Examined, text: str) -> Text:
    word, style = _KINDS[kind_of(each.result)]
    return Text.assemble("  ", (f"{word:<9}", style), printable(text))


def _verdict(diagnosis: Diagnosis, *, in_colour: bool) -> Text:
    verdict, reason = diagnosis.verdict.upper(), _reason(diagnosis)
    if in_colour:
        return Text.assemble((f" {verdict} ", _STYLES[diagnosis.exit_code]), f" {reason}")
    return Text(f"{verdict}: {reason}")


def _reason(diagnosis: Diagnosis) -> str:
    counts = diagnosis.counts()
    told = [f"{plural(counts['passed'], 'check')} passed"]
    told += [plural(counts[kind], kind) for kind in ("error", "warning") if counts[kind]]
    told += [plural(counts["info"], "note")] if counts["info"] else []
    told += [f"{counts['not_permitted']:,} not permitted"] if counts["not_permitted"] else []
    told += [f"{counts['not_checked']:,} not checked"] if counts["not_checked"] else []
    return ", ".join(told)
