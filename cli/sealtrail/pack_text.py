"""What came of checking an evidence pack, for a person to read and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from sealtrail.proof_text import NEVER_SHOWN
from sealtrail.report_text import print_findings, print_verdict_line
from sealtrail.terminal_text import hanging, printable
from sealtrail.wording import plural
from sealtrail_auditor.pack_compare import PageState
from sealtrail_auditor.proof_check import CheckName, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail.console import Output
    from sealtrail_auditor.pack_check import CheckedPack
    from sealtrail_schemas.policy import Policy


def print_pack(checked: CheckedPack, name: str, policy: Policy, output: Output) -> None:
    """Print what a pack is, what is wrong with it, what was not checked, and the verdict."""
    if output.json:
        click.echo(json.dumps(_json(checked, name, policy)))
        return
    console = output.out
    width = console.width if console.is_terminal else None
    if not output.quiet:
        for line in _lines(checked, policy, width):
            console.print(Text(line, style="bold" if line[:1].strip() else ""))
        console.print()
        print_findings(console, checked.findings.kept)
    print_verdict_line(console, checked.verdict, _reason(checked))


def _lines(checked: CheckedPack, policy: Policy, width: int | None) -> Iterator[str]:
    yield printable(checked.about.title)
    yield from hanging("  ", checked.about.selection, width)
    yield ""
    yield "Keys"
    origins = sorted({entry.origin for entry in checked.entries if entry.origin is not None})
    for origin in origins:
        key = policy.logs.get(origin)
        yield f"  {printable(origin)}: {key.fingerprint if key else 'not in your policy'}"
    yield ""
    yield "Verified"
    yield f"  - {_counted(checked)}"
    for name, sentence in _GOOD.items():
        if all(_state(checked, number, name) in {State.GOOD, State.HIDDEN} for number in _numbers(checked)):
            yield from hanging("  - ", sentence, width)
    if checked.page in {PageState.SAME, PageState.OTHER_CODE}:
        yield from hanging("  - ", "index.html shows the data of the files, and no other.", width)
    yield ""
    yield "Not checked"
    for sentence in _not_checked(checked):
        yield from hanging("  - ", sentence, width)
    for sentence in checked.missing:
        yield from hanging("  - ", f"Not in the pack: {sentence}", width)


_GOOD = {
    CheckName.PAYLOAD: "Each payload that is shown has the SHA-256 that its leaf states.",
    CheckName.INCLUSION: "Each leaf's path leads to the root of its checkpoint.",
    CheckName.SIGNATURE: "Each checkpoint is signed by your policy's key, or by one to which that key leads.",
    CheckName.SEAL: "Each entry is covered by a seal that is signed by the same key.",
}


def _numbers(checked: CheckedPack) -> range:
    return range(len(checked.entries))


def _state(checked: CheckedPack, number: int, name: CheckName) -> State:
    return next(check.state for check in checked.entries[number].checks if check.name is name)


def _counted(checked: CheckedPack) -> str:
    good = {State.GOOD, State.HIDDEN}
    proven = sum(all(check.state in good for check in entry.checks) for entry in checked.entries)
    return f"{proven:,} of {plural(len(checked.entries), 'entry', 'entries')} proven."


def _not_checked(checked: CheckedPack) -> Iterator[str]:
    hidden = sum(_state(checked, number, CheckName.PAYLOAD) is State.HIDDEN for number in _numbers(checked))
    if hidden:
        yield f"The content of {plural(hidden, 'entry', 'entries')}: their payloads are not in the pack."
    if checked.page is not PageState.SAME:
        yield (
            "index.html is not the page that this version of sealtrail makes, so it can show any colour "
            "whatever the evidence is: do not rely on it."
        )
    yield "Whether the selection leaves something out: whoever made the pack chose the entries."
    yield from NEVER_SHOWN


def _reason(checked: CheckedPack) -> str:
    findings = [finding for finding in checked.findings.kept if finding.code.verdict is checked.verdict]
    if not findings:
        return f"{plural(len(checked.entries), 'entry', 'entries')} proven, nothing wrong"
    place = f" ({findings[0].span})" if findings[0].span is not None else ""
    more = len({finding.code for finding in findings}) - 1
    return printable(
        findings[0].code.title + place + (f", and {plural(more, 'other thing')}" if more else "")
    )


def _json(checked: CheckedPack, name: str, policy: Policy) -> dict[str, Any]:
    verdict = checked.verdict
    return {
        "format": "sealtrail/verify-pack/v1",
        "pack": name,
        "verdict": verdict.value,
        "exit_code": verdict.exit_code,
        "title": checked.about.title,
        "selection": checked.about.selection,
        "keys": {key.name: key.fingerprint for key in policy.logs.values()},
        "entries": [
            {
                "proof": entry.name,
                "origin": entry.origin,
                "sequence": str(entry.sequence),
                "checks": {check.name.value: check.state.value for check in entry.checks},
            }
            for entry in checked.entries
        ],
        "page": checked.page and checked.page.value,
        "missing": list(checked.missing),
        "findings": [finding.to_json() for finding in checked.findings.kept],
        "findings_left_out": {code.code: count for code, count in checked.findings.left_out.items()},
        "not_checked": list(_not_checked(checked)),
    }
