"""Steps 4 to 8 of docs/format.md, "Verification", for one batch.

A batch is checked by what the seals say alone, never by the batch before it: so it can be checked anywhere,
at any time and in another process, and what comes of it is the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sealtrail_auditor.batches import BatchCheck
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog, Span
from sealtrail_auditor.locks import ObjectPlace, check_locks
from sealtrail_auditor.own_entries import OwnEntries
from sealtrail_auditor.sealed_batch import lost_batch, open_sealed_batch
from sealtrail_auditor.stamps import StampReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sealtrail_auditor.batches import BatchResult, Standing
    from sealtrail_auditor.sealed_batch import FoundBatch
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_auditor.stamps import StampCounts
    from sealtrail_auditor.statements import Statement
    from sealtrail_schemas.body import GenesisBody
    from sealtrail_schemas.leaf import Kind
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.key_shelf import PlacedChange
    from sealtrail_transport.store import ObjectVersion, Store


@dataclass(frozen=True, slots=True)
class BatchTask:
    """All that is needed to check one batch, but for the archive.

    Attributes:
        folder: The trail's folder, ending in a slash.
        keys: The trail's keys.
        placed: The batch's seal.
        covered: The size up to which seals before cover its entries: these are checked, and not counted.
        standing: The chain and the Merkle tree at that size, by the seals.
        versions: What is listed under the batch's key, oldest first.
        root_sizes: Sizes within the batch, rising, at which to take the Merkle root.
        now: The time by which retention is judged.
        change: The key change under `keys/` that is named for the size of its seal, if there is one.
    """

    folder: str
    keys: TrailKeys
    placed: PlacedSeal
    covered: int
    standing: Standing
    versions: tuple[ObjectVersion, ...]
    root_sizes: tuple[int, ...]
    now: datetime
    change: PlacedChange | None = None

    @property
    def key(self) -> str:
        """The batch's key, relative to the archive."""
        return self.folder + self.placed.opened.seal.batch.key

    @property
    def span(self) -> Span:
        """The entries of the batch."""
        seal = self.placed.opened.seal
        return Span(seal.first.sequence, seal.last.sequence)

    @property
    def added(self) -> Span:
        """Those of them that no seal before covers."""
        return Span(self.covered, self.span.last)


@dataclass(slots=True)
class BatchOutcome:
    """What the check of one batch came to.

    Attributes:
        findings: What is wrong with it and with its seal's lock.
        is_verified: Whether all of its entries are what was sealed.
        is_expired: Whether it is gone and its retention has passed.
        is_bridged: Whether its entries could not go into the Merkle tree, so that its seal's right edge is
            believed.
        entries: How many entries continued the chain.
        kinds: How many of them were of each kind.
        roots: The Merkle roots at the sizes that were asked for.
        length: Bytes read.
        genesis: The body of the trail's first entry, if it is in this batch.
        statements: What its control entries state, in order.
        controls: How many control entries there were whose names this version does not know.
        first_control: The sequence of the first of them.
        stamps: What the producers' stamps of its events say, if it is verified.
    """

    findings: FindingLog
    is_verified: bool = False
    is_expired: bool = False
    is_bridged: bool = False
    entries: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    roots: dict[int, bytes] = field(default_factory=dict)
    length: int = 0
    genesis: GenesisBody | None = None
    statements: tuple[Statement, ...] = ()
    controls: int = 0
    first_control: int = -1
    stamps: StampCounts | None = None


def check_batch(
    store: Store, task: BatchTask, on_piece: Callable[[int, int], None] = lambda _entries, _length: None
) -> BatchOutcome:
    """Check one batch.

    Args:
        store: The archive.
        task: Which batch, and what is known of it.
        on_piece: Called now and then with the entries followed and the bytes read so far.

    Raises:
        StoreError: the store can't be read.
    """
    outcome = BatchOutcome(FindingLog(task.keys.origin))
    found = open_sealed_batch(store, task.placed.opened.seal, task.key, task.versions)
    if found is None:
        _add_loss(outcome, task)
        outcome.is_bridged = True
    else:
        _read(found, task, outcome, on_piece)
    gone = found is None or (found.is_other and not outcome.is_verified)
    batch = None if found is None or gone else ObjectPlace(task.key, found.version_id)
    place = ObjectPlace(task.placed.key, task.placed.version_id)
    others = [] if batch is None else [batch]
    if task.change is not None:
        others.append(ObjectPlace(task.change.key, task.change.version_id))
    for finding in check_locks(store, task.placed.opened.seal, place, others):
        outcome.findings.add(finding)
    return outcome


def _read(
    found: FoundBatch, task: BatchTask, outcome: BatchOutcome, on_piece: Callable[[int, int], None]
) -> None:
    own = OwnEntries(task, found.version_id, outcome.findings.add)
    stamps = StampReader()
    with found.stream as stream:
        result = BatchCheck(
            task.placed.opened,
            task.standing,
            covered=task.covered,
            root_sizes=task.root_sizes,
            on_own_entry=own.read,
            on_piece=on_piece,
            stamps=stamps,
        ).run(stream)
    outcome.length = result.length
    outcome.roots.update(result.roots)
    controls = own.controls
    if result.damage is None:
        controls.check_changes()
        outcome.statements = tuple(controls.statements)
    outcome.genesis = own.genesis
    outcome.controls, outcome.first_control = controls.unknown, controls.first_unknown
    outcome.is_bridged = result.damage is not None or task.standing.tree is None
    _judge(result, found, task, outcome)
    outcome.stamps = (stamps.counts() or None) if outcome.is_verified else None


def _judge(result: BatchResult, found: FoundBatch, task: BatchTask, outcome: BatchOutcome) -> None:
    damage = result.damage
    if damage is None:
        outcome.is_verified, outcome.entries = True, result.entries
        outcome.kinds.update(result.kinds)
        if found.is_other:
            sealed_version = task.placed.opened.seal.batch.version_id
            expected, instead = f"version {sealed_version}", f"version {found.version_id}"
            outcome.findings.add(
                Finding(
                    FindingCode.BATCH_VERSION,
                    key=task.key,
                    version_id=found.version_id,
                    span=task.span,
                    expected=expected,
                    found=instead,
                )
            )
    elif found.is_other:  # so it never was the batch
        _add_loss(outcome, task)
    else:
        outcome.findings.add(
            Finding(
                damage.code,
                key=task.key,
                version_id=found.version_id,
                span=damage.span,
                expected=damage.expected,
                found=damage.found,
            )
        )


def _add_loss(outcome: BatchOutcome, task: BatchTask) -> None:
    """Say that the batch is gone: expired, or missing. What its seal says of the tree can still be wrong."""
    seal = task.placed.opened.seal
    tree, edge = task.standing.tree, task.placed.opened.right_edge
    if tree is not None and not tree.may_grow_to(edge):
        outcome.findings.add(
            Finding(
                FindingCode.SEAL_ROOT,
                key=task.placed.key,
                version_id=task.placed.version_id,
                span=task.span,
                expected=f"a right edge that goes on from that of size {tree.size}",
                found="another tree",
            )
        )
    until = seal.retention.until
    if until is not None and until <= task.now:
        outcome.is_expired = True
    else:
        outcome.findings.add(lost_batch(seal, task.key, has_others=bool(task.versions)))
