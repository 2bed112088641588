"""Looking up one entry, verified against the seal of its batch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import EntryDamagedError, EntryMissingError, TrailSelectionError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.reading import Reading, VerifiedBatch, find_trails
from sealtrail_auditor.statements import opens
from sealtrail_schemas.leaf import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail_auditor.reading import ReadEntry, TrailFolder
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.entry import Entry
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


_NOT_STATED: Final = (
    "What it states is not signed by the trail's key for this entry. Do not believe it; `sealtrail verify` "
    "says what is wrong."
)


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """One entry and what stands behind it.

    Attributes:
        origin: The trail.
        folder: Where the trail lies in the archive, ending in a slash.
        leaf: The leaf, parsed; `entry.leaf` are its bytes.
        payload: The payload, decoded; `entry.payload` are its bytes.
        entry: The entry as it is archived.
        placed: The seal that covers it, and where that lies.
        batch_key: The batch that holds it, relative to the archive.
        checks: What was checked, in sentences.
        not_checked: What was not, in sentences.
    """

    origin: str
    folder: str
    leaf: Leaf
    payload: Payload
    entry: Entry
    placed: PlacedSeal
    batch_key: str
    checks: tuple[str, ...]
    not_checked: tuple[str, ...]


def find_entry(
    store: Store, policy: Policy, origin: str, sequence: int, *, folder: str | None = None, now: datetime
) -> VerifiedEntry:
    """Find an entry and verify the batch that holds it against its seal; the rest of the trail is not read.

    Args:
        store: The archive.
        policy: The keys to trust.
        origin: The trail.
        sequence: The entry's number in it, from 0.
        folder: The trail's folder, where the archive holds several trails of the origin.
        now: The time by which retention is judged.

    Raises:
        TrailSelectionError: the policy does not name the trail, or `folder` is needed.
        EntryMissingError: no valid seal covers the entry, or its batch is gone.
        EntryDamagedError: the batch does not verify; carries the finding.
    """
    with opened_batch(store, policy, origin, sequence, folder=folder, now=now) as batch:
        return verified_entry(batch, next(batch.entries()))


@contextmanager
def opened_batch(
    store: Store, policy: Policy, origin: str, sequence: int, *, folder: str | None = None, now: datetime
) -> Iterator[VerifiedBatch]:
    """The verified batch that holds an entry, with that entry as its `entries()`; see `find_entry`."""
    trail = choose_folder(store, policy, origin, folder)
    for batch in Reading(store, trail, span=Span(sequence, sequence), now=now):
        if isinstance(batch, VerifiedBatch):
            yield batch
            return
        if batch.finding is None:
            raise EntryMissingError(f"entry {sequence} is gone, since its sealed retention has passed")
        if batch.finding.code in {FindingCode.BATCH_MISSING, FindingCode.BATCH_SUBSTITUTED}:
            raise EntryMissingError(f"the batch of entry {sequence} is gone: {batch.finding.key}")
        if batch.finding.code not in {FindingCode.SEAL_MISSING, FindingCode.FRONT_MISSING}:
            raise EntryDamagedError(
                f"the batch of entry {sequence} does not verify: {batch.finding.code.title}", [batch.finding]
            )
    raise EntryMissingError(f"no valid seal of {origin} covers entry {sequence}")


def choose_folder(store: Store, policy: Policy, origin: str, folder: str | None = None) -> TrailFolder:
    """The one folder of a trail, or the one of several that is named.

    Raises:
        TrailSelectionError: the policy does not name the trail, or `folder` is needed or is none of it.
        EntryMissingError: the archive holds nothing of the trail.
    """
    trails = find_trails(store, policy, [origin])
    if folder is not None:
        named = [trail for trail in trails if trail.folder == folder]
        if not named:
            raise TrailSelectionError(f"the folder {folder} is none of the trail {origin}")
        return named[0]
    if not trails:
        raise EntryMissingError(f"the archive holds nothing of the trail {origin}")
    if len(trails) > 1:
        folders = ", ".join(trail.folder for trail in trails)
        raise TrailSelectionError(f"{origin} is in several folders, name one: {folders}")
    return trails[0]


def verified_entry(batch: VerifiedBatch, read: ReadEntry) -> VerifiedEntry:
    """One entry of a batch that verifies, with what was checked."""
    origin, placed, seal = batch.trail.origin, batch.placed, batch.placed.opened.seal
    states, doubts = _statement(batch, read)
    return VerifiedEntry(
        origin=origin,
        folder=batch.trail.folder,
        leaf=read.leaf,
        payload=read.payload,
        entry=read.entry,
        placed=placed,
        batch_key=batch.key,
        checks=(
            f"The seal {placed.key} is signed by {_key(batch)} and covers the entry.",
            "The batch has the length and SHA-256 that the seal states.",
            (
                f"Entries {seal.first.sequence} to {seal.last.sequence} are one chain, from the first hash "
                "to the last that the seal states, and each payload has the hash in its leaf."
            ),
            *(
                (f"They go on from the seal before, {batch.before.key}, and lead to this one's Merkle root.",)
                if batch.before is not None
                else ()
            ),
            *states,
        ),
        not_checked=(
            *doubts,
            "The trail before and behind this batch: `sealtrail verify` does.",
            "Locks and versions.",
        ),
    )


def _key(batch: VerifiedBatch) -> str:
    """The key that signed the seal, in words."""
    keys = batch.trail.keys
    if len(keys.keys) == 1:
        return f"the policy's key of {keys.origin}"
    signed_by = keys.at(batch.placed.opened.checkpoint.size)
    return f"the key {signed_by.fingerprint} of {keys.origin}, to which the policy's leads,"


def _statement(batch: VerifiedBatch, read: ReadEntry) -> tuple[list[str], list[str]]:
    """What can be said of a control entry's statement: what was checked, and what was not."""
    if read.leaf.kind is not Kind.CONTROL:
        return [], []
    key = batch.trail.keys.at(batch.placed.opened.checkpoint.size)
    match opens(read.leaf, read.payload, key):
        case True:
            return [f"Its statement is signed by the trail's key {key.fingerprint}, for this entry."], []
        case False:
            return [], [_NOT_STATED]
    return [], ["What it states: this version does not know its name."]
