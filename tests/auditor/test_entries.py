"""The inner loop: its short ways accept nothing that the formats' own functions would not."""

from __future__ import annotations

from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.builders import TrailMaker, new_store
from sealtrail_auditor.entries import EntryFault, EntryWalk
from sealtrail_auditor.payload_form import BARE, plain_form
from sealtrail_auditor.stamps import StampReader
from sealtrail_schemas.chain import ChainState, breach
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.errors import FormatError, PayloadError
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.payload import decode_payload, encode_payload
from sealtrail_schemas.varint import encode_varint

headers = st.lists(st.tuples(st.binary(max_size=70), st.none() | st.binary(max_size=70)), max_size=4)
lengths = st.sampled_from([0, 1, 62, 63, 64, 65, 66, 127, 128, 8190, 8191, 8192, 8193, 8194, 8195])
values = st.none() | st.binary(max_size=80) | lengths.map(bytes)


@given(st.binary(min_size=16, max_size=16), values, headers, values)
def test_payloads_are_canonical(salt, key, some_headers, value):
    payload = encode_payload(salt, key, some_headers, value)
    if max(len(key or b""), len(value or b"")) < 8192:
        form = plain_form(payload)
        if some_headers:
            name, content = some_headers[-1]
            end = b"\x00" if content is None else b"\x02" + encode_varint(len(content)) + content
            assert payload[form:].startswith(encode_varint(len(name)) + name + end)
        else:
            assert form == BARE


@given(st.binary(min_size=16, max_size=16), values, headers, values, st.data())
def test_changed_payloads_are_canonical_only_if_they_decode(salt, key, some_headers, value, data):
    payload = bytearray(encode_payload(salt, key, some_headers, value))
    at = data.draw(st.integers(16, len(payload) - 1))
    change = data.draw(st.sampled_from(["set", "cut", "insert", "append"]))
    if change == "set":
        payload[at] = data.draw(st.integers(0, 255))
    elif change == "cut":
        del payload[at : at + data.draw(st.integers(1, 3))]
    elif change == "insert":
        payload[at:at] = data.draw(st.binary(min_size=1, max_size=3))
    else:
        payload += b"\x00"
    if plain_form(bytes(payload)):
        decode_payload(bytes(payload))


@pytest.mark.parametrize("rest", [0, 1, 2, 63, 64, 65, 66, 67, 8191, 8192, 8193, 8194, 8195])
@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 65, 8190, 8191, 8192])
def test_no_value_is_taken_for_one_of_another_length(rest, length):
    payload = bytes(16) + b"\x00" + b"\x00\x02" + encode_varint(length) + bytes(rest)
    try:
        decode_payload(payload)
    except PayloadError:
        assert not plain_form(payload)
    else:
        assert rest == length


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ("key of a longer length", "028200" + "6b" + "0000"),
        ("key of a negative length", "0203" + "6b" + "0000"),
        ("key of another branch", "046b0000"),
        ("headers of a negative count", "00" + "01" + "00" + "00"),
        ("headers in two blocks", "00" + "0202610002026200" + "0000"),
        ("headers with another end", "00" + "02026100" + "01" + "00"),
        ("headers without an end", "00" + "02026100" + "02"),
        ("a header of a longer length", "00" + "0282006100" + "0000"),
        ("value of a longer length", "0000" + "0282006b"),
        ("value of a negative length", "0000" + "02036b6b"),
        ("value that ends early", "0000" + "02046b"),
        ("bytes behind the value", "0000" + "02026b00"),
        ("bytes behind no value", "0000" + "0000"),
        ("no end", "00"),
    ],
)
def test_other_forms_are_not_canonical(form, end):
    payload = bytes(16) + bytes.fromhex(end)
    with pytest.raises(PayloadError):
        decode_payload(payload)
    assert not plain_form(payload), form


LEAF = Struct(">3sBBBQ32s32s32sqBqqqH")
FIELDS = range(14)


@given(st.sampled_from(FIELDS), st.data())
def test_a_changed_leaf_is_judged_as_by_the_formats(field, data):
    trail = TrailMaker(new_store())
    trail.event()
    entries = list(trail.waiting)
    genesis = Leaf.parse(entries[0].leaf)
    state = ChainState(
        trail.trail_id, 1, entry_hash(entries[0].leaf), genesis.chained_at_ms, genesis.next_source_offset
    )
    parts = list(LEAF.unpack(entries[1].leaf))
    parts[field] = data.draw(other_value(parts[field], field))
    leaf = LEAF.pack(*parts)
    walk = EntryWalk(
        iter([Entry(leaf, entries[1].payload)]),
        state,
        first_sequence=1,
        tree=RightEdge.empty(),
        on_own_entry=lambda _leaf, _payload, _before: None,
        on_piece=lambda _entries: None,
        stamps=StampReader(),
    )
    try:
        parsed = Leaf.parse(leaf)
        good = breach(state, parsed) is None and parsed.payload_hash == trail.leaves[1].payload_hash
    except FormatError:
        good = False
    if good:
        walk.follow(2)
        assert walk.state == advanced(state, parsed, leaf)
    else:
        with pytest.raises(EntryFault):
            walk.follow(2)


def other_value(value, field):
    if isinstance(value, bytes):
        return st.binary(min_size=len(value), max_size=len(value))
    if field in {1, 2, 3, 9}:
        return st.integers(0, 255) | st.integers(0, 4)
    if field == 13:
        return st.integers(0, 65_535)
    if field == 4:
        return st.integers(0, 2**64 - 1) | st.integers(0, 3)
    near = st.integers(value - 2, value + 2)
    return near | st.integers(-(2**63), 2**63 - 1)


def advanced(state, leaf, data):
    return state._replace(
        size=2,
        last_hash=entry_hash(data),
        chained_at_ms=leaf.chained_at_ms,
        next_source_offset=leaf.next_source_offset,
    )
