"""The first and the last entry of a trail as its batches hold them."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from sealtrail_chainer.true_chain import Linked
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_transport.errors import ObjectMissingError
from sealtrail_transport.seal_shelf import read_seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sealtrail_chainer.anchor import Anchor
    from sealtrail_schemas.seal import Seal
    from sealtrail_transport.store import Store


def last_sealed(store: Store, anchor: Anchor) -> Linked | None:
    """The last entry of the newest batch; None where that can't be read. Its offset is not known: -1.

    Raises:
        StoreError: as `Store.open`.
    """
    if anchor.seal is None:
        return None
    seal = anchor.seal.opened.seal
    return _entry(store, anchor, seal, lambda entries: deque(entries, maxlen=1), seal.last.hash)


def first_sealed(store: Store, anchor: Anchor) -> Linked | None:
    """The first entry of the trail, from its oldest batch; None where that has expired or can't be read.

    Raises:
        StoreError: as `Store.open`.
    """
    if anchor.folder is None:
        return None
    line = next(store.versions(anchor.folder + SEALS, limit=1), None)
    try:
        size = 0 if line is None else parse_seal_key(line.key.removeprefix(anchor.folder))
        placed = read_seal(store, anchor.folder, size, anchor.keys, None) if size else None
    except FormatError:
        return None
    if placed is None or placed.opened.seal.first.sequence > 0:
        return None
    seal = placed.opened.seal
    return _entry(store, anchor, seal, lambda entries: islice(entries, 1), seal.first.hash)


def _entry(
    store: Store,
    anchor: Anchor,
    seal: Seal,
    choose: Callable[[Iterable[tuple[bytes, bytes]]], Iterable[tuple[bytes, bytes]]],
    expected: bytes,
) -> Linked | None:
    """The chosen entry of a seal's batch, if its hash is the one that the seal states."""
    try:
        with store.open(f"{anchor.folder}{seal.batch.key}", seal.batch.version_id) as stream:
            ((leaf_bytes, payload),) = choose(BatchReader(stream))
        leaf = Leaf.parse(leaf_bytes)
    except (FormatError, ObjectMissingError, ValueError):
        return None
    hashed = entry_hash(leaf_bytes)
    return Linked(-1, leaf, leaf_bytes, payload, hashed) if hashed == expected else None
