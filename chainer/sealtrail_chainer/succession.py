"""What a successor takes over from the trail that it goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_chainer.diagnosis import last_sealed
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.raw_check import ChainedSource, check_source
from sealtrail_schemas.body import Predecessor

if TYPE_CHECKING:
    from collections.abc import Collection

    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


def name_predecessor(anchor: Anchor, first_key: Verifier, reason: str) -> Predecessor:
    """The trail that was sealed up to `anchor`, as a successor under `first_key` names it."""
    if anchor.seal is None:
        raise ValueError("nothing of the trail is sealed")
    opened = anchor.seal.opened
    key = anchor.keys.at(anchor.state.size)
    return Predecessor(
        origin=opened.checkpoint.origin,
        size=opened.checkpoint.size,
        root=opened.checkpoint.root,
        last_seal=opened.text_sha256,
        reason=reason,
        key=None if key == first_key else key.vkey,
    )


def first_source_offset(log: Log, store: Store, trail: Trail, anchor: Anchor, known: Collection[str]) -> int:
    """Where a successor begins to read the raw partition.

    Behind what is sealed, if the partition is the one that was sealed from and nothing speaks against its
    offsets; else at its start, so that nothing is left out, though something may then be in both trails.
    `known` are the codes with which the trail stopped.

    Raises:
        LogUnavailableError, StoreUnavailableError: call again later.
    """
    bounds = log.bounds(trail.raw_topic, trail.partition)
    sealed = anchor.state.next_source_offset
    is_same = log.topic(trail.raw_topic).topic_id == anchor.raw_topic_id
    doubted = {StopCode.RAW_TRUNCATED, StopCode.RAW_REPLACED} & set(known)
    if doubted or not is_same or not bounds.start <= sealed <= bounds.end:
        return bounds.start
    last = last_sealed(store, anchor)
    if last is not None and last.leaf.kind.has_source:
        try:
            check_source(log, trail, ChainedSource.of(last))
        except LineStoppedError:
            return bounds.start
    return sealed
