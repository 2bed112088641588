"""What `sealtrail demo` does to copies of an archive, to show that it is seen. Not for use on anything else.

All but `forge_history` need write access to the files and nothing more; that one needs the trail's key.
They write well-formed files, with the formats' own writers: that a clumsy forgery is seen proves little.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sealtrail_schemas.batch import BatchReader, BatchWriter
from sealtrail_schemas.checkpoint import Checkpoint, sign_checkpoint
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.leaf import ZERO_HASH, Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.seal import PreviousSeal, Seal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealtrail_schemas.keys import Signer

PayloadEdit: TypeAlias = Callable[[int, bytes], bytes]
"""Given a sequence and a payload, returns the payload that is to stand there instead."""


class SealedBatch(NamedTuple):
    """A batch's file, and what its seal says."""

    batch: bytes
    seal: Seal


def edit_batch(batch: bytes, edit: PayloadEdit) -> bytes:
    """The batch with edited payloads, and the leaves as they were."""
    reader = _reader(batch)
    return _write(reader, (Entry(leaf, edit(Leaf.parse(leaf).sequence, payload)) for leaf, payload in reader))


def remove_entry(batch: bytes, sequence: int) -> bytes:
    """The batch without one of its entries."""
    reader = _reader(batch)
    return _write(reader, (entry for entry in reader if Leaf.parse(entry.leaf).sequence != sequence))


def forge_history(history: Iterable[SealedBatch], edit: PayloadEdit, signer: Signer) -> list[SealedBatch]:
    """Another history, flawless in itself: payloads edited, all after them chained and signed anew.

    This is what an insider can make who holds the trail's key. `history` is the whole trail, oldest first;
    the seals that come back are still to be signed.
    """
    forged: list[SealedBatch] = []
    edge, last_hash, previous = RightEdge.empty(), ZERO_HASH, None
    for sealed in history:
        reader = _reader(sealed.batch)
        entries = _chain_anew(reader, last_hash, edit)
        hashes = [entry_hash(entry.leaf) for entry in entries]
        last_hash = hashes[-1]
        edge.extend(hashes)
        batch = _write(reader, entries)
        seal = replace(
            sealed.seal,
            batch=replace(sealed.seal.batch, sha256=sha256(batch).digest(), length=len(batch)),
            first=sealed.seal.first._replace(hash=hashes[0]),
            last=sealed.seal.last._replace(hash=last_hash),
            previous=previous,
            right_edge=edge.hashes,
            checkpoint=sign_checkpoint(Checkpoint(signer.name, edge.size, edge.root()), signer),
        )
        previous = PreviousSeal(sha256(seal.text().encode()).digest(), seal.retention.until)
        forged.append(SealedBatch(batch, seal))
    return forged


def _chain_anew(entries: Iterable[Entry], last_hash: bytes, edit: PayloadEdit) -> list[Entry]:
    chained: list[Entry] = []
    for raw_leaf, raw_payload in entries:
        leaf = Leaf.parse(raw_leaf)
        payload = edit(leaf.sequence, raw_payload)
        leaf = leaf._replace(previous_hash=last_hash, payload_hash=sha256(payload).digest())
        chained.append(Entry(leaf.encode(), payload))
        last_hash = entry_hash(chained[-1].leaf)
    return chained


def _reader(batch: bytes) -> BatchReader:
    return BatchReader(io.BytesIO(batch))


def _write(reader: BatchReader, entries: Iterable[Entry]) -> bytes:
    writer = BatchWriter(reader.origin, reader.codec)
    for entry in entries:
        writer.add(entry.leaf, entry.payload)
    return writer.finish()
