"""Freeing chained records some time after they were sealed.

A process that runs knows when it sealed. One that starts asks the store when the trail's seals were put, so
that restarts do not put the freeing off.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key, seal_key
from sealtrail_transport.seal_shelf import read_seal

if TYPE_CHECKING:
    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import ObjectVersion, Store

_STEPS: Final = 1_000
"""In how many steps at most what is sealed within `after_ms` is freed. A year has three million batches."""


class Trims:
    """What is to be freed in the chained partition, and when. With `after_ms` None, nothing ever is.

    What is sealed within a thousandth of `after_ms` is freed in one go, when the last of it is due.
    """

    def __init__(self, log: Log, store: Store, trail: Trail, *, after_ms: int | None) -> None:
        self._log = log
        self._store = store
        self._trail = trail
        self._after_ms = after_ms
        self._due: deque[tuple[int, int]] = deque()  # when, below which chained offset

    def recover(self, anchor: Anchor, *, now_ms: int) -> None:
        """Plan anew, from what the store says of the seals up to the anchor.

        Raises:
            StoreError: as the adapter has it; call again.
        """
        self._due.clear()
        if self._after_ms is None or anchor.seal is None or anchor.folder is None:
            return
        newest = anchor.seal.opened.checkpoint.size
        until = datetime.fromtimestamp(max(0, now_ms - self._after_ms) / 1000, tz=UTC)
        size = put_by(self._store, anchor.folder, newest, until)
        if 0 < size < newest:
            found = read_seal(self._store, anchor.folder, size, anchor.keys, None)
            if found is not None:
                offset = found.opened.seal.chained.next_offset
                self._due.append((now_ms, min(offset, anchor.chained_offset)))
        put_at = self._store.head(anchor.seal.key, anchor.seal.version_id).last_modified
        self._due.append((int(put_at.timestamp() * 1000) + self._after_ms, anchor.chained_offset))

    def sealed(self, offset: int, *, now_ms: int) -> None:
        """All that lies below a chained offset is sealed as of now."""
        if self._after_ms is None:
            return
        step_ms = max(1, self._after_ms // _STEPS)
        due_ms = -(-(now_ms + self._after_ms) // step_ms) * step_ms
        if self._due and self._due[-1][0] == due_ms:
            self._due.pop()
        self._due.append((due_ms, offset))

    def run(self, *, now_ms: int) -> None:
        """Free what is due. Raises LogError: what was not freed stays due."""
        while self._due and self._due[0][0] <= now_ms:
            self._log.trim(self._trail.chained_topic, self._trail.partition, self._due[0][1])
            self._due.popleft()


def put_by(store: Store, folder: str, newest: int, until: datetime) -> int:
    """The size of a seal that was put at `until` or before, by the store's clock; 0 where it finds none.

    It is the newest of these as long as the seals were put in the order of their sizes; a name that holds
    something else can only make it an older one. `newest` is the greatest size to be looked at. A binary
    search: one listing of one line for each bit of it.
    """
    low, high = 0, newest
    while low < high:
        middle = (low + high) // 2
        after = folder + seal_key(middle) if middle else None
        line = next(store.versions(folder + SEALS, after=after, limit=1), None)
        size = _size(line, folder)
        if line is None or not middle < size <= newest or line.last_modified > until:
            high = middle
        else:
            low = size
    return low


def _size(line: ObjectVersion | None, folder: str) -> int:
    """The size that a name under `seals/` carries; 0 for one that is none."""
    try:
        return 0 if line is None else parse_seal_key(line.key.removeprefix(folder))
    except FormatError:
        return 0
