"""Two verifiers that do less than sealtrail, to show what that costs.

Both read what a plain listing shows, the newest version of each name, as most tools do.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import ZERO_HASH, Leaf, entry_hash
from sealtrail_schemas.seal import check_extends, open_seal
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.builders import TrailMaker
    from sealtrail_schemas.seal import OpenedSeal
    from sealtrail_transport.memory_store import MemoryStore


def chain_fits(trail: TrailMaker) -> bool:
    """Follow the chain through all batches: sequences, links and payload hashes."""
    try:
        size, _ = _follow(trail.store, sorted(_newest(trail, "batches/", ".avro")), 0, ZERO_HASH)
    except (FormatError, ObjectMissingError, ValueError):
        return False
    return size > 0


def chain_and_seals_fit(trail: TrailMaker) -> bool:
    """Follow the chain batch by batch, each held against a signed seal that extends the one before."""
    size, last_hash = 0, ZERO_HASH
    before: OpenedSeal | None = None
    try:
        for key in sorted(_newest(trail, "seals/", ".seal")):
            opened = _open(_read(trail.store, key), trail)
            seal, batch = opened.seal, trail.folder + opened.seal.batch.key
            check_extends(before, opened)
            if sha256(_read(trail.store, batch)).digest() != seal.batch.sha256:
                return False
            size, last_hash = _follow(trail.store, [batch], size, last_hash)
            if (size, last_hash) != (seal.size, seal.last.hash):
                return False
            before = opened
    except (FormatError, ObjectMissingError, ValueError):
        return False
    return before is not None


def _open(note: bytes, trail: TrailMaker) -> OpenedSeal:
    """Open a seal under any of the trail's keys: this verifier does not ask whose turn it was."""
    for signer in trail.signers[:-1]:
        with suppress(FormatError):
            return open_seal(note, signer.verifier)
    return open_seal(note, trail.signers[-1].verifier)


def _follow(store: MemoryStore, keys: list[str], size: int, last_hash: bytes) -> tuple[int, bytes]:
    for key in keys:
        with store.open(key, _current(store, key)) as stream:
            for leaf, payload in BatchReader(stream):
                parsed = Leaf.parse(leaf)
                if (parsed.sequence, parsed.previous_hash) != (size, last_hash):
                    raise ValueError(f"entry {size} does not follow")
                if parsed.payload_hash != sha256(payload).digest():
                    raise ValueError(f"entry {size} was changed")
                size, last_hash = size + 1, entry_hash(leaf)
    return size, last_hash


def _newest(trail: TrailMaker, folder: str, ending: str) -> Iterator[str]:
    for line in trail.store.versions(trail.folder + folder):
        if line.is_latest and not line.is_delete_marker and line.key.endswith(ending):
            yield line.key


def _current(store: MemoryStore, key: str) -> str:
    for line in store.versions(key):
        if line.key == key and line.is_latest and not line.is_delete_marker:
            return line.version_id
    raise ObjectMissingError(key)


def _read(store: MemoryStore, key: str) -> bytes:
    with store.open(key, _current(store, key)) as stream:
        return stream.read()
