"""Finding one's way in an archive: its trail folders, and the names in a folder with all their versions.

Everything is listed lazily and in order, so that memory does not grow with the archive. What is held of one
name are its oldest versions, up to a limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.errors import ListingOrderError
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import BATCHES, SEALS, parse_batch_key, parse_trail_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sealtrail_transport.store import ObjectVersion, Store

MAX_VERSIONS: Final = 1_000
"""How many versions of one name are held: the oldest, since the valid seal of a size is the oldest valid."""

SCHEMAS: Final = "schemas/"
_BEHIND_A_FOLDER: Final = "0"  # the character after "/"


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


def trail_folders(store: Store) -> Iterator[str]:
    """All folders that look like a trail's (`payments/0/5be1a7c2/`), whoever made them.

    What lies outside of such folders is passed over: it is no part of any trail.

    Raises:
        ListingOrderError: the store does not list names in order.
    """
    folder, after = "", None
    while True:
        found = next(filter(None, (_folder_of(line.key) for line in store.versions("", after=after))), None)
        if found is None:
            return
        if found <= folder:
            raise ListingOrderError(
                f"the store lists {found!a} behind {folder!a}: it can't be walked in order"
            )
        folder, after = found, _behind(found)
        yield folder


def other_names(store: Store, folder: str) -> Iterator[Name]:
    """The names in a trail's folder that are neither under `seals/` nor `batches/` nor `schemas/`."""
    after: str | None = None
    while True:
        for line in store.versions(folder, after=after):
            known = next(
                (sub for sub in (SEALS, BATCHES, SCHEMAS) if line.key.startswith(folder + sub)), None
            )
            if known is not None:
                after = _behind(folder + known)
                break
            yield _gather(line.key, [line])
        else:
            return


class BatchNames:
    """The names under a trail's `batches/` in order of first sequence, each handed out once."""

    def __init__(self, store: Store, folder: str, on_stray: Callable[[Name], None]) -> None:
        """Begin to list. `on_stray` is called with each name that is none of a batch, as it is passed."""
        self._names = self._parsed(store, folder, on_stray)
        self._next = next(self._names, None)

    def before(self, sequence: int) -> Iterator[tuple[int, Name]]:
        """The names not handed out yet with a first sequence below `sequence`, and their first sequences."""
        while self._next is not None and self._next[0] < sequence:
            taken, self._next = self._next, next(self._names, None)
            yield taken

    def at(self, sequence: int) -> Iterator[Name]:
        """The names whose first sequence is `sequence`: more than one where a name was spoiled."""
        for _, name in self.before(sequence + 1):
            yield name

    def rest(self) -> Iterator[tuple[int, Name]]:
        """All names not handed out yet."""
        while self._next is not None:
            yield from self.before(self._next[0] + 1)

    @staticmethod
    def _parsed(store: Store, folder: str, on_stray: Callable[[Name], None]) -> Iterator[tuple[int, Name]]:
        for name in list_names(store, folder + BATCHES):
            try:
                first_sequence = parse_batch_key(name.key[len(folder) :]).first_sequence
            except FormatError:
                on_stray(name)
            else:
                yield first_sequence, name


def total_batch_bytes(store: Store, folder: str) -> int:
    """The bytes of all batches of a trail by the listing: for progress, not for judgement."""
    names = list_names(store, folder + BATCHES)
    return sum(name.versions[0].size for name in names if name.versions)


def _folder_of(key: str) -> str | None:
    parts = key.split("/", 3)
    if len(parts) < 4:
        return None
    folder = "/".join(parts[:3]) + "/"
    try:
        parse_trail_prefix(folder)
    except FormatError:
        return None
    return folder


def _behind(folder: str) -> str:
    """A key that sorts behind all names in `folder` and before those of its siblings."""
    return folder.removesuffix("/") + _BEHIND_A_FOLDER
