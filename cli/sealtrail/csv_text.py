"""CSV (RFC 4180) of which a spreadsheet takes no cell for a formula: what events say is never trusted."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[str]) -> str:
    """One line with its end. A cell that begins as a formula does gets an apostrophe in front."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in cells])
    return line.getvalue()
