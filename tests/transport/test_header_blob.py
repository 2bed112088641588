"""The header column of the SQLite log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_transport.header_blob import decode_headers, encode_headers


@given(st.lists(st.tuples(st.binary(), st.none() | st.binary())).map(tuple))
def test_headers_come_back_as_they_were(headers):
    assert decode_headers(encode_headers(headers)) == headers


def test_no_headers_are_no_bytes():
    assert encode_headers(()) == b""


@given(st.binary(min_size=1))
def test_other_bytes_are_refused_or_decode_to_themselves(blob):
    try:
        headers = decode_headers(blob)
    except ValueError:
        return
    assert encode_headers(headers) == blob


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_cut_blob_is_refused(cut):
    blob = encode_headers(((b"key", b"value"),))
    assert len(blob) == 16
    with pytest.raises(ValueError, match=r"cut off|longer"):
        decode_headers(blob[:-cut])
