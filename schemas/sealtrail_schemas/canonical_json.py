"""Canonical JSON (RFC 8785) for bytes that an adversary may have written, and typed access to its members.

A text is accepted only when it is its own canonical form: that refuses duplicate keys, spaces, other
spellings of strings and numbers, and numbers that a double cannot hold, without a rule for each.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH: Final = 8
MAX_INT64: Final = (1 << 63) - 1

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
_DECIMAL: Final = re.compile("0|[1-9][0-9]{0,18}")
_HEX: Final = re.compile("(?:[0-9a-f]{2})*")


def dumps_canonical(members: Mapping[str, Any]) -> bytes:
    """Encode an object in canonical form.

    Raises:
        FormatError: it holds a value that canonical JSON has no form for.
    """
    try:
        return rfc8785.dumps(dict(members))
    except ValueError as error:
        raise FormatError(f"no canonical JSON: {error}") from None


def loads_canonical(data: bytes, max_bytes: int) -> dict[str, Any]:
    """Decode an object in canonical form, of at most `max_bytes` bytes and 8 levels.

    Raises:
        FormatError: the data is too long, too deep, no JSON object, or not its own canonical form.
    """
    if len(data) > max_bytes:
        raise FormatError(f"{len(data)} bytes of JSON, where at most {max_bytes} are allowed")
    try:
        text = data.decode()
        _check_depth(text)
        value = json.loads(text)
        canonical = rfc8785.dumps(value) == data
    except ValueError as error:
        raise FormatError(f"not canonical JSON: {error}") from None
    if not isinstance(value, dict) or not canonical:
        raise FormatError("not a JSON object in its canonical form (RFC 8785)")
    return value


def _check_depth(text: str) -> None:
    """Bound the nesting before any recursive parser sees the text."""
    depth = 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"more than {MAX_DEPTH} levels")
        elif token[0] in "]}":
            depth -= 1


class Members:
    """The members of a JSON object, taken out one by one with the type that the format gives them.

    Every `take_…` raises FormatError when the member is missing or of another form.
    """

    __slots__ = ("_left", "_where")

    def __init__(self, members: Mapping[str, Any], where: str = "") -> None:
        """`where` is the path of the object within its text, for messages."""
        self._left = dict(members)
        self._where = where

    def take(self, name: str) -> Any:
        """A member of any type."""
        if name not in self._left:
            raise FormatError(f"member {self._path(name)} is missing")
        return self._left.pop(name)

    def take_string(self, name: str) -> str:
        """Any string."""
        value = self.take(name)
        if not isinstance(value, str):
            raise FormatError(f"member {self._path(name)} is not a string")
        return value

    def take_text(self, name: str) -> str:
        """A string that is not empty and holds no control character."""
        value = self.take_string(name)
        if not value or not value.isprintable():
            raise FormatError(f"member {self._path(name)} is not one line of text")
        return value

    def take_text_or_null(self, name: str) -> str | None:
        """As `take_text`, or None for null."""
        return self.take(name) if self._left.get(name, "") is None else self.take_text(name)

    def take_number(self, name: str, *, at_least: int = 0) -> int:
        """A number from `at_least` to 2**63 - 1, written as a decimal string."""
        value = self.take_string(name)
        if not _DECIMAL.fullmatch(value) or not at_least <= int(value) <= MAX_INT64:
            raise FormatError(
                f"member {self._path(name)} is not a decimal string of a number from {at_least} to 2^63 - 1"
            )
        return int(value)

    def take_hex(self, name: str, size: int) -> bytes:
        """Exactly `size` bytes in lower-case hex."""
        return self._hex(self._path(name), self.take(name), size)

    def take_hex_or_null(self, name: str, size: int) -> bytes | None:
        """As `take_hex`, or None for null."""
        value = self.take(name)
        return None if value is None else self._hex(self._path(name), value, size)

    def take_hexes(self, name: str, size: int) -> tuple[bytes, ...]:
        """An array of byte strings of `size` bytes each, in lower-case hex."""
        return tuple(self._hex(self._path(name), value, size) for value in self._array(name))

    def take_texts(self, name: str) -> tuple[str, ...]:
        """An array of strings, each as `take_text` has them."""
        return tuple(Members({name: value}, self._where).take_text(name) for value in self._array(name))

    def take_object(self, name: str) -> Members:
        """An object."""
        value = self.take(name)
        if not isinstance(value, dict):
            raise FormatError(f"member {self._path(name)} is not an object")
        return Members(value, self._path(name))

    def take_object_or_null(self, name: str) -> Members | None:
        """An object, or None for null."""
        value = self.take(name)
        return None if value is None else Members({name: value}, self._where).take_object(name)

    def names(self) -> tuple[str, ...]:
        """The names of the members not taken yet."""
        return tuple(self._left)

    def refuse_others(self) -> None:
        """Refuse members that were not taken."""
        for name in self._left:
            raise FormatError(f"member {self._path(name)!a} is unknown")

    def _array(self, name: str) -> list[Any]:
        value = self.take(name)
        if not isinstance(value, list):
            raise FormatError(f"member {self._path(name)} is not an array")
        return value

    @staticmethod
    def _hex(path: str, value: object, size: int) -> bytes:
        if not isinstance(value, str) or len(value) != 2 * size or not _HEX.fullmatch(value):
            raise FormatError(f"member {path} is not {2 * size} lower-case hex digits")
        return bytes.fromhex(value)

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name
