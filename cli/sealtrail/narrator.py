"""How `sealtrail demo` tells its story: numbered chapters, short paragraphs, tables and verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from sealtrail.terminal_text import hanging, printable
from sealtrail_auditor.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail.console import Output

_WIDEST: Final = 96
_INDENT: Final = "   "
_STYLES: Final = {Verdict.INTACT: "bold green", Verdict.UNPROTECTED: "bold yellow"}


class Narrator:
    """Writes to a command's results. Silent with --json."""

    def __init__(self, output: Output) -> None:
        """Prepare to write to `output`."""
        self._output = output
        self._width = min(output.out.width, _WIDEST)
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapter += 1
        self._print(Text(""))
        self._print(Text(f"{self._chapter}. {title}", style="bold"))

    def section(self, title: str) -> None:
        """Begin a part of a chapter."""
        self._print(Text(""))
        self._print(Text(_INDENT + title, style="bold"))

    def tell(self, paragraph: str) -> None:
        """Tell a paragraph."""
        for line in hanging(_INDENT, paragraph, self._width):
            self._print(Text(line))

    def gap(self) -> None:
        """Leave a line empty."""
        self._print(Text(""))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Show rows in columns, as wide as they need to be."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
            self._print(Text((_INDENT + "  " + "  ".join(cells)).rstrip()))

    def verdict(self, verdict: Verdict, reasons: Iterable[str], *, who: str = "") -> None:
        """Show a verdict, who reaches it, and why, a line each."""
        lead = f"{_INDENT}  {who:<18}" if who else f"{_INDENT}  "
        word = f"{verdict.upper():<14}"
        below = " " * (len(lead) + len(word))
        for number, reason in enumerate(map(printable, reasons)):
            if number == 0:
                self._print(Text.assemble(lead, (word, _STYLES.get(verdict, "bold red")), reason))
            else:
                self._print(Text(below + reason))

    def _print(self, text: Text) -> None:
        if not self._output.json:
            self._output.out.print(text)
