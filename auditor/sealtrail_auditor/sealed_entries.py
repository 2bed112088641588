"""Single entries of a batch that its seal vouches for: the first and the last, whose hashes it states.

To be read before a trail is verified, where they say by which key; nothing else is believed of the batch.
"""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.archive import name_at
from sealtrail_auditor.sealed_batch import open_sealed_batch
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_schemas.payload import Payload, decode_payload

if TYPE_CHECKING:
    from sealtrail_schemas.seal import Seal
    from sealtrail_transport.store import Store


class SealedEntry(NamedTuple):
    """An entry as it was sealed."""

    leaf: Leaf
    payload: Payload


def read_first(store: Store, folder: str, seal: Seal) -> SealedEntry | None:
    """The first entry of a seal's batch; None where the batch is gone or was changed there."""
    return _read(store, folder, seal, seal.first.hash, is_first=True)


def read_last(store: Store, folder: str, seal: Seal) -> SealedEntry | None:
    """The last entry of a seal's batch; None where the batch is gone or can't be read to its end."""
    return _read(store, folder, seal, seal.last.hash, is_first=False)


def _read(store: Store, folder: str, seal: Seal, digest: bytes, *, is_first: bool) -> SealedEntry | None:
    key = folder + seal.batch.key
    name = name_at(store, key)
    found = open_sealed_batch(store, seal, key, () if name is None else name.versions)
    if found is None:
        return None
    try:
        with found.stream as stream:
            reader = iter(BatchReader(stream))
            entry = next(reader) if is_first else deque(reader, maxlen=1).pop()
            leaf = Leaf.parse(entry.leaf)
            if entry_hash(entry.leaf) != digest or sha256(entry.payload).digest() != leaf.payload_hash:
                return None
            return SealedEntry(leaf, decode_payload(entry.payload))
    except (FormatError, StopIteration, IndexError):
        return None
