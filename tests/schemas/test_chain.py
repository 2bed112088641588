import pytest

from sealtrail_schemas.chain import ChainState, advance, breach, genesis_state
from sealtrail_schemas.errors import LeafError
from sealtrail_schemas.leaf import ZERO_HASH, Kind, Leaf, entry_hash

TRAIL = bytes([7]) * 32
GENESIS = Leaf(Kind.GENESIS, 0, ZERO_HASH, TRAIL, bytes(32), -1, 0, 1000, -1, 40)
STATE = ChainState(TRAIL, 5, bytes([5]) * 32, 1000, 40)
EVENT = Leaf(Kind.EVENT, 5, bytes([5]) * 32, TRAIL, bytes(32), -1, 0, 1000, 40, 41)
HEARTBEAT = Leaf(Kind.HEARTBEAT, 5, bytes([5]) * 32, TRAIL, bytes(32), -1, 0, 1000, -1, 40)


def test_a_chain_of_all_kinds():
    state = genesis_state(GENESIS, entry_hash(GENESIS.encode()))
    assert state == ChainState(TRAIL, 1, entry_hash(GENESIS.encode()), 1000, 40)
    source = 40
    for kind in (Kind.HEARTBEAT, Kind.EVENT, Kind.REJECTED, Kind.CONTROL, Kind.EVENT):
        offset, source = (source, source + 3) if kind.has_source else (-1, source)
        chained_at_ms = 1000 + state.size // 2
        leaf = Leaf(kind, state.size, state.last_hash, TRAIL, bytes(32), -1, 0, chained_at_ms, offset, source)
        leaf = Leaf.parse(leaf.encode())
        assert breach(state, leaf) is None
        size = state.size
        state = advance(state, leaf, entry_hash(leaf.encode()))
        assert state == ChainState(TRAIL, size + 1, entry_hash(leaf.encode()), chained_at_ms, source)


def test_a_trail_begins_with_genesis_only():
    with pytest.raises(LeafError, match="not with event"):
        genesis_state(EVENT, bytes(32))


@pytest.mark.parametrize("leaf", [EVENT, HEARTBEAT])
def test_what_continues(leaf):
    assert breach(STATE, leaf) is None
    assert breach(STATE, leaf._replace(chained_at_ms=1001, next_source_offset=50)) is None


@pytest.mark.parametrize(
    ("leaf", "why"),
    [
        (EVENT._replace(trail_id=bytes(32)), f"trail id: expected {TRAIL.hex()}, found {bytes(32).hex()}"),
        (EVENT._replace(sequence=4), "sequence: expected 5, found 4"),
        (EVENT._replace(sequence=6), "sequence: expected 5, found 6"),
        (
            EVENT._replace(previous_hash=bytes(32)),
            f"previous entry hash: expected {'05' * 32}, found {'00' * 32}",
        ),
        (EVENT._replace(chained_at_ms=999), "chained at: expected 1000 or later, found 999"),
        (EVENT._replace(source_offset=39), "source offset: expected 40 or more, found 39"),
        (HEARTBEAT._replace(next_source_offset=39), "source offset: expected 40 or more, found 39"),
    ],
)
def test_what_does_not_continue(leaf, why):
    assert breach(STATE, leaf) == why


def test_genesis_never_continues():
    assert breach(STATE, GENESIS) == "sequence: expected 5, found 0"
