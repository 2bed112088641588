"""A bounded reader of JSON (RFC 8259), for bytes that an adversary may have written.

More lenient than the RFC in one thing: NaN and Infinity, which common writers emit, are read. An integer of
more digits than Python likes to convert is read as None. Of two equal members the last counts.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Final

from sealtrail_schemas.errors import EventError

MAX_JSON_BYTES: Final = 1 << 23
"""Larger documents are not read: decoded, JSON can take more than twenty times its size."""
MAX_JSON_DEPTH: Final = 128
"""Deeper documents are not read: the decoder recurses, and how deep it can go depends on who calls it."""

# Possessive quantifiers (++ and *+) never give back what they took: any input costs one pass.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS: Final = bytes(set(range(256)) - set(_STEPS))
_MAX_INT_DIGITS: Final = 300


def _parse_int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else None


DECODER: Final = json.JSONDecoder(parse_int=_parse_int)
"""Reads one value. Raises ValueError, and RecursionError where the depth was not checked before."""


def parse_json(data: bytes, *, max_bytes: int = MAX_JSON_BYTES) -> object:
    """Read one JSON text.

    Raises:
        EventError: not JSON in UTF-8, or too large, or nested too deep. The message is one line.
    """
    if len(data) > max_bytes:
        raise EventError(f"JSON of {len(data)} bytes; at most {max_bytes} are read")
    check_depth(data)
    try:
        return DECODER.decode(data.decode())
    except UnicodeDecodeError as error:
        raise EventError(f"not UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise EventError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise EventError("no stack left to read JSON") from None


def check_depth(data: bytes) -> None:
    """Refuse JSON that is nested deeper than `MAX_JSON_DEPTH`, without decoding it.

    Raises:
        EventError: it is.
    """
    if data.count(b"[") + data.count(b"{") <= MAX_JSON_DEPTH:
        return
    brackets = _STRING.sub(b"", data).translate(None, delete=_NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_JSON_DEPTH:
        raise EventError(f"JSON nested deeper than {MAX_JSON_DEPTH} levels")
