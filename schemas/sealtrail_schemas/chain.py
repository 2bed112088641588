"""The chain step: whether a leaf continues a chain, and what the chain's head is then.

Chainer, archiver and verifier decide by these functions alone (docs/format.md, "Leaf" and "The true chain").
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sealtrail_schemas.errors import LeafError
from sealtrail_schemas.leaf import NO_OFFSET, Kind, Leaf

_new_tuple: Final = tuple.__new__  # what ChainState._make calls, at half its cost


class ChainState(NamedTuple):
    """All that the next leaf is held against.

    `size` is the number of entries so far, `last_hash` the last one's entry hash, `chained_at_ms` its
    chained-at and `next_source_offset` where reading the raw partition goes on.
    """

    trail_id: bytes
    size: int
    last_hash: bytes
    chained_at_ms: int
    next_source_offset: int


def genesis_state(leaf: Leaf, entry_hash: bytes) -> ChainState:
    """The state after a genesis. Raises LeafError when the leaf is of another kind."""
    if leaf.kind is not Kind.GENESIS:
        raise LeafError(f"a trail begins with a genesis, not with {leaf.kind.name.lower()}")
    return ChainState(leaf.trail_id, 1, entry_hash, leaf.chained_at_ms, leaf.next_source_offset)


def breach(state: ChainState, leaf: Leaf) -> str | None:
    """Why the leaf does not continue the chain, in one clause; None when it does."""
    if leaf.trail_id != state.trail_id:
        return f"trail id: expected {state.trail_id.hex()}, found {leaf.trail_id.hex()}"
    if leaf.sequence != state.size:
        return f"sequence: expected {state.size}, found {leaf.sequence}"
    if leaf.previous_hash != state.last_hash:
        return f"previous entry hash: expected {state.last_hash.hex()}, found {leaf.previous_hash.hex()}"
    if leaf.chained_at_ms < state.chained_at_ms:
        return f"chained at: expected {state.chained_at_ms} or later, found {leaf.chained_at_ms}"
    # A leaf's next source offset lies behind its own record, so one comparison keeps both from going back.
    offset = leaf.next_source_offset if leaf.source_offset == NO_OFFSET else leaf.source_offset
    if offset < state.next_source_offset:
        return f"source offset: expected {state.next_source_offset} or more, found {offset}"
    return None


def advance(state: ChainState, leaf: Leaf, entry_hash: bytes) -> ChainState:
    """The state after a leaf that continues the chain, which the caller has asked `breach`."""
    return _new_tuple(
        ChainState,
        (state.trail_id, state.size + 1, entry_hash, leaf.chained_at_ms, leaf.next_source_offset),
    )
