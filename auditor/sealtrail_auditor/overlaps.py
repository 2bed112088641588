"""Seals that begin before the newest one ends, and say the same: docs/format.md, "Seal".

Two archivers of one trail that judge a batch differently each seal what they have read. Where the seal of
one lands long after it was given up, two valid seals go on from one place, with batches of other lengths.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.archive import name_at
from sealtrail_auditor.sealed_batch import open_sealed_batch
from sealtrail_auditor.seals import PlacedSeal, Relation, read_seal_name, relation
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.hashing_stream import HashingStream
from sealtrail_schemas.layout import seal_key
from sealtrail_schemas.leaf import entry_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store


class Overlap(NamedTuple):
    """A seal that overlaps another one, and the seal that it extends.

    `before` is None where it begins the trail, and where the seal that it extends is gone.
    """

    placed: PlacedSeal
    before: PlacedSeal | None


def find_overlap(
    store: Store, folder: str, keys: TrailKeys, head: PlacedSeal, opened: Iterable[PlacedSeal]
) -> Overlap | None:
    """The first of the seals `opened`, all larger than `head`, that overlaps it without contradicting it.

    Its batch is read for the entry with which the head ends. Where the batch is gone, or is not what was
    sealed, the seal is not said to contradict: that is found where batches are checked.

    Raises:
        StoreError: the store can't be read.
    """
    newest = head.opened.seal
    for placed in {each.opened.text_sha256: each for each in opened}.values():
        seal = placed.opened.seal
        if seal.trail_id != newest.trail_id or seal.first.sequence >= newest.size:
            continue
        if seal.batch.key == newest.batch.key:  # written once, it can't be both
            continue
        if not _agrees(store, folder, placed, head):
            continue
        extended = seals_before(store, folder, keys, placed)
        before = next((one for one in extended if _extends(one, placed)), None)
        if before is not None or not extended:
            return Overlap(placed, before)
    return None


def find_twin(
    store: Store, folder: str, keys: TrailKeys, head: PlacedSeal, placed: PlacedSeal
) -> PlacedSeal | None:
    """The seal that another one extends instead of `head`: of the same name and with the same checkpoint."""
    for one in seals_before(store, folder, keys, placed):
        if one.opened.checkpoint == head.opened.checkpoint and _extends(one, placed):
            return one
    return None


def seals_before(store: Store, folder: str, keys: TrailKeys, placed: PlacedSeal) -> tuple[PlacedSeal, ...]:
    """The seals that lie under the name of the one which a seal extends; none where it begins the trail."""
    size = placed.opened.seal.first.sequence
    name = name_at(store, folder + seal_key(size)) if size else None
    if name is None:
        return ()
    return read_seal_name(store, folder, name, size=size, keys=keys, previous=None).opened


def _extends(before: PlacedSeal, placed: PlacedSeal) -> bool:
    return relation(before.opened, placed.opened) is Relation.EXTENDS


def _agrees(store: Store, folder: str, placed: PlacedSeal, head: PlacedSeal) -> bool:
    """Whether a seal's batch has the entry with which the head ends; its hash stands for all before it."""
    seal, newest = placed.opened.seal, head.opened.seal
    key = folder + seal.batch.key
    name = name_at(store, key)
    found = open_sealed_batch(store, seal, key, () if name is None else name.versions)
    if found is None:
        return True
    with found.stream as stream:
        file = HashingStream(stream)
        try:
            place = newest.last.sequence - seal.first.sequence
            entry = next(islice(BatchReader(file), place, None), None)
        except FormatError:
            entry = None
        file.drain(seal.batch.length)
        if (file.length, file.digest()) != (seal.batch.length, seal.batch.sha256):
            return True
        return entry is not None and entry_hash(entry.leaf) == newest.last.hash
