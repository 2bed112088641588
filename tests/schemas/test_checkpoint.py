from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import errors
from sealtrail_schemas.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sealtrail_schemas.errors import CheckpointError, FormatError, NoteError
from sealtrail_schemas.merkle import MAX_TREE_SIZE
from sealtrail_schemas.note import Signer, Verifier, parse_signing_key, sign_note

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/checkpoint.json").read_text())["vectors"]

SIGNER = Signer.from_seed("example.com/log/0", bytes(32))
WITNESS = Signer.from_seed("example.com/witness", bytes(32))


def expected(vector):
    return Checkpoint(vector["origin"], vector["size"], bytes.fromhex(vector["root"]))


def check_parse(vector):
    checkpoint = Checkpoint.parse_text(vector["text"])
    assert checkpoint == expected(vector)
    assert checkpoint.text() == vector["text"]


def check_open(vector):
    assert open_checkpoint(vector["data"].encode(), Verifier.parse(vector["vkey"])) == expected(vector)


def check_sign(vector):
    assert sign_checkpoint(expected(vector), parse_signing_key(vector["skey"])) == vector["data"].encode()


CHECKS = {"parse": check_parse, "open": check_open, "sign": check_sign}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    check = CHECKS[vector["op"]]
    if "invalid" in vector:
        with pytest.raises(FormatError) as caught:
            check(vector)
        assert type(caught.value) is getattr(errors, vector["invalid"])
    else:
        check(vector)


@given(st.integers(1, MAX_TREE_SIZE), st.binary(min_size=32, max_size=32))
def test_what_is_signed_opens(size, root):
    checkpoint = Checkpoint(SIGNER.name, size, root)
    data = sign_checkpoint(checkpoint, SIGNER)
    assert open_checkpoint(data, SIGNER.verifier, exact_signatures=True) == checkpoint


@given(st.text(st.sampled_from("a0129+/=\n \u0661")))
def test_a_text_is_a_checkpoint_in_one_spelling_or_none(text):
    try:
        checkpoint = Checkpoint.parse_text(text)
    except CheckpointError:
        return
    assert checkpoint.text() == text


def test_a_cosigned_checkpoint_is_not_exact():
    data = sign_note(Checkpoint(SIGNER.name, 1, bytes(32)).text(), [SIGNER, WITNESS])
    assert open_checkpoint(data, SIGNER.verifier).size == 1
    with pytest.raises(NoteError, match="unknown key"):
        open_checkpoint(data, SIGNER.verifier, exact_signatures=True)
