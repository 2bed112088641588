from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.body import (
    MAX_BODY_BYTES,
    ControlBody,
    GenesisBody,
    HeartbeatBody,
    Predecessor,
    RejectedBody,
    TopicRef,
    encode_body,
    parse_body,
)
from sealtrail_schemas.errors import BodyError, UnknownFormatError
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.note import Verifier

ORIGIN = "audit.example.com/payments/0"
VKEY = Verifier.from_public_key(ORIGIN, bytes(32)).vkey
PREDECESSOR = Predecessor(ORIGIN, 932, bytes(32), bytes(32), "the chained topic was deleted")
GENESIS = GenesisBody(
    origin=ORIGIN,
    incarnation=bytes(16),
    raw_topic=TopicRef("payments", bytes(16)),
    chained_topic=TopicRef("payments.chained", bytes(16)),
    first_source_offset=0,
    keys=(VKEY,),
    created_at_ms=0,
    predecessor=PREDECESSOR,
)
REJECTED = RejectedBody("too large", bytes(32), 5_242_881, 17)

numbers = st.integers(0, 2**63 - 1)
lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@given(st.builds(RejectedBody, lines, st.none() | st.binary(min_size=32, max_size=32), numbers, numbers))
def test_rejected_round_trip(body):
    assert parse_body(Kind.REJECTED, encode_body(body)) == body


@given(
    st.binary(min_size=16, max_size=16),
    numbers,
    st.none()
    | st.builds(
        Predecessor, st.just(ORIGIN), st.integers(1, 2**63 - 1), st.just(bytes(32)), st.just(bytes(32)), lines
    ),
)
def test_genesis_round_trip(incarnation, first_source_offset, predecessor):
    body = replace(
        GENESIS, incarnation=incarnation, first_source_offset=first_source_offset, predecessor=predecessor
    )
    assert parse_body(Kind.GENESIS, encode_body(body)) == body


@pytest.mark.parametrize(
    "body",
    [
        replace(GENESIS, origin="payments"),
        replace(GENESIS, origin="audit.example.com/orders/0"),
        replace(GENESIS, incarnation=bytes(15)),
        replace(GENESIS, raw_topic=TopicRef("orders", bytes(16))),
        replace(GENESIS, raw_topic=TopicRef("payments", bytes(15))),
        replace(GENESIS, chained_topic=TopicRef("", bytes(16))),
        replace(GENESIS, first_source_offset=-1),
        replace(GENESIS, first_source_offset=2**63),
        replace(GENESIS, keys=()),
        replace(GENESIS, keys=("payments",)),
        replace(GENESIS, keys=(VKEY, Verifier.from_public_key("x", bytes(32)).vkey)),
        replace(GENESIS, created_at_ms=-1),
        replace(GENESIS, predecessor=replace(PREDECESSOR, size=0)),
        replace(GENESIS, predecessor=replace(PREDECESSOR, origin="x")),
        replace(REJECTED, reason=""),
        replace(REJECTED, reason="two\nlines"),
        replace(REJECTED, reason="\ud800"),
        replace(REJECTED, reason="x" * MAX_BODY_BYTES),
        replace(REJECTED, sha256=bytes(31)),
        replace(REJECTED, size=-1),
        ControlBody(""),
    ],
)
def test_what_would_not_parse_is_not_written(body):
    with pytest.raises(BodyError):
        encode_body(body)


@pytest.mark.parametrize("body", [GENESIS, REJECTED, HeartbeatBody(), ControlBody("key-change")])
def test_every_changed_byte_is_refused_or_reads_as_something_else(body):
    kind = Kind[type(body).__name__.removesuffix("Body").upper()]
    data = encode_body(body)
    assert parse_body(kind, data) == body
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        try:
            other = parse_body(kind, bytes(flipped))
        except (BodyError, UnknownFormatError):
            continue
        assert other != body
