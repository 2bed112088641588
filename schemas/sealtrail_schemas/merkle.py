"""The Merkle tree of a trail: RFC 6962 section 2.1 with SHA-256, its proofs checked as in RFC 9162.

    root of no leaf     SHA-256("")
    leaf hash           SHA-256(0x00 || leaf)
    node hash           SHA-256(0x01 || left || right)

A tree of n > 1 leaves splits at the largest power of two below n. Every hash is 32 bytes. Whatever is wrong
with a size, a hash or a proof is a `ProofError`: a check that returns has succeeded.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HASH_BYTES: Final = 32
MAX_TREE_SIZE: Final = 2**63 - 1
"""Leaves a tree can hold; a sequence then fits in a signed 64-bit integer, the widest that Avro has."""

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: `SHA-256(0x00 || data)`. In a trail this is the entry hash."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: `SHA-256(0x01 || left || right)`. Lengths are not checked."""
    return sha256(b"\x01" + left + right).digest()


def _subtree(size: int, place: int) -> int:
    """How many leaves the complete subtree at a place has, the largest being at place 0."""
    for _ in range(place):
        size -= 1 << (size.bit_length() - 1)
    return 1 << (size.bit_length() - 1)


class RightEdge:
    """A tree that grows by appending, kept as the roots of its complete subtrees: at most 63 hashes.

    A tree of 13 = 8 + 4 + 1 leaves is three subtrees. That is all a root or the next append needs, so a seal
    carries these hashes and a restart reads one seal, not the history.

    >>> edge = RightEdge.empty()
    >>> edge.extend([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
    >>> edge.size, len(edge.hashes)
    (3, 2)
    """

    __slots__ = ("_roots", "_size")
    __hash__ = None  # type: ignore[assignment]  # it changes in place

    def __init__(self, size: int, hashes: Sequence[bytes]) -> None:
        """See `from_parts`."""
        _require_size(size)
        _require_hashes(*hashes)
        if len(hashes) != size.bit_count():
            raise ProofError(
                f"the right edge of {size} leaves has {size.bit_count()} hashes, not {len(hashes)}"
            )
        self._size = size
        self._roots = list(hashes)

    @classmethod
    def empty(cls) -> RightEdge:
        """Return the tree without leaves."""
        return cls(0, ())

    @classmethod
    def from_parts(cls, size: int, hashes: Sequence[bytes]) -> RightEdge:
        """Return the tree of `size` leaves whose complete subtrees have the roots `hashes`, largest first.

        Raises:
            ProofError: The size is out of range, has not one hash per set bit, or a hash is not 32 bytes.
        """
        return cls(size, hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first: one for each set bit of `size`."""
        return tuple(self._roots)

    def may_grow_to(self, later: RightEdge) -> bool:
        """Whether `later` can be this tree with more leaves, as far as the two edges show.

        They share the complete subtrees at the front in which both sizes agree; False is certain.
        """
        if later._size < self._size:
            return False
        if later._size == self._size:
            return later._roots == self._roots
        for place, (ours, theirs) in enumerate(zip(self._roots, later._roots, strict=False)):
            if _subtree(self._size, place) != _subtree(later._size, place):
                return True
            if ours != theirs:
                return False
        return True

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf by its hash.

        Raises:
            ProofError: The hash is not 32 bytes, or the tree is full.
        """
        size = self._size
        if len(leaf_hash) != HASH_BYTES or size >= MAX_TREE_SIZE:
            _require_hashes(leaf_hash)
            _require_size(size + 1)
        self._size = size + 1
        roots = self._roots
        node = leaf_hash
        while size & 1:  # a complete subtree of this height waits for its right half
            node = sha256(b"\x01" + roots.pop() + node).digest()
            size >>= 1
        roots.append(node)

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves by their hashes, in order: the same as appending each, in two thirds of the time.

        All of them are held at once, so feed a long run in pieces. On an error nothing is added.

        Raises:
            ProofError: A hash is not 32 bytes, or the tree would grow too large.
        """
        level = list(leaf_hashes)
        _require_hashes(*level)
        new_size = self._size + len(level)
        _require_size(new_size)
        waiting, below = self._size, list(self._roots)
        roots: list[bytes] = []  # smallest subtree first
        while level or waiting:
            if waiting & 1:
                level.insert(0, below.pop())
            if len(level) & 1:
                roots.append(level.pop())
            level = _parents(level)
            waiting >>= 1
        self._size, self._roots = new_size, roots[::-1]

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves so far."""
        if not self._roots:
            return EMPTY_ROOT
        *larger, node = self._roots
        for left in reversed(larger):
            node = node_hash(left, node)
        return node

    def copy(self) -> RightEdge:
        """Return an independent tree with the same leaves."""
        return RightEdge(self._size, self._roots)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RightEdge):
            return NotImplemented
        return self._size == other._size and self._roots == other._roots

    def __repr__(self) -> str:
        return f"RightEdge(size={self._size}, root={self.root().hex()})"


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `leaf_hashes`: RFC 6962 section 2.1.1.

    Hashes the whole tree: n - 1 node hashes for n leaves.

    Raises:
        ProofError: There is no such leaf, or a hash is not 32 bytes.
    """
    _require_hashes(*leaf_hashes)
    _require_index(index, len(leaf_hashes))
    return _path(index, list(leaf_hashes))


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the proof that the first `old_size` leaves' tree grew into this one: RFC 6962 section 2.1.2.

    Hashes the whole tree: n - 1 node hashes for n leaves.

    Raises:
        ProofError: `old_size` is 0 or larger than the tree, or a hash is not 32 bytes.
    """
    _require_hashes(*leaf_hashes)
    _require_growth(old_size, len(leaf_hashes))
    if old_size == len(leaf_hashes):
        return []
    # The proof starts at the last complete subtree of the old tree. When that is all of the old tree, its
    # hash is the old root, which the verifier has, so it is left out.
    level, last = list(leaf_hashes), old_size - 1
    while last & 1:
        level, last = _next_level(level), last >> 1
    seed = [level[last]] if last else []
    return seed + _path(last, level)


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the tree of `size` leaves under `root` has `leaf_hash` at `index`: RFC 9162 section 2.1.3.2.

    Raises:
        ProofError: It is not so, or the proof is too long or too short for this place in the tree.
    """
    _require_hashes(leaf_hash, root, *proof)
    _require_size(size)
    _require_index(index, size)
    node = leaf_hash
    for sibling, is_left in _climb(index, size - 1, proof):
        node = node_hash(sibling, node) if is_left else node_hash(node, sibling)
    if node != root:
        raise ProofError(f"the inclusion proof of leaf {index} leads to another root")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree under `new_root` begins with the one under `old_root`: RFC 9162 section 2.1.4.2.

    Every tree begins with the empty one: there is nothing to prove, so an `old_size` of 0 is refused rather
    than accepted with whatever came as its root.

    Raises:
        ProofError: It is not so, a size is out of range, or the proof is too long or too short for them.
    """
    _require_hashes(old_root, new_root, *proof)
    _require_growth(old_size, new_size)
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofError(
                f"two trees of {old_size} leaves are the same only with one root and an empty proof"
            )
        return
    # Steps 1 to 4: start at the last complete subtree of the old tree.
    old_is_complete = old_size & (old_size - 1) == 0
    if not old_is_complete and not proof:
        raise ProofError("the consistency proof is empty")
    seed, path = (old_root, proof) if old_is_complete else (proof[0], proof[1:])
    last, new_last = old_size - 1, new_size - 1
    while last & 1:
        last, new_last = last >> 1, new_last >> 1
    # Steps 5 and 6: climb to both roots at once. Right siblings are beyond the old tree.
    old_node = new_node = seed
    for sibling, is_left in _climb(last, new_last, path):
        if is_left:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
        else:
            new_node = node_hash(new_node, sibling)
    if old_node != old_root:
        raise ProofError("the consistency proof leads to another old root")
    if new_node != new_root:
        raise ProofError("the consistency proof leads to another new root")


def _climb(node: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each hash of `path` and whether it is a left sibling, from `node` up to the root.

    `node` and `last`, the rightmost, are indexes in one level of the tree: `fn` and `sn` of RFC 9162. A path
    that ends below the root or goes on above it proves nothing, even if the hashes agree.
    """
    for sibling in path:
        if last == 0:
            raise ProofError("the proof is too long for these sizes")
        is_left = node & 1 == 1 or node == last
        yield sibling, is_left
        if is_left:
            while node and not node & 1:  # a rightmost node without a sibling is its own parent
                node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof is too short for these sizes")


def _path(index: int, level: list[bytes]) -> list[bytes]:
    """Return the siblings on the way from node `index` of `level` to the root."""
    path: list[bytes] = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _next_level(level), index >> 1
    return path


def _next_level(level: list[bytes]) -> list[bytes]:
    """Return the level above; a last node without a sibling moves up as it is."""
    return _parents(level) + level[len(level) & ~1 :]


def _parents(level: list[bytes]) -> list[bytes]:
    """Return the parents of the pairs of `level`; a last node without a sibling is left out."""
    return [
        sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
    ]


def _require_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProofError(f"a hash has {len(value)} bytes instead of {HASH_BYTES}")


def _require_size(size: int) -> None:
    if not 0 <= size <= MAX_TREE_SIZE:
        raise ProofError(f"tree size {size} is not between 0 and {MAX_TREE_SIZE}")


def _require_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")


def _require_growth(old_size: int, new_size: int) -> None:
    _require_size(new_size)
    if not 0 < old_size <= new_size:
        raise ProofError(f"no consistency proof leads from {old_size} to {new_size} leaves")
