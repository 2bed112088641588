"""The seals of a trail as a store holds them, and which of them is the newest valid one.

Object stores list forwards only, and a trail can have millions of seals. Their names carry the size of the
trail in 20 digits, so the newest is found by a binary search over sizes: 63 listings of one line each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from sealtrail_schemas.errors import FormatError, SealError, UnknownFormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key, seal_key
from sealtrail_schemas.seal import MAX_SEAL_BYTES, OpenedSeal, check_extends, open_seal
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import ObjectVersion, Store

_MAX_SIZE = 2**63 - 1
_MOST_FOLLOWING = 16


@dataclass(frozen=True, slots=True)
class PlacedSeal:
    """A valid seal and the object version that holds it."""

    key: str
    version_id: str
    opened: OpenedSeal


def versions_of(store: Store, key: str) -> list[ObjectVersion]:
    """All versions and markers of exactly this key, oldest first."""
    return list(takewhile(lambda line: line.key == key, store.versions(key)))[::-1]


def read_seal(
    store: Store, folder: str, size: int, keys: TrailKeys, previous: OpenedSeal | None
) -> PlacedSeal | None:
    """The valid seal of a size: the oldest version that is signed well and extends `previous`.

    Signed well is what the trail's key of that size has signed. With `previous` None, a seal that does not
    begin at sequence 0 is taken on its signature alone.

    Raises:
        UnknownFormatError: the trail's key has signed a seal of a newer version there.
    """
    key = folder + seal_key(size)
    for line in versions_of(store, key):
        if line.is_delete_marker or line.size > MAX_SEAL_BYTES:
            continue
        try:
            with store.open(key, line.version_id) as stream:
                data = stream.read()
            opened = open_seal(data, keys.at(size))
            if previous is not None or opened.seal.first.sequence == 0:
                check_extends(previous, opened)
            _check_place(folder, size, opened)
        except UnknownFormatError:
            raise
        except (FormatError, ObjectMissingError):
            continue
        return PlacedSeal(key, line.version_id, opened)
    return None


def following_seal(
    store: Store, folder: str, previous: OpenedSeal | None, keys: TrailKeys
) -> PlacedSeal | None:
    """The valid seal of the smallest size that goes on from `previous` (None: from the beginning), if any.

    Looks through so many names at most (`_MOST_FOLLOWING`): whoever squats names can hide a seal here, and
    can't make one up.

    Raises:
        UnknownFormatError: the trail's key has signed a seal of a newer version there.
    """
    start = reached = previous.checkpoint.size if previous else 0
    for _ in range(_MOST_FOLLOWING):
        size = _next_size(store, folder, reached)
        if size is None:
            return None
        found = read_seal(store, folder, size, keys, previous)
        if found is not None and found.opened.seal.first.sequence == start:
            return found
        reached = size
    return None


def newest_seal(store: Store, folder: str, keys: TrailKeys) -> PlacedSeal | None:
    """The valid seal of the greatest size, or None where nothing valid was sealed yet.

    Names that hold no valid seal (squatted ones) are passed over: they can't make an older seal look newest,
    since whoever squats can't sign.
    """
    bound = _MAX_SIZE
    while size := _greatest_size(store, folder, bound):
        found = read_seal(store, folder, size, keys, None)
        if found is not None and _extends_its_predecessor(store, folder, keys, found):
            return found
        bound = size - 1
    return None


def _extends_its_predecessor(store: Store, folder: str, keys: TrailKeys, found: PlacedSeal) -> bool:
    size_before = found.opened.seal.first.sequence
    if size_before == 0:
        return True
    before = read_seal(store, folder, size_before, keys, None)
    if before is None:  # expired with its retention, or gone: the signature has to do
        return True
    return read_seal(store, folder, found.opened.checkpoint.size, keys, before.opened) is not None


def _greatest_size(store: Store, folder: str, bound: int) -> int:
    """The greatest size <= `bound` that a name under `seals/` carries; 0 if there is none."""
    low, high = 0, bound
    while low < high:
        middle = (low + high) // 2
        size = _next_size(store, folder, middle)
        if size is None or size > bound:
            high = middle
        else:
            low = size
    return low


def _next_size(store: Store, folder: str, size: int) -> int | None:
    """The smallest size above `size` that a name under `seals/` carries."""
    after = folder + seal_key(size) if size else None
    last = folder + seal_key(_MAX_SIZE)
    for limit in (1, None):  # what follows a name that is none is gone through page by page
        for line in store.versions(folder + SEALS, after=after, limit=limit):
            after = line.key
            if line.key > last:
                return None
            try:
                return parse_seal_key(line.key.removeprefix(folder))
            except FormatError:
                continue
    return None


def _check_place(folder: str, size: int, opened: OpenedSeal) -> None:
    if opened.checkpoint.size != size:
        raise SealError(f"the seal named for size {size} is of size {opened.checkpoint.size}")
    if not opened.seal.trail_id.hex().startswith(folder.rstrip("/").rsplit("/", 1)[1]):
        raise SealError(f"the seal in {folder} is of trail {opened.seal.trail_id.hex()}")
