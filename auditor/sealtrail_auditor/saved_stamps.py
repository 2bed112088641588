"""What producers' stamps said so far, as a state file has it: a line of text for each incarnation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.numbering import Numbering
from sealtrail_auditor.stamps import MAX_INCARNATIONS, Retired, StampCounts
from sealtrail_schemas.canonical_json import Members
from sealtrail_schemas.errors import FormatError, StampError
from sealtrail_schemas.producer_stamp import Numbers, Stamp, encode_void, parse_runs, parse_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SAVED_CHARACTERS: Final = 1 << 20
"""So much of a trail is saved. Incarnations that were quiet for longest are retired first."""

_NONE: Final = "-"


def stamps_json(stamps: StampCounts | None) -> dict[str, Any] | None:
    """The members that say what was counted."""
    if stamps is None:
        return None
    room, kept = MAX_SAVED_CHARACTERS, stamps.copy()
    lines = []
    for incarnation, numbering in reversed(stamps.numberings.items()):
        line = _line(Stamp(*incarnation, max(numbering.highest, 0)), numbering)
        room -= len(line)
        if room < 0:
            kept.retire(incarnation)
        else:
            lines.append(line)
    return {
        "incarnations": lines[::-1],
        "retired": [
            f"{name} {sums.incarnations} {sums.events} {sums.missing} {sums.repeated} {sums.void}"
            for name, sums in kept.retired.items()
        ],
        "unreadable": str(kept.unreadable),
        "left_out": str(kept.left_out),
    }


def parse_stamps(members: Members | None) -> StampCounts | None:
    """Read what `stamps_json` made. Raises FormatError."""
    if members is None:
        return None
    stamps = StampCounts(
        unreadable=members.take_number("unreadable"), left_out=members.take_number("left_out")
    )
    for line in _texts(members.take("incarnations")):
        name, *rest = line.split(" ")
        stamp, numbering = _parse_line(name, rest)
        stamps.numberings[stamp.producer, stamp.incarnation] = numbering
    for line in _texts(members.take("retired")):
        name, *rest = line.split(" ")
        stamps.retired[name] = Retired(*_numbers(rest, 5))
    return stamps


def _line(stamp: Stamp, numbering: Numbering) -> str:
    sums = f"{numbering.events} {numbering.repeated} {numbering.passed}"
    return f"{stamp.encode().decode()} {sums} {_runs(numbering.covered)} {_runs(numbering.void)}"


def _parse_line(name: str, rest: Sequence[str]) -> tuple[Stamp, Numbering]:
    if len(rest) != 7:
        raise FormatError("not what was counted of an incarnation")
    try:
        stamp = parse_stamp(f"{name} {rest[0]} {rest[1]}".encode())
        covered, void = _parse_runs(rest[5]), _parse_runs(rest[6])
    except StampError as error:
        raise FormatError(f"not what was counted of an incarnation: {error}") from None
    events, repeated, passed = _numbers(rest[2:5], 3)
    return stamp, Numbering(events, stamp.number, covered, void, repeated, passed)


def _runs(runs: Sequence[Numbers]) -> str:
    return encode_void(runs).decode() or _NONE


def _parse_runs(text: str) -> tuple[Numbers, ...]:
    return () if text == _NONE else parse_runs(text.encode())


def _numbers(texts: Sequence[str], size: int) -> list[int]:
    numbers = [Members({"number": text}).take_number("number") for text in texts]
    if len(numbers) != size:
        raise FormatError(f"{len(numbers)} numbers where {size} were expected")
    return numbers


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_INCARNATIONS:
        raise FormatError("not an array where one was expected, or too long a one")
    if not all(isinstance(item, str) for item in value):
        raise FormatError("not a text where one was expected")
    return value
