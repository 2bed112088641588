"""`sealtrail verify`: whether an archive is what was sealed, trusting a policy file only."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.durations import DURATION
from sealtrail.help_text import examples
from sealtrail.scope_options import scope_options
from sealtrail.settings import setting

if TYPE_CHECKING:
    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail.heads import HeadShelf
    from sealtrail_auditor.report import Report
    from sealtrail_auditor.scope import Scope
    from sealtrail_auditor.visit import Visit
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail verify",
        "sealtrail verify s3://audit-archive --policy auditor.policy --save-head audit.head --max-age 15m",
        "sealtrail verify s3://audit-archive --policy auditor.policy --state audit.state",
        "sealtrail verify s3://audit-archive --policy auditor.policy --first 100 --last 199",
        "sealtrail verify s3://audit-archive --policy auditor.policy --sample 1%",
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
@click.option(
    "--complete-producers",
    is_flag=True,
    help="Call the archive incomplete where producers' numbers show events to be missing or repeated.",
)
@scope_options
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on from the last visit: read only what is new, and keep in FILE how far this one came.",
)
@click.option(
    "--resume/--no-resume",
    default=True,
    help="With --state: go on with a visit that was interrupted, or begin it anew.  [default: go on]",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    help="How many processes check batches.  [default: as many as there are processors]",
)
@output_options
def command(
    *,
    archive: ArchiveChoice,
    heads: tuple[Path, ...],
    save_head: Path | None,
    max_age: timedelta | None,
    complete_producers: bool,
    scope: Scope,
    state: Path | None,
    resume: bool,
    jobs: int | None,
) -> None:
    """Verify an archive, trusting a policy file only.

    ARCHIVE is s3://bucket[/prefix] or a folder; left out, it is that of the data folder. All of it is read
    and checked: entries, the chain through them, the Merkle tree, signatures of seals, locks of objects.

    The verdict is the last line, and the exit code says it to scripts: 0 intact, 10 tampered, 11 incomplete,
    12 unverifiable, 13 unprotected. Whatever else goes wrong has another code and is no verdict.

    Keep a head: only who knows how the trail stood before can see that its end was cut off, or that the
    holder of the key has rewritten it.

    A part (--first, --last, --chained-from, --chained-to) is widened to whole batches, and nothing else is
    read. Of a sample, the report states how probable it was to meet damage. Both verdicts say so.

    With --state each visit proves that the trail was only appended to since the last, and costs in proportion
    to what is new. FILE moves on for each trail that is intact or unprotected; after Ctrl-C the same command
    goes on where it stood. FILE is not signed: keep it from whoever could change the archive.

    Where producers number their events, the report says which numbers are missing or there twice. That is
    apart from the verdict, unless --complete-producers makes it part of that.
    """
    from sealtrail.heads import HeadShelf, read_heads
    from sealtrail.state_file import visiting

    _refuse_parts(scope, save_head, state)
    output = current_output()
    policy = archive.read_policy()
    trails = _choose(policy, archive.trails, scope)
    shelf = None if save_head is None else HeadShelf(save_head, trails or list(policy.logs))
    verified = partial(
        _verify,
        policy=policy,
        output=output,
        trails=trails,
        pinned=read_heads(heads) + (shelf.kept() if shelf else []),
        max_age=max_age,
        complete_producers=complete_producers,
        scope=scope,
        jobs=jobs,
    )
    visits = nullcontext() if state is None else visiting(state, policy, output, resume=resume)
    with archive.opened() as store, visits as visit:
        report = verified(store, visit=visit)
        _print(report, output)
    if shelf is not None:
        _keep_heads(shelf, report, policy, output)
    click.get_current_context().exit(report.exit_code)


def _refuse_parts(scope: Scope, save_head: Path | None, state: Path | None) -> None:
    """Heads and states are kept of what was verified whole."""
    for option, value in (("--save-head", save_head), ("--state", state)):
        if value is not None and not scope.is_whole:
            raise click.UsageError(f"{option} keeps what was verified whole: leave out that or the part")


def _choose(policy: Policy, wanted: tuple[str, ...], scope: Scope) -> list[str] | None:
    """The trails that are meant; sequences are those of one."""
    from sealtrail.trail_choice import choose_one_trail, choose_trails

    if scope.first is not None or scope.last is not None:
        return [choose_one_trail(policy, wanted)]
    return choose_trails(policy, wanted)


def _verify(
    store: Store,
    *,
    policy: Policy,
    output: Output,
    trails: list[str] | None,
    pinned: list[bytes],
    max_age: timedelta | None,
    complete_producers: bool,
    scope: Scope,
    jobs: int | None,
    visit: Visit | None,
) -> Report:
    from sealtrail.progress import Meter
    from sealtrail_auditor.verify import Progress, verify_archive
    from sealtrail_auditor.workers import processors

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
            scope=scope,
            visit=visit,
            jobs=jobs or processors(),
            complete_producers=complete_producers,
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
