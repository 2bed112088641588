from __future__ import annotations

import doctest
import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import errors, merkle
from sealtrail_schemas.errors import ProofError
from sealtrail_schemas.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    RightEdge,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/merkle.json").read_text())["vectors"]


def unhex(values):
    return [bytes.fromhex(value) for value in values]


def check_root(vector):
    edge = RightEdge.empty()
    for data in unhex(vector["leaves"]):
        edge.append(leaf_hash(data))
    assert edge.root().hex() == vector["root"]
    assert [value.hex() for value in edge.hashes] == vector["edge"]


def check_edge(vector):
    assert RightEdge.from_parts(vector["size"], unhex(vector["hashes"])).root().hex() == vector["root"]


def check_inclusion(vector):
    index, proof = vector["index"], unhex(vector["proof"])
    leaf, root = unhex([vector["leaf_hash"], vector["root"]])
    verify_inclusion(index, vector["size"], leaf, proof, root)
    if "leaves" in vector:
        assert inclusion_proof(index, [leaf_hash(data) for data in unhex(vector["leaves"])]) == proof


def check_consistency(vector):
    old, new, proof = vector["old_size"], vector["new_size"], unhex(vector["proof"])
    old_root, new_root = unhex([vector["old_root"], vector["new_root"]])
    verify_consistency(old, old_root, new, new_root, proof)
    if "leaves" in vector:
        assert consistency_proof(old, [leaf_hash(data) for data in unhex(vector["leaves"])]) == proof


CHECKS = {
    "root": check_root,
    "edge": check_edge,
    "inclusion": check_inclusion,
    "consistency": check_consistency,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    check = CHECKS[vector["op"]]
    if "invalid" in vector:
        with pytest.raises(getattr(errors, vector["invalid"])):
            check(vector)
    else:
        check(vector)


def recursive_root(leaves):
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + recursive_root(leaves[:k]) + recursive_root(leaves[k:])).digest()


def leaves_of(size):
    return [leaf_hash(b"%d" % i) for i in range(size)]


sizes = st.integers(1, 130)


@st.composite
def places(draw):
    size = draw(sizes)
    return draw(st.integers(0, size - 1)), size


@given(st.lists(st.integers(0, 40), max_size=5), st.integers(0, 40))
def test_appending_and_extending_agree_with_the_definition(runs, singles):
    edge, leaves = RightEdge.empty(), leaves_of(sum(runs) + singles)
    rest = iter(leaves)
    for run in runs:
        edge.extend([next(rest) for _ in range(run)])
    for leaf in rest:
        edge.append(leaf)
    assert edge.root() == recursive_root(leaves)
    assert len(edge.hashes) == len(leaves).bit_count()
    assert RightEdge.from_parts(edge.size, edge.hashes) == edge
    one_by_one = RightEdge.empty()
    for leaf in leaves:
        one_by_one.append(leaf)
    assert one_by_one == edge


@given(places())
def test_every_inclusion_proof_verifies(place):
    index, size = place
    leaves = leaves_of(size)
    verify_inclusion(index, size, leaves[index], inclusion_proof(index, leaves), recursive_root(leaves))


@given(places())
def test_every_consistency_proof_verifies(place):
    old, new = place[0] + 1, place[1]
    leaves = leaves_of(new)
    proof = consistency_proof(old, leaves)
    verify_consistency(old, recursive_root(leaves[:old]), new, recursive_root(leaves), proof)


@given(places(), st.data())
def test_no_spoiled_inclusion_proof_verifies(place, data):
    index, size = place
    leaves = leaves_of(size)
    proof = spoil(inclusion_proof(index, leaves), data)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaves[index], proof, recursive_root(leaves))


@given(places(), st.data())
def test_no_spoiled_consistency_proof_verifies(place, data):
    old, new = place[0] + 1, place[1]
    leaves = leaves_of(new)
    proof = spoil(consistency_proof(old, leaves), data)
    with pytest.raises(ProofError):
        verify_consistency(old, recursive_root(leaves[:old]), new, recursive_root(leaves), proof)


def spoil(proof, data):
    """Flip one bit of a proof, or change the number or the length of its hashes."""
    at = data.draw(st.integers(0, max(0, len(proof) - 1)))
    ways = ["insert", "append"] + (["flip", "remove", "shorten", "lengthen"] if proof else [])
    way = data.draw(st.sampled_from(ways))
    spoiled = list(proof)
    if way == "insert":
        spoiled.insert(at, data.draw(st.binary(min_size=32, max_size=32)))
    elif way == "append":
        spoiled.append(data.draw(st.binary(min_size=32, max_size=32)))
    elif way == "flip":
        bit = data.draw(st.integers(0, 255))
        spoiled[at] = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32)
    elif way == "remove":
        del spoiled[at]
    elif way == "shorten":
        spoiled[at] = proof[at][:-1]
    else:
        spoiled[at] = proof[at] + b"\0"
    return spoiled


def test_a_copy_grows_alone():
    edge = RightEdge.empty()
    edge.extend(leaves_of(5))
    other = edge.copy()
    other.append(leaf_hash(b"more"))
    assert (edge.size, other.size) == (5, 6)
    assert edge.root() == recursive_root(leaves_of(5))
    assert edge != other


def test_the_caller_keeps_its_own_hashes():
    hashes = [leaf_hash(b"a")]
    edge = RightEdge.from_parts(1, hashes)
    edge.append(leaf_hash(b"b"))
    assert hashes == [leaf_hash(b"a")]


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33)])
def test_a_wrong_hash_is_refused_and_changes_nothing(wrong):
    edge = RightEdge.empty()
    edge.extend(leaves_of(3))
    with pytest.raises(ProofError, match="bytes instead of 32"):
        edge.append(wrong)
    with pytest.raises(ProofError, match="bytes instead of 32"):
        edge.extend([leaf_hash(b"good"), wrong])
    assert edge.size == 3
    assert edge.root() == recursive_root(leaves_of(3))
    for build in (inclusion_proof, consistency_proof):
        with pytest.raises(ProofError, match="bytes instead of 32"):
            build(1, [leaf_hash(b"good"), wrong])


def test_a_full_tree_takes_no_leaf():
    edge = RightEdge.from_parts(MAX_TREE_SIZE, leaves_of(63))
    for add in (lambda: edge.append(leaf_hash(b"")), lambda: edge.extend([leaf_hash(b"")])):
        with pytest.raises(ProofError, match="tree size"):
            add()
    assert edge.size == MAX_TREE_SIZE


def test_proofs_are_built_only_of_what_is_there():
    leaves = leaves_of(3)
    for index in (-1, 3):
        with pytest.raises(ProofError, match="no leaf"):
            inclusion_proof(index, leaves)
    for old in (-1, 0, 4):
        with pytest.raises(ProofError, match="no consistency proof"):
            consistency_proof(old, leaves)


def test_the_empty_tree():
    assert RightEdge.empty().root() == EMPTY_ROOT == sha256(b"").digest()
    assert RightEdge.empty().hashes == ()


def test_the_example_in_the_documentation():
    result = doctest.testmod(merkle)
    assert result.attempted
    assert not result.failed
