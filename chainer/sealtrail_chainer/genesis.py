"""The first entry of a trail: made, and found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_chainer.anchor import genesis_anchor, genesis_body
from sealtrail_chainer.chain_step import chain_genesis
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.trail import writer_name
from sealtrail_schemas.body import INCARNATION_BYTES, GenesisBody, TopicRef
from sealtrail_schemas.payload import SALT_BYTES
from sealtrail_transport.errors import LogUnavailableError, UncertainAppendError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.body import Predecessor
    from sealtrail_schemas.chain import ChainState
    from sealtrail_transport.log import Log, NewRecord

_ATTEMPTS: Final = 5


def make_genesis(
    log: Log,
    trail: Trail,
    *,
    now_ms: int,
    entropy: Callable[[int], bytes],
    predecessor: Predecessor | None = None,
    first_source_offset: int | None = None,
) -> tuple[NewRecord, ChainState]:
    """Make the first entry of a trail on the topics that are there.

    `first_source_offset` is where reading the raw partition begins; None: at its start.
    """
    raw, chained = log.topic(trail.raw_topic), log.topic(trail.chained_topic)
    if first_source_offset is None:
        first_source_offset = log.bounds(trail.raw_topic, trail.partition).start
    body = GenesisBody(
        origin=trail.origin,
        incarnation=entropy(INCARNATION_BYTES),
        raw_topic=TopicRef(raw.name, raw.topic_id),
        chained_topic=TopicRef(chained.name, chained.topic_id),
        first_source_offset=first_source_offset,
        keys=(trail.verifier.vkey,),
        created_at_ms=now_ms,
        predecessor=predecessor,
    )
    return chain_genesis(body, now_ms=now_ms, salt=entropy(SALT_BYTES))


def begin_successor(
    log: Log,
    trail: Trail,
    predecessor: Predecessor,
    *,
    first_source_offset: int,
    now_ms: int,
    entropy: Callable[[int], bytes],
) -> None:
    """Begin a trail that goes on from another one, in a chained topic that never held anything.

    What counts is what is found there: a run that died is completed by the next one.

    Raises:
        LineStoppedError: the chained topic begins with something else.
        WriterFencedError: a chainer of this trail runs.
        LogUnavailableError: call again.
    """
    for _ in range(_ATTEMPTS):
        writer = log.writer(trail.chained_topic, trail.partition, name=writer_name(trail))
        try:
            if _is_there(log, trail, predecessor):
                return
            record, _state = make_genesis(
                log,
                trail,
                now_ms=now_ms,
                entropy=entropy,
                predecessor=predecessor,
                first_source_offset=first_source_offset,
            )
            writer.append([record])
        except UncertainAppendError:
            continue
        finally:
            writer.close()
    raise LogUnavailableError(f"{trail.chained_topic} does not keep what is appended to it: try again")


def _is_there(log: Log, trail: Trail, predecessor: Predecessor) -> bool:
    anchor = genesis_anchor(log, trail, log.topic(trail.chained_topic))
    if anchor is None or anchor.genesis is None:
        return False
    found = genesis_body(anchor.genesis).predecessor
    if found is None or found.last_seal != predecessor.last_seal:
        raise LineStoppedError(
            StopCode.FOREIGN_GENESIS,
            f"{trail.chained_topic} begins with a trail that goes on from "
            f"{found.last_seal.hex() if found else 'no other'}, not from {predecessor.last_seal.hex()}",
            found=found.last_seal.hex() if found else "none",
            expected=predecessor.last_seal.hex(),
        )
    return True
