"""Origins: the names of trails, `<base>/<topic>/<partition>`, as in `audit.example.com/payments/0`.

An origin is the first line of a checkpoint and the name of the key that signs it. The base is the operator's,
a URL without its scheme; it never starts with `{`, so that no checkpoint reads as a seal, whose text is JSON
and which the same key signs.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from sealtrail_schemas.errors import OriginError

MAX_BASE_CHARS: Final = 255
MAX_PARTITION: Final = 2**31 - 1
"""Kafka numbers partitions with a signed 32-bit integer."""

# What a URL's host and path hold, less the sub-delimiters: `+` ends a name in a vkey. Plain ASCII, so that
# two origins that look alike are alike.
_BASE = re.compile("[a-zA-Z0-9._~:@%-]+(/[a-zA-Z0-9._~:@%-]+)*")
# Kafka's own rule; `.` and `..` are refused apart.
_TOPIC = re.compile("[a-zA-Z0-9._-]{1,249}")
_PARTITION = re.compile("0|[1-9][0-9]{0,9}")


class Origin(NamedTuple):
    """The parts of an origin."""

    base: str
    topic: str
    partition: int


def make_origin(base: str, topic: str, partition: int) -> str:
    """Return the origin of the trail of one partition of a raw topic.

    Raises:
        OriginError: A part is not allowed.
    """
    if not _BASE.fullmatch(base) or len(base) > MAX_BASE_CHARS:
        raise OriginError(
            f"base {base!a} is not a URL without its scheme, as audit.example.com: "
            f"1 to {MAX_BASE_CHARS} of a-z A-Z 0-9 . _ ~ : @ % - in parts between single slashes"
        )
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        raise OriginError(f"{topic!a} is not a topic name: 1 to 249 of a-z A-Z 0-9 . _ - and not '.' or '..'")
    if not 0 <= partition <= MAX_PARTITION:
        raise OriginError(f"partition {partition} is not between 0 and {MAX_PARTITION}")
    return f"{base}/{topic}/{partition}"


def split_origin(origin: str) -> Origin:
    """Return the parts of an origin; `make_origin(*split_origin(o)) == o` for every origin accepted.

    Raises:
        OriginError: It is not an origin.
    """
    parts = origin.rsplit("/", 2)
    if len(parts) != 3:
        raise OriginError(
            f"{origin!a} is not an origin: <base>/<topic>/<partition>, as audit.example.com/payments/0"
        )
    base, topic, partition = parts
    if not _PARTITION.fullmatch(partition):
        raise OriginError(f"origin {origin!a} does not end in a partition number")
    make_origin(base, topic, int(partition))
    return Origin(base, topic, int(partition))
