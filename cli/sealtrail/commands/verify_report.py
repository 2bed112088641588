"""`sealtrail verify-report`: who signed a report, and whether its page shows what it says."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.markup import escape

from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError
from sealtrail.help_text import examples

if TYPE_CHECKING:
    from sealtrail_auditor.reporting.signed import SignedReport
    from sealtrail_auditor.verdict import Verdict

_MAX_BYTES: Final = (1 << 20) + 1
_PAGE_REASONS: Final = {
    "tampered": "report.html beside it is not the page of this report",
    "unverifiable": "report.html beside it was made by another version: make it again with --html",
}


@click.command(
    epilog=examples(
        "sealtrail verify-report report.json --key SHA256:2uJYvxcqgSRrMaqvRC8EYcIjfCkWWSHBHZ5GO5Jn8cQ",
        "sealtrail verify-report report.json --key auditor.example.com/alice+5b1d3c5e+AVx… --html page.html",
    )
)
@click.argument("file", metavar="REPORT.json", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--key",
    metavar="KEY",
    help="The auditor's key as you know it: its fingerprint (SHA256:…) or the whole key (vkey).",
)
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Make the page of the report again, in a new file.",
)
@output_options
def command(file: Path, key: str | None, page: Path | None) -> None:
    """Verify an auditor's report: who signed it, and what its page shows.

    Checks that the key that the report names has signed it, and that this is the key that you were told by
    another way. If report.html lies beside it, that has to be the report's page. Says nothing about the
    archive: the report's own verdict is that of the day when it was made.

    Exit codes: 0 as signed, 10 the report or its page was changed, 12 the key is another one or was not
    given, or the page was made by another version. A file that is no report is a mistake of usage.
    """
    from sealtrail.report_text import print_verdict_line
    from sealtrail_auditor.verdict import Verdict

    output = current_output()
    verdict, reason, signed = _judge(file, key)
    wrong = None if signed is None else _page_verdict(file, signed)
    if wrong is not None and Verdict.worst((verdict, wrong)) is not verdict:
        verdict, reason = wrong, _PAGE_REASONS[wrong]
    if signed is not None:
        _tell(signed)
        if page is not None:
            _write(page, signed)
    output.record(
        report=str(file),
        verdict=verdict.value,
        exit_code=verdict.exit_code,
        reason=reason,
        auditor=signed and signed.key.name,
        key=signed and signed.key.vkey,
        fingerprint=signed and signed.key.fingerprint,
        states=signed and signed.members["verdict"],
        made_at=signed and signed.members["made_at"],
    )
    if not output.json:
        print_verdict_line(output.out, verdict, reason)
    click.get_current_context().exit(verdict.exit_code)


def _judge(file: Path, key: str | None) -> tuple[Verdict, str, SignedReport | None]:
    """The verdict on the signature, why, and the report if it is what its own key signed."""
    from sealtrail.auditor_key import is_key_of
    from sealtrail_auditor.reporting.signed import open_report
    from sealtrail_auditor.verdict import Verdict
    from sealtrail_schemas.errors import FormatError, NoteSignatureError, NoteUnsignedError

    with file.open("rb") as stream:
        note = stream.read(_MAX_BYTES)
    try:
        signed = open_report(note)
    except NoteSignatureError:
        return Verdict.TAMPERED, "the report is not what its key has signed", None
    except NoteUnsignedError:
        return Verdict.TAMPERED, "the report is not signed by the key that it names", None
    except FormatError as error:
        raise CommandError(f"{file} is no report: {error}") from None
    if key is None:
        return Verdict.UNVERIFIABLE, "signed by the key above: say with --key which one you expect", signed
    if not is_key_of(signed.key, key):
        return Verdict.UNVERIFIABLE, "signed, but by another key than yours", signed
    return Verdict.INTACT, f"signed by {signed.key.name}", signed


def _page_verdict(file: Path, signed: SignedReport) -> Verdict | None:
    """What is wrong with the page beside a report; None: nothing, or there is none."""
    from sealtrail_auditor.reporting.page import render_page
    from sealtrail_auditor.reporting.signed import REPORT_HTML
    from sealtrail_auditor.verdict import Verdict

    page = file.parent / REPORT_HTML
    if not page.is_file():
        return None
    expected = render_page(signed)
    with page.open("rb") as stream:
        if stream.read(len(expected) + 1) == expected:
            return None
    made_by_this = signed.members["program"] == f"sealtrail {version('sealtrail')}"
    return Verdict.TAMPERED if made_by_this else Verdict.UNVERIFIABLE


def _tell(signed: SignedReport) -> None:
    """Who signed what, when."""
    output, members = current_output(), signed.members
    if output.quiet:
        return
    output.result(f"[bold]{escape(members['title'])}[/]")
    output.result(f"  auditor      {escape(signed.key.name)}\n  fingerprint  {signed.key.fingerprint}")
    output.result(f"  made at      {members['made_at']}, with {escape(members['program'])}")
    output.result(f"  archive      {escape(members['archive']['address'])}")
    output.result(f"  it states    {members['verdict']}\n")


def _write(page: Path, signed: SignedReport) -> None:
    from sealtrail.new_file import new_file
    from sealtrail_auditor.reporting.page import render_page

    with new_file(page) as file:
        file.write(render_page(signed))
    current_output().say(f"Wrote {escape(str(page))}.")
