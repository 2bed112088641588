"""`sealtrail demo`: an office, an evening, and four attempts to make it be forgotten."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError, ExitCode
from sealtrail.help_text import examples

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command(epilog=examples("sealtrail demo", "sealtrail demo --keep ./demo"))
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Leave everything in this folder, which has to be new or empty, for looking around.",
)
@output_options
def command(keep: Path | None) -> None:
    """See a trail being sealed, attacked and verified.

    Plays a day at a small office through the embedded pipeline, in a temporary folder: published, chained,
    sealed, verified. Then copies of the archive are tampered with in four ways, each verified in turn. Takes
    some seconds; needs no network.

    Exits with 0 if everything was caught, 1 if not.
    """
    from sealtrail.demo_play import Play

    output = current_output()
    began = time.monotonic()
    with _place(keep) as root:
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        play = Play(root, output, yesterday)
        play.run()
        play.conclude(seconds=time.monotonic() - began, kept=keep)
    click.get_current_context().exit(ExitCode.OK if play.all_caught else ExitCode.INTERNAL)


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    """The folder in which it all happens."""
    if keep is None:
        place = Path(tempfile.mkdtemp(prefix="sealtrail-demo-"))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return
    if keep.exists() and any(keep.iterdir()):
        raise CommandError(f"{keep} is not empty: choose a new folder for --keep")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep
