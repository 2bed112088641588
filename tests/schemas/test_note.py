from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import errors
from sealtrail_schemas.errors import FormatError, NoteError
from sealtrail_schemas.note import (
    MAX_NOTE_BYTES,
    Signer,
    Verifier,
    encode_signing_key,
    open_note,
    parse_signing_key,
    sign_note,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/note.json").read_text())["vectors"]

SEED = bytes(range(32))
SIGNER = Signer.from_seed("example.com/log", SEED)
OTHER = Signer.from_seed("example.com/other", bytes(32))


def check_vkey(vector):
    verifier = Verifier.parse(vector["vkey"])
    assert verifier.name == vector["key_name"]
    assert verifier.key_id.hex() == vector["key_id"]
    assert verifier.public_key.hex() == vector["public_key"]
    assert verifier.fingerprint == vector["fingerprint"]
    assert verifier.vkey == vector["vkey"]
    assert Verifier.from_public_key(verifier.name, verifier.public_key) == verifier


def check_skey(vector):
    for text in (vector["skey"], vector["skey"] + "\n"):
        signer = parse_signing_key(text)
        assert signer.verifier.vkey == vector["vkey"]
    assert encode_signing_key(signer.name, bytes.fromhex(vector["seed"])) == vector["skey"]


def check_open(vector):
    data = vector["data"].encode() if "data" in vector else bytes.fromhex(vector["data_hex"])
    verifiers = [Verifier.parse(vkey) for vkey in vector["verifiers"]]
    note = open_note(data, verifiers, exact_signatures=vector["exact"])
    assert note.text == vector["text"]
    assert [verifier.vkey for verifier in note.signed_by] == vector["signed_by"]
    assert note.unknown == vector["unknown"]


def check_sign(vector):
    signers = [parse_signing_key(skey) for skey in vector["skeys"]]
    assert sign_note(vector["text"], signers) == vector["data"].encode()


CHECKS = {"vkey": check_vkey, "skey": check_skey, "open": check_open, "sign": check_sign}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    check = CHECKS[vector["op"]]
    if "invalid" in vector:
        with pytest.raises(FormatError) as caught:
            check(vector)
        assert type(caught.value) is getattr(errors, vector["invalid"])
    else:
        check(vector)


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1
)
texts = st.text(st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.just("\n"))).map(
    lambda text: text + "\n"
)


@given(
    texts,
    st.lists(st.tuples(names, st.binary(min_size=32, max_size=32)), min_size=1, max_size=4, unique=True),
)
def test_what_is_signed_opens(text, keys):
    signers = [Signer.from_seed(name, seed) for name, seed in keys]
    verifiers = [signer.verifier for signer in signers]
    note = open_note(sign_note(text, signers), verifiers, exact_signatures=True)
    assert (note.text, note.signed_by, note.unknown) == (text, tuple(verifiers), 0)
    assert open_note(sign_note(text, signers), verifiers[:1]).unknown == len(signers) - 1


@given(names, st.binary(min_size=32, max_size=32))
def test_keys_survive_as_text(name, seed):
    signer = parse_signing_key(encode_signing_key(name, seed))
    assert signer.verifier == Verifier.parse(signer.verifier.vkey) == Signer.from_seed(name, seed).verifier


@given(st.binary(max_size=200))
def test_no_bytes_cause_another_error(data):
    with pytest.raises(NoteError):
        open_note(data, [SIGNER.verifier])


@given(st.text(st.sampled_from("PRIVATEKY+0aAQ=/é\n ")))
def test_no_text_causes_another_error(text):
    for parse in (Verifier.parse, parse_signing_key):
        with pytest.raises(FormatError):
            parse(text)


def test_a_note_with_one_bit_flipped_never_opens():
    data = sign_note("example.com/log\n3\nrrb8/idLcKFPsGel5VeCZE2w+pta9eC6FZFY8ynwbnc=\n", [SIGNER])
    open_note(data, [SIGNER.verifier], exact_signatures=True)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteError):
            open_note(bytes(flipped), [SIGNER.verifier], exact_signatures=True)


def test_a_note_cut_anywhere_never_opens():
    data = sign_note("a\n\nb\n", [SIGNER])
    for length in range(len(data)):
        with pytest.raises(NoteError):
            open_note(data[:length], [SIGNER.verifier])


def test_a_note_of_many_bytes_is_refused_unread():
    data = sign_note("x" * MAX_NOTE_BYTES + "\n", [SIGNER])
    with pytest.raises(NoteError, match="more than 1048576"):
        open_note(data, [SIGNER.verifier])
    assert open_note(data, [SIGNER.verifier], max_bytes=len(data)).unknown == 0


def test_two_trusted_keys_that_cannot_be_told_apart_are_refused(monkeypatch):
    monkeypatch.setattr("sealtrail_schemas.keys.compute_key_id", lambda *_: b"same")
    colliding = [Signer.from_seed("name", seed).verifier for seed in (SEED, bytes(32))]
    data = sign_note("text\n", [Signer.from_seed("name", SEED)])
    with pytest.raises(NoteError, match="same name and key ID"):
        open_note(data, colliding)


def test_one_trusted_key_may_be_given_twice():
    assert open_note(sign_note("text\n", [SIGNER]), [SIGNER.verifier] * 2).signed_by == (SIGNER.verifier,)


def test_a_renamed_key_is_the_same_key_under_another_id():
    seal = SIGNER.renamed("example.com/log/seal")
    assert seal.verifier == SIGNER.verifier.renamed("example.com/log/seal")
    assert seal.verifier.public_key == SIGNER.verifier.public_key
    assert seal.verifier.key_id != SIGNER.verifier.key_id
    assert seal.verifier.fingerprint == SIGNER.verifier.fingerprint
    assert open_note(sign_note("text\n", [seal]), [seal.verifier]).text == "text\n"


def test_a_signing_key_never_shows_its_secret():
    secret = encode_signing_key(SIGNER.name, SEED)
    for shown in (repr(SIGNER), str(SIGNER), f"{SIGNER}"):
        assert SEED.hex() not in shown
        assert repr(SEED)[2:-1] not in shown
        assert "Ed25519PrivateKey" not in shown
        assert SIGNER.name in shown
    for spoiled in (
        secret[:-1],
        secret[:-4],
        secret.replace("PRIVATE", "SECRET"),
        secret.replace("log", "lag"),
    ):
        with pytest.raises(NoteError) as caught:
            parse_signing_key(spoiled)
        assert secret[-30:-8] not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_signing_key_is_not_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(SIGNER)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length):
    with pytest.raises(NoteError, match="32 bytes"):
        Signer.from_seed("name", bytes(length))
    with pytest.raises(NoteError, match="32 bytes"):
        Verifier.from_public_key("name", bytes(length))


@pytest.mark.parametrize("name", ["", "a b", "a\u3000b", "a+b", "a\nb", "a\x7fb", "a\udcffb"])
def test_names_that_no_key_has(name):
    with pytest.raises(NoteError, match="key name"):
        Signer.from_seed(name, SEED)
    with pytest.raises(NoteError, match="key name"):
        SIGNER.renamed(name)


def test_a_key_under_a_false_id_is_refused():
    with pytest.raises(NoteError, match="does not belong"):
        Verifier("name", b"\0\0\0\0", OTHER.verifier.public_key)


def test_a_text_that_is_not_utf_8_is_not_signed():
    with pytest.raises(NoteError, match="UTF-8"):
        sign_note("\udcff\n", [SIGNER])
