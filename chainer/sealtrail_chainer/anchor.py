"""Where the true chain starts to be read, by both readers: the newest valid seal, else the genesis.

Where the log does not reach to the newest seal any more, a continuation in the chained topic stands in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from sealtrail_chainer.continuation import find_continuation
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.true_chain import Linked, take_genesis
from sealtrail_schemas.body import parse_body, trail_id
from sealtrail_schemas.chain import ChainState, genesis_state
from sealtrail_schemas.errors import ControlError, FormatError, UnknownFormatError
from sealtrail_schemas.layout import KEYS, partition_prefix
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.key_shelf import read_trail_keys
from sealtrail_transport.seal_shelf import PlacedSeal, newest_seal
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.body import GenesisBody
    from sealtrail_transport.log import Log, LogRecord, TopicInfo
    from sealtrail_transport.store import Store


_LEFT: Final = {StopCode.TOPIC_RECREATED, StopCode.CHAINED_OVERTAKEN, StopCode.CHAINED_TRUNCATED}
"""Stops behind which a continuation, or a successor, may vouch for the chained topic."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A state of the chain that needs no further proof, and the chained offset where reading goes on.

    Exactly one of `seal` (the newest valid seal, in `folder`) and `genesis` (the first entry, not sealed
    yet) is set. `keys` are those that sign for the trail, by its size.
    """

    state: ChainState
    chained_offset: int
    raw_topic_id: bytes
    chained_topic_id: bytes
    keys: TrailKeys
    seal: PlacedSeal | None = None
    folder: str | None = None
    genesis: Linked | None = None


def find_anchor(log: Log, store: Store, trail: Trail) -> Anchor | None:
    """Find the anchor of a trail, or None where there is none yet: nothing sealed, nothing ever chained.

    Compares the identities of both topics with those that the anchor commits to, and the chained partition's
    ends with the place where reading has to go on. Where that is not to be had in the chained topic, the
    anchor is the continuation, or the genesis of the successor, that the topic holds.

    Raises:
        LineStoppedError: the topics are not the trail's, or the chained partition does not hold what it must.
        LogUnavailableError, StoreUnavailableError: call again later.
    """
    raw, chained = log.topic(trail.raw_topic), log.topic(trail.chained_topic)
    sealed = sealed_anchors(store, trail)
    try:
        anchor = _of_topic(sealed, chained) or genesis_anchor(log, trail, chained)
        if anchor is not None:
            _check_topic(chained, anchor.chained_topic_id)
            anchor = _check_ends(log, store, trail, anchor)
    except LineStoppedError as stopped:
        anchor = _vouched_for(log, trail, sealed) if stopped.code in _LEFT else None
        if anchor is None:
            raise
    if anchor is not None:
        _check_topic(raw, anchor.raw_topic_id)
    return anchor


def sealed_anchors(store: Store, trail: Trail) -> list[Anchor]:
    """The newest valid seal of each trail of this origin and key in the store, whatever the log holds.

    Raises:
        LineStoppedError: a newer program sealed there, or the trail's key was replaced twice.
        StoreUnavailableError: call again later.
    """
    found: list[Anchor] = []
    for folder in trail_folders(store, partition_prefix(trail.raw_topic, trail.partition)):
        keys = _trail_keys(store, folder, trail)
        try:
            placed = newest_seal(store, folder, keys)
        except UnknownFormatError as error:
            raise newer_format(folder, error) from error
        if placed is not None:
            found.append(_at_seal(folder, placed, keys))
    return found


def _trail_keys(store: Store, folder: str, trail: Trail) -> TrailKeys:
    try:
        return read_trail_keys(store, folder, trail.verifier)
    except ControlError as error:
        raise LineStoppedError(
            StopCode.TWO_HISTORIES,
            f"{folder}{KEYS} holds key changes of {trail.origin} that contradict each other: {error}",
            folder=folder,
        ) from error


def _at_seal(folder: str, placed: PlacedSeal, keys: TrailKeys) -> Anchor:
    seal = placed.opened.seal
    state = ChainState(
        trail_id=seal.trail_id,
        size=placed.opened.checkpoint.size,
        last_hash=seal.last.hash,
        chained_at_ms=seal.time.last_ms,
        next_source_offset=seal.source.next_offset,
    )
    return Anchor(
        state,
        seal.chained.next_offset,
        raw_topic_id=seal.source.topic_id,
        chained_topic_id=seal.chained.topic_id,
        keys=keys,
        seal=placed,
        folder=folder,
    )


def _of_topic(sealed: Sequence[Anchor], chained: TopicInfo) -> Anchor | None:
    """The one that was sealed from this chained topic; None where nothing was sealed at all."""
    if not sealed:
        return None
    ours = [anchor for anchor in sealed if anchor.chained_topic_id == chained.topic_id]
    if not ours:
        seal = sealed[-1].seal
        raise LineStoppedError(
            StopCode.TOPIC_RECREATED,
            f"topic {chained.name} is not the one that {seal and seal.key} was sealed from: it was "
            f"made anew, or this store belongs to another deployment",
            topic_id=chained.topic_id.hex(),
            sealed_topic_id=sealed[-1].chained_topic_id.hex(),
        )
    if len(ours) > 1:
        folders = ", ".join(str(anchor.folder) for anchor in ours)
        raise LineStoppedError(
            StopCode.SEVERAL_TRAILS,
            f"one chained topic was sealed as several trails: {folders}",
            folders=folders,
        )
    return ours[0]


def _check_ends(log: Log, store: Store, trail: Trail, anchor: Anchor) -> Anchor:
    """The anchor, or the one that a newer seal gives, if the partition reaches to it."""
    bounds = log.bounds(trail.chained_topic, trail.partition)
    if bounds.start > anchor.chained_offset:  # an archiver may have sealed and freed since the seal was read
        chained = log.topic(trail.chained_topic)
        anchor = _of_topic(sealed_anchors(store, trail), chained) or anchor
    if bounds.start > anchor.chained_offset:
        raise LineStoppedError(
            StopCode.CHAINED_OVERTAKEN,
            f"chained offsets {anchor.chained_offset} to {bounds.start - 1} are gone and were not sealed",
            first_lost=anchor.chained_offset,
            first_kept=bounds.start,
        )
    if bounds.end < anchor.chained_offset:
        raise LineStoppedError(
            StopCode.CHAINED_TRUNCATED,
            f"{trail.chained_topic} ends at offset {bounds.end}, below offset {anchor.chained_offset}, "
            f"up to which it is sealed",
            end=bounds.end,
            sealed_up_to=anchor.chained_offset,
        )
    return anchor


def _vouched_for(log: Log, trail: Trail, sealed: Sequence[Anchor]) -> Anchor | None:
    """The anchor that the chained topic itself gives, linked to what is sealed."""
    if not sealed:
        return None
    found = find_continuation(log, trail, sealed)
    return _successor(log, trail, sealed) if found is None and trail.succeeds else found


def _successor(log: Log, trail: Trail, sealed: Sequence[Anchor]) -> Anchor | None:
    """The genesis at the start of the chained topic, if its predecessor ends with one of the newest seals."""
    chained = log.topic(trail.chained_topic)
    try:
        anchor = genesis_anchor(log, trail, chained)
    except LineStoppedError:
        return None
    if anchor is None or anchor.genesis is None or anchor.chained_topic_id != chained.topic_id:
        return None
    named = genesis_body(anchor.genesis).predecessor
    ends = {anchor.seal.opened.text_sha256 for anchor in sealed if anchor.seal is not None}
    return anchor if named is not None and named.last_seal in ends else None


def genesis_body(entry: Linked) -> GenesisBody:
    """What a genesis commits to. Raises FormatError where its body is none."""
    return cast("GenesisBody", parse_body(Kind.GENESIS, decode_payload(entry.payload).value))


def genesis_anchor(log: Log, trail: Trail, chained: TopicInfo) -> Anchor | None:
    """The first entry of the trail in its chained topic, as an anchor; None where the topic is empty.

    Raises:
        LineStoppedError: the topic begins with something else, or has lost its beginning.
    """
    record = _first_record(log, trail)
    if record is None:
        return None
    try:
        linked = take_genesis(record)
        body = genesis_body(linked)
    except FormatError as error:
        raise LineStoppedError(
            StopCode.NO_GENESIS,
            f"the first record of {chained.name} (offset {record.offset}) is not a genesis: {error}. A trail "
            f"begins only in a chained topic that never held anything else",
            chained_offset=record.offset,
        ) from error
    if body.origin != trail.origin or trail.verifier.vkey not in body.keys:
        raise LineStoppedError(
            StopCode.FOREIGN_GENESIS,
            f"the genesis in {chained.name} is of {body.origin} under {', '.join(body.keys)}, not of "
            f"{trail.verifier.vkey}",
            found=body.origin,
            expected=trail.origin,
        )
    if linked.leaf.trail_id != trail_id(body.origin, body.incarnation):
        raise LineStoppedError(
            StopCode.FOREIGN_GENESIS,
            f"the genesis in {chained.name} carries a trail id that is not its own",
            found=linked.leaf.trail_id.hex(),
        )
    return Anchor(
        genesis_state(linked.leaf, linked.entry_hash),
        record.offset + 1,
        raw_topic_id=body.raw_topic.id,
        chained_topic_id=body.chained_topic.id,
        keys=TrailKeys.only(trail.verifier),
        genesis=linked,
    )


def _first_record(log: Log, trail: Trail) -> LogRecord | None:
    bounds = log.bounds(trail.chained_topic, trail.partition)
    if bounds.start > 0:
        raise LineStoppedError(
            StopCode.CHAINED_OVERTAKEN,
            f"{trail.chained_topic} begins at offset {bounds.start}, and the store holds no valid seal of "
            f"{trail.origin}: what was chained before is gone, or this is not the trail's store or key",
            first_kept=bounds.start,
        )
    offset = bounds.start
    while offset < bounds.end:
        chunk = log.read(trail.chained_topic, trail.partition, offset, max_records=1, max_bytes=1)
        if chunk.records:
            return chunk.records[0]
        offset = chunk.next_offset
    return None


def newer_format(place: str, error: UnknownFormatError) -> LineStoppedError:
    """What was written by a newer program of the same trail must not be written over by an older one."""
    return LineStoppedError(
        StopCode.NEWER_FORMAT,
        f"{place} holds what a newer version of this program wrote: {error}. Run that version",
        place=place,
    )


def _check_topic(topic: TopicInfo, expected: bytes) -> None:
    if topic.topic_id != expected:
        raise LineStoppedError(
            StopCode.TOPIC_RECREATED,
            f"topic {topic.name} was deleted and made anew: its id is {topic.topic_id.hex()}, the "
            f"trail's is {expected.hex()}",
            topic=topic.name,
            topic_id=topic.topic_id.hex(),
            trail_topic_id=expected.hex(),
        )
