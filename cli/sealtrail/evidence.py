"""What is kept when the line stops: one JSON file in the data folder, and no restart while it lies there.

The command by which the trail goes on renames it from `stopped-…` to `resolved-…`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from sealtrail.exits import CommandError, ExitCode
from sealtrail.onward_ways import way_onward
from sealtrail.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
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


_SUCCEEDED: Final = "succeeded"
"""The file that names the data folder of the successors."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Evidence as it was kept.

    Attributes:
        file: where it lies.
        origin: the trail.
        code: why it stopped, as a StopCode spells it.
        message: the same for people.
        seen: what was seen, by name.
    """

    file: Path
    origin: str
    code: str
    message: str
    seen: Mapping[str, Any]


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


def read(file: Path) -> Kept | None:
    """Read evidence; None where the file holds none."""
    try:
        members = json.loads(file.read_bytes())
        origin, code, message = (str(members[name]) for name in ("origin", "code", "message"))
        return Kept(file, origin, code, message, dict(members.get("evidence", {})))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def kept_of(folder: DataFolder, origin: str) -> list[Kept]:
    """The evidence of a trail that lies in the folder, newest first."""
    found = [read(file) for file in reversed(find(folder))]
    return [kept for kept in found if kept is not None and kept.origin == origin]


def resolve(kept: Kept) -> Path:
    """Rename evidence once the trail goes on, so that services start again; returns its new name.

    Raises:
        OSError: it can't be renamed.
    """
    return kept.file.rename(kept.file.with_name(kept.file.name.replace("stopped-", "resolved-", 1)))


def mark_succeeded(folder: DataFolder, successor: DataFolder) -> None:
    """Note that the folder's trails have come to their end: no service starts there any more.

    Raises:
        OSError: it can't be written.
    """
    write_private(folder.root / _SUCCEEDED, f"{successor.root.resolve()}\n".encode())


def refuse_restart(folder: DataFolder) -> None:
    """Raise StoppedBeforeError while evidence of a stop lies in the folder.

    Not every cause can be seen again by a new process, so the restart is an operator's decision.

    Raises:
        CommandError: the trails have a successor.
    """
    successor = folder.root / _SUCCEEDED
    if successor.exists():
        raise CommandError(
            f"the trails of {folder.root} have come to their end, and others go on from them: "
            f"{successor.read_text('utf-8').strip()}"
        )
    for file in find(folder):
        kept = read(file)
        message = kept.message if kept else "its evidence can't be read"
        way = kept and way_onward(kept.origin, kept.code, kept.seen)
        look = f"see `sealtrail {way}`, or " if way else ""
        raise StoppedBeforeError(
            f"the line stopped before, since a trail's integrity is in doubt: {message}. Once that is "
            f"understood, {look}move {file} away to go on",
            origin=kept.origin if kept else None,
            code=kept.code if kept else None,
            file=file,
        )
