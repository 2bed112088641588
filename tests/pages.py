"""Reading the project's pages: their files, their code blocks, their headings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def pages() -> list[Path]:
    """Every page that people read on the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path) -> list[Block]:
    """The fenced code blocks of a page, in order."""
    return [Block(*match.groups()) for match in _FENCE.finditer(page.read_text("utf-8"))]


def only_block(page: Path, language: str) -> str:
    """The one code block of that language."""
    (found,) = [block.text for block in blocks(page) if block.language == language]
    return found


def prose(page: Path) -> str:
    """A page without its fenced code blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page can end in, after `#`."""
    headings = re.findall(r"^#+ +(.*?)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
