"""The chain step, pure: from a source record and the chain's state to a chained record and the next state."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sealtrail_schemas.body import HeartbeatBody, RejectedBody, encode_body, trail_id
from sealtrail_schemas.chain import ChainState, advance, genesis_state
from sealtrail_schemas.errors import PayloadError
from sealtrail_schemas.leaf import LINK_HEADER, NO_OFFSET, ZERO_HASH, Kind, Leaf, entry_hash, make_link
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_NONE
from sealtrail_transport.log import NewRecord
from sealtrail_transport.record_size import content_bytes

if TYPE_CHECKING:
    from sealtrail_schemas.body import Body, ControlBody, GenesisBody
    from sealtrail_transport.log import LogRecord


def chain_event(
    state: ChainState, record: LogRecord, *, next_source_offset: int, now_ms: int, salt: bytes
) -> tuple[NewRecord, ChainState]:
    """Chain a record as it is; `salt` is 16 random bytes, `now_ms` the chainer's clock.

    Raises:
        PayloadError: the record has more headers or bytes than a payload may have.
    """
    payload = encode_payload(salt, record.key, record.headers, record.value)
    leaf = _leaf(
        state, Kind.EVENT, payload, next_source_offset=next_source_offset, now_ms=now_ms, record=record
    )
    leaf_bytes = leaf.encode()
    link = (LINK_HEADER, make_link(leaf_bytes, salt))
    chained = NewRecord(record.key, record.value, (*record.headers, link))
    return chained, advance(state, leaf, entry_hash(leaf_bytes))


def chain_rejected(
    state: ChainState, record: LogRecord, reason: str, *, next_source_offset: int, now_ms: int, salt: bytes
) -> tuple[NewRecord, ChainState]:
    """Chain the statement that a record could not be re-published, in the record's place."""
    body = RejectedBody(
        reason=" ".join(reason.split())[:1000].encode(errors="replace").decode(),
        source_offset=record.offset,
        size=content_bytes(record.key, record.value, record.headers),
        sha256=_would_be_hash(record, salt),
    )
    return _chain_body(
        state,
        Kind.REJECTED,
        body,
        next_source_offset=next_source_offset,
        now_ms=now_ms,
        salt=salt,
        record=record,
    )


def chain_heartbeat(
    state: ChainState, *, next_source_offset: int, now_ms: int, salt: bytes
) -> tuple[NewRecord, ChainState]:
    """Chain the statement that nothing happened and the chainer is alive.

    `next_source_offset` moves on over markers: what a retention deletes behind the last record is then not
    missed.
    """
    return _chain_body(
        state,
        Kind.HEARTBEAT,
        HeartbeatBody(),
        next_source_offset=next_source_offset,
        now_ms=now_ms,
        salt=salt,
    )


def chain_control(
    state: ChainState, body: ControlBody, *, next_source_offset: int, now_ms: int, salt: bytes
) -> tuple[NewRecord, ChainState]:
    """Chain the statement of what was done to the trail."""
    return _chain_body(
        state, Kind.CONTROL, body, next_source_offset=next_source_offset, now_ms=now_ms, salt=salt
    )


def chain_genesis(body: GenesisBody, *, now_ms: int, salt: bytes) -> tuple[NewRecord, ChainState]:
    """Make the first entry of a new trail."""
    nothing = ChainState(
        trail_id=trail_id(body.origin, body.incarnation),
        size=0,
        last_hash=ZERO_HASH,
        chained_at_ms=now_ms,
        next_source_offset=body.first_source_offset,
    )
    return _chain_body(
        nothing,
        Kind.GENESIS,
        body,
        next_source_offset=body.first_source_offset,
        now_ms=now_ms,
        salt=salt,
    )


def _would_be_hash(record: LogRecord, salt: bytes) -> bytes | None:
    """The hash of the payload that the record would have had; None where it can't be known."""
    if record.unreadable is not None:
        return None
    try:
        return sha256(encode_payload(salt, record.key, record.headers, record.value)).digest()
    except PayloadError:
        return None


def _chain_body(
    state: ChainState,
    kind: Kind,
    body: Body,
    *,
    next_source_offset: int,
    now_ms: int,
    salt: bytes,
    record: LogRecord | None = None,
) -> tuple[NewRecord, ChainState]:
    value = encode_body(body)
    payload = encode_payload(salt, None, (), value)
    leaf = _leaf(state, kind, payload, next_source_offset=next_source_offset, now_ms=now_ms, record=record)
    leaf_bytes = leaf.encode()
    hashed = entry_hash(leaf_bytes)
    chained = NewRecord(None, value, ((LINK_HEADER, make_link(leaf_bytes, salt)),))
    return chained, genesis_state(leaf, hashed) if kind is Kind.GENESIS else advance(state, leaf, hashed)


def _leaf(
    state: ChainState,
    kind: Kind,
    payload: bytes,
    *,
    next_source_offset: int,
    now_ms: int,
    record: LogRecord | None,
) -> Leaf:
    """The next leaf, for a source record or for none. The clock of the chain never goes back."""
    # By position: to name the fields takes as long again.
    return Leaf(
        kind,
        state.size,
        state.last_hash,
        state.trail_id,
        sha256(payload).digest(),
        NO_TIMESTAMP if record is None else record.timestamp_ms,
        TIMESTAMP_NONE if record is None else record.timestamp_type,
        max(now_ms, state.chained_at_ms),
        NO_OFFSET if record is None else record.offset,
        next_source_offset,
    )
