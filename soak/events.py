"""The events of a soak: each carries its number, by which what was archived is counted."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = re.compile(rb'\{"number":([0-9]{1,18}),')
_FILLING: Final = b"approved within the limit of the office, after a second look at the account. "


def event_value(number: int, length: int) -> bytes:
    """The value of an event: JSON of `length` bytes, if that is enough for it."""
    head = b'{"number":%d,"type":"account.transfer.approved","id":"%032x","reason":"' % (
        number,
        number * 0x9E3779B97F4A7C15 % 2**128,
    )
    filling = _FILLING * (length // len(_FILLING) + 1)
    return head + filling[: max(0, length - len(head) - 2)] + b'"}'


def event_key(number: int) -> bytes:
    """The key of an event: one of some thousand users."""
    return b"user-%d" % (number * 7919 % 5003)


def event_number(value: bytes | None) -> int | None:
    """The number of an event; None where it is none of ours."""
    match = _NUMBER.match(value or b"")
    return int(match[1]) if match else None
