"""Exit codes, and the one place where errors become one clear line on stderr and an exit code.

Codes 10 to 13 are verdicts and come from commands that verify, never from a failure: whatever else goes wrong
says nothing about an archive. (`doctor` says with 13 that a promise is broken.)
"""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum
from typing import Final

import click

TRACEBACK_VARIABLE: Final = "SEALTRAIL_TRACEBACK"


class ExitCode(IntEnum):
    """What the exit code of a command says. Stable: scripts rely on it."""

    OK = 0  # done; for commands that verify: intact
    INTERNAL = 1  # an error in sealtrail itself
    USAGE = 2  # wrong options, settings or input
    LINE_STOPPED = 3  # the trail's integrity is in doubt: services must not restart through it
    IO = 5  # a file, log or store can't be reached, read or written
    TAMPERED = 10
    INCOMPLETE = 11
    UNVERIFIABLE = 12
    UNPROTECTED = 13
    INTERRUPTED = 130  # Ctrl-C


EXIT_CODE_TABLE: Final = """\
Exit codes: 0 done, intact · 1 internal error · 2 usage · 3 line stopped, integrity in doubt · 5 I/O ·
10 tampered · 11 incomplete · 12 unverifiable · 13 unprotected · 130 interrupted"""


class CommandError(click.ClickException):
    """A command can't go on; the message is one line that says what to do."""

    def __init__(self, message: str, *, exit_code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.code = exit_code


class ReaderGoneError(Exception):
    """Nobody reads stdout any more: a pipe into `head`, for instance."""


def exit_code_of(error: BaseException) -> ExitCode | None:
    """The exit code of an error that a user can do something about; None for any other."""
    from sealtrail_archiver.errors import KeyChangedError
    from sealtrail_auditor.errors import AuditError, EntryDamagedError, ListingOrderError, WorkerLostError
    from sealtrail_chainer.errors import LineStoppedError
    from sealtrail_schemas.errors import FormatError, UnknownFormatError
    from sealtrail_transport.errors import TransportError

    # The first line that fits counts: subclasses stand above their bases.
    table: tuple[tuple[type[BaseException], ExitCode], ...] = (
        (LineStoppedError, ExitCode.LINE_STOPPED),
        (KeyChangedError, ExitCode.USAGE),
        (TransportError, ExitCode.IO),
        (EntryDamagedError, ExitCode.TAMPERED),
        (ListingOrderError, ExitCode.IO),
        (AuditError, ExitCode.USAGE),
        (WorkerLostError, ExitCode.INTERNAL),
        (UnknownFormatError, ExitCode.UNVERIFIABLE),
        (FormatError, ExitCode.USAGE),
        (OSError, ExitCode.IO),
    )
    return next((code for kind, code in table if isinstance(error, kind)), None)


def report(error: BaseException, *, with_traceback: bool = False) -> int:
    """Say an error on stderr, as one line, and return the exit code of the process."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("Interrupted.", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, BrokenPipeError | ReaderGoneError):
        _forget_stdout()
        return ExitCode.IO
    if with_traceback or os.environ.get(TRACEBACK_VARIABLE, "0") not in {"", "0"}:
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
        return _click_code(error)
    code = exit_code_of(error)
    if code is None:
        click.echo(
            f"Error: internal error: {type(error).__name__}: {one_line(error)} "
            f"(run again with --traceback or {TRACEBACK_VARIABLE}=1)",
            err=True,
        )
        return ExitCode.INTERNAL
    click.echo(f"Error: {one_line(error)}", err=True)
    return code


def _click_code(error: click.ClickException) -> int:
    match error:
        case CommandError():
            return error.code
        case click.FileError():
            return ExitCode.IO
        case click.UsageError():
            return ExitCode.USAGE
    return error.exit_code


def one_line(error: BaseException) -> str:
    """What an error says, in one line; for errors of the operating system, which file and why."""
    from sealtrail.terminal_text import printable  # names of objects are not to be trusted by a terminal

    if isinstance(error, OSError) and error.strerror:
        return printable(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    return printable(" ".join(str(error).split())) or type(error).__name__


def _forget_stdout() -> None:
    """Keep the interpreter from complaining at exit about a pipe that nobody reads any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
