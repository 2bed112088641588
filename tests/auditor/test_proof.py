"""Proofs: made from one batch and two seals, checked without the archive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.builders import NOW, ORIGIN, YEAR, make_trail, policy_of
from sealtrail_auditor.errors import EntryDamagedError, EntryMissingError, ProofUnavailableError
from sealtrail_auditor.proof import prove_entry
from sealtrail_auditor.proof_check import CheckName, State, check_proof
from sealtrail_auditor.proof_findings import proof_findings
from sealtrail_schemas.keys import Verifier
from sealtrail_schemas.layout import SEALS
from sealtrail_schemas.tlog_proof import TlogProof

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/tlog_proof.json").read_text())["vectors"]


def prove(trail, sequence, **settings):
    return prove_entry(trail.store, policy_of(trail), ORIGIN, sequence, **({"now": NOW} | settings))


def checked(trail, proven, payload=None):
    return check_proof(proven.proof.encode(), payload, policy_of(trail).logs)


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["op"] == "verify"], ids=lambda v: v["name"])
def test_vector(vector):
    key = Verifier.parse(vector["vkey"])
    payload = None if vector["payload"] is None else bytes.fromhex(vector["payload"])
    result = check_proof(vector["data"].encode(), payload, {key.name: key})
    assert {check.name.value: check.state.value for check in result.checks} == vector["checks"]
    assert result.proven == (set(vector["checks"].values()) <= {"good", "hidden"})
    assert all(check.detail for check in result.checks)


@pytest.mark.parametrize("sequence", range(9))
def test_every_entry_can_be_proven(sequence):
    trail = make_trail(3, 1, 5)
    proven = prove(trail, sequence)
    assert proven.proof.checkpoint in [placed.text.checkpoint for placed in trail.placed]
    result = checked(trail, proven, proven.found.entry.payload)
    assert result.proven
    assert {check.state for check in result.checks} == {State.GOOD}
    assert result.leaf == trail.leaves[sequence]
    assert result.payload == proven.found.payload
    assert result.checkpoint.size > sequence
    assert result.verifier == trail.signer.verifier


def test_a_redacted_proof_shows_the_leaf_alone():
    trail = make_trail(3, 4)
    result = checked(trail, prove(trail, 5))
    assert result.proven
    assert result.state(CheckName.PAYLOAD) is State.HIDDEN
    assert result.payload is None
    assert result.leaf == trail.leaves[5]


def test_one_batch_and_two_seals_are_read():
    trail = make_trail(*[3] * 20)
    opened = []
    read = trail.store.open
    trail.store.open = lambda key, version_id: opened.append(key) or read(key, version_id)
    proven = prove(trail, 40)
    names = [placed for placed in trail.placed if placed.last in {38, 41}]
    # `find_trails` opens a seal to see whose folder it is
    assert set(opened) - {trail.placed[0].seal} == {names[0].seal, names[1].seal, names[1].batch}
    assert checked(trail, proven).proven


def test_without_the_seal_before_there_is_no_proof():
    trail = make_trail(3, 3, 3, until=NOW + YEAR)
    trail.store.erase(trail.placed[0].batch, trail.placed[0].batch_version)
    trail.store.erase(trail.placed[0].seal, trail.placed[0].seal_version)
    with pytest.raises(ProofUnavailableError, match="the seal before them is gone"):
        prove(trail, 4, now=NOW + 2 * YEAR)
    assert checked(trail, prove(trail, 7, now=NOW + 2 * YEAR)).proven


def test_nothing_is_proven_of_a_damaged_batch():
    trail = make_trail(3, 3)
    placed = trail.placed[1]
    trail.store.corrupt(
        placed.batch, placed.batch_version, placed.batch_bytes.replace(b'{"n":5}', b'{"n":6}')
    )
    with pytest.raises(EntryDamagedError):
        prove(trail, 4)
    with pytest.raises(EntryMissingError):
        prove(trail, 6)


def test_every_flipped_bit_is_seen():
    trail = make_trail(3, 4)
    proven = prove(trail, 5)
    data, keys = proven.proof.encode(), policy_of(trail).logs
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert not check_proof(changed, None, keys).proven, at
    payload = proven.found.entry.payload
    for at in range(len(payload)):
        changed = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
        assert check_proof(data, changed, keys).state(CheckName.PAYLOAD) is State.BAD


def test_the_proof_is_against_the_entrys_own_seal():
    trail = make_trail(3, 4, 5)
    proof = prove(trail, 4).proof
    assert TlogProof.parse(proof.encode()) == proof
    assert proof.checkpoint == trail.placed[1].text.checkpoint
    assert SEALS in trail.placed[1].seal


def test_what_fails_has_a_code():
    found = {}
    for vector in VECTORS:
        if vector["op"] == "verify":
            key = Verifier.parse(vector["vkey"])
            payload = None if vector["payload"] is None else bytes.fromhex(vector["payload"])
            result = check_proof(vector["data"].encode(), payload, {key.name: key})
            findings = proof_findings(result.checks, origin=key.name, key="proof", sequence=1)
            found[vector["name"]] = {finding.code.code for finding in findings}
    assert found["verify-redacted"] == set()
    assert found["verify-garbage"] == {"ST-PROOF-FORM"}
    assert found["verify-other-version"] == {"ST-PROOF-FORMAT"}
    assert found["verify-no-leaf"] == {"ST-PROOF-LEAF"}
    assert found["verify-leaf-version"] == {"ST-PROOF-FORMAT", "ST-PROOF-INCLUSION"}
    assert found["verify-payload-changed"] == {"ST-PROOF-PAYLOAD"}
    assert found["verify-path-short"] == {"ST-PROOF-INCLUSION"}
    assert found["verify-signature-changed"] == {"ST-PROOF-SIGNATURE"}
    assert found["verify-other-key"] == found["verify-other-trail"] == {"ST-PROOF-KEY"}
