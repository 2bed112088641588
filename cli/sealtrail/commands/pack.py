"""`sealtrail pack`: entries with their proofs in one file that explains itself."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.query_options import query_options

if TYPE_CHECKING:
    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail_auditor.pack import About
    from sealtrail_auditor.pack_select import PackSelection
    from sealtrail_auditor.pack_write import Packed
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail pack --actor alice -o case-17.zip",
        "sealtrail pack s3://audit-archive --policy auditor.policy --action 'cloudtrail:*' "
        "--from 2023-07-10 --to 2023-07-11 --title 'Who deleted the trails' -o case-17.zip",
        "sealtrail pack ./copy --policy auditor.policy --first 40 --last 60 --redacted -o case-17.zip",
    )
)
@archive_options
@query_options
@click.option(
    "--output",
    "-o",
    "target",
    metavar="FILE.zip",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the pack goes.",
)
@click.option("--title", metavar="TEXT", help="The heading of the pack's page.  [default: the file's name]")
@click.option("--redacted", is_flag=True, help="Leave the content of all entries out; see `sealtrail prove`.")
@output_options
def command(*, archive: ArchiveChoice, query: Query, target: Path, title: str | None, redacted: bool) -> None:
    """Pack entries with their proofs, for evidence.

    The pack is a zip with the entries that fit, always read from verified batches, a proof of each, the seals
    that cover them, the description of all formats, a README for anybody, and index.html: a page that opens
    from disk without a network, shows the events over time and one by one, and checks every hash, proof and
    signature in the browser.

    Whoever edits a pack can edit its page. `sealtrail verify-proof FILE.zip --policy FILE` settles it.

    Ends with a verdict's code if batches that were read do not verify; their entries are not in the pack, and
    it says so.
    """
    from sealtrail.query_text import describe_query
    from sealtrail.recognise_setting import current_mappings
    from sealtrail.trail_choice import choose_trails
    from sealtrail_auditor.pack import About
    from sealtrail_auditor.reading import find_trails

    output = current_output()
    title = title or target.stem
    if not title.isprintable():
        raise click.UsageError("--title is one line of text that prints")
    policy = archive.read_policy()
    with archive.opened() as store:
        trails = find_trails(store, policy, choose_trails(policy, archive.trails))
        if not trails:
            raise CommandError("the archive holds nothing of the trails of the policy")
        origins = list(dict.fromkeys(trail.origin for trail in trails))
        about = About(title, _printable(describe_query(query, origins)), current_mappings())
        selections, packed = _pack(store, trails, query, about, target, redacted=redacted)
    _report(selections, packed, target, output)


def _pack(
    store: Store, trails: list[TrailFolder], query: Query, about: About, target: Path, *, redacted: bool
) -> tuple[list[PackSelection], Packed]:
    from sealtrail.new_file import new_file
    from sealtrail.progress import Meter
    from sealtrail_auditor.archive import total_batch_bytes
    from sealtrail_auditor.pack_select import PackSelection, changes_of
    from sealtrail_auditor.pack_write import write_pack

    output, now = current_output(), datetime.now(UTC)
    with new_file(target) as file, Meter(output, "packing") as meter:
        total = sum(total_batch_bytes(store, trail.folder) for trail in trails) if output.live else 0
        selections = [
            PackSelection(
                store,
                trail,
                query,
                recognisers=about.recognisers,
                redacted=redacted,
                now=now,
                on_progress=lambda entries, length: meter.show(length, total, entries),
            )
            for trail in trails
        ]
        keys = list({trail.origin: trail.keys.newest for trail in trails}.values())
        changes = [change for trail in trails for change in changes_of(store, trail)]
        packed = write_pack(file, about, keys, chain.from_iterable(selections), changes)
        if not packed.entries:
            raise CommandError("no entry fits that could be packed, so no pack was written")
    return selections, packed


def _report(selections: list[PackSelection], packed: Packed, target: Path, output: Output) -> None:
    from sealtrail.report_text import print_findings
    from sealtrail.wording import plural
    from sealtrail_auditor.verdict import Verdict

    verdict = Verdict.worst(selection.findings.verdict for selection in selections)
    output.record(
        pack=str(target),
        entries=packed.entries,
        payload_bytes=packed.payload_bytes,
        seals=packed.seals,
        verdict=verdict.value,
        missing=list(packed.missing),
    )
    entries, seals = plural(packed.entries, "entry", "entries"), plural(packed.seals, "seal")
    output.result(f"Wrote {escape(str(target))}: {entries}, each with its proof, under {seals}.")
    for line in packed.missing:
        output.warn(f"Not in the pack: {escape(_printable(line))}")
    for selection in selections:
        if selection.findings.kept:
            print_findings(output.err, selection.findings.kept)
    check = f"sealtrail verify-proof {shlex.quote(str(target))} --policy FILE"
    output.say(f"Unpack it and open index.html, or check it with: {escape(check)}")
    click.get_current_context().exit(verdict.exit_code)


def _printable(text: str) -> str:
    from sealtrail.terminal_text import printable

    return printable(text)
