"""Our proofs verify with the Go team's Merkle tree: `golang.org/x/mod/sumdb/tlog`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.builders import NOW, ORIGIN, make_trail, policy_of
from sealtrail_auditor.proof import prove_entry
from sealtrail_schemas.leaf import entry_hash

pytestmark = pytest.mark.claim("C16")

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/tlog_proof.json").read_text())["vectors"]


@pytest.fixture(scope="module")
def trail():
    return make_trail(3, 1, 5, 8)


@pytest.mark.parametrize("sequence", [0, 2, 3, 4, 8, 9, 16])
def test_go_verifies_our_proof(go_note, trail, sequence):
    proven = prove_entry(trail.store, policy_of(trail), ORIGIN, sequence, now=NOW)
    verified = go_note("prove", trail.signer.verifier.vkey, data=proven.proof.encode())
    assert verified.returncode == 0, verified.stderr
    size = proven.found.placed.opened.checkpoint.size
    assert verified.stdout.decode() == f"{sequence} {size} {entry_hash(proven.found.entry.leaf).hex()}\n"


def test_go_agrees_on_every_vector(go_note):
    for vector in VECTORS:
        # Go knows nothing of leaves and payloads, and takes any later line of a key for a stranger's.
        if vector["op"] != "verify" or vector["name"] in {"verify-no-leaf", "verify-signature-twice"}:
            continue
        verified = go_note("prove", vector["vkey"], data=vector["data"].encode())
        good = all(vector["checks"][name] == "good" for name in ("form", "inclusion", "signature"))
        assert (verified.returncode == 0) == good, (vector["name"], verified.stderr)
