"""`sealtrail verify`: whether an archive is what was sealed, trusting a policy file only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.durations import DURATION
from sealtrail.help_text import examples
from sealtrail.settings import setting

if TYPE_CHECKING:
    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail.heads import HeadShelf
    from sealtrail_auditor.report import Report
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail verify",
        "sealtrail verify s3://audit-archive --policy auditor.policy --save-head audit.head --max-age 15m",
        "sealtrail verify ./copy --policy auditor.policy --head audit.head --json",
    )
)
@archive_options
@click.option(
    "--head",
    "heads",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A head that you kept from before, or a folder of them (may be repeated).",
)
@click.option(
    "--save-head",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keep the newest head for the next time; what is kept there already is held against the archive.",
)
@setting(
    "--max-age", metavar="DURATION", type=DURATION, help="How old the newest entry may be, as 15m or 1d."
)
@output_options
def command(
    archive: ArchiveChoice, heads: tuple[Path, ...], save_head: Path | None, max_age: timedelta | None
) -> None:
    """Verify an archive, trusting a policy file only.

    ARCHIVE is s3://bucket[/prefix] or a folder; left out, it is that of the data folder. All of it is read
    and checked: entries, the chain through them, the Merkle tree, signatures of seals, locks of objects.

    The verdict is the last line, and the exit code says it to scripts: 0 intact, 10 tampered, 11 incomplete,
    12 unverifiable, 13 unprotected. Whatever else goes wrong has another code and is no verdict.

    Keep a head: only who knows how the trail stood before can see that its end was cut off, or that the
    holder of the key has rewritten it.
    """
    from sealtrail.heads import HeadShelf, read_heads
    from sealtrail.trail_choice import choose_trails

    output = current_output()
    policy = archive.read_policy()
    trails = choose_trails(policy, archive.trails)
    shelf = None if save_head is None else HeadShelf(save_head, trails or list(policy.logs))
    pinned = read_heads(heads) + (shelf.kept() if shelf else [])
    with archive.opened() as store:
        report = _verify(store, policy, output, trails=trails, pinned=pinned, max_age=max_age)
    _print(report, output)
    if shelf is not None:
        _keep_heads(shelf, report, policy, output)
    click.get_current_context().exit(report.exit_code)


def _verify(
    store: Store,
    policy: Policy,
    output: Output,
    *,
    trails: list[str] | None,
    pinned: list[bytes],
    max_age: timedelta | None,
) -> Report:
    from sealtrail.progress import Meter
    from sealtrail_auditor.verify import Progress, verify_archive

    with Meter(output, "verifying") as meter:

        def show(progress: Progress) -> None:
            meter.show(progress.bytes_done, progress.bytes_total, progress.entries)

        return verify_archive(
            store,
            policy,
            trails=trails,
            pinned=pinned,
            now=datetime.now(UTC),
            max_age=max_age,
            progress=show,
        )


def _keep_heads(shelf: HeadShelf, report: Report, policy: Policy, output: Output) -> None:
    if not shelf.may_keep(report):
        output.warn(f"No head was kept, since the archive is {report.verdict}.")
        return
    for file in shelf.save(report, policy):
        output.say(f"Kept the head in {escape(str(file))}.")


def _print(report: Report, output: Output) -> None:
    from sealtrail.report_text import print_report, print_verdict

    if output.json:
        click.echo(json.dumps(report.to_json()))
    elif output.quiet:
        print_verdict(output.out, report)
    else:
        print_report(output.out, report)
