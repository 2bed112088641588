"""What a search asks for. One function says whether an entry fits, wherever its row comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import EventError
from sealtrail_schemas.json_path import MISSING, JsonPath, at_path, equals_text
from sealtrail_schemas.json_reader import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sealtrail_auditor.findings import Span
    from sealtrail_auditor.reading import TimeRange

PATTERN_COLUMNS: Final = ("actor", "action", "resource", "outcome", "event_type")
"""The columns that a search holds against patterns."""

_PIECES: Final = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TextPattern:
    r"""Text in which `*` stands for any characters, and `\*` for an asterisk. Upper and lower case differ.

    Attributes:
        text: as it was written.
        prefix: what everything that fits begins with.
        is_exact: whether nothing but `prefix` fits.
    """

    text: str
    prefix: str = field(init=False)
    is_exact: bool = field(init=False)
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces: list[str | None] = [  # None stands for any characters
            None if star else escaped or plain for escaped, star, plain in _PIECES.findall(self.text)
        ]
        stars = [number for number, piece in enumerate(pieces) if piece is None]
        head = pieces[: stars[0]] if stars else pieces
        object.__setattr__(self, "prefix", "".join(piece for piece in head if piece is not None))
        object.__setattr__(self, "is_exact", not stars)
        object.__setattr__(self, "_regex", re.compile(_regex(pieces), re.DOTALL))

    def fits(self, text: str | None) -> bool:
        """Whether a column's text fits; an empty column never does."""
        if text is None:
            return False
        return text == self.prefix if self.is_exact else self._regex.fullmatch(text) is not None

    def may_lie_between(self, least: str, greatest: str) -> bool:
        """Whether text that fits can lie between two texts, both included, in the order of code points."""
        if self.is_exact:
            return least <= self.prefix <= greatest
        return least[: len(self.prefix)] <= self.prefix <= greatest[: len(self.prefix)]


@dataclass(frozen=True, slots=True)
class Query:
    """What a search asks for. All that is given must hold; alternatives stand in one tuple.

    Attributes:
        patterns: for some of `PATTERN_COLUMNS` the patterns of which one has to fit.
        time: of the event itself; None: any, also none.
        chained: when it was chained; None: any.
        span: its sequence; None: any.
        text: words of which one has to stand in the value; upper and lower case are the same.
        where: paths into a JSON value, and for each the texts of which one has to be there.
    """

    patterns: Mapping[str, tuple[TextPattern, ...]] = field(default_factory=dict)
    time: TimeRange | None = None
    chained: TimeRange | None = None
    span: Span | None = None
    text: tuple[str, ...] = ()
    where: Mapping[JsonPath, tuple[str, ...]] = field(default_factory=dict)

    @property
    def reads_value(self) -> bool:
        """Whether the value has to be read to answer."""
        return bool(self.text or self.where)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `fits` looks at, without the value."""
        return tuple(self._columns())

    def fits(self, row: Mapping[str, object]) -> bool:
        """Whether a row fits, by all columns but the value. Times are milliseconds since the Unix epoch."""
        span = self.span
        if span is not None and not span.first <= _integer(row["sequence"]) <= span.last:
            return False
        if self.chained is not None and row["chained_at"] not in self.chained:
            return False
        if self.time is not None and row["time"] not in self.time:
            return False
        return all(
            any(pattern.fits(_text(row[column])) for pattern in patterns)
            for column, patterns in self.patterns.items()
        )

    def fits_value(self, value: str | None) -> bool:
        """Whether a value fits; one that is no text never does where something is asked of it."""
        if not self.reads_value:
            return True
        if value is None:
            return False
        if self.text:
            folded = value.casefold()
            if not any(word.casefold() in folded for word in self.text):
                return False
        return not self.where or self._fits_json(value)

    def _fits_json(self, value: str) -> bool:
        try:
            document = parse_json(value.encode())
        except EventError:
            return False
        for path, texts in self.where.items():
            found = at_path(document, path)
            if found is MISSING or not any(equals_text(found, text) for text in texts):
                return False
        return True

    def _columns(self) -> Iterator[str]:
        if self.span is not None:
            yield "sequence"
        if self.chained is not None:
            yield "chained_at"
        if self.time is not None:
            yield "time"
        yield from self.patterns


def _integer(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 - the column's type
    return value


def _text(value: object) -> str | None:
    assert value is None or isinstance(value, str)  # noqa: S101 - the column's type
    return value


def _regex(pieces: list[str | None]) -> str:
    """A pattern for pieces of text, None standing for any characters; its time is in proportion to the text.

    Each text between two asterisks is taken where it stands first, once and for all (an atomic group): if
    what comes behind does not fit from there on, it fits from no later place. So no event can stall a search.
    """
    texts = [""]
    for piece in pieces:
        if piece is None:
            texts.append("")
        else:
            texts[-1] += piece
    head, *between = (re.escape(text) for text in texts)
    if not between:
        return head
    *between, tail = between
    return head + "".join(f"(?>.*?{text})" for text in between if text) + ".*" + tail
