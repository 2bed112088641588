"""Sealing one batch: docs/format.md, "Order of writing", steps 2 to 6.

Everything here may be repeated after a failure. There is one path, whether the batch was never written, was
written by a run that died, or its name was squatted: look at what the name holds, write if it holds nothing,
and read back what is there. A seal is signed only over what was read back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from sealtrail_archiver.read_back import Misfit, NeedsMore, ReadBack, read_back
from sealtrail_archiver.settings import Alarm, SealedBatch
from sealtrail_chainer.anchor import newer_format
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.batch import BatchWriter
from sealtrail_schemas.checkpoint import Checkpoint, sign_checkpoint
from sealtrail_schemas.errors import UnknownFormatError
from sealtrail_schemas.layout import batch_key, seal_key
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.seal import (
    BatchRef,
    EntryRef,
    PreviousSeal,
    Seal,
    SealedRetention,
    TimeSpan,
    TopicMark,
    sign_seal,
)
from sealtrail_transport.errors import LockUnsupportedError, ObjectExistsError, ObjectMissingError
from sealtrail_transport.seal_shelf import PlacedSeal, following_seal, newest_seal, read_seal, versions_of
from sealtrail_transport.store import LockMode, Retention

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Literal

    from sealtrail_chainer.trail import Trail
    from sealtrail_chainer.true_chain import Linked
    from sealtrail_schemas.keys import Signer
    from sealtrail_schemas.seal import OpenedSeal
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import ObjectVersion, Store


CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two honest machines may be apart without a word."""
MOST_CLOCK_APART: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to become one batch.

    `retain_until` is None where the store can't lock; `adopt_from` is the least date until which a batch
    that is found there has to be locked; `retention` is for how long a batch is locked, in whole seconds
    from when it is put; `reread_from` is a chained offset that the next start has to read again. `at_end`
    says that no more entries are committed, so a batch found in the store that goes on beyond `entries` is
    not of this trail.
    """

    trail: Trail
    keys: TrailKeys
    folder: str
    entries: Sequence[Linked]
    previous: OpenedSeal | None
    raw_topic_id: bytes
    chained_topic_id: bytes
    retain_until: datetime | None
    adopt_from: datetime | None
    retention: timedelta | None
    now: datetime
    reread_from: int | None
    codec: Literal["deflate", "null"]
    at_end: bool


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another archiver has sealed these entries in a batch of another length: go on from its seal."""

    size: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft: its first entries (most often all) are sealed, or what stands in the way."""

    result: SealedBatch | NeedsMore | Overtaken
    alarms: tuple[Alarm, ...]


def seal_draft(store: Store, draft: Draft, signer: Signer) -> Outcome:
    """Write a draft as a batch, read it back, sign and write its seal, and read that back.

    Raises:
        LineStoppedError: the store holds a valid seal that contradicts the draft.
        LockUnsupportedError: the store took the batch and did not lock it.
        StoreError: the store failed; call again with the same draft.
    """
    alarms: list[Alarm] = []
    placed = _place_batch(store, draft, alarms)
    if isinstance(placed, NeedsMore):
        return Outcome(placed, tuple(alarms))
    size = draft.entries[placed.entries - 1].leaf.sequence + 1
    following = _following(store, draft)
    if following is not None and following.opened.checkpoint.size != size:
        return Outcome(Overtaken(following.opened.checkpoint.size), tuple(alarms))
    _check_clock(store, draft, placed)
    seal = _make_seal(draft, placed, signer)
    sealed = _place_seal(store, draft, seal, sign_seal(seal, signer), alarms)
    if isinstance(sealed, Overtaken):
        return Outcome(sealed, tuple(alarms))
    return Outcome(SealedBatch(sealed, placed.entries, placed.adopted), tuple(alarms))


def _place_batch(store: Store, draft: Draft, alarms: list[Alarm]) -> ReadBack | NeedsMore:
    """Find or write the draft under the first name that is not spoiled (steps 2 to 4)."""
    first = draft.entries[0].leaf.sequence
    body: bytes | None = None
    for suffix in count():
        key = draft.folder + batch_key(first, suffix)
        written: str | None = None
        if not versions_of(store, key):
            body = body or _encode(draft)
            written = _put(store, draft, key, body)
        versions = versions_of(store, key)
        found = _read_oldest(store, draft, versions, written)
        if not isinstance(found, Misfit):
            if len(versions) > 1:
                alarms.append(
                    Alarm("extra-version", f"{key} has {len(versions)} versions and markers, not one")
                )
            return found
        alarms.append(Alarm("name-spoiled", f"{key} holds something else than this batch: {found.why}"))
    raise AssertionError("unreachable")  # pragma: no cover


def _put(store: Store, draft: Draft, key: str, body: bytes) -> str | None:
    retention = None if draft.retain_until is None else Retention(LockMode.COMPLIANCE, draft.retain_until)
    try:
        return store.put(key, body, retention=retention, content_type="application/avro")
    except ObjectExistsError:  # somebody was faster; what they wrote is looked at like anything else
        return None


def _read_oldest(
    store: Store, draft: Draft, versions: list[ObjectVersion], written: str | None
) -> ReadBack | NeedsMore | Misfit:
    objects = [line for line in versions if not line.is_delete_marker]
    if not objects:
        return Misfit("only delete markers")
    oldest = objects[0]
    ours = oldest.version_id == written
    try:
        found = read_back(
            store,
            oldest,
            draft.entries,
            origin=draft.trail.origin,
            locked_until=draft.retain_until if ours else draft.adopt_from,
            at_end=draft.at_end,
            adopted=not ours,
        )
    except ObjectMissingError:
        return Misfit("it is gone again")
    if ours and isinstance(found, Misfit) and found.unlocked:
        raise LockUnsupportedError(f"{store.url} took {oldest.key} and did not lock it as asked: {found.why}")
    if isinstance(found, ReadBack) and found.adopted and draft.adopt_from is not None:
        until = _sealed_until(draft, found)
        if until is None or until < draft.adopt_from:
            return Misfit(f"as of when it was put, it was to be locked until {until} only")
    return found


def _encode(draft: Draft) -> bytes:
    writer = BatchWriter(draft.trail.origin, codec=draft.codec)
    for entry in draft.entries:
        writer.add(entry.leaf_bytes, entry.payload)
    return writer.finish()


def _make_seal(draft: Draft, batch: ReadBack, signer: Signer) -> Seal:
    first, last = draft.entries[0], draft.entries[batch.entries - 1]
    previous = draft.previous
    edge = RightEdge.empty() if previous is None else previous.right_edge.copy()
    edge.extend(batch.entry_hashes)
    checkpoint = Checkpoint(draft.trail.origin, edge.size, edge.root())
    until = _sealed_until(draft, batch)
    return Seal(
        trail_id=first.leaf.trail_id,
        batch=BatchRef(
            key=batch.info.key.removeprefix(draft.folder),
            version_id=batch.info.version_id,
            sha256=batch.sha256,
            length=batch.info.size,
            last_modified=batch.info.last_modified,
        ),
        checkpoint=sign_checkpoint(checkpoint, signer),
        first=EntryRef(first.leaf.sequence, first.entry_hash),
        last=EntryRef(last.leaf.sequence, last.entry_hash),
        time=TimeSpan(first.leaf.chained_at_ms, last.leaf.chained_at_ms),
        source=TopicMark(draft.raw_topic_id, last.leaf.next_source_offset),
        chained=TopicMark(draft.chained_topic_id, min(last.offset + 1, draft.reread_from or last.offset + 1)),
        retention=SealedRetention("NONE" if until is None else "COMPLIANCE", until),
        right_edge=edge.hashes,
        previous=None
        if previous is None
        else PreviousSeal(previous.text_sha256, previous.seal.retention.until),
    )


def _sealed_until(draft: Draft, batch: ReadBack) -> datetime | None:
    """Until when the seal says that its batch is locked; the seal itself is locked so, too.

    Not simply as long as the batch: whoever may extend a lock must not extend those of all batches to come.
    An adopted batch may have been locked by a wrong clock, and nothing has been put that shows whether this
    machine's is right. So a date that the store's clock does not bear out counts from when the batch was put.
    """
    lock = batch.info.retention
    if lock is None or draft.retain_until is None or draft.retention is None:
        return None
    if not batch.adopted:
        return min(lock.until, draft.retain_until)
    honest = batch.info.last_modified + draft.retention
    before = draft.previous.seal.retention.until if draft.previous else None
    honest = honest if before is None else max(honest, before)
    return lock.until if lock.until <= honest + MOST_CLOCK_APART else honest


def _place_seal(
    store: Store, draft: Draft, seal: Seal, note: bytes, alarms: list[Alarm]
) -> PlacedSeal | Overtaken:
    """Write the seal and read back the valid seal of its size (steps 5 and 6)."""
    size = seal.last.sequence + 1
    key = draft.folder + seal_key(size)
    retention = None if seal.retention.until is None else Retention(LockMode.COMPLIANCE, seal.retention.until)
    # A taken name was taken by a run that died, another archiver, or a squatter: reading tells them apart.
    with suppress(ObjectExistsError):
        store.put(key, note, retention=retention, content_type="text/plain")
    placed = _read_seal(store, draft, size)
    if placed is None and _is_sealed_otherwise(store, draft, seal):
        return Overtaken(size)
    if placed is None:
        alarms.append(Alarm("seal-name-spoiled", f"{key} holds no valid seal: a new version is put on top"))
        store.put(key, note, retention=retention, only_if_absent=False, content_type="text/plain")
        placed = _read_seal(store, draft, size)
    if placed is None:
        raise LockUnsupportedError(f"{store.url} does not return the seal that was written to {key}")
    _check_agrees(placed, seal)
    _check_locked(store, placed)
    return placed


def _following(store: Store, draft: Draft) -> PlacedSeal | None:
    """The seal that goes on from the draft's previous one already, whatever its size.

    Two archivers that take the same batch for their own make the same seal. Where one of them took it for
    something else (a store that answers wrongly, a log that has lost what the other has read), their batches
    can differ in length. Two seals that go on from one place can still come of it, where one lands late; a
    verifier follows them (docs/format.md, "Seal"), but nobody should make them.
    """
    try:
        return following_seal(store, draft.folder, draft.previous, draft.keys)
    except UnknownFormatError as error:
        raise newer_format(draft.folder, error) from error


def _is_sealed_otherwise(store: Store, draft: Draft, seal: Seal) -> bool:
    """Whether the same history is sealed under the seal's name by a batch that begins elsewhere.

    The trail's newest seal has to be as large, so that whoever recovers goes on from there.
    """
    try:
        other = read_seal(store, draft.folder, seal.size, draft.keys, None)
        newest = newest_seal(store, draft.folder, draft.keys)
    except UnknownFormatError as error:
        raise newer_format(draft.folder, error) from error
    if other is None or newest is None or newest.opened.seal.size < seal.size:
        return False
    found = other.opened.seal
    return (found.trail_id, found.last, found.right_edge) == (seal.trail_id, seal.last, seal.right_edge)


def _read_seal(store: Store, draft: Draft, size: int) -> PlacedSeal | None:
    try:
        return read_seal(store, draft.folder, size, draft.keys, draft.previous)
    except UnknownFormatError as error:
        raise newer_format(draft.folder + seal_key(size), error) from error


def _check_clock(store: Store, draft: Draft, batch: ReadBack) -> None:
    """Refuse to sign by a clock that is far from the store's: a lock too long can't be taken back.

    An adopted batch may have been put long ago, and tells only of a clock that is behind.

    Raises:
        LineStoppedError: this machine's clock and the store's are too far apart.
    """
    ahead = draft.now - batch.info.last_modified
    is_apart = -ahead > MOST_CLOCK_APART or (ahead > MOST_CLOCK_APART and not batch.adopted)
    if draft.retain_until is not None and is_apart:
        raise LineStoppedError(
            StopCode.CLOCK_APART,
            f"the clock of {store.url} said {batch.info.last_modified.isoformat()}, this machine's said "
            f"{draft.now.isoformat()}: set the one that is wrong, for dates of locks are made from it",
            store=batch.info.last_modified.isoformat(),
            here=draft.now.isoformat(),
        )


def _check_agrees(placed: PlacedSeal, seal: Seal) -> None:
    found = placed.opened.seal
    if (found.last, found.right_edge) != (seal.last, seal.right_edge):
        raise LineStoppedError(
            StopCode.TWO_HISTORIES,
            f"{placed.key} is a valid seal of another history: its last entry hash is "
            f"{found.last.hash.hex()}, the chained topic's is {seal.last.hash.hex()}",
            seal=placed.key,
            version_id=placed.version_id,
        )


def _check_locked(store: Store, placed: PlacedSeal) -> None:
    until = placed.opened.seal.retention.until
    if until is None:
        return
    lock = store.head(placed.key, placed.version_id).retention
    if lock is None or lock.mode is not LockMode.COMPLIANCE or lock.until < until:
        raise LockUnsupportedError(f"{store.url} did not lock {placed.key} until {until.isoformat()}")
