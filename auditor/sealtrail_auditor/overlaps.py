"""Seals that begin before the newest one ends, and say the same: docs/format.md, "Seal".

Two archivers of one trail that judge a batch differently each seal what they have read. Where the seal of
one lands long after it was given up, two valid seals go on from one place, with batches of other lengths.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

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
    from datetime import datetime

    from sealtrail_schemas.seal import Seal
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store


def find_overlap(
    store: Store,
    folder: str,
    keys: TrailKeys,
    head: PlacedSeal,
    opened: Iterable[PlacedSeal],
    *,
    now: datetime,
) -> PlacedSeal | None:
    """The first of the seals `opened`, all larger than `head`, that overlaps it without contradicting it.

    Its batch is read for the entry with which the head ends. Where the batch is gone, or is not what was
    sealed, the seal is not said to contradict: that is found where batches are checked.

    Raises:
        StoreError: the store can't be read.
    """
    newest = head.opened.seal
    for placed in {each.opened.text_sha256: each for each in opened}.values():
        if (
            _may_overlap(newest, placed.opened.seal)
            and _agrees(store, folder, placed, newest)
            and _extends_what_is_there(store, folder, keys, placed, now)
        ):
            return placed
    return None


def _may_overlap(newest: Seal, seal: Seal) -> bool:
    """Whether two seals can be of one history, as far as they alone show."""
    return (
        seal.trail_id == newest.trail_id
        and seal.first.sequence < newest.size
        and seal.batch.key != newest.batch.key  # written once, it can't be both
        and seal.time.last_ms >= newest.time.last_ms
        and seal.source.next_offset >= newest.source.next_offset
    )


def _agrees(store: Store, folder: str, placed: PlacedSeal, newest: Seal) -> bool:
    """Whether a seal's batch has the entry with which the newest one ends; its hash stands for all before."""
    seal = placed.opened.seal
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


def _extends_what_is_there(
    store: Store, folder: str, keys: TrailKeys, placed: PlacedSeal, now: datetime
) -> bool:
    """Whether a seal extends the seal of the size at which it begins, unless that is gone or may be."""
    seal = placed.opened.seal
    size, named = seal.first.sequence, seal.previous
    name = name_at(store, folder + seal_key(size)) if size else None
    if name is None or (named and named.retain_until and named.retain_until <= now):
        return True
    there = read_seal_name(store, folder, name, size=size, keys=keys, previous=None).opened
    extends = (Relation.EXTENDS, Relation.BACKDATED)
    return not there or any(relation(before.opened, placed.opened) in extends for before in there)
