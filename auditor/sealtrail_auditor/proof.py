"""Making proofs of single entries (docs/format.md, "Proof") from one verified batch and two seals.

The tree before the batch is what the seal before it states, the tree behind it is the batch's own: the
inclusion path of any of its entries follows, and leads to the checkpoint in the batch's seal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.errors import ProofUnavailableError
from sealtrail_auditor.open_entry import VerifiedEntry, opened_batch, verified_entry
from sealtrail_schemas.batch_tree import BatchTree
from sealtrail_schemas.leaf import entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.tlog_proof import TlogProof

if TYPE_CHECKING:
    from datetime import datetime

    from sealtrail_auditor.reading import ReadEntry, VerifiedBatch
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


class ProvenEntry(NamedTuple):
    """An entry, and the proof that the trail holds it."""

    found: VerifiedEntry
    proof: TlogProof


class BatchProver:
    """Makes the proofs of one batch's entries; holds some two hashes an entry."""

    def __init__(self, batch: VerifiedBatch) -> None:
        """Read the entry hashes of a batch that verifies.

        Raises:
            ProofUnavailableError: the seal before the batch is gone, and with it the way to the root.
        """
        if batch.before is not None:
            before = batch.before.opened.right_edge
        elif batch.span.first == 0:
            before = RightEdge.empty()
        else:
            raise ProofUnavailableError(
                f"{batch.span} can't be proven: the seal before them is gone. Their own seal, "
                f"{batch.placed.key}, and the batch {batch.key} still vouch for them"
            )
        added = (read for read in batch.all_entries() if read.sequence >= before.size)
        hashes = [entry_hash(read.entry.leaf) for read in added]
        self._checkpoint = batch.placed.opened.seal.checkpoint
        self._tree = BatchTree(before, hashes)

    def prove(self, read: ReadEntry) -> TlogProof:
        """The proof of one of the batch's entries against the checkpoint in the batch's seal."""
        path = tuple(self._tree.path(read.sequence))
        return TlogProof(read.sequence, path, self._checkpoint, extra=read.entry.leaf)


def prove_entry(
    store: Store, policy: Policy, origin: str, sequence: int, *, folder: str | None = None, now: datetime
) -> ProvenEntry:
    """Find an entry, verify its batch and prove the entry: one batch and two seals are read.

    Takes what `find_entry` takes.

    Raises:
        ProofUnavailableError: the seal before the entry's batch is gone.
        AuditError: as `find_entry`.
    """
    with opened_batch(store, policy, origin, sequence, folder=folder, now=now) as batch:
        read = next(batch.entries())
        return ProvenEntry(verified_entry(batch, read), BatchProver(batch).prove(read))
