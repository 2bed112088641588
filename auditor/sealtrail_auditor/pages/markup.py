"""HTML that is escaped by construction: text becomes markup only by going through `element` or `join`."""

from __future__ import annotations

from html import escape
from typing import Final

_VOID: Final = frozenset({"br", "input", "line", "rect", "path"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: object) -> Markup:
    """An element. Children that are not `Markup` are text, and escaped, as attributes always are.

    Attributes: `class_` stands for `class`, and other underscores for hyphens; None leaves one out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{join(*children)}</{name}>")


def join(*pieces: str) -> Markup:
    """Pieces one after the other; those that are not `Markup` are escaped."""
    return Markup("".join(piece if isinstance(piece, Markup) else _escaped(piece) for piece in pieces))


def plain(text: str) -> str:
    """Text in which what does not print, but for line feeds, is an escape; not yet markup.

    Among it are the marks that turn the direction of writing, by which a text can look like another one.
    """
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


def _escaped(text: str) -> str:
    return escape(plain(text))
