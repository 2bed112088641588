"""Finding seals by sequence or time in a trail of any length, without reading what lies between.

Seals are named by the trail's size, so that one short listing finds the seal behind any sequence; time never
goes back along a trail, so that the seal of a moment is found by bisection.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.archive import gather_names
from sealtrail_auditor.seals import read_seal_name
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key, seal_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store

_FEW: Final = 8
_TRIES: Final = 64
"""How many damaged seals in a row are passed before a search begins at the start of the trail."""


class SealSearch:
    """Looks for valid seals in one trail's folder. Nothing is remembered between two searches."""

    def __init__(self, store: Store, folder: str, keys: TrailKeys) -> None:
        """Prepare to search the seals in `folder`, which ends in a slash, by the trail's keys."""
        self._store = store
        self._folder = folder
        self._keys = keys

    def covering(self, sequence: int) -> PlacedSeal | None:
        """The first valid seal of a size above `sequence`: it covers that entry or begins behind it."""
        return next((placed for _, placed in self._from(sequence) if placed is not None), None)

    def before(self, sequence: int) -> PlacedSeal | None:
        """The newest valid seal of a size up to `sequence`: a walk to that entry begins behind it.

        None where there is none, and where too many names in a row hold no valid seal.
        """
        covering = self.covering(sequence)
        if covering is not None and 0 < (size := covering.opened.seal.first.sequence) <= sequence:
            named = next(self._from(size - 1), None)  # the seal before has exactly that size
            if named is not None and named[0] == size and named[1] is not None:
                return named[1]
        limit = sequence
        for _ in range(_TRIES):
            size = self._size_up_to(limit)
            if not size:
                return None
            _, placed = next(self._from(size - 1))
            if placed is not None:
                return placed
            limit = size - 1
        return None

    def newest(self) -> PlacedSeal | None:
        """The newest valid seal; None where there is none or too many names at the end hold none."""
        return self.before(self._end())

    def first(self) -> PlacedSeal | None:
        """The first valid seal of a trail whose seals before it are of unknown keys, found by bisection.

        None where there is none. Damaged seals can lead it to a later one.
        """
        found = self.newest()
        if found is None:
            return None
        low, high = 0, found.opened.seal.first.sequence - 1
        while low <= high:  # sequences; the answer covers one of them, or is found
            middle = (low + high) // 2
            size, placed = next(self._from(middle))
            if placed is None:
                low = size
            else:
                found = placed
                high = min(middle - 1, placed.opened.seal.first.sequence - 1)
        return found

    def last(self) -> PlacedSeal | None:
        """The last valid seal of a trail whose seals behind it are of unknown keys, found by bisection.

        None where there is none. Damaged seals can lead it to an earlier one.
        """
        found = self.covering(0)
        if found is None:
            return None
        low, high = found.opened.checkpoint.size, self._end()
        while low <= high:  # sizes; all up to the lower one have been passed
            middle = (low + high) // 2
            size, placed = next(self._from(middle), (0, None))
            if placed is None:
                high = middle - 1
            else:
                found, low = placed, size
        return found

    def since(self, time_ms: int) -> PlacedSeal | None:
        """The first valid seal of an entry chained at `time_ms` (since the Unix epoch) or later."""
        newest = self.newest()
        if newest is None:  # also where somebody put many names behind the last seal: look at each
            every = (placed for _, placed in self._from(0) if placed is not None)
            return next((placed for placed in every if placed.opened.seal.time.last_ms >= time_ms), None)
        if newest.opened.seal.time.last_ms < time_ms:
            return None
        low, high, found = 0, newest.opened.checkpoint.size - 1, newest
        while low <= high:  # sequences; the answer covers one of them
            middle = (low + high) // 2
            placed = self.covering(middle)
            if placed is None or placed.opened.seal.time.last_ms >= time_ms:
                found = placed or found
                high = middle - 1
                if placed is not None:
                    high = min(high, placed.opened.seal.first.sequence - 1)
            else:
                low = placed.opened.checkpoint.size
        return found

    def _end(self) -> int:
        """A size at or above which nothing lies, less than twice the largest."""
        end = 1
        while self._next_size(end) is not None:
            end *= 2
        return end

    def _from(self, sequence: int) -> Iterator[tuple[int, PlacedSeal | None]]:
        """The sizes above `sequence` under which something lies, in order, and the valid seal there."""
        for size, name in self._names(sequence):
            found = read_seal_name(self._store, self._folder, name, size=size, keys=self._keys, previous=None)
            yield size, found.seal

    def _names(self, sequence: int) -> Iterator[tuple[int, Name]]:
        """The names of sizes above `sequence`, in order; the first few cost one short listing."""
        prefix = self._folder + SEALS
        after = self._folder + seal_key(sequence) if sequence > 0 else None
        lines = list(self._store.versions(prefix, after=after, limit=_FEW))
        few = list(gather_names(lines))
        if len(lines) == _FEW:
            few.pop()  # more versions of it may follow
            after = few[-1].key if few else after
            more = gather_names(self._store.versions(prefix, after=after))
        else:
            more = iter(())
        for name in chain(few, more):
            with suppress(FormatError):
                yield parse_seal_key(name.key[len(self._folder) :]), name

    def _next_size(self, sequence: int) -> int | None:
        """The smallest size above `sequence` in a name."""
        return next((size for size, _ in self._names(sequence)), None)

    def _size_up_to(self, limit: int) -> int:
        """The largest size up to `limit` in a name; 0 where there is none."""
        low, high = 0, limit  # the answer lies between, both included
        while low < high:
            middle = (low + high) // 2
            size = self._next_size(middle)
            if size is None or size > limit:
                high = middle
            else:
                low = size
        return low
