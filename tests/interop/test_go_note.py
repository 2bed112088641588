"""Our notes open with the Go team's implementation and theirs with ours: `golang.org/x/mod/sumdb/note`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sealtrail_schemas.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.note import Signer, Verifier, encode_signing_key, open_note

pytestmark = pytest.mark.claim("C16")

HERE = Path(__file__).parent
VECTORS = json.loads((HERE.parents[1] / "vectors/note.json").read_text())["vectors"]

SEED = bytes(range(32))
SIGNER = Signer.from_seed("audit.example.com/payments/0", SEED)
CHECKPOINT = Checkpoint(SIGNER.name, 20852163, bytes(range(32)))

# Go's decoder overlooks unused bits, and its reader a known key's second line; it has no exact mode and
# takes up to 100 signatures.
STRICTER_THAN_GO = {
    "open-65-signatures",
    "open-base64-unused-bits",
    "open-signature-bad-beside-good",
    "open-exact-unknown-line",
    "open-exact-repeated-line",
}


def test_go_opens_our_checkpoint(go_note):
    opened = go_note("open", SIGNER.verifier.vkey, data=sign_checkpoint(CHECKPOINT, SIGNER))
    assert opened.returncode == 0, opened.stderr
    assert opened.stdout.decode() == "1 known, 0 unknown\n" + CHECKPOINT.text()


def test_go_refuses_our_checkpoint_of_another_key(go_note):
    other = Signer.from_seed(SIGNER.name, bytes(32))
    refused = go_note("open", other.verifier.vkey, data=sign_checkpoint(CHECKPOINT, SIGNER))
    assert refused.returncode == 1
    assert b"no verifiable signatures" in refused.stderr


def test_go_signs_with_our_key_what_we_sign(go_note, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text(encode_signing_key(SIGNER.name, SEED))
    signed = go_note("sign", key_file, data=CHECKPOINT.text().encode())
    assert signed.returncode == 0, signed.stderr
    assert signed.stdout == sign_checkpoint(CHECKPOINT, SIGNER)
    assert open_checkpoint(signed.stdout, SIGNER.verifier, exact_signatures=True) == CHECKPOINT


def test_go_opens_the_same_vectors(go_note):
    stricter = set()
    for vector in VECTORS:
        if vector["op"] != "open":
            continue
        data = vector["data"].encode() if "data" in vector else bytes.fromhex(vector["data_hex"])
        theirs = go_note("open", *vector["verifiers"], data=data)
        text = theirs.stdout.partition(b"\n")[2].decode() if theirs.returncode == 0 else None
        if text != our_text(vector, data):
            assert text is not None, f"Go refuses {vector['name']}: {theirs.stderr.decode()}"
            stricter.add(vector["name"])
    assert stricter == STRICTER_THAN_GO


def our_text(vector, data):
    """Return the text of a note, or nothing where we refuse it."""
    verifiers = [Verifier.parse(vkey) for vkey in vector["verifiers"]]
    try:
        return open_note(data, verifiers, exact_signatures=vector["exact"]).text
    except FormatError:
        return None
