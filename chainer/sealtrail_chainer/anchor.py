"""Where the true chain starts to be read, by both readers: the newest valid seal, else the genesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.true_chain import Linked, take_genesis
from sealtrail_schemas.body import parse_body, trail_id
from sealtrail_schemas.chain import ChainState, genesis_state
from sealtrail_schemas.errors import FormatError, UnknownFormatError
from sealtrail_schemas.layout import partition_prefix
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.seal_shelf import PlacedSeal, newest_seal
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.body import GenesisBody
    from sealtrail_transport.log import Log, LogRecord, TopicInfo
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class Anchor:
    """A state of the chain that needs no further proof, and the chained offset where reading goes on.

    Exactly one of `seal` (the newest valid seal, in `folder`) and `genesis` (the first entry, not sealed
    yet) is set.
    """

    state: ChainState
    chained_offset: int
    raw_topic_id: bytes
    chained_topic_id: bytes
    seal: PlacedSeal | None = None
    folder: str | None = None
    genesis: Linked | None = None


def find_anchor(log: Log, store: Store, trail: Trail) -> Anchor | None:
    """Find the anchor of a trail, or None where there is none yet: nothing sealed, nothing ever chained.

    Compares the identities of both topics with those that the anchor commits to, and the chained partition's
    ends with the place where reading has to go on.

    Raises:
        LineStoppedError: the topics are not the trail's, or the chained partition does not hold what it must.
        LogUnavailableError, StoreUnavailableError: call again later.
    """
    raw, chained = log.topic(trail.raw_topic), log.topic(trail.chained_topic)
    anchor = _newest_seal(store, trail, chained) or _genesis(log, trail, chained)
    if anchor is None:
        return None
    _check_topics(anchor, raw, chained)
    bounds = log.bounds(trail.chained_topic, trail.partition)
    if bounds.start > anchor.chained_offset:  # an archiver may have sealed and freed since the seal was read
        anchor = _newest_seal(store, trail, chained) or anchor
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


def _newest_seal(store: Store, trail: Trail, chained: TopicInfo) -> Anchor | None:
    found: list[tuple[str, PlacedSeal]] = []
    for folder in trail_folders(store, partition_prefix(trail.raw_topic, trail.partition)):
        try:
            placed = newest_seal(store, folder, trail.verifier)
        except UnknownFormatError as error:
            raise newer_format(folder, error) from error
        if placed is not None:
            found.append((folder, placed))
    if not found:
        return None
    ours = [
        (folder, placed)
        for folder, placed in found
        if placed.opened.seal.chained.topic_id == chained.topic_id
    ]
    if not ours:
        raise LineStoppedError(
            StopCode.TOPIC_RECREATED,
            f"topic {chained.name} is not the one that {found[-1][1].key} was sealed from: it was "
            f"made anew, or this store belongs to another deployment",
            topic_id=chained.topic_id.hex(),
            sealed_topic_id=found[-1][1].opened.seal.chained.topic_id.hex(),
        )
    if len(ours) > 1:
        folders = ", ".join(folder for folder, _ in ours)
        raise LineStoppedError(
            StopCode.SEVERAL_TRAILS,
            f"one chained topic was sealed as several trails: {folders}",
            folders=folders,
        )
    folder, placed = ours[0]
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
        seal=placed,
        folder=folder,
    )


def _genesis(log: Log, trail: Trail, chained: TopicInfo) -> Anchor | None:
    record = _first_record(log, trail)
    if record is None:
        return None
    try:
        linked = take_genesis(record)
        body = cast("GenesisBody", parse_body(Kind.GENESIS, decode_payload(linked.payload).value))
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


def _check_topics(anchor: Anchor, raw: TopicInfo, chained: TopicInfo) -> None:
    for topic, expected in ((raw, anchor.raw_topic_id), (chained, anchor.chained_topic_id)):
        if topic.topic_id != expected:
            raise LineStoppedError(
                StopCode.TOPIC_RECREATED,
                f"topic {topic.name} was deleted and made anew: its id is {topic.topic_id.hex()}, the "
                f"trail's is {expected.hex()}",
                topic=topic.name,
                topic_id=topic.topic_id.hex(),
                trail_topic_id=expected.hex(),
            )
