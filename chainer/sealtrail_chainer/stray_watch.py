"""What becomes of strays that claim a source record: it has to be on the true chain, with the same content.

A stray ahead of the chain waits until its source record comes. A late one is compared with the newest
entries. Both memories are bounded; what came before the newest entries is on the true chain by the chain's
own rules, and its content is not compared.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Final, NamedTuple

from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import SALT_BYTES


class _Claim(NamedTuple):
    """A payload that stands for a source record. One of a rejected record says nothing of its content.

    `source` is the record's offset in the raw partition, `offset` the claim's own in the chained one.
    """

    source: int
    offset: int
    kind: Kind
    payload: bytes

    def agrees(self, other: _Claim) -> bool:
        """Whether both can be chainings of one record: their payloads differ in the salt only."""
        if Kind.REJECTED in (self.kind, other.kind):
            return True
        return self.payload[SALT_BYTES:] == other.payload[SALT_BYTES:]


MAX_RECENT_BYTES: Final = 8 * 2**20
MAX_WAITING_BYTES: Final = 32 * 2**20
_CLAIM_BYTES: Final = 400  # what a claim takes beside its payload
_new_tuple: Final = tuple.__new__  # what _Claim._make calls, at half its cost


class StrayWatch:
    """Compares strays with the true chain, in `max_recent_bytes` + `max_waiting_bytes` of payloads."""

    def __init__(self, *, max_recent_bytes: int, max_waiting_bytes: int) -> None:
        self._recent: deque[_Claim] = deque()
        self._recent_bytes = 0
        self._max_recent_bytes = max_recent_bytes
        self._waiting: dict[int, _Claim] = {}
        self._waiting_sources: list[int] = []  # a heap
        self._waiting_bytes = 0
        self._max_waiting_bytes = max_waiting_bytes

    @property
    def waiting(self) -> int:
        """How many source records are claimed by strays and have not come yet."""
        return len(self._waiting)

    @property
    def oldest_waiting(self) -> int | None:
        """The chained offset of the first stray that waits."""
        return min((claim.offset for claim in self._waiting.values()), default=None)

    def linked(self, offset: int, leaf: Leaf, payload: bytes) -> None:
        """Take note of an entry of the true chain that stands for a source record.

        Raises: LineStoppedError: a stray that claimed this record, or one that is now passed over, is not
        borne out.
        """
        entry = _new_tuple(_Claim, (leaf.source_offset, offset, leaf.kind, payload))
        self._recent.append(entry)
        self._recent_bytes += len(payload)
        while self._recent_bytes > self._max_recent_bytes and len(self._recent) > 1:
            self._recent_bytes -= len(self._recent.popleft().payload)
        while self._waiting_sources and self._waiting_sources[0] < leaf.next_source_offset:
            claimed = heappop(self._waiting_sources)
            stray = self._waiting.pop(claimed)
            self._waiting_bytes -= len(stray.payload) + _CLAIM_BYTES
            if claimed != leaf.source_offset or not stray.agrees(entry):
                raise _stray_lost(stray.offset, claimed)

    def late(self, offset: int, leaf: Leaf, payload: bytes) -> None:
        """Compare a stray whose source record was chained before.

        Raises:
            LineStoppedError: the true chain has other content there, or no such record.
        """
        claimed = leaf.source_offset
        if not self._recent or claimed < self._recent[0].source:
            return
        twin = next((entry for entry in reversed(self._recent) if entry.source == claimed), None)
        if twin is None or not twin.agrees(_Claim(claimed, offset, leaf.kind, payload)):
            raise _stray_lost(offset, claimed)

    def ahead(self, offset: int, leaf: Leaf, payload: bytes) -> None:
        """Let a stray wait for its source record.

        Raises:
            LineStoppedError: two strays contradict each other, or more wait than can be remembered.
        """
        stray = _Claim(leaf.source_offset, offset, leaf.kind, payload)
        claimed = stray.source
        earlier = self._waiting.get(claimed)
        if earlier is not None:
            if not earlier.agrees(stray):
                raise _stray_lost(offset, claimed)
            return
        self._waiting_bytes += len(payload) + _CLAIM_BYTES
        if self._waiting_bytes > self._max_waiting_bytes:
            raise _stray_lost(offset, claimed)
        self._waiting[claimed] = stray
        heappush(self._waiting_sources, claimed)


def _stray_lost(offset: int, claimed: int) -> LineStoppedError:
    return LineStoppedError(
        StopCode.STRAY_LOST,
        f"the chained record at offset {offset} is not on the true chain, and the source record that it "
        f"stands for (offset {claimed}) does not come again there with the same content",
        chained_offset=offset,
        source_offset=claimed,
    )
