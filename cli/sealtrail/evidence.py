"""What is kept when the line stops: one JSON file in the data folder, and no restart while it lies there."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from sealtrail.exits import CommandError, ExitCode
from sealtrail.private_file import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from sealtrail.data_folder import DataFolder
    from sealtrail_chainer.errors import LineStoppedError


class StoppedBeforeError(CommandError):
    """Evidence of a stop lies in the data folder.

    Attributes:
        origin: the trail; None where the evidence can't be read.
        stop_code: why it stopped, as a StopCode spells it; None as above.
        file: the evidence.
    """

    def __init__(self, message: str, *, origin: str | None, code: str | None, file: Path) -> None:
        super().__init__(message, exit_code=ExitCode.LINE_STOPPED)
        self.origin = origin
        self.stop_code = code
        self.file = file


def write(folder: DataFolder, origin: str, error: LineStoppedError) -> Path:
    """Write down why the line of a trail stopped; returns the file. Raises OSError."""
    now = datetime.now(UTC)
    members = {
        "origin": origin,
        "code": error.code,
        "message": str(error),
        "evidence": error.evidence,
        "time": now.isoformat(timespec="milliseconds"),
        "program": f"sealtrail {version('sealtrail')}",
        "pid": os.getpid(),
    }
    file = folder.root / f"stopped-{now:%Y%m%dT%H%M%S.%fZ}.json"
    write_private(file, json.dumps(members, indent=2).encode() + b"\n")
    return file


def find(folder: DataFolder) -> list[Path]:
    """The evidence that lies in the folder, oldest first."""
    return sorted(folder.root.glob("stopped-*.json"))


def refuse_restart(folder: DataFolder) -> None:
    """Raise StoppedBeforeError while evidence of a stop lies in the folder.

    Not every cause can be seen again by a new process, so the restart is an operator's decision.
    """
    for file in find(folder):
        try:
            members = json.loads(file.read_bytes())
            message, origin, code = (str(members[name]) for name in ("message", "origin", "code"))
        except (OSError, ValueError, KeyError, TypeError):
            message, origin, code = "its evidence can't be read", None, None
        raise StoppedBeforeError(
            f"the line stopped before, since a trail's integrity is in doubt: {message}. Once that is "
            f"understood, move {file} away to go on",
            origin=origin,
            code=code,
            file=file,
        )
