"""Heads that an auditor keeps: files with a trail's signed checkpoint, to be held against it next time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail.exits import CommandError
from sealtrail.private_file import write_private
from sealtrail.terminal_text import printable
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.checkpoint import Checkpoint, open_checkpoint
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sealtrail_auditor.report import Report, TrailReport
    from sealtrail_schemas.policy import Policy

SUFFIX: Final = ".head"
_MAX_HEAD_BYTES: Final = 1 << 20


def read_heads(paths: Iterable[Path]) -> list[bytes]:
    """The notes in these files; of a folder, those of all files in it whose name ends in `.head`.

    Raises:
        CommandError: a folder holds none.
        OSError: one can't be read.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not found:
            raise CommandError(f"there is no *{SUFFIX} file in {path}: `--save-head {path}` keeps some there")
        files += found
    return [_read(file) for file in files]


class HeadShelf:
    """Where `--save-head` keeps heads: one file, or a folder with a file for each trail.

    A head that is there already is held against the archive as every pinned head is. So nothing that
    contradicts it can take its place.
    """

    def __init__(self, place: Path, origins: list[str]) -> None:
        """Prepare to keep the heads of these trails.

        Raises:
            CommandError: there are several trails, and the place is no folder.
        """
        if len(origins) > 1 and not place.is_dir():
            raise CommandError(
                f"there are {len(origins)} trails: let --save-head name a folder, for a file each, "
                "or choose one of them with --trail"
            )
        self._files = {origin: _file_of(place, origin) for origin in origins}

    def kept(self) -> list[bytes]:
        """The heads that are there already."""
        return [_read(file) for file in self._files.values() if file.exists()]

    @staticmethod
    def may_keep(report: Report) -> bool:
        """Whether the archive is as it was sealed, lock or no lock."""
        return report.verdict in (Verdict.INTACT, Verdict.UNPROTECTED)

    def save(self, report: Report, policy: Policy) -> list[Path]:
        """Keep the newest head of each trail that was verified; returns the files that are new or changed.

        Nothing is written unless `may_keep`.

        Raises:
            CommandError: a head that is there is newer, or could not be compared.
            OSError: a file can't be written.
        """
        if not self.may_keep(report):
            return []
        written = []
        for origin, file in self._files.items():
            trail = _newest(report, origin)
            if trail is not None and _replaces(file, trail, policy):
                assert trail.head is not None  # noqa: S101 - for the type checker
                write_private(file, trail.head)
                file.chmod(0o644)  # it is no secret
                written.append(file)
        return written


def _file_of(place: Path, origin: str) -> Path:
    # "+" can't occur in an origin, so no two trails share a name, and none leads out of the folder.
    return place / f"{origin.replace('/', '+')}{SUFFIX}" if place.is_dir() else place


def _newest(report: Report, origin: str) -> TrailReport | None:
    """The trail of that origin; where one goes on from another, the one that still grows."""
    trails = [trail for trail in report.trails if trail.origin == origin and trail.head is not None]
    return max(trails, key=lambda trail: trail.last_time or report.verified_at, default=None)


def _replaces(file: Path, trail: TrailReport, policy: Policy) -> bool:
    """Whether the trail's head is to be written over what is there."""
    if not file.exists():
        return True
    before = _open(file, policy)
    if before.size > trail.size:
        raise CommandError(f"{file} keeps a newer head, of size {before.size}: it stays as it is")
    if before.size in trail.heads_uncompared:
        raise CommandError(f"{file} keeps a head that could not be compared: keep the new one elsewhere")
    return before.size < trail.size


def _open(file: Path, policy: Policy) -> Checkpoint:
    note = _read(file)
    origin = note.split(b"\n", 1)[0].decode(errors="replace")
    try:
        return open_checkpoint(note, policy.logs[origin])
    except (KeyError, FormatError):
        raise CommandError(f"{file} keeps no head of {printable(', '.join(policy.logs))}") from None


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_MAX_HEAD_BYTES)
