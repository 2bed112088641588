"""`sealtrail report`: a signed report on an archive, and a page for people."""

from __future__ import annotations

import shlex
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.durations import DURATION
from sealtrail.entry_filters import filter_options
from sealtrail.help_text import examples
from sealtrail.settings import setting

if TYPE_CHECKING:
    from datetime import timedelta

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail.entry_filters import EntryFilters
    from sealtrail_auditor.report import Report
    from sealtrail_schemas.keys import Signer
    from sealtrail_schemas.policy import Policy

HEADS: Final = "heads"


@click.command(
    epilog=examples(
        "sealtrail report --make-key alice.key --auditor auditor.example.com/alice -o report-2026-11",
        "sealtrail report s3://audit-archive --policy auditor.policy --key alice.key "
        "--from 2026-10-01 --to 2026-11-01 --head kept.head --max-age 15m -o report-2026-11",
    )
)
@archive_options
@filter_options
@click.option(
    "--head",
    "heads",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A head that you kept from before, or a folder of them (may be repeated).",
)
@setting(
    "--max-age", metavar="DURATION", type=DURATION, help="How old the newest entry may be, as 15m or 1d."
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    help="How many processes check batches.  [default: as many as there are processors]",
)
@click.option(
    "--key",
    "key_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Your own signing key.",
)
@click.option(
    "--make-key",
    "new_key_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Make that key, in a new file; say with --auditor whose it is.",
)
@click.option("--auditor", metavar="NAME", help="Name of a new key, as auditor.example.com/alice.")
@click.option("--title", metavar="TEXT", help="The report's heading.  [default: Audit of the trails' names]")
@click.option(
    "--output",
    "-o",
    "target",
    metavar="FOLDER",
    required=True,
    type=click.Path(path_type=Path),
    help="A new folder for report.json, report.html and the heads to keep.",
)
@output_options
def command(
    *,
    archive: ArchiveChoice,
    filters: EntryFilters,
    heads: tuple[Path, ...],
    max_age: timedelta | None,
    jobs: int | None,
    key_file: Path | None,
    new_key_file: Path | None,
    auditor: str | None,
    title: str | None,
    target: Path,
) -> None:
    """Report on an archive, signed with a key of your own.

    Verifies the archive as `sealtrail verify` does, then counts what its verified entries say: by time, actor
    and action, what failed, what is missing, and where recording stopped. --from and --to choose the events
    that are counted; --first, --last, --chained-from and --chained-to also what is verified.

    report.json is the report, signed as a C2SP note. report.html is made from it alone: one page that needs
    no network and runs no script, with the verdict, what was checked and what was not, and the controls that
    the report supports (SEC 17a-4, HIPAA, PCI DSS, ISO 27001, GDPR), each tied to the checks behind it.

    It is written whatever the verdict is, and the exit code is the verdict's. Whoever gets it checks it with
    `sealtrail verify-report`.
    """
    from sealtrail.heads import read_heads
    from sealtrail.new_file import refuse_existing
    from sealtrail.report_run import audit
    from sealtrail.trail_choice import choose_trails
    from sealtrail_auditor.heads import origins_of
    from sealtrail_auditor.reporting.members import About

    output = current_output()
    if title is not None and not (title and title.isprintable()):
        raise click.UsageError("--title is one line of text that prints")
    refuse_existing(target)
    policy = archive.read_policy()
    signer = _signer(key_file, new_key_file, auditor, policy, output)
    pinned = read_heads(heads)
    about = About(
        title=title or _title(choose_trails(policy, archive.trails) or list(policy.logs)),
        auditor=signer.verifier,
        program=f"sealtrail {version('sealtrail')}",
        policy=policy,
        policy_sha256=sha256(archive.policy_path().read_bytes()).digest(),
        max_age=max_age,
        pinned=origins_of(pinned),
    )
    with archive.opened() as store:
        report, members = audit(store, about, pinned, filters, archive.trails, jobs=jobs)
    _write(target, members, signer, report, about.policy)
    _tell(target, members, report, signer, output)
    click.get_current_context().exit(members["exit_code"])


def _signer(
    key_file: Path | None, new_key_file: Path | None, auditor: str | None, policy: Policy, output: Output
) -> Signer:
    from sealtrail.auditor_key import make_auditor_key, read_auditor_key

    if (key_file is None) is (new_key_file is None):
        raise click.UsageError(
            "say with --key FILE which key of yours signs it; --make-key FILE --auditor NAME makes one"
        )
    if key_file is not None:
        if auditor is not None:
            raise click.UsageError("--auditor names a new key: a key that is there has its name")
        return read_auditor_key(key_file, policy)
    if new_key_file is None or auditor is None:
        raise click.UsageError("--make-key needs a name: --auditor auditor.example.com/alice")
    signer = make_auditor_key(new_key_file, auditor)
    output.say(
        f"Made the key {escape(str(new_key_file))}: keep it secret, and tell its fingerprint to whoever gets "
        f"your reports.\n  {signer.verifier.fingerprint}"
    )
    return signer


def _title(origins: list[str]) -> str:
    more = f" and {len(origins) - 2} more" if len(origins) > 2 else ""
    return f"Audit of {', '.join(origins[:2])}{more}"


def _write(target: Path, members: dict[str, object], signer: Signer, report: Report, policy: Policy) -> None:
    from sealtrail.heads import HeadShelf
    from sealtrail.new_file import new_folder
    from sealtrail_auditor.reporting.page import render_page
    from sealtrail_auditor.reporting.signed import REPORT_HTML, REPORT_JSON, open_report, sign_report

    note = sign_report(members, signer)
    with new_folder(target) as folder:
        (folder / REPORT_JSON).write_bytes(note)
        (folder / REPORT_HTML).write_bytes(render_page(open_report(note)))
        if HeadShelf.may_keep(report) and members["verdict"] == report.verdict and report.scope.is_whole:
            (folder / HEADS).mkdir()
            origins = list(dict.fromkeys(trail.origin for trail in report.trails if trail.origin))
            HeadShelf(folder / HEADS, origins).save(report, policy)


def _tell(target: Path, members: dict[str, object], report: Report, signer: Signer, output: Output) -> None:
    from sealtrail.report_text import print_verdict_line, verdict_reason
    from sealtrail_auditor.reporting.signed import REPORT_HTML, REPORT_JSON
    from sealtrail_auditor.verdict import Verdict

    page, signed, heads = target / REPORT_HTML, target / REPORT_JSON, target / HEADS
    verdict = Verdict(str(members["verdict"]))
    output.record(
        report=str(signed),
        page=str(page),
        heads=str(heads) if heads.exists() else None,
        verdict=verdict.value,
        exit_code=members["exit_code"],
        auditor=signer.name,
        fingerprint=signer.verifier.fingerprint,
    )
    output.result(f"Wrote {escape(str(page))}, from {escape(str(signed))}, signed by {escape(signer.name)}.")
    if heads.exists():
        output.say(f"Keep {escape(str(heads))} away from the archive; the next report takes it with --head.")
    check = f"sealtrail verify-report {shlex.quote(str(signed))} --key {signer.verifier.fingerprint}"
    output.say(f"Whoever gets it checks it with: {escape(check)}")
    if not output.json:
        # Where the archive was changed between verifying and counting, the verification knows nothing of it.
        same = verdict is report.verdict
        reason = verdict_reason(report) if same else str(members["verdict_text"])
        print_verdict_line(output.out, verdict, reason)
