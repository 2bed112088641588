"""`sealtrail fetch`: a copy of an archive in a folder, for work without the store."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError
from sealtrail.fetching import fetch
from sealtrail.help_text import examples
from sealtrail.wording import plural

if TYPE_CHECKING:
    from sealtrail.archive_option import ArchiveChoice


@click.command(
    epilog=examples(
        "sealtrail fetch s3://audit-archive ./copy", "sealtrail verify ./copy --policy auditor.policy"
    )
)
@archive_options
@click.argument("folder", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@output_options
def command(archive: ArchiveChoice, folder: Path) -> None:
    """Copy an archive to a folder, for offline work.

    All versions and delete markers are copied or noted, and what the store says about their retention. The
    notes are the store's word, not evidence: `verify` on the copy says so. What a run that was interrupted
    has copied, the next one finds. A copy is brought up to date by fetching into it again.
    """
    output = current_output()
    _refuse_within(Path(archive.label), folder)
    with archive.opened() as store:
        copied = fetch(store, folder, _prefixes(archive.trails), output)
    output.record(folder=str(folder), source=store.url, **copied)
    output.result(
        f"Copied {escape(store.url)} to {escape(str(folder))}: {plural(copied['versions'], 'object')}, "
        f"{copied['bytes'] / 1e6:,.1f} MB; {copied['fetched']:,} of them were fetched now."
    )
    output.say(f"Verify it offline: sealtrail verify {escape(shlex.quote(str(folder)))} --policy FILE")


def _refuse_within(source: Path, folder: Path) -> None:
    """A copy within its own source would be copied, too."""
    if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
        raise CommandError(f"{folder} lies within {source}: choose a folder outside of it")


def _prefixes(trails: tuple[str, ...]) -> list[str]:
    """Where the objects of these trails lie; the whole archive where none is named."""
    from sealtrail_schemas.errors import FormatError
    from sealtrail_schemas.layout import FORMAT, VIEWS, partition_prefix

    prefixes = {FORMAT} if trails else {""}
    for trail in trails:
        *_, topic, partition = ["", *trail.split("/")]
        try:
            folder = partition_prefix(topic, int(partition))
        except (ValueError, FormatError):
            raise CommandError(f"--trail {trail!a} is no trail: write it as payments/0 or in full") from None
        prefixes |= {folder, VIEWS + folder}
    return sorted(prefixes)
