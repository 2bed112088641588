"""Bytes and text of events as a terminal may show them.

Whoever writes an event chooses its bytes, and a terminal obeys some of them: escape sequences move the
cursor, rewrite what stands on the screen, or turn the direction of writing. So nothing that comes from an
archive is printed without passing through `printable`.
"""

from __future__ import annotations

import re
from textwrap import wrap
from typing import Final

from sealtrail_schemas.errors import EventError
from sealtrail_schemas.json_reader import parse_json

_JSON_SYMBOL: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
_HEX_ROW_BYTES: Final = 16


def printable(text: str) -> str:
    """The text with every character that does not print shown as an escape, line ends included."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def printable_lines(text: str) -> list[str]:
    """The same line by line: a line feed ends a line, whatever else does not print is an escape."""
    return [printable(line) for line in text.split("\n")]


def printable_bytes(data: bytes) -> str:
    """Bytes as one line: text where they are UTF-8, else hex."""
    try:
        return printable(data.decode())
    except UnicodeDecodeError:
        return "0x" + data.hex()


def hanging(lead: str, text: str, width: int | None) -> list[str]:
    """A paragraph that hangs from its lead, as printable lines; one line where `width` is None."""
    shown = printable(text)
    lines = [shown] if width is None else wrap(shown, max(width - len(lead), 40), break_long_words=False)
    return [(" " * len(lead) if number else lead) + line for number, line in enumerate(lines)]


def indent_json(data: bytes) -> str | None:
    """JSON with one member a line, or None where it is none.

    Only the space between symbols changes. Numbers keep their digits and repeated members stay: a reader sees
    what was written, not what one decoder makes of it.
    """
    try:
        parse_json(data)
    except EventError:
        return None
    out: list[str] = []
    depth, before = 0, ""
    for symbol in _JSON_SYMBOL.findall(data.decode()):
        if symbol in ("]", "}"):
            depth -= 1
        if before in ("[", "{", ",") or symbol in ("]", "}"):
            empty = before in ("[", "{") and symbol in ("]", "}")
            out.append("" if empty else "\n" + "  " * depth)
        out.append(": " if symbol == ":" else symbol)
        depth += symbol in ("[", "{")
        before = symbol
    return "".join(out)


def hex_rows(data: bytes) -> list[str]:
    """A hex dump: offset, 16 bytes, and the ASCII among them.

    >>> hex_rows(b"Obj")
    ['00000000  4f 62 6a                                         Obj']
    """
    rows = []
    for start in range(0, len(data), _HEX_ROW_BYTES):
        row = data[start : start + _HEX_ROW_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        rows.append(f"{start:08x}  {row.hex(' '):<{3 * _HEX_ROW_BYTES}} {text}")
    return rows
