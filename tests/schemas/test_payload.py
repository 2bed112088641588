import io

import avro.io
import avro.schema
import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import payload as payload_module
from sealtrail_schemas.errors import PayloadError
from sealtrail_schemas.layout import format_documents
from sealtrail_schemas.payload import MAX_HEADERS, Payload, decode_payload, encode_payload
from sealtrail_schemas.varint import encode_varint

SCHEMA = next(text for key, text in format_documents().items() if key.endswith("/payload.avsc")).decode()
SALT = bytes(16)

contents = st.none() | st.binary(max_size=70)
payloads = st.builds(
    Payload,
    st.binary(min_size=16, max_size=16),
    contents,
    st.lists(st.tuples(st.binary(max_size=70), contents), max_size=4).map(tuple),
    contents | st.just(bytes(10_000)),
)


@given(payloads)
def test_round_trip(payload):
    assert decode_payload(encode_payload(*payload)) == payload


@given(payloads)
def test_avro_libraries_read_the_same(payload):
    data = encode_payload(*payload)
    expected = {
        "salt": payload.salt,
        "key": payload.key,
        "headers": [{"key": name, "value": content} for name, content in payload.headers],
        "value": payload.value,
    }
    assert (
        fastavro.schemaless_reader(
            io.BytesIO(data), fastavro.parse_schema(avro.schema.parse(SCHEMA).to_json()), None
        )
        == expected
    )
    stock = avro.io.DatumReader(avro.schema.parse(SCHEMA))
    assert stock.read(avro.io.BinaryDecoder(io.BytesIO(data))) == expected


@given(payloads, st.data())
def test_every_change_is_refused_or_reads_as_something_else(payload, data):
    encoded = encode_payload(*payload)
    place = data.draw(st.integers(0, 8 * len(encoded) - 1))
    flipped = bytearray(encoded)
    flipped[place // 8] ^= 1 << place % 8
    try:
        other = decode_payload(bytes(flipped))
    except PayloadError:
        return
    assert other != payload
    assert encode_payload(*other) == bytes(flipped)


@given(payloads, st.data())
def test_every_truncation_is_refused(payload, data):
    encoded = encode_payload(*payload)
    with pytest.raises(PayloadError, match="ends early"):
        decode_payload(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(st.binary(max_size=60))
def test_what_is_accepted_encodes_back_to_itself(data):
    try:
        payload = decode_payload(SALT + data)
    except PayloadError:
        return
    assert encode_payload(*payload) == SALT + data


def test_65535_headers_are_allowed_and_one_more_is_not():
    headers = ((b"", None),) * MAX_HEADERS
    assert decode_payload(encode_payload(SALT, None, headers, None)).headers == headers
    with pytest.raises(PayloadError, match="65536 headers"):
        encode_payload(SALT, None, (*headers, (b"", None)), None)
    with pytest.raises(PayloadError, match="65536 headers"):
        decode_payload(SALT + b"\x00" + encode_varint(65_536) + bytes(2 * 65_536) + b"\x00\x00")


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_salt_of_another_size_is_refused(size):
    with pytest.raises(PayloadError, match=f"16 bytes, not {size}"):
        encode_payload(bytes(size), None, (), None)


def test_a_payload_over_the_limit_is_refused(monkeypatch):
    at_limit = encode_payload(SALT, None, (), b"value")
    monkeypatch.setattr(payload_module, "MAX_PAYLOAD_BYTES", len(at_limit))
    assert decode_payload(encode_payload(SALT, None, (), b"value")).value == b"value"
    with pytest.raises(PayloadError, match="at most"):
        encode_payload(SALT, None, (), b"value+")
    with pytest.raises(PayloadError, match="at most"):
        decode_payload(at_limit + b"+")
