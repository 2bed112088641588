"""The chain step, pure: from a source record and the chain's state to a chained record and the next state."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sealtrail_schemas.body import HeartbeatBody, RejectedBody, encode_body, trail_id
from sealtrail_schemas.chain import ChainState, advance, genesis_state
from sealtrail_schemas.leaf import LINK_HEADER, NO_OFFSET, ZERO_HASH, Kind, Leaf, entry_hash, make_link
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_NONE
from sealtrail_transport.log import NewRecord
from sealtrail_transport.record_size import content_bytes

if TYPE_CHECKING:
    from sealtrail_schemas.body import Body, GenesisBody
    from sealtrail_transport.log import LogRecord


def chain_event(
    state: ChainState, record: LogRecord, *, next_source_offset: int, now_ms: int, salt: bytes
) -> tuple[NewRecord, ChainState]:
    """Chain a record as it is; `salt` is 16 random bytes, `now_ms` the chainer's clock."""
    payload = encode_payload(salt, record.key, record.headers, record.value)
    leaf = Leaf(
        kind=Kind.EVENT,
        sequence=state.size,
        previous_hash=state.last_hash,
        trail_id=state.trail_id,
        payload_hash=sha256(payload).digest(),
        source_timestamp_ms=record.timestamp_ms,
        source_timestamp_type=record.timestamp_type,
        chained_at_ms=max(now_ms, state.chained_at_ms),
        source_offset=record.offset,
        next_source_offset=next_source_offset,
    )
    leaf_bytes = leaf.encode()
    link = (LINK_HEADER, make_link(leaf_bytes, salt))
    chained = NewRecord(record.key, record.value, (*record.headers, link))
    return chained, advance(state, leaf, entry_hash(leaf_bytes))


def chain_rejected(
    state: ChainState, record: LogRecord, reason: str, *, next_source_offset: int, now_ms: int, salt: bytes
) -> tuple[NewRecord, ChainState]:
    """Chain the statement that a record could not be re-published, in the record's place."""
    whole = record.unreadable is None
    would_be = encode_payload(salt, record.key, record.headers, record.value) if whole else b""
    body = RejectedBody(
        reason=" ".join(reason.split())[:1000],
        source_offset=record.offset,
        size=content_bytes(record.key, record.value, record.headers),
        sha256=sha256(would_be).digest() if whole else None,
    )
    leaf = Leaf(
        kind=Kind.REJECTED,
        sequence=state.size,
        previous_hash=state.last_hash,
        trail_id=state.trail_id,
        payload_hash=ZERO_HASH,
        source_timestamp_ms=record.timestamp_ms,
        source_timestamp_type=record.timestamp_type,
        chained_at_ms=max(now_ms, state.chained_at_ms),
        source_offset=record.offset,
        next_source_offset=next_source_offset,
    )
    return _chain_body(state, leaf, body, salt)


def chain_heartbeat(state: ChainState, *, now_ms: int, salt: bytes) -> tuple[NewRecord, ChainState]:
    """Chain the statement that nothing happened and the chainer is alive."""
    leaf = _own_leaf(state, Kind.HEARTBEAT, now_ms)
    return _chain_body(state, leaf, HeartbeatBody(), salt)


def chain_genesis(body: GenesisBody, *, now_ms: int, salt: bytes) -> tuple[NewRecord, ChainState]:
    """Make the first entry of a new trail."""
    nothing = ChainState(
        trail_id=trail_id(body.origin, body.incarnation),
        size=0,
        last_hash=ZERO_HASH,
        chained_at_ms=now_ms,
        next_source_offset=body.first_source_offset,
    )
    return _chain_body(nothing, _own_leaf(nothing, Kind.GENESIS, now_ms), body, salt)


def _own_leaf(state: ChainState, kind: Kind, now_ms: int) -> Leaf:
    return Leaf(
        kind=kind,
        sequence=state.size,
        previous_hash=state.last_hash,
        trail_id=state.trail_id,
        payload_hash=ZERO_HASH,
        source_timestamp_ms=NO_TIMESTAMP,
        source_timestamp_type=TIMESTAMP_NONE,
        chained_at_ms=max(now_ms, state.chained_at_ms),
        source_offset=NO_OFFSET,
        next_source_offset=state.next_source_offset,
    )


def _chain_body(state: ChainState, leaf: Leaf, body: Body, salt: bytes) -> tuple[NewRecord, ChainState]:
    value = encode_body(body)
    payload = encode_payload(salt, None, (), value)
    leaf = leaf._replace(payload_hash=sha256(payload).digest())
    leaf_bytes = leaf.encode()
    hashed = entry_hash(leaf_bytes)
    chained = NewRecord(None, value, ((LINK_HEADER, make_link(leaf_bytes, salt)),))
    genesis = leaf.kind is Kind.GENESIS
    return chained, genesis_state(leaf, hashed) if genesis else advance(state, leaf, hashed)
