"""A report for people: what was verified, what is wrong, what was not checked; the verdict last.

Archives may have been written by an adversary, so all text that comes from one goes through `printable`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.text import Text

from sealtrail import producers_text, scope_text
from sealtrail.statement_text import history_rows
from sealtrail.terminal_text import hanging, printable
from sealtrail.wording import plural, utc
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.verdict import Verdict
from sealtrail_transport.folder_store import UNVERSIONED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console

    from sealtrail_auditor.findings import Finding
    from sealtrail_auditor.report import Report, TrailReport

MAX_PLACES: Final = 10
"""So many places of one kind of finding are shown, and so many folders without a valid seal."""

_MAX_SENTENCES: Final = 20
_MAX_NAMES: Final = 3

_LABEL_WIDTH: Final = 12
_SHORT_ROOT: Final = 16
_VERDICTS: Final = list(Verdict)
_STYLES: Final = {
    Verdict.TAMPERED: "bold white on red",
    Verdict.INCOMPLETE: "bold white on red",
    Verdict.UNVERIFIABLE: "bold black on yellow",
    Verdict.UNPROTECTED: "bold black on yellow",
    Verdict.INTACT: "bold black on green",
}


def print_report(console: Console, report: Report) -> None:
    """Print the whole report."""
    for text in _report(report, console.width if console.is_terminal else None):
        console.print(text)
    print_verdict(console, report)


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print findings alone, each with its place, what was expected and found, and what it means."""
    for text in _findings(findings, {}, console.width if console.is_terminal else None, with_origin=True):
        console.print(text)


def print_verdict(console: Console, report: Report) -> None:
    """Print the one line that says the verdict, and in a few words why."""
    print_verdict_line(console, report.verdict, verdict_reason(report), scope_text.where(report))


def print_verdict_line(console: Console, verdict: Verdict, reason: str, where: str = "") -> None:
    """Print a verdict and in a few words why; both texts must be fit to print.

    `where` is the part that it is on, where that is not the whole: it stands beside the verdict itself.
    """
    named = f"{verdict.upper()} {where}".rstrip()
    if console.is_terminal:
        console.print(Text.assemble((f" {named} ", _STYLES[verdict]), f" {reason}"))
    else:
        console.print(Text(f"{named}: {reason}"))


def verdict_reason(report: Report) -> str:
    """Why the verdict is what it is, in one line."""
    decisive = [finding for finding in report.all_findings() if finding.code.verdict is report.verdict]
    if not decisive:
        return scope_text.nothing_wrong(report)
    first = decisive[0]
    place = f" ({first.span})" if first.span is not None else ""
    others = len({finding.code for finding in decisive}) - 1
    more = f", and {plural(others, 'other thing')}" if others else ""
    return printable(f"{first.code.title}{place}{more}")


def _report(report: Report, width: int | None) -> Iterator[Text]:
    yield from _row("archive", report.archive, width)
    yield from _row("judged at", utc(report.verified_at), width)
    for label, text in scope_text.scope_rows(report):
        yield from _row(label, printable(text), width)
    yield from _trails(report.trails, width)
    yield Text("")
    yield from producers_text.section(report.trails, width)
    left_out = Counter[FindingCode]()
    for trail in report.trails:
        left_out.update(trail.findings_left_out)
    yield from _findings(report.all_findings(), left_out, width, with_origin=len(report.trails) > 1)
    yield Text("Not checked", style="bold")
    for sentence in _not_checked(report):
        yield from _wrapped("  - ", sentence, width)
    yield Text("")


def _trails(trails: Sequence[TrailReport], width: int | None) -> Iterator[Text]:
    """All trails that have a valid seal, and some that have none: anybody can make folders."""
    without_seal = [trail for trail in trails if trail.root is None]
    hidden = without_seal[MAX_PLACES:]
    folders = {trail.folder for trail in hidden}
    for trail in trails:
        if trail.folder not in folders:
            yield Text("")
            yield from _trail(trail, width)
    if hidden:
        yield Text("")
        yield Text(f"and {plural(len(hidden), 'more folder')} without a valid seal; --json has them all")


def _trail(trail: TrailReport, width: int | None) -> Iterator[Text]:
    name = printable(trail.origin or "a trail that the policy does not name")
    yield Text.assemble((name, "bold"), f"  {trail.verdict}")
    entries = plural(trail.entries_verified, "entry", "entries")
    batches = plural(trail.batches_verified, "batch", "batches")
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(trail.kinds.items()))
    yield from _row("verified", f"{entries} in {batches}, {_size(trail.bytes_read)}", width)
    for label, text in scope_text.trail_rows(trail):
        yield from _row(label, text, width)
    yield from _row("kinds", kinds, width)
    if trail.first_time is not None and trail.last_time is not None:
        yield from _row("chained", f"{utc(trail.first_time)} to {utc(trail.last_time)}", width)
    if trail.root is not None:
        yield from _row("head", f"size {trail.size:,}, root {trail.root.hex()[:_SHORT_ROOT]}…", width)
    if trail.retention is not None:
        until = trail.retention.until
        lock = "without a lock" if until is None else f"{trail.retention.mode} until {utc(until)}"
        yield from _row("sealed", f"{lock} (the newest seal)", width)
    for label, text in history_rows(trail):
        yield from _row(label, printable(text), width)
    for span in trail.expired:
        yield from _row("expired", str(span), width)
    yield from _row("folder", trail.folder, width)


def _findings(
    findings: Sequence[Finding], left_out: Mapping[FindingCode, int], width: int | None, *, with_origin: bool
) -> Iterator[Text]:
    kept: dict[FindingCode, list[Finding]] = {}
    for finding in findings:
        kept.setdefault(finding.code, []).append(finding)
    for code in sorted({*kept, *left_out}, key=_precedence):
        yield Text.assemble((code.code, "bold"), f"  {code.title}  ", (f"[{code.verdict}]", "bold red"))
        yield from _wrapped("  ", code.meaning, width)
        of_code = kept.get(code, [])
        for finding in of_code[:MAX_PLACES]:
            yield Text("")
            yield from _row("where", place_of(finding, with_origin=with_origin), width)
            yield from _row("expected", finding.expected, width)
            yield from _row("found", finding.found, width)
        more = max(len(of_code) - MAX_PLACES, 0) + left_out.get(code, 0)
        yield Text("")
        if more:
            yield from _row("", f"and {plural(more, 'more place')}; --json has all that were kept", width)
        yield from _row("next", code.advice, width)
        yield Text("")


def _precedence(code: FindingCode) -> tuple[int, str]:
    return _VERDICTS.index(code.verdict), code.code


def place_of(finding: Finding, *, with_origin: bool = False) -> str:
    """Where a finding is: trail, entries, object and version, as far as it has them; still to be escaped."""
    version = None if finding.version_id in {None, UNVERSIONED} else f"version {finding.version_id}"
    objects = None if finding.objects == 1 else f"{finding.objects:,} objects in a row"
    parts = [finding.origin if with_origin else None, finding.span, finding.key, version, objects]
    return ", ".join(str(part) for part in parts if part is not None) or "the archive"


def _not_checked(report: Report) -> Iterable[str]:
    """The sentences, each once, with the trails' names where it does not hold for all of them."""
    yield from report.not_checked
    names: dict[str, list[str]] = {}
    for trail in report.trails:
        for sentence in trail.not_checked:
            names.setdefault(sentence, []).append(trail.origin or trail.folder)
    of_some = [sentence for sentence, of in names.items() if len(of) < len(report.trails)]
    for sentence in of_some[:_MAX_SENTENCES]:
        yield f"{_listed(names[sentence])}: {sentence}"
    if (more := len(of_some) - _MAX_SENTENCES) > 0:
        yield f"{plural(more, 'more sentence')} of single trails; --json has them all."
    yield from (sentence for sentence, of in names.items() if len(of) == len(report.trails))


def _listed(names: Sequence[str]) -> str:
    shown, more = ", ".join(names[:_MAX_NAMES]), len(names) - _MAX_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _row(label: str, text: str, width: int | None) -> Iterator[Text]:
    if text:
        yield from _wrapped(f"  {label:<{_LABEL_WIDTH}}", text, width)


def _wrapped(lead: str, text: str, width: int | None) -> Iterator[Text]:
    yield from map(Text, hanging(lead, text, width))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"
