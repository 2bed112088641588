"""The views of a trail as a store lists them, in step with the batches."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import VIEWS, parse_view_key, view_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_transport.store import ObjectVersion, Store


class ViewNames:
    """Finds the newest version of each view of one trail, with one listing for all of them."""

    def __init__(self, store: Store, folder: str) -> None:
        """Prepare to list the views of the trail in `folder`, which ends in a slash."""
        self._store = store
        self._folder = folder
        self._listed: Iterator[tuple[int, ObjectVersion]] | None = None
        self._next: tuple[int, ObjectVersion] | None = None

    def at(self, sequence: int) -> ObjectVersion | None:
        """The view of the batch that begins at a sequence, or None. To be asked in rising order."""
        if self._listed is None:
            self._listed = self._list(sequence)
            self._next = next(self._listed, None)
        while self._next is not None and self._next[0] < sequence:
            self._next = next(self._listed, None)
        if self._next is None or self._next[0] != sequence:
            return None
        return self._next[1]

    def _list(self, sequence: int) -> Iterator[tuple[int, ObjectVersion]]:
        after = view_key(self._folder, sequence - 1) if sequence else None
        for line in self._store.versions(VIEWS + self._folder, after=after):
            if line.is_latest and not line.is_delete_marker:
                with suppress(FormatError):
                    yield parse_view_key(line.key)[1], line
