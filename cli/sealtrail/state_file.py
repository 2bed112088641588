"""The state file of `verify --state`: read when a visit begins, written when it ends, however it ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from sealtrail.exits import CommandError, ExitCode
from sealtrail.interrupts import Interrupts
from sealtrail.private_file import write_private
from sealtrail.terminal_text import printable
from sealtrail_auditor.errors import StateError
from sealtrail_auditor.visit import MAX_STATE_BYTES, Visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail_schemas.policy import Policy


@contextmanager
def visiting(path: Path, policy: Policy, output: Output, *, resume: bool) -> Iterator[Visit]:
    """Go on from the state in `path`, or begin one.

    What was verified when Ctrl-C, SIGTERM or an error ends the context is kept there, too, so that the next
    call goes on from it; with `resume` false it begins anew behind the last visit that ended.

    Raises:
        CommandError: the file is no state, or one of another policy.
        OSError: it can't be read or written.
    """
    visit = _read(path, policy)
    if not resume:
        visit.drop_interrupted()
    elif visit.is_interrupted:
        output.say("Going on with the visit that was interrupted; --no-resume begins it anew.")
    with Interrupts():
        try:
            yield visit
        except StateError as error:
            raise _refused(path, error) from None
        finally:
            if visit.is_begun:
                write_private(path, visit.to_bytes())
            if visit.is_interrupted:
                output.warn(
                    f"Not finished. What was verified is kept in {escape(str(path))}: "
                    "verify again with it to go on."
                )
            elif visit.left_behind:
                names = printable(", ".join(visit.left_behind))
                output.warn(f"The state was not moved on for {escape(names)}: the next visit looks again.")


def _read(path: Path, policy: Policy) -> Visit:
    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent} to keep a state in", exit_code=ExitCode.IO)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_STATE_BYTES + 1)
    except FileNotFoundError:
        return Visit()
    try:
        return Visit.parse(data, policy)
    except StateError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: StateError) -> CommandError:
    return CommandError(f"{path} can't be gone on from: {error}. Name another file to begin anew")
