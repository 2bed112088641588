"""What a walk through one trail has come to so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sealtrail_auditor.findings import FindingLog
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.stamps import StampCounts
from sealtrail_auditor.statements import StatementList
from sealtrail_schemas.merkle import EMPTY_ROOT

if TYPE_CHECKING:
    from datetime import datetime

    from sealtrail_auditor.batch_task import BatchOutcome
    from sealtrail_auditor.findings import Span
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.body import GenesisBody
    from sealtrail_schemas.leaf import Kind
    from sealtrail_schemas.trail_keys import TrailKeys


@dataclass(frozen=True, slots=True)
class Since:
    """What visits before have verified: entries below `size`, the last of them at `visited_at`."""

    size: int
    visited_at: datetime


@dataclass(slots=True)
class TrailResult:
    """What the walk through one trail came to, before it is held against pinned heads and other trails.

    Attributes:
        folder: The trail's folder, ending in a slash.
        keys: The trail's keys, as far as the key of the policy leads to them.
        findings: What is wrong.
        base_size: The size of the trail where the walk began; 0: at its first entry.
        since: What visits before have verified.
        first_sequence: The first entry of the batches that were looked at; None: there were none.
        head: The newest valid seal that was looked at.
        to_end: Whether the walk came to the trail's newest seal, and looked behind it.
        seals_rejected: How many names under `seals/` hold something that is no valid seal.
        entries: How many entries were verified.
        batches: How many batches were verified.
        length: Bytes of batches read.
        kinds: How many of the verified entries are of each kind.
        genesis: The body of the first entry, once it was seen.
        statements: What control entries state, in order.
        controls: How many control entries there were whose names this version does not know.
        first_control: The sequence of the first of them.
        first_time_ms: Chained-at of the first entry that a valid seal covers.
        roots: The Merkle root at the sizes asked for, and at 0.
        expired: Entries that are gone since their retention has passed.
        unread: Entries of batches that were not drawn for the sample.
        unsealed_in_gaps: Batches whose seals are missing or damaged; they were not read.
        bridged: Entries for which the Merkle tree was taken from a seal instead of being computed.
        in_flight: Batches that wait for their seal: the first one's key and how many.
        stamps: What producers' stamps say, of entries from `stamps_from` on; None: no event has one.
        stamps_from: The first entry whose stamp was to be read; visits before count.
        has_schemas: Whether a seal names schemas of archived events.
        not_checked: What else could not be checked, in sentences.
        vouched_by: The folder of the trail before or behind it that led to its key; None: the policy did.
        predecessor: The folder of the trail that its first entry names, where that is here, as it was named.
        successor: The folder of the trail that so names this one.
        heads_uncompared: Sizes of pinned heads that could not be compared.
    """

    folder: str
    keys: TrailKeys
    findings: FindingLog
    base_size: int = 0
    since: Since | None = None
    first_sequence: int | None = None
    head: PlacedSeal | None = None
    to_end: bool = True
    seals_rejected: int = 0
    entries: int = 0
    batches: int = 0
    length: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    genesis: GenesisBody | None = None
    statements: StatementList = field(default_factory=StatementList)
    controls: int = 0
    first_control: int = -1
    first_time_ms: int | None = None
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})
    expired: SpanList = field(default_factory=SpanList)
    unread: SpanList = field(default_factory=SpanList)
    unsealed_in_gaps: int = 0
    bridged: SpanList = field(default_factory=SpanList)
    in_flight: tuple[str, int] | None = None
    stamps: StampCounts | None = None
    stamps_from: int = 0
    has_schemas: bool = False
    not_checked: list[str] = field(default_factory=list)
    vouched_by: str | None = None
    predecessor: str | None = None
    successor: str | None = None
    heads_uncompared: list[int] = field(default_factory=list)

    @classmethod
    def new(cls, folder: str, keys: TrailKeys) -> TrailResult:
        """The result of a walk that has not begun."""
        return cls(folder, keys, FindingLog(keys.origin))

    @property
    def origin(self) -> str:
        """The trail's name."""
        return self.keys.origin

    @property
    def size(self) -> int:
        """The size of the trail by its newest valid seal that was looked at."""
        return 0 if self.head is None else self.head.opened.checkpoint.size

    @property
    def last_time_ms(self) -> int | None:
        """Chained-at of the newest entry that a valid seal covers."""
        return None if self.head is None else self.head.opened.seal.time.last_ms

    @property
    def covers_whole(self) -> bool:
        """Whether it speaks of the trail from its first entry to its end; visits before count."""
        return self.to_end and (not self.base_size or self.since is not None)

    @property
    def has_met_anything(self) -> bool:
        """Whether there was something to be looked at: entries, or signs that there were some."""
        return self.first_sequence is not None or bool(self.findings.kept or self.expired)

    def copy(self) -> TrailResult:
        """An independent result that says the same."""
        return replace(
            self,
            findings=self.findings.copy(),
            kinds=self.kinds.copy(),
            roots=dict(self.roots),
            expired=self.expired.copy(),
            unread=self.unread.copy(),
            bridged=self.bridged.copy(),
            stamps=self.stamps and self.stamps.copy(),
            statements=self.statements.copy(),
            not_checked=list(self.not_checked),
            heads_uncompared=list(self.heads_uncompared),
        )

    def add_seal(self, placed: PlacedSeal, roots: frozenset[int]) -> None:
        """Go on to the next valid seal; its root is kept where `roots` has its size."""
        opened = placed.opened
        self.head = placed
        if self.first_sequence is None:
            self.first_sequence = opened.seal.first.sequence
        if opened.checkpoint.size in roots:
            self.roots[opened.checkpoint.size] = opened.checkpoint.root
        if self.first_time_ms is None:
            self.first_time_ms = opened.seal.time.first_ms
        self.has_schemas = self.has_schemas or bool(opened.seal.schemas)

    def add_batch(self, outcome: BatchOutcome, span: Span) -> None:
        """Add what the check of the newest seal's batch came to; `span`: the entries that it adds."""
        self.findings.merge(outcome.findings)
        self.length += outcome.length
        self.roots.update(outcome.roots)
        if outcome.is_verified:
            self.batches += 1
            self.entries += outcome.entries
            self.kinds.update(outcome.kinds)
        if outcome.stamps is not None:
            if self.stamps is None:
                self.stamps = StampCounts()
            self.stamps.add(outcome.stamps)
        if outcome.is_expired:
            self.expired.add(span)
        if outcome.is_bridged:
            self.bridged.add(span)
        self.genesis = outcome.genesis or self.genesis
        if outcome.controls and not self.controls:
            self.first_control = outcome.first_control
        self.controls += outcome.controls
        self.statements.extend(outcome.statements)
