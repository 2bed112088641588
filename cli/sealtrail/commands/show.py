"""`sealtrail show`: one entry, verified, for a person to read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.help_text import examples

if TYPE_CHECKING:
    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail_auditor.open_entry import VerifiedEntry


@click.command(
    epilog=examples(
        "sealtrail show 42",
        "sealtrail show s3://audit-archive --policy auditor.policy --trail payments/0 42",
        "sealtrail show ./copy --policy auditor.policy 42 --raw > event.json",
    )
)
@archive_options
@click.argument("sequence", metavar="SEQ", type=click.IntRange(min=0))
@click.option("--raw", is_flag=True, help="Write the bytes of the event's value to stdout, and nothing else.")
@click.option(
    "--folder",
    metavar="FOLDER",
    help="Folder of the trail, where the archive holds several of one name, as payments/0/5be1a7c2/.",
)
@output_options
def command(archive: ArchiveChoice, sequence: int, raw: bool, folder: str | None) -> None:
    """Show one entry of a trail, verified.

    SEQ is the entry's number in the trail, from 0. The batch that holds it is read and held against its seal;
    the rest of the trail is not read. What the event says of itself is the event's word; characters that do
    not print are shown as escapes.
    """
    from sealtrail.trail_choice import choose_one_trail
    from sealtrail.verdict_exit import end_damaged
    from sealtrail_auditor.errors import EntryDamagedError
    from sealtrail_auditor.open_entry import find_entry

    output = current_output()
    policy = archive.read_policy()
    origin = choose_one_trail(policy, archive.trails)
    with archive.opened() as store:
        try:
            entry = find_entry(store, policy, origin, sequence, folder=folder, now=datetime.now(UTC))
        except EntryDamagedError as error:
            end_damaged(error, output)
            return
    if raw:
        click.echo(entry.payload.value or b"", nl=False)
    else:
        _print(entry, output)


def _print(entry: VerifiedEntry, output: Output) -> None:
    from rich.text import Text

    from sealtrail.entry_text import entry_json, entry_lines

    if output.json:
        click.echo(json.dumps(entry_json(entry)))
        return
    console = output.out
    for line in entry_lines(entry, console.width if console.is_terminal else None):
        console.print(Text(line, style="bold" if line[:1].strip() else ""))
