"""Finding where the values of a JSON text begin and end, so that they can be taken out byte for byte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import EventError
from sealtrail_schemas.json_reader import DECODER

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHITE_SPACE: Final = re.compile(r"[ \t\r\n]*+")


@dataclass(frozen=True, slots=True)
class Slice:
    """A value of a JSON text: the characters that write it, and what they mean."""

    text: str
    value: object


class _Cursor:
    """Walks over a JSON text value by value. Raises EventError with the position where it is none."""

    __slots__ = ("_at", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip_white_space()

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self._text[self._at : self._at + 1]

    def take(self, char: str) -> bool:
        """Go over `char` and white space if it comes next; whether it did."""
        if self.peek() != char:
            return False
        self._at += 1
        self._skip_white_space()
        return True

    def expect(self, char: str) -> None:
        """Go over `char`, which must come next."""
        if not self.take(char):
            raise self._error(f"{char!r} expected")

    def value(self) -> Slice:
        """Go over the next value."""
        start = self._at
        try:
            value, end = DECODER.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._error(error.msg) from None
        except RecursionError:
            raise self._error("nested too deep") from None
        self._at = end
        self._skip_white_space()
        return Slice(self._text[start:end], value)

    def array(self) -> Iterator[Slice]:
        """Go over an array, item by item."""
        self.expect("[")
        if self.take("]"):
            return
        yield self.value()
        while self.take(","):
            yield self.value()
        self.expect("]")

    def member_name(self) -> object:
        """Go over the name of an object's member and the colon after it."""
        if self.peek() != '"':
            raise self._error("a member's name expected")
        name = self.value().value
        self.expect(":")
        return name

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._error("nothing more expected")

    def _skip_white_space(self) -> None:
        match = _WHITE_SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _error(self, what: str) -> EventError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return EventError(f"not JSON: {what} at line {line}, column {column}")


def value_slices(text: str) -> Iterator[Slice]:
    """The values of a text: the items of one array, or one value after another.

    Only one decoded value is held at a time. Values are yielded before what follows them has been read.

    Raises:
        EventError: not JSON.
    """
    cursor = _Cursor(text)
    if cursor.peek() == "[":
        yield from cursor.array()
        cursor.end()
        return
    while cursor.peek():
        yield cursor.value()


def record_slices(text: str, member: str) -> Iterator[Slice]:
    """The items of the array that is the one member of that name in a JSON object, as `value_slices` yields.

    Raises:
        EventError: not a JSON object, or without just one such member, or it is not an array.
    """
    cursor = _Cursor(text)
    found = False
    cursor.expect("{")
    more = not cursor.take("}")
    while more:
        if cursor.member_name() != member:
            cursor.value()
        elif not found:
            found = True
            yield from cursor.array()
        else:
            # Readers differ in which of the two counts: whichever were taken, somebody would miss events.
            raise EventError(f'"{member}" is there twice')
        more = cursor.take(",")
        if not more:
            cursor.expect("}")
    cursor.end()
    if not found:
        raise EventError(f'there is no "{member}"')
