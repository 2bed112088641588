"""Seals that begin before the newest one ends, and say the same: docs/format.md, "Seal".

Two archivers of one trail that judge a batch differently each seal what they have read. Where the seal of
one lands long after it was given up, two valid seals go on from one place, with batches of other lengths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.archive import name_at
from sealtrail_auditor.batches import BatchCheck, after_seal, at_start
from sealtrail_auditor.sealed_batch import open_sealed_batch
from sealtrail_auditor.seals import PlacedSeal, Relation, read_seal_name, relation
from sealtrail_schemas.layout import seal_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store


class Overlap(NamedTuple):
    """A seal that overlaps another one, and the seal that it extends; None: it begins the trail."""

    placed: PlacedSeal
    before: PlacedSeal | None


def find_overlap(
    store: Store, folder: str, keys: TrailKeys, head: PlacedSeal, opened: Iterable[PlacedSeal]
) -> Overlap | None:
    """The first of the seals `opened`, all larger than `head`, that overlaps it without contradicting it.

    Its batch is read to take the root at the head's size. Where that can't be done, its seal is not said to
    contradict: what is wrong with the batch is found where batches are checked.

    Raises:
        StoreError: the store can't be read.
    """
    for placed in opened:
        seal = placed.opened.seal
        newest = head.opened.seal
        if seal.trail_id != newest.trail_id or seal.first.sequence >= newest.size:
            continue
        if seal.batch.key == newest.batch.key:  # written once, it can't be both
            continue
        before = _extended(store, folder, keys, placed)
        if before is None and seal.first.sequence:
            continue
        root = _root_at(store, folder, Overlap(placed, before), newest.size)
        if root is None or root == head.opened.checkpoint.root:
            return Overlap(placed, before)
    return None


def _extended(store: Store, folder: str, keys: TrailKeys, placed: PlacedSeal) -> PlacedSeal | None:
    """The seal that another one extends, if it is there."""
    size = placed.opened.seal.first.sequence
    name = name_at(store, folder + seal_key(size)) if size else None
    if name is None:
        return None
    found = read_seal_name(store, folder, name, size=size, keys=keys, previous=None)
    fitting = (one for one in found.opened if relation(one.opened, placed.opened) is Relation.EXTENDS)
    return next(fitting, None)


def _root_at(store: Store, folder: str, overlap: Overlap, size: int) -> bytes | None:
    """The Merkle root at a size within an overlapping seal's batch; None where it can't be taken."""
    opened = overlap.placed.opened
    key = folder + opened.seal.batch.key
    name = name_at(store, key)
    found = open_sealed_batch(store, opened.seal, key, () if name is None else name.versions)
    if found is None:
        return None
    before = overlap.before
    standing = at_start(opened.seal.trail_id) if before is None else after_seal(before.opened)
    with found.stream as stream:
        return BatchCheck(opened, standing, root_sizes=(size,)).run(stream).roots.get(size)
