"""A producer's stamp: the number that makes a missing event show (docs/format.md, "Producer's stamp").

A producer numbers its events for each partition, from 0 and without gaps, and puts the number into the last
header of the event. Numbers whose delivery has failed are declared void by a header behind it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_schemas.errors import StampError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail_schemas.record import Header

STAMP_HEADER: Final = b"sealtrail.producer"
VOID_HEADER: Final = b"sealtrail.void"
INCARNATION_BYTES: Final = 8
MAX_NAME_CHARACTERS: Final = 128
MAX_VOID_BYTES: Final = 1_024
MAX_NUMBER: Final = 2**63 - 1

_NAME: Final = r"[!-~]{1,128}"
_NUMBER: Final = r"0|[1-9][0-9]{0,18}"
_STAMP: Final = re.compile(rf"({_NAME}) ([0-9a-f]{{16}}) ({_NUMBER})".encode())
_RANGE: Final = re.compile(rf"({_NUMBER})(?:-({_NUMBER}))?".encode())
_FOREIGN_IN_NAME: Final = re.compile(r"[^!-~]+")


class Numbers(NamedTuple):
    """A run of numbers, both ends included."""

    first: int
    last: int


class Stamp(NamedTuple):
    """Who numbered an event, and how.

    Attributes:
        producer: The producer's name: 1 to 128 printable ASCII characters without spaces.
        incarnation: Which life of the producer it was: 16 hex digits.
        number: Of the event, within the incarnation and its partition.
    """

    producer: str
    incarnation: str
    number: int

    def encode(self) -> bytes:
        """The value of the header; see `parse_stamp`."""
        return b"%s %s %d" % (self.producer.encode(), self.incarnation.encode(), self.number)


def parse_stamp(value: bytes | None) -> Stamp:
    """Read the value of a header `sealtrail.producer`.

    Raises:
        StampError: it is no stamp.
    """
    found = _STAMP.fullmatch(value or b"")
    if found is None:
        raise StampError("not a producer's stamp: NAME, INCARNATION and NUMBER with single spaces between")
    return Stamp(found[1].decode(), found[2].decode(), _number(found[3]))


def encode_void(runs: Iterable[Numbers]) -> bytes:
    """The value of a header `sealtrail.void` for rising runs; see `parse_void`."""
    return b",".join(b"%d" % run.first if run.first == run.last else b"%d-%d" % run for run in runs)


def parse_void(value: bytes | None) -> tuple[Numbers, ...]:
    """Read the value of a header `sealtrail.void`.

    Raises:
        StampError: it is none, or not in its one form: rising runs that neither touch nor overlap.
    """
    if not value or len(value) > MAX_VOID_BYTES:
        raise StampError(f"void numbers take 1 to {MAX_VOID_BYTES} bytes, not {len(value or b'')}")
    return parse_runs(value)


def parse_runs(value: bytes) -> tuple[Numbers, ...]:
    """Read runs of numbers in the form of void numbers, whatever their length. Raises StampError."""
    runs: list[Numbers] = []
    for part in value.split(b","):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise StampError("not runs of numbers: numbers and runs FIRST-LAST with commas between")
        first = _number(found[1])
        last = first if found[2] is None else _number(found[2])
        if (found[2] is not None and last <= first) or (runs and first <= runs[-1].last + 1):
            raise StampError("numbers do not rise, or two runs could be one")
        runs.append(Numbers(first, last))
    return tuple(runs)


def read_stamp(headers: Sequence[Header]) -> tuple[Stamp, tuple[Numbers, ...]] | None:
    """The stamp that a record carries, and the numbers that it declares void; None where it has none.

    A stamp is the last header, or stands before a last one of void numbers. A stamp further up is not the
    record's own: it came with what somebody published again.

    Raises:
        StampError: there is one that can't be read.
    """
    if not headers:
        return None
    key, value = headers[-1]
    if key == STAMP_HEADER:
        return parse_stamp(value), ()
    if key == VOID_HEADER and len(headers) > 1 and headers[-2][0] == STAMP_HEADER:
        return parse_stamp(headers[-2][1]), parse_void(value)
    return None


def stamp_headers(stamp: Stamp, void: Iterable[Numbers] = ()) -> tuple[Header, ...]:
    """The headers that stamp an event; they go behind all others."""
    stamped = (STAMP_HEADER, stamp.encode())
    declared = encode_void(void)
    return (stamped, (VOID_HEADER, declared)) if declared else (stamped,)


def runs_of(numbers: Iterable[int]) -> list[Numbers]:
    """Rising numbers as runs."""
    runs: list[Numbers] = []
    for number in numbers:
        if runs and runs[-1].last + 1 == number:
            runs[-1] = Numbers(runs[-1].first, number)
        else:
            runs.append(Numbers(number, number))
    return runs


def union(first: Sequence[Numbers], second: Sequence[Numbers]) -> list[Numbers]:
    """Numbers of either, as rising runs that do not touch."""
    if not second:
        return list(first)
    joined: list[Numbers] = []
    for run in sorted((*first, *second)):
        if joined and run.first <= joined[-1].last + 1:
            joined[-1] = Numbers(joined[-1].first, max(joined[-1].last, run.last))
        else:
            joined.append(run)
    return joined


def fitting_void(runs: Sequence[Numbers]) -> Sequence[Numbers]:
    """As many of the runs, from the first on, as one header holds."""
    room = MAX_VOID_BYTES + 1
    for index, run in enumerate(runs):
        room -= len(encode_void([run])) + 1
        if room < 0:
            return runs[:index]
    return runs


def stamp_name(text: str) -> str:
    """A producer's name made of any text: what a name can't hold becomes `_`; may be empty."""
    return _FOREIGN_IN_NAME.sub("_", text.strip())[:MAX_NAME_CHARACTERS]


def check_stamp_name(name: str) -> str:
    """The name, if a stamp can hold it. Raises StampError."""
    if not re.fullmatch(_NAME, name):
        raise StampError(
            f"a producer's name is 1 to {MAX_NAME_CHARACTERS} printable ASCII characters without spaces, "
            f"not {name!a:.200}"
        )
    return name


def _number(digits: bytes) -> int:
    number = int(digits)
    if number > MAX_NUMBER:
        raise StampError(f"a number above {MAX_NUMBER}")
    return number
