"""`sealtrail fetch`: a copy of an archive in a folder, for work without the store."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail_transport.store import ObjectVersion, Store


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


def fetch(store: Store, folder: Path, prefixes: list[str], output: Output) -> dict[str, int]:
    """Copy what lies under the prefixes into a folder; returns the counts `versions`, `bytes` and `fetched`.

    Raises:
        StoreError: of the store, or of the folder: it holds something else, or can't be written.
    """
    from sealtrail.progress import Meter
    from sealtrail_transport.copy_writer import CopyWriter, copy_store

    source = _Selected(store, prefixes)
    total = sum(version.size for version in source.versions(""))
    done = {"versions": 0, "bytes": 0, "fetched": 0}

    def show(version: ObjectVersion, fetched: bool) -> None:
        done["versions"] += 1
        done["bytes"] += version.size
        done["fetched"] += fetched
        meter.show(done["bytes"], total)

    now = datetime.now(UTC)
    with (
        Meter(output, "copying") as meter,
        CopyWriter(folder, source_url=store.url, locks=store.lock_knowledge, copied_at=now) as writer,
    ):
        copy_store(source, writer, progress=show)
    return done


def _refuse_within(source: Path, folder: Path) -> None:
    """A copy within its own source would be copied, too."""
    if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
        raise CommandError(f"{folder} lies within {source}: choose a folder outside of it")


def _prefixes(trails: tuple[str, ...]) -> list[str]:
    """Where the objects of these trails lie; the whole archive where none is named."""
    from sealtrail_schemas.errors import FormatError
    from sealtrail_schemas.layout import FORMAT, partition_prefix

    prefixes = {FORMAT} if trails else {""}
    for trail in trails:
        *_, topic, partition = ["", *trail.split("/")]
        try:
            prefixes.add(partition_prefix(topic, int(partition)))
        except (ValueError, FormatError):
            raise CommandError(f"--trail {trail!a} is no trail: write it as payments/0 or in full") from None
    return sorted(prefixes)


class _Selected:
    """A store of which only some prefixes are seen."""

    def __init__(self, store: Store, prefixes: list[str]) -> None:
        self._store = store
        self._prefixes = prefixes
        self.lock_knowledge = store.lock_knowledge
        self.url = store.url
        self.put, self.head, self.open = store.put, store.head, store.open

    def versions(
        self, prefix: str, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectVersion]:
        """See `Store.versions`; asked for the whole store only."""
        del prefix, after, limit
        for selected in self._prefixes:
            yield from self._store.versions(selected)
