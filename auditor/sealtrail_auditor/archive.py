"""Finding one's way in an archive: its folders of trails, and the names in a folder with all their versions.

Everything is listed lazily and in order, so that memory does not grow with the archive. What is held of one
name are its oldest versions, up to a limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.errors import ListingOrderError
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import BATCHES, KEYS, SEALS, parse_batch_key
from sealtrail_schemas.leaf import MAX_SEQUENCE
from sealtrail_transport.trail_folders import past_folder, trail_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sealtrail_transport.store import ObjectVersion, Store

MAX_VERSIONS: Final = 1_000
"""How many versions of one name are held: the oldest, since the valid seal of a size is the oldest valid."""

SCHEMAS: Final = "schemas/"


@dataclass(frozen=True, slots=True)
class Name:
    """One name with what lies under it.

    Attributes:
        key: The name.
        versions: The versions that hold content, oldest first, at most `MAX_VERSIONS`.
        count: How many versions there are, without markers.
        markers: How many delete markers there are.
        hidden: Whether the newest of all is a delete marker.
    """

    key: str
    versions: tuple[ObjectVersion, ...]
    count: int
    markers: int
    hidden: bool


def list_names(store: Store, prefix: str) -> Iterator[Name]:
    """All names that start with `prefix`, in order.

    Raises:
        ListingOrderError: the store does not list them in order.
    """
    return gather_names(store.versions(prefix))


def name_at(store: Store, key: str) -> Name | None:
    """What lies under one name; None: nothing."""
    return next((name for name in list_names(store, key) if name.key == key), None)


def gather_names(lines: Iterable[ObjectVersion]) -> Iterator[Name]:
    """The names of a listing of versions, in order.

    Raises:
        ListingOrderError: the listing is not in order.
    """
    before = ""
    for key, of_key in groupby(lines, key=lambda line: line.key):
        if key <= before:
            raise ListingOrderError(f"the store lists {key!a} behind {before!a}: it can't be walked in order")
        before = key
        yield _gather(key, of_key)


def _gather(key: str, lines: Iterable[ObjectVersion]) -> Name:
    oldest: deque[ObjectVersion] = deque(maxlen=MAX_VERSIONS)
    count = markers = 0
    hidden = False
    for line in lines:  # newest first
        if line.is_delete_marker:
            hidden = hidden or count + markers == 0
            markers += 1
        else:
            oldest.appendleft(line)
            count += 1
    return Name(key, tuple(oldest), count, markers, hidden)


def list_folders(store: Store) -> Iterator[str]:
    """All folders that look like a trail's, in order.

    Raises:
        ListingOrderError: the store does not list them in order.
    """
    before = ""
    for folder in trail_folders(store):
        if folder <= before:
            raise ListingOrderError(
                f"the store lists {folder!a} behind {before!a}: it can't be walked in order"
            )
        before = folder
        yield folder


def other_names(store: Store, folder: str) -> Iterator[Name]:
    """The names in a trail's folder that are neither under `seals/`, `batches/` or `keys/` nor `schemas/`."""
    after: str | None = None
    while True:
        for line in store.versions(folder, after=after):
            known = next(
                (sub for sub in (SEALS, BATCHES, KEYS, SCHEMAS) if line.key.startswith(folder + sub)), None
            )
            if known is not None:
                after = past_folder(folder + known)
                yield from _names_at(store, after)  # going on behind it would leave it out
                break
            yield _gather(line.key, [line])
        else:
            return


def _names_at(store: Store, key: str) -> Iterator[Name]:
    return takewhile(lambda name: name.key == key, list_names(store, key))


class BatchNames:
    """The names under a trail's `batches/` in order of first sequence, each handed out once.

    Attributes:
        last_key: The last batch that was passed; None before the first. A later listing can go on behind it:
            names of no batch may sort behind all of them, and those of new batches come before such names.
    """

    def __init__(
        self, store: Store, folder: str, on_stray: Callable[[Name], None], *, after: str | None = None
    ) -> None:
        """Begin to list, behind the name `after` where it is given.

        `on_stray` is called with each name that is none of a batch, once a batch behind it is passed, or in
        `rest`.
        """
        self.last_key = after
        self._store = store
        self._folder = folder
        self._on_stray = on_stray
        self._is_complete = False
        self._has_strays = False  # before the next batch
        self._next: tuple[int, Name] | None = None
        self._list()

    def before(self, sequence: int) -> Iterator[tuple[int, Name]]:
        """The names not handed out yet with a first sequence below `sequence`, and their first sequences."""
        while self._next is not None and self._next[0] < sequence:
            first_sequence, name = self._next
            self._tell_strays(name.key)
            self.last_key = name.key
            self._next = self._next_batch()
            yield first_sequence, name

    def at(self, sequence: int) -> Iterator[Name]:
        """The names whose first sequence is `sequence`: more than one where a name was spoiled.

        To be asked where a seal says that there is one: it may have come since the end was listed.
        """
        found = False
        for _, name in self.before(sequence + 1):
            found = True
            yield name
        if not found and self._next is None and not self._is_complete:
            self._list()
            self._is_complete = self._next is None  # it is missing; no need to look again for the next one
            for _, name in self.before(sequence + 1):
                yield name

    def rest(self) -> Iterator[tuple[int, Name]]:
        """All names not handed out yet."""
        yield from self.before(MAX_SEQUENCE + 1)
        self._tell_strays(None)

    def _list(self) -> None:
        """List the names behind the last one that was passed, anew."""
        self._has_strays = False
        self._names = gather_names(self._store.versions(self._folder + BATCHES, after=self.last_key))
        self._next = self._next_batch()

    def _next_batch(self) -> tuple[int, Name] | None:
        for name in self._names:
            first_sequence = self._first_sequence(name)
            if first_sequence is not None:
                return first_sequence, name
            self._has_strays = True
        return None

    def _tell_strays(self, end: str | None) -> None:
        """Tell of the names between the last batch and `end`. They are listed again: there may be many."""
        if not self._has_strays:
            return
        self._has_strays = False
        for name in gather_names(self._store.versions(self._folder + BATCHES, after=self.last_key)):
            if end is not None and name.key >= end:
                return
            if self._first_sequence(name) is None:
                self._on_stray(name)

    def _first_sequence(self, name: Name) -> int | None:
        try:
            return parse_batch_key(name.key[len(self._folder) :]).first_sequence
        except FormatError:
            return None


def total_batch_bytes(store: Store, folder: str, *, after: str | None = None, last: int | None = None) -> int:
    """The bytes of a trail's batches by the listing: for progress, not for judgement.

    Only names behind `after` are listed, and only up to the first batch that begins behind entry `last`.
    """
    names = BatchNames(store, folder, lambda _name: None, after=after)
    listed = names.rest() if last is None else names.before(last + 1)
    return sum(name.versions[0].size for _, name in listed if name.versions)
