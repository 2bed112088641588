"""Names that resemble one that was not found: a person mistyped it, or knows its beginning only."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUTOFF: Final = 0.5


def resembling(wanted: str, names: Iterable[str], most: int = 5) -> list[str]:
    """The names that resemble what was asked for, best first.

    What holds the wanted text comes first, upper and lower case being the same; then what is spelled alike,
    as a whole or in its last part, behind the last `/`, `:` or `@`.

    Args:
        wanted: what was asked for; asterisks are left out.
        names: what there is.
        most: so many at most.
    """
    word = wanted.replace("*", "").casefold()
    folded = {name: name.casefold() for name in sorted(names)}
    found = [name for name, text in folded.items() if word and word in text]
    for part in (lambda text: text, _last_part):
        parts = {part(text): name for name, text in reversed(folded.items())}
        found += [parts[text] for text in get_close_matches(part(word), parts, n=most, cutoff=_CUTOFF)]
    return list(dict.fromkeys(found))[:most]


def _last_part(text: str) -> str:
    for separator in "/:":
        text = text.rpartition(separator)[2] or text
    return text
