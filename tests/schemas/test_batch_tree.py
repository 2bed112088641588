import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import batch_tree
from sealtrail_schemas.batch_tree import BatchTree
from sealtrail_schemas.errors import ProofError
from sealtrail_schemas.merkle import MAX_TREE_SIZE, RightEdge, inclusion_proof, leaf_hash, verify_inclusion


def hashes_of(size):
    return [leaf_hash(b"%d" % number) for number in range(size)]


def edge_of(hashes):
    edge = RightEdge.empty()
    edge.extend(hashes)
    return edge


@given(st.integers(0, 80), st.integers(1, 80))
def test_paths_are_those_of_the_whole_tree(before, more):
    hashes = hashes_of(before + more)
    tree = BatchTree(edge_of(hashes[:before]), hashes[before:])
    assert (tree.first, tree.size) == (before, before + more)
    assert tree.root() == edge_of(hashes).root()
    for index in range(before, before + more):
        assert tree.path(index) == inclusion_proof(index, hashes)


def test_a_batch_far_along_a_trail():
    before = RightEdge(2**62 + 2**40 + 3, hashes_of(4))
    after = before.copy()
    after.extend(hashes_of(100))
    tree = BatchTree(before, hashes_of(100))
    for index, entry_hash in enumerate(hashes_of(100), start=before.size):
        verify_inclusion(index, after.size, entry_hash, tree.path(index), after.root())


def test_the_edge_stays_as_it_is():
    edge = edge_of(hashes_of(7))
    BatchTree(edge, hashes_of(9))
    assert edge == edge_of(hashes_of(7))


@pytest.mark.parametrize("index", [-1, 0, 2, 7, 8])
def test_other_entries_have_no_path(index):
    with pytest.raises(ProofError, match="is not one of 3 to 6"):
        BatchTree(edge_of(hashes_of(3)), hashes_of(4)).path(index)


def test_what_is_no_batch_is_refused():
    with pytest.raises(ProofError, match="from 3 to 3"):
        BatchTree(edge_of(hashes_of(3)), [])
    with pytest.raises(ProofError, match="not 32 bytes"):
        BatchTree(RightEdge.empty(), [bytes(31)])
    full = RightEdge(MAX_TREE_SIZE, [bytes(32)] * 63)
    with pytest.raises(ProofError, match="no batch leads"):
        BatchTree(full, [bytes(32)])


def test_the_example_is_true():
    assert doctest.testmod(batch_tree).failed == 0
