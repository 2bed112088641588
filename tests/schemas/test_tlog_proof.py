import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import errors
from sealtrail_schemas.errors import FormatError, TlogProofError
from sealtrail_schemas.tlog_proof import (
    MAX_EXTRA_BYTES,
    MAX_PATH_HASHES,
    MAX_TLOG_PROOF_BYTES,
    TlogProof,
    is_tlog_proof,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/tlog_proof.json").read_text())["vectors"]

hashes = st.binary(min_size=32, max_size=32)
proofs = st.builds(
    TlogProof,
    st.integers(0, 2**63 - 2),
    st.lists(hashes, max_size=MAX_PATH_HASHES).map(tuple),
    st.binary(min_size=1, max_size=200),
    st.none() | st.binary(min_size=1, max_size=200),
)


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["op"] == "parse"], ids=lambda v: v["name"])
def test_vector(vector):
    data = vector["data"].encode()
    if "invalid" in vector:
        with pytest.raises(FormatError) as caught:
            TlogProof.parse(data)
        assert type(caught.value) is getattr(errors, vector["invalid"])
        return
    proof = TlogProof.parse(data)
    assert proof.index == vector["index"]
    assert [node.hex() for node in proof.path] == vector["path"]
    assert (proof.extra and proof.extra.hex()) == vector["extra"]
    assert proof.checkpoint.decode() == vector["checkpoint"]
    assert proof.encode() == data
    assert is_tlog_proof(data)


@given(proofs)
def test_what_is_written_is_read(proof):
    assert TlogProof.parse(proof.encode()) == proof


@given(proofs, st.data())
def test_whatever_is_read_has_one_spelling(proof, data):
    text = bytearray(proof.encode())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = TlogProof.parse(bytes(text))
    except FormatError:
        return
    assert read.encode() == text


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for text in (data, b"c2sp.org/tlog-proof@v1\n" + data, b"c2sp.org/tlog-proof@v1\nindex 0\n" + data):
        with contextlib.suppress(FormatError):
            TlogProof.parse(text)


def test_what_is_too_long_is_refused_unread():
    with pytest.raises(TlogProofError, match=f"more than {MAX_TLOG_PROOF_BYTES}"):
        TlogProof.parse(bytes(MAX_TLOG_PROOF_BYTES + 1))


def test_the_longest_proof_fits():
    proof = TlogProof(0, (bytes(32),) * MAX_PATH_HASHES, bytes(1 << 20), bytes(MAX_EXTRA_BYTES))
    assert TlogProof.parse(proof.encode()) == proof


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": 2**63 - 1},
        {"path": (bytes(31),)},
        {"path": (bytes(32),) * 64},
        {"checkpoint": b""},
        {"checkpoint": bytes((1 << 20) + 1)},
        {"extra": b""},
        {"extra": bytes(1 << 16)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_values_out_of_bounds_are_refused(change):
    with pytest.raises(TlogProofError):
        TlogProof(**({"index": 0, "path": (), "checkpoint": b"x", "extra": None} | change))
