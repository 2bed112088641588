"""Looking up one entry, verified against the seal of its batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import gather_names, trail_folders
from sealtrail_auditor.batches import NOWHERE, BatchCheck, at_start
from sealtrail_auditor.errors import EntryDamagedError, EntryMissingError, TrailSelectionError
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.folders import find_owner
from sealtrail_auditor.seals import read_seal_name
from sealtrail_auditor.verify import select_trails
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key, seal_key
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import Payload, decode_payload
from sealtrail_transport.errors import ObjectMissingError
from sealtrail_transport.store import LockKnowledge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.entry import Entry
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


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
    store: Store, policy: Policy, origin: str, sequence: int, *, folder: str | None = None
) -> VerifiedEntry:
    """Find an entry and verify the batch that holds it against its seal; the rest of the trail is not read.

    Args:
        store: The archive.
        policy: The keys to trust.
        origin: The trail.
        sequence: The entry's number in it, from 0.
        folder: The trail's folder, where the archive holds several trails of the origin.

    Raises:
        TrailSelectionError: the policy does not name the trail, or `folder` is needed.
        EntryMissingError: no valid seal covers the entry, or its batch is gone.
        EntryDamagedError: the batch does not verify; carries the finding.
    """
    verifier = select_trails(policy, [origin])[origin]
    folder = _choose_folder(store, verifier, folder)
    placed = _covering_seal(store, folder, verifier, sequence)
    seal = placed.opened.seal
    batch_key = folder + seal.batch.key
    kept: list[Entry] = []

    def tap(entries: Iterator[Entry]) -> Iterator[Entry]:
        for number, entry in enumerate(entries, start=seal.first.sequence):
            if number == sequence:
                kept.append(entry)
            yield entry

    standing = at_start(seal.trail_id) if seal.first.sequence == 0 else NOWHERE
    version_id, stream = _open_batch(store, placed, batch_key)
    with stream:
        damage = BatchCheck(placed.opened, standing, tap=tap).run(stream).damage
    if damage is not None:
        finding = Finding(
            damage.code, origin, batch_key, version_id, damage.span, damage.expected, damage.found
        )
        raise EntryDamagedError(
            f"the batch of entry {sequence} does not verify: {damage.code.title}", [finding]
        )
    return VerifiedEntry(
        origin=origin,
        folder=folder,
        leaf=Leaf.parse(kept[0].leaf),
        payload=decode_payload(kept[0].payload),
        entry=kept[0],
        placed=placed,
        batch_key=batch_key,
        checks=(
            f"The seal {placed.key} is signed by the policy's key of {origin} and covers the entry.",
            "The batch has the length and SHA-256 that the seal states.",
            (
                f"Entries {seal.first.sequence} to {seal.last.sequence} are one chain, from the first hash "
                "to the last that the seal states, and each payload has the hash in its leaf."
            ),
        ),
        not_checked=(
            "Whether this seal goes on from those before it, and its Merkle root: `sealtrail verify` does.",
            "Locks and versions.",
        ),
    )


def _choose_folder(store: Store, verifier: Verifier, folder: str | None) -> str:
    folders = [
        found for found in trail_folders(store) if find_owner(store, found, [verifier]).verifier is not None
    ]
    if folder is not None:
        if folder not in folders:
            raise TrailSelectionError(f"the folder {folder} is none of the trail {verifier.name}")
        return folder
    if not folders:
        raise EntryMissingError(f"the archive holds nothing of the trail {verifier.name}")
    if len(folders) > 1:
        raise TrailSelectionError(f"{verifier.name} is in several folders, name one: {', '.join(folders)}")
    return folders[0]


def _covering_seal(store: Store, folder: str, verifier: Verifier, sequence: int) -> PlacedSeal:
    """The first valid seal whose size is above the sequence; it has to begin at or before it."""
    after = folder + seal_key(sequence) if sequence else None
    for name in gather_names(store.versions(folder + SEALS, after=after)):
        try:
            size = parse_seal_key(name.key[len(folder) :])
        except FormatError:
            continue
        found = read_seal_name(store, folder, name, size=size, verifier=verifier, previous=None)
        if found.seal is None:
            continue
        if found.seal.opened.seal.first.sequence > sequence:
            break
        return found.seal
    raise EntryMissingError(f"no valid seal of {verifier.name} covers entry {sequence}")


def _open_batch(store: Store, placed: PlacedSeal, key: str) -> tuple[str, BinaryIO]:
    """Open the version that the seal names; in a plain folder, whatever lies under its name."""
    version_ids = [placed.opened.seal.batch.version_id]
    if store.lock_knowledge is LockKnowledge.NONE:
        version_ids += [line.version_id for line in store.versions(key) if line.key == key]
    for version_id in version_ids:
        try:
            return version_id, store.open(key, version_id)
        except ObjectMissingError:
            continue
    raise EntryMissingError(f"the batch {key} is gone; its seal is {placed.key}")
