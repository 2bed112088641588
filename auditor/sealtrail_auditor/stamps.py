"""Reading producers' stamps while a batch is verified, and putting together what the batches of a trail say.

Nothing that a stamp says is believed, and nothing in one can raise: what can't be read is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.numbering import Numbering, count
from sealtrail_schemas.errors import StampError
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.producer_stamp import STAMP_HEADER, VOID_HEADER, Numbers, read_stamp, union

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_schemas.producer_stamp import Stamp
    from sealtrail_schemas.record import Header

MAX_INCARNATIONS: Final = 4_096
"""Incarnations of producers that are told apart in one trail. Of those that were quiet for longest, only sums
are kept."""

# How the last header of a payload begins: its key behind the key's length (a zig-zag varint).
_STAMP_KEY: Final = bytes([2 * len(STAMP_HEADER)]) + STAMP_HEADER
_VOID_KEY: Final = bytes([2 * len(VOID_HEADER)]) + VOID_HEADER
STAMP_KEYS: Final = (_STAMP_KEY, _VOID_KEY)
STAMP_KEY_LENGTHS: Final = (_STAMP_KEY[0], _VOID_KEY[0])
_LONG: Final = 0x81  # bits of a length that is not of one byte, or negative

Incarnation = tuple[str, str]
"""A producer's name and its incarnation."""


@dataclass(slots=True)
class StampCounts:
    """What stamps say, of a batch or of a trail.

    Attributes:
        numberings: By producer and incarnation; the one that was met last is last.
        retired: Sums of incarnations that are not told apart any more, by producer.
        unreadable: Events with a stamp that can't be read.
        left_out: Events of producers beyond those that are counted.
    """

    numberings: dict[Incarnation, Numbering] = field(default_factory=dict)
    retired: dict[str, Retired] = field(default_factory=dict)
    unreadable: int = 0
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.numberings or self.unreadable or self.left_out)

    def copy(self) -> StampCounts:
        """An independent count that says the same."""
        return StampCounts(dict(self.numberings), dict(self.retired), self.unreadable, self.left_out)

    def add(self, later: StampCounts) -> None:
        """Add what was met later in the trail."""
        for incarnation, numbering in later.numberings.items():
            known = self.numberings.pop(incarnation, None)
            self.numberings[incarnation] = numbering if known is None else known.joined(numbering)
        self.unreadable += later.unreadable
        self.left_out += later.left_out
        while len(self.numberings) > MAX_INCARNATIONS:
            self.retire(next(iter(self.numberings)))

    def retire(self, incarnation: Incarnation) -> None:
        """Keep of an incarnation only its share of its producer's sums."""
        numbering = self.numberings.pop(incarnation)
        sums = self.retired.get(incarnation[0])
        if sums is None and len(self.retired) >= MAX_INCARNATIONS:
            self.left_out += numbering.events
        else:
            self.retired[incarnation[0]] = (sums or Retired()).with_one(numbering)


@dataclass(frozen=True, slots=True)
class Retired:
    """Sums of a producer's incarnations that were quiet for longest; what came from the start is assumed."""

    incarnations: int = 0
    events: int = 0
    missing: int = 0
    repeated: int = 0
    void: int = 0

    def with_one(self, numbering: Numbering) -> Retired:
        """With one incarnation more."""
        return Retired(
            self.incarnations + 1,
            self.events + numbering.events,
            self.missing + numbering.missing(from_start=False),
            self.repeated + numbering.repeated,
            self.void + count(numbering.void),
        )


class _Lane:
    """One incarnation within the batch: a run that grows, and what came before it."""

    __slots__ = ("before", "events", "first", "incarnation", "last", "next_text", "void")

    def __init__(self, incarnation: Incarnation, number: int) -> None:
        self.incarnation = incarnation
        self.before = Numbering()
        self.void: Sequence[Numbers] = ()
        self.begin(number)

    def begin(self, number: int) -> None:
        """Begin a run."""
        self.first = self.last = number
        self.events = 1
        self.next_text = b"%d" % (number + 1)

    def numbering(self) -> Numbering:
        """All that was met."""
        run = Numbering(self.events, self.last, (Numbers(self.first, self.last),))
        joined = self.before.joined(run)
        declared = tuple(self.void)
        return joined.joined(Numbering(covered=declared, void=declared)) if declared else joined


class StampReader:
    """Reads the stamps of one batch's events."""

    def __init__(self) -> None:
        self._lanes: dict[bytes, _Lane] = {}
        self._unreadable = 0
        self._left_out = 0

    def clear(self) -> None:
        """Forget what was read."""
        self._lanes.clear()
        self._unreadable = self._left_out = 0

    def read(self, payload: bytes, at: int) -> None:
        """Read the stamp in a canonical payload whose last header begins at `at`, with a key of STAMP_KEYS.

        Nearly every stamp is that of the event before, with the next number: that is compared as bytes.
        """
        start = at + len(_STAMP_KEY) + 2
        if payload.startswith(_STAMP_KEY, at) and payload[start - 2] == 2 and not payload[start - 1] & _LONG:
            value = payload[start : start + (payload[start - 1] >> 1)]
            name, _, number = value.rpartition(b" ")
            lane = self._lanes.get(name)
            if lane is not None and number == lane.next_text:
                lane.last += 1
                lane.events += 1
                lane.next_text = b"%d" % (lane.last + 1)
                return
        self.read_headers(decode_payload(payload).headers)

    def read_headers(self, headers: Sequence[Header]) -> None:
        """Read the stamp among the headers of an event, if there is one."""
        try:
            found = read_stamp(headers)
        except StampError:
            self._unreadable += 1
            return
        if found is not None:
            self._take(*found)

    def _take(self, stamp: Stamp, void: Sequence[Numbers]) -> None:
        name = f"{stamp.producer} {stamp.incarnation}".encode()
        lane = self._lanes.get(name)
        if lane is None:
            if len(self._lanes) >= MAX_INCARNATIONS:
                self._left_out += 1
                return
            lane = self._lanes[name] = _Lane((stamp.producer, stamp.incarnation), stamp.number)
        else:
            lane.before = lane.numbering()
            lane.void = ()
            lane.begin(stamp.number)
        if void:
            lane.void = union(lane.void, void)

    def counts(self) -> StampCounts:
        """What the batch's stamps say."""
        numberings = {lane.incarnation: lane.numbering() for lane in self._lanes.values()}
        return StampCounts(numberings, {}, self._unreadable, self._left_out)
