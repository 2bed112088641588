"""Sealed archives made straight from the formats, so that anything in them can be made wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.batch import BatchWriter
from sealtrail_schemas.body import (
    ControlBody,
    GenesisBody,
    HeartbeatBody,
    Predecessor,
    RejectedBody,
    TopicRef,
    encode_body,
    trail_id,
)
from sealtrail_schemas.checkpoint import Checkpoint, sign_checkpoint
from sealtrail_schemas.control import Continuation, Control, Deed, Gap, KeyChange, sign_control
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import batch_key, key_change_key, seal_key, trail_prefix
from sealtrail_schemas.leaf import ZERO_HASH, Kind, Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.note import sign_note
from sealtrail_schemas.origin import split_origin
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.policy import Policy, format_policy
from sealtrail_schemas.seal import open_seal, seal_key_name
from sealtrail_schemas.seal_text import (
    BatchRef,
    EntryRef,
    PreviousSeal,
    Seal,
    SealedRetention,
    TimeSpan,
    TopicMark,
)
from sealtrail_transport.memory_store import MemoryStore
from sealtrail_transport.store import LockMode, Retention

ORIGIN = "audit.example.com/payments/0"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
YEAR = timedelta(days=365)
RAW = TopicRef("payments", b"r" * 16)
CHAINED = TopicRef("payments.chained", b"c" * 16)


class Clock:
    """The bucket's time: set, not passing."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def new_store() -> MemoryStore:
    return MemoryStore(Clock())


@dataclass
class Placed:
    """A batch and its seal as they were put: keys in the archive, version ids, and what was sealed."""

    first: int
    last: int
    batch: str
    batch_version: str
    batch_bytes: bytes
    seal: str
    seal_version: str
    note: bytes
    text: Seal
    signer: Signer


@dataclass
class TrailMaker:
    """Writes one trail into a store, batch by batch.

    `leaf` and `seal` of the methods below replace fields of what would be right; what is made wrong stays
    signed.
    """

    store: Any
    origin: str = ORIGIN
    seed: bytes = b"\x01" * 32
    incarnation: bytes = b"\x02" * 16
    until: datetime | None = NOW + YEAR
    codec: str = "null"
    predecessor: Predecessor | None = None
    genesis: dict[str, Any] = field(default_factory=dict)
    clock_ms: int = NOW_MS - 600_000
    trail_id_of: str | None = None  # another origin to make the trail id of

    def __post_init__(self) -> None:
        self.signer = Signer.from_seed(self.origin, self.seed)
        self.signers = [self.signer]  # all that ever signed for the trail, in order
        self.trail_id = trail_id(self.trail_id_of or self.origin, self.incarnation)
        parts = split_origin(self.origin)
        self.raw = TopicRef(parts.topic, RAW.id)
        self.folder = trail_prefix(parts.topic, parts.partition, self.trail_id)
        self.edge = RightEdge.empty()
        self.last_hash = ZERO_HASH
        self.next_offset = 0
        self.size = 0
        self.waiting: list[Entry] = []
        self.leaves: list[Leaf] = []
        self.placed: list[Placed] = []
        self.begin()

    def begin(self) -> None:
        body = GenesisBody(
            origin=self.origin,
            incarnation=self.incarnation,
            raw_topic=self.raw,
            chained_topic=CHAINED,
            first_source_offset=0,
            keys=(self.signer.verifier.vkey,),
            created_at_ms=self.clock_ms,
            predecessor=self.predecessor,
        )
        self.own(Kind.GENESIS, encode_body(replace(body, **self.genesis)))

    def add(self, payload: bytes, **leaf: Any) -> None:
        """Append an entry to the batch that is being made."""
        self.clock_ms += 10
        fields = {
            "kind": Kind.EVENT,
            "sequence": self.size,
            "previous_hash": self.last_hash,
            "trail_id": self.trail_id,
            "payload_hash": sha256(payload).digest(),
            "source_timestamp_ms": self.clock_ms,
            "source_timestamp_type": 1,
            "chained_at_ms": self.clock_ms,
            "source_offset": self.next_offset,
            "next_source_offset": self.next_offset + 1,
        }
        made = Leaf(**(fields | leaf))
        self.add_raw(made.encode(), payload)
        self.leaves.append(made)
        self.next_offset = made.next_source_offset

    def add_raw(self, leaf: bytes, payload: bytes) -> None:
        self.waiting.append(Entry(leaf, payload))
        self.last_hash = entry_hash(leaf)
        self.edge.append(self.last_hash)
        self.size += 1

    def event(
        self, value: bytes = b'{"n":1}', key: bytes | None = None, headers: Any = (), **leaf: Any
    ) -> None:
        salt = self.size.to_bytes(16, "big")
        self.add(encode_payload(salt, key, headers, value), **leaf)

    def own(self, kind: Kind, body: bytes, **leaf: Any) -> None:
        own = {
            "kind": kind,
            "source_timestamp_ms": -1,
            "source_timestamp_type": 0,
            "source_offset": -1,
            "next_source_offset": self.next_offset,
        }
        self.add(encode_payload(bytes(16), None, (), body), **(own | leaf))

    def heartbeat(self) -> None:
        self.own(Kind.HEARTBEAT, encode_body(HeartbeatBody()))

    def rejected(self) -> None:
        body = RejectedBody("too large", None, 5_242_881, self.next_offset)
        own = {"source_offset": self.next_offset, "next_source_offset": self.next_offset + 1}
        self.own(Kind.REJECTED, encode_body(body), **own)

    def control(self) -> None:
        """An entry of a name that this version does not know."""
        self.own(Kind.CONTROL, encode_body(ControlBody("merge")))

    def statement(self, deed: Deed, *signers: Signer, **changes: Any) -> bytes:
        """The statement of the next entry, signed by the trail's key, or whoever is given."""
        control = Control(
            origin=self.origin,
            trail_id=self.trail_id,
            sequence=self.size,
            previous_hash=self.last_hash,
            at_ms=self.clock_ms,
            reason="as agreed",
            deed=deed,
        )
        return sign_control(replace(control, **changes), signers or [self.signer])

    def state(self, name: str, note: bytes | None, **leaf: Any) -> None:
        """Append a control entry."""
        body = ControlBody(name, None if note is None else note.decode())
        self.own(Kind.CONTROL, encode_body(body), **leaf)

    def rotate(self, seed: bytes, *, is_put: bool = True) -> bytes:
        """Change the key, seal that, and put the statement under `keys/`; returns it."""
        new = Signer.from_seed(self.origin, seed)
        note = self.statement(KeyChange(self.signer.verifier, new.verifier), self.signer, new)
        self.state("key-change", note)
        self.seal()
        self.signer = new
        self.signers.append(new)
        if is_put:
            self.put_key_change(note)
        return note

    def put_key_change(self, note: bytes, size: int | None = None, **put: Any) -> str:
        """Put a note under `keys/`, named for the size of the trail, or another; returns its key."""
        key = self.folder + key_change_key(size or self.size)
        retention = self.until and Retention(LockMode.COMPLIANCE, self.until)
        self.store.put(key, note, **({"retention": retention} | put))
        return key

    def go_on(self, stop: str = "chained-topic-lost") -> None:
        """Go on in another chained topic."""
        topic = TopicRef(CHAINED.name, b"d" * 16)
        self.state("continuation", self.statement(Continuation(topic, stop)))

    def lose(self, count: int) -> None:
        """State that so many raw records were gone before they were chained."""
        kept = self.next_offset + count
        note = self.statement(Gap(self.raw, self.next_offset, kept))
        self.state("gap", note, next_source_offset=kept)

    def seal(
        self,
        *,
        batch_bytes: bytes | None = None,
        suffix: int = 0,
        over: bool = False,
        checkpoint: Checkpoint | None = None,
        edge: RightEdge | None = None,
        **changes: Any,
    ) -> Placed:
        """Put the waiting entries as a batch, and its seal; `over` writes it over what has its name."""
        first_sequence = self.size - len(self.waiting)
        if batch_bytes is None:
            batch_bytes = make_batch(self.origin, self.waiting, self.codec)
        retention = self.until and Retention(LockMode.COMPLIANCE, self.until)
        relative = batch_key(first_sequence, suffix)
        version_id = self.store.put(self.folder + relative, batch_bytes, retention=retention)
        edge = edge or self.edge
        checkpoint = checkpoint or Checkpoint(self.origin, self.size, edge.root())
        first, last = Leaf.parse(self.waiting[0].leaf), Leaf.parse(self.waiting[-1].leaf)
        previous = self.placed[-1] if self.placed else None
        seal = Seal(
            trail_id=self.trail_id,
            batch=BatchRef(
                key=relative,
                version_id=version_id,
                sha256=sha256(batch_bytes).digest(),
                length=len(batch_bytes),
                last_modified=self.store.head(self.folder + relative, version_id).last_modified,
            ),
            first=EntryRef(first_sequence, entry_hash(self.waiting[0].leaf)),
            last=EntryRef(self.size - 1, entry_hash(self.waiting[-1].leaf)),
            time=TimeSpan(first.chained_at_ms, last.chained_at_ms),
            source=TopicMark(self.raw.id, self.next_offset),
            chained=TopicMark(CHAINED.id, self.size + 7),
            retention=SealedRetention("COMPLIANCE" if self.until else "NONE", self.until),
            previous=previous
            and PreviousSeal(sha256(previous.text.text().encode()).digest(), previous.text.retention.until),
            right_edge=edge.hashes,
            checkpoint=sign_checkpoint(checkpoint, self.signer),
        )
        seal = replace(seal, **changes)
        note = self.sign(seal)
        key = self.folder + seal_key(seal.size)
        seal_version = self.store.put(key, note, retention=retention, only_if_absent=not over)
        placed = Placed(
            first_sequence,
            self.size - 1,
            self.folder + relative,
            version_id,
            batch_bytes,
            key,
            seal_version,
            note,
            seal,
            self.signer,
        )
        self.placed.append(placed)
        self.entries_of = {**getattr(self, "entries_of", {}), first_sequence: list(self.waiting)}
        self.waiting = []
        return placed

    def sign(self, seal: Seal) -> bytes:
        """Sign whatever a seal says, as the holder of the key can."""
        return sign_note(seal.text(), [self.signer.renamed(seal_key_name(self.origin))])

    def put_unsealed(self, suffix: int = 0) -> str:
        """Put the waiting entries as a batch, without a seal; returns its key."""
        key = self.folder + batch_key(self.size - len(self.waiting), suffix)
        retention = self.until and Retention(LockMode.COMPLIANCE, self.until)
        self.store.put(key, make_batch(self.origin, self.waiting, self.codec), retention=retention)
        return key

    @property
    def head(self) -> bytes:
        """The newest checkpoint, as an auditor would keep it."""
        return self.placed[-1].text.checkpoint

    def checkpoint_at(self, size: int, root: bytes | None = None, signer: Signer | None = None) -> bytes:
        """A signed checkpoint of the first `size` entries, or of another root, or by another key."""
        edge = RightEdge.empty()
        entries = [entry for first in sorted(self.entries_of) for entry in self.entries_of[first]]
        edge.extend([entry_hash(entry.leaf) for entry in entries[:size]])
        return sign_checkpoint(Checkpoint(self.origin, size, root or edge.root()), signer or self.signer)

    def opened(self, number: int):
        placed = self.placed[number]
        return open_seal(placed.note, placed.signer.verifier)


def make_batch(origin: str, entries: list[Entry], codec: str = "null") -> bytes:
    writer = BatchWriter(origin, codec)
    for entry in entries:
        writer.add(*entry)
    return writer.finish()


def make_trail(*counts: int, store: Any = None, **settings: Any) -> TrailMaker:
    """A trail of batches with that many entries; genesis is the first of them."""
    trail = TrailMaker(store or new_store(), **settings)
    for number, count in enumerate(counts):
        for _ in range(count - (number == 0)):
            trail.event(b'{"n":%d}' % trail.size)
        trail.seal()
    return trail


def policy_of(*trails: TrailMaker) -> Policy:
    return Policy.parse(format_policy([trail.signer.verifier for trail in trails]))


def policy_with(trail: TrailMaker, seed: bytes) -> Policy:
    """The policy that names another key of the trail."""
    return Policy.parse(format_policy([Signer.from_seed(trail.origin, seed).verifier]))


def make_rotated(*seeds: bytes, **settings: Any) -> TrailMaker:
    """A trail whose key was changed to each of the seeds; each key signs batches of 3 and of 2."""
    trail = make_trail(3, **settings)
    for seed in seeds:
        trail.event()
        trail.rotate(seed)
        for _ in range(3):
            trail.event()
        trail.seal()
    return trail


def verify(trail: TrailMaker, *others: TrailMaker, **settings: Any):
    """Verify the store of a trail under a policy of all that are given."""
    settings = {"now": trail.store._clock() if hasattr(trail.store, "_clock") else NOW} | settings
    return verify_archive(trail.store, policy_of(trail, *others), **settings)


def codes(report) -> list[str]:
    return [finding.code.code for finding in report.all_findings()]
