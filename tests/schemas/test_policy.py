from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import errors
from sealtrail_schemas.errors import FormatError, PolicyError, UnknownFormatError
from sealtrail_schemas.note import Signer
from sealtrail_schemas.policy import MAX_POLICY_BYTES, Policy, format_policy

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/policy.json").read_text())["vectors"]

PAYMENTS = Signer.from_seed("audit.example.com/payments/0", bytes(32)).verifier
REFUNDS = Signer.from_seed("audit.example.com/refunds/0", bytes(range(32))).verifier


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    data = vector["data"].encode() if "data" in vector else bytes.fromhex(vector["data_hex"])
    if "invalid" in vector:
        with pytest.raises(FormatError) as caught:
            Policy.parse(data)
        assert type(caught.value) is getattr(errors, vector["invalid"])
        assert str(caught.value).startswith(
            f"policy line {vector['line']}: " if "line" in vector else "the policy "
        )
        assert str(caught.value).isprintable()
        return
    policy = Policy.parse(data)
    assert {name: log.vkey for name, log in policy.logs.items()} == vector["logs"]
    assert dict(policy.urls) == vector["urls"]
    witnesses = {name: [w.key.name, w.key.signature_type, w.url] for name, w in policy.witnesses.items()}
    assert witnesses == vector["witnesses"]
    assert {name: [g.threshold, list(g.members)] for name, g in policy.groups.items()} == vector["groups"]
    assert policy.quorum == vector["quorum"]
    if vector["supported"]:
        policy.require_supported()
    else:
        with pytest.raises(UnknownFormatError, match="can't check the cosignatures"):
            policy.require_supported()


def test_a_written_policy_reads_back_and_shows_the_fingerprints():
    data = format_policy([PAYMENTS, REFUNDS])
    policy = Policy.parse(data)
    assert list(policy.logs.values()) == [PAYMENTS, REFUNDS]
    policy.require_supported()
    for key in (PAYMENTS, REFUNDS):
        assert f"\n# {key.name}\n# {key.fingerprint}\nlog {key.vkey}\n" in data.decode()


def test_a_policy_with_one_key_twice_is_not_written():
    with pytest.raises(PolicyError, match="each log has its own"):
        format_policy([PAYMENTS, PAYMENTS.renamed("audit.example.com/payments/1")])


def test_a_policy_of_many_bytes_is_refused_unread():
    with pytest.raises(PolicyError, match="more than 1048576"):
        Policy.parse(b"#" * MAX_POLICY_BYTES + b"\nquorum none\n")


def test_a_policy_cannot_be_changed():
    policy = Policy.parse(format_policy([PAYMENTS]))
    with pytest.raises(TypeError):
        policy.logs["another"] = REFUNDS


words = st.sampled_from(
    [
        *(
            b"log",
            b"witness",
            b"group",
            b"quorum",
            b"none",
            b"any",
            b"1",
            b"A",
            b"#",
            b"\n",
            b"\t",
            b"\xff",
            b"\r",
        ),
        *(PAYMENTS.vkey.encode(), REFUNDS.vkey.encode()),
    ]
)


@given(st.one_of(st.binary(max_size=60), st.lists(words, max_size=30).map(b" ".join)))
def test_no_bytes_cause_another_error(data):
    try:
        Policy.parse(data + b"\n")
    except FormatError as error:
        assert type(error) in (PolicyError, UnknownFormatError)  # noqa: PT017  # most bytes are no policy, some are
