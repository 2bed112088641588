"""The file that `sealtrail export` writes: Parquet or CSV, by its name."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Final

from sealtrail.csv_text import csv_line
from sealtrail.exits import CommandError
from sealtrail.hit_text import cell_text
from sealtrail_auditor.export import ExportedFile
from sealtrail_schemas.view import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sealtrail_auditor.export import Export

EXPORT_COLUMNS: Final = ("origin", *(column.name for column in COLUMNS))
"""The columns of an exported file, in order."""

_PIECE_BYTES: Final = 1 << 20
_FORMATS: Final = {".parquet": "parquet", ".csv": "csv"}


def format_of(path: Path) -> str:
    """The format that a file's name asks for.

    Raises:
        CommandError: it asks for none.
    """
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise CommandError(
            f"name the file {path.stem}.parquet or {path.stem}.csv: the end says what it holds"
        )
    return found


def write_export(file: BinaryIO, path: Path, exports: Iterable[Export]) -> ExportedFile:
    """Write the rows of all trails to a file that can be read again, and return what it is.

    Args:
        file: where to; it is left open.
        path: the name that it will get.
        exports: the trails to read.

    Raises:
        ExtraMissingError: Parquet needs pyarrow, which is not installed.
        OSError: it can't be written.
    """
    format_ = format_of(path)
    write = _write_parquet if format_ == "parquet" else _write_csv
    write(file, exports)
    length = file.tell()
    file.seek(0)
    digest = sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return ExportedFile(path.name, format_, length, digest.digest(), EXPORT_COLUMNS)


def _write_parquet(file: BinaryIO, exports: Iterable[Export]) -> None:
    from sealtrail_archiver.views import RowWriter

    with RowWriter(file, with_origin=True) as writer:
        for export in exports:
            writer.write(export, export.trail.origin)


def _write_csv(file: BinaryIO, exports: Iterable[Export]) -> None:
    file.write(csv_line(EXPORT_COLUMNS).encode())
    for export in exports:
        for row in export:
            cells = [cell_text(name, value) for name, value in zip(row._fields, row, strict=True)]
            file.write(csv_line([export.trail.origin, *cells]).encode())
