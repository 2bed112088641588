"""Hits of a search as a table, as JSON lines or as CSV. What they say comes from events: never trusted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import click

from sealtrail.csv_text import csv_line
from sealtrail.terminal_text import printable
from sealtrail.times import format_time_ms
from sealtrail_schemas.view import COLUMNS, ColumnType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail.console import Output
    from sealtrail_auditor.search import Hit

TABLE_COLUMNS: Final = ("sequence", "time", "actor", "action", "resource", "outcome")
ALL_BUT_CONTENT: Final = tuple(
    column.name
    for column in COLUMNS
    if column.name not in {"key", "key_base64", "headers", "value", "value_base64"}
)
"""What JSON and CSV have unless other columns are asked for."""

_TIMES: Final = frozenset(column.name for column in COLUMNS if column.type is ColumnType.TIME)
_PAGE_ROWS: Final = 200
_UNBOUNDED_WIDTH: Final = 100_000
_CELL_CHARS: Final = 300


class HitWriter(Protocol):
    """Writes hits to stdout."""

    def write(self, hit: Hit) -> None:
        """Write one hit, now or later."""
        ...

    def end(self) -> None:
        """Write what was not written yet."""
        ...


class TableWriter:
    """A table for people, a page at a time; every page fits its columns to its rows. Long cells are cut."""

    def __init__(self, output: Output, columns: Sequence[str], *, with_trail: bool, with_proof: bool) -> None:
        self._output = output
        self._columns = columns
        self._with_trail = with_trail
        self._with_proof = with_proof
        self._rows: list[list[str]] = []
        self._is_first = True

    def write(self, hit: Hit) -> None:
        """See `HitWriter.write`."""
        cells = [hit.trail.origin] if self._with_trail else []
        cells += [cell_text(column, hit.row[column]) for column in self._columns]
        if self._with_proof:
            cells.append("proven" if hit.proof is None or not hit.proof.reason else f"NO: {hit.proof.reason}")
        self._rows.append([printable(_cut(cell)) for cell in cells])
        if len(self._rows) == _PAGE_ROWS:
            self.end()

    def end(self) -> None:
        """See `HitWriter.end`."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        if not self._rows:
            return
        table = Table(box=SIMPLE_HEAD, show_header=self._is_first, pad_edge=False, padding=(0, 1))
        names = [*(["trail"] if self._with_trail else []), *self._columns]
        for name in [*names, *(["proof"] if self._with_proof else [])]:
            table.add_column(name, overflow="fold", justify="right" if name == "sequence" else "left")
        for row in self._rows:
            table.add_row(*(Text(cell) for cell in row))
        console = self._output.out
        if not console.is_terminal:
            console.width = _UNBOUNDED_WIDTH  # a line for each hit, for grep
        console.print(table, soft_wrap=False)
        self._rows, self._is_first = [], False


class JsonWriter:
    """One JSON object a line."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns

    def write(self, hit: Hit) -> None:
        """See `HitWriter.write`."""
        members: dict[str, Any] = {"trail": hit.trail.origin}
        members |= {column: _json_value(column, hit.row[column]) for column in self._columns}
        members["from"] = "batch" if hit.verified else "view"
        if hit.proof is not None:
            members["proof"] = {
                "verdict": hit.proof.verdict,
                "entry_hash": hit.proof.entry_hash and hit.proof.entry_hash.hex(),
                "reason": hit.proof.reason or None,
            }
        click.echo(json.dumps(members))

    def end(self) -> None:
        """See `HitWriter.end`."""


class CsvWriter:
    """CSV (RFC 4180) with a line of names. A spreadsheet takes no cell of it for a formula."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._line(["trail", *columns, "from", "proof"])

    def write(self, hit: Hit) -> None:
        """See `HitWriter.write`."""
        proof = "" if hit.proof is None else hit.proof.reason or str(hit.proof.verdict)
        cells = [cell_text(column, hit.row[column]) for column in self._columns]
        self._line([hit.trail.origin, *cells, "batch" if hit.verified else "view", proof])

    def end(self) -> None:
        """See `HitWriter.end`."""

    @staticmethod
    def _line(cells: list[str]) -> None:
        click.echo(csv_line(cells), nl=False)


def cell_text(column: str, value: Any) -> str:
    """A column's value as one text; empty for null."""
    if value is None:
        return ""
    if column in _TIMES:
        return format_time_ms(value)
    return json.dumps(value) if isinstance(value, tuple) else str(value)


def _cut(cell: str) -> str:
    return cell if len(cell) <= _CELL_CHARS else cell[: _CELL_CHARS - 1] + "…"


def _json_value(column: str, value: Any) -> Any:
    if column in _TIMES and value is not None:
        return format_time_ms(value)
    if isinstance(value, tuple):
        return [{"key": key, "value": text, "value_base64": encoded} for key, text, encoded in value]
    return value
