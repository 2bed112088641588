"""How long an archive's objects are locked. A mistake here can't be taken back, so some is asked twice."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Final

import click

from sealtrail.data_folder import EMBEDDED, FOLDER
from sealtrail.durations import format_duration
from sealtrail.exits import CommandError

EMBEDDED_RETENTION: Final = timedelta(days=1)
ASK_ABOVE: Final = timedelta(days=10 * 366)
REFUSE_ABOVE: Final = timedelta(days=100 * 366)


def choose_retention(wanted: timedelta | None, archive: str, *, assume_yes: bool) -> timedelta | None:
    """The retention of a new trail's objects; None for an archive that can't lock.

    Raises:
        CommandError: it has to be given and is not, or is too long, or the user would not confirm it.
    """
    if archive == FOLDER:
        return None
    if wanted is None:
        if archive != EMBEDDED:
            raise CommandError(
                "say with --retention for how long nobody can delete what is archived, as --retention 7y. It "
                "can't be shortened afterwards, not even by the owner of the account"
            )
        return EMBEDDED_RETENTION
    if wanted < timedelta(minutes=1):
        raise CommandError(f"a retention of {format_duration(wanted)} protects nothing: at least 1m")
    if wanted > REFUSE_ABOVE:
        raise CommandError(f"a retention of {format_duration(wanted)} is above 100y, surely by mistake")
    if wanted > ASK_ABOVE and not assume_yes:
        confirm(f"Nothing can be deleted for {format_duration(wanted)}, by anybody. Is that what you want?")
    return wanted


def confirm(question: str) -> None:
    """Ask on the terminal. Raises CommandError when there is none, click.Abort when the answer is no."""
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Say so with --yes")
    click.confirm(question, abort=True, err=True)
