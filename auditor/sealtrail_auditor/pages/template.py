"""Filling a page's template: style, scripts and data in one file, under a policy that forbids all else.

The template is `<name>.html` in this folder. Its Content-Security-Policy allows the one style and the one
script by their hashes and nothing from anywhere, so that no event's text can make the page load or run
anything. The data is a JSON block, which no browser runs.
"""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE: Final = "style.css"

_DATA: Final = "{{data}}"
_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")


class Template(NamedTuple):
    """A page as the bytes before and behind its data, which may be large."""

    head: bytes
    tail: bytes

    def with_data(self, data: bytes) -> bytes:
        """The whole page; `data` is what `embedded_json` made, or escaped HTML."""
        return self.head + data + self.tail


def fill_template(
    name: str, *, title: str, scripts: Sequence[str] = (), styles: Sequence[str] = (STYLE,)
) -> Template:
    """Put a title, the styles and the scripts into the template of that name.

    Args:
        name: of the template, without `.html`.
        title: plain text; it is escaped.
        scripts: file names in this folder, joined into one script in their order; without any, the page's
            policy lets no script run.
        styles: file names in this folder, joined likewise.
    """
    style, script = (f"\n{''.join(map(_read, names))}" for names in (styles, scripts))
    allowed = [f"style-src '{_hash(style)}'", *([f"script-src '{_hash(script)}'"] if scripts else [])]
    policy = "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])
    texts = {"title": escape(title), "policy": policy, "style": style, "script": script}
    head, _, tail = _read(f"{name}.html").partition(_DATA)
    return Template(_filled(head, texts).encode(), _filled(tail, texts).encode())


def embedded_json(value: Any) -> bytes:
    """JSON that can stand inside a script element: ASCII, and without the character that could end it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").encode()


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _filled(text: str, texts: dict[str, str]) -> str:
    """The text with its places filled, in one pass: what is put in is not looked at again."""
    return _PLACE.sub(lambda place: texts[place[1]], text)


def _hash(source: str) -> str:
    return f"sha256-{base64.b64encode(sha256(source.encode()).digest()).decode()}"
