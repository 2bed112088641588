import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.errors import FormatError, LeafError
from sealtrail_schemas.leaf import LEAF_BYTES, MAX_SEQUENCE, ZERO_HASH, Kind, Leaf, make_link, split_link

MAX = 2**63 - 1
int64 = st.integers(-(2**63), MAX)
hashes = st.binary(min_size=32, max_size=32)


@st.composite
def leaves(draw):
    kind = draw(st.sampled_from(Kind))
    timestamp_type = draw(st.integers(0, 2)) if kind.has_source else 0
    offset = draw(st.integers(0, MAX - 1)) if kind.has_source else -1
    genesis = kind is Kind.GENESIS
    return Leaf(
        kind=kind,
        sequence=0 if genesis else draw(st.integers(1, MAX_SEQUENCE)),
        previous_hash=ZERO_HASH if genesis else draw(hashes),
        trail_id=draw(hashes),
        payload_hash=draw(hashes),
        source_timestamp_ms=draw(int64) if timestamp_type else -1,
        source_timestamp_type=timestamp_type,
        chained_at_ms=draw(st.integers(0, MAX)),
        source_offset=offset,
        next_source_offset=draw(st.integers(offset + 1, MAX)),
        extension=draw(st.binary(max_size=5)),
    )


EVENT = Leaf(Kind.EVENT, 1, bytes(32), bytes(32), bytes(32), -1, 0, 0, 0, 1)


@given(leaves())
def test_round_trip(leaf):
    assert Leaf.parse(leaf.encode()) == leaf
    assert len(leaf.encode()) == LEAF_BYTES + len(leaf.extension)


@given(leaves(), st.data())
def test_every_change_is_refused_or_reads_as_something_else(leaf, data):
    encoded = bytearray(leaf.encode())
    place = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[place // 8] ^= 1 << place % 8
    try:
        other = Leaf.parse(bytes(encoded))
    except FormatError:
        return
    assert other != leaf
    assert other.encode() == encoded


def test_every_truncation_is_refused():
    encoded = EVENT._replace(extension=b"more").encode()
    for length in range(len(encoded)):
        with pytest.raises(LeafError):
            Leaf.parse(encoded[:length])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_format_error(data):
    for prefix in (b"", b"STL\x01", EVENT.encode()[:-2]):
        try:
            leaf = Leaf.parse(prefix + data)
        except FormatError:
            continue
        assert leaf.encode() == prefix + data


@given(leaves(), st.binary(min_size=16, max_size=16))
def test_a_link_splits_into_what_it_was_made_of(leaf, salt):
    assert split_link(make_link(leaf.encode(), salt)) == (leaf.encode(), salt)


def test_the_longest_extension():
    leaf = EVENT._replace(extension=bytes(65_535))
    assert Leaf.parse(leaf.encode()) == leaf
    with pytest.raises(LeafError, match="does not fit"):
        EVENT._replace(extension=bytes(65_536)).encode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sequence", 0),
        ("sequence", -1),
        ("sequence", MAX_SEQUENCE + 1),
        ("previous_hash", bytes(31)),
        ("trail_id", bytes(33)),
        ("payload_hash", b""),
        ("source_timestamp_ms", 0),
        ("source_timestamp_type", 3),
        ("chained_at_ms", MAX + 1),
        ("chained_at_ms", -1),
        ("source_offset", 1),
        ("source_offset", -1),
        ("next_source_offset", 2**63),
    ],
)
def test_a_leaf_that_breaks_a_rule_is_not_written(field, value):
    with pytest.raises(LeafError):
        EVENT._replace(**{field: value}).encode()
