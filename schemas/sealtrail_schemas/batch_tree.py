"""The part of a trail's Merkle tree that one batch has added, for the inclusion paths of its entries.

The right edge of the tree before the batch stands for all earlier entries. So the paths of a batch's entries
are made from its own entry hashes and one seal, however long the trail is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_schemas.errors import ProofError
from sealtrail_schemas.merkle import HASH_BYTES, MAX_TREE_SIZE, node_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_schemas.merkle import RightEdge


class BatchTree:
    """The nodes that are, or lie above, entries of one batch: some two hashes an entry.

    >>> from sealtrail_schemas.merkle import RightEdge, leaf_hash
    >>> tree = BatchTree(RightEdge.empty(), [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
    >>> [len(tree.path(index)) for index in range(3)]
    [2, 2, 1]

    Attributes:
        first: Index of the batch's first entry in the trail: the tree's size before the batch.
        size: Of the tree with the batch.
    """

    __slots__ = ("_levels", "first", "size")

    def __init__(self, before: RightEdge, entry_hashes: Sequence[bytes]) -> None:
        """Build it: n entries cost n node hashes and some 60 more.

        Args:
            before: The tree of all entries before the batch; it stays as it is.
            entry_hashes: The batch's entry hashes, in order.

        Raises:
            ProofError: There is no entry, a hash is not 32 bytes, or the tree would grow too large.
        """
        self.first = before.size
        self.size = before.size + len(entry_hashes)
        if not before.size < self.size <= MAX_TREE_SIZE:
            raise ProofError(f"no batch leads from {before.size} to {self.size} entries")
        if any(len(entry_hash) != HASH_BYTES for entry_hash in entry_hashes):
            raise ProofError(f"an entry hash has not {HASH_BYTES} bytes")
        # Each level holds the nodes from `start` on to the right end; left of it are earlier entries only.
        self._levels: list[tuple[int, list[bytes]]] = []
        earlier = list(before.hashes)
        start, level = before.size, list(entry_hashes)
        while True:
            if start & 1:  # the node at `start` is a right half; its left half is a subtree of the edge
                start -= 1
                level = [earlier.pop(), *level]
            self._levels.append((start, level))
            if start == 0 and len(level) == 1:
                break
            start, level = start >> 1, _next_level(level)

    def root(self) -> bytes:
        """Return the root of the tree with the batch."""
        return self._levels[-1][1][0]

    def path(self, index: int) -> list[bytes]:
        """Return the inclusion path of an entry of the batch: RFC 6962 section 2.1.1.

        Args:
            index: Of the entry in the trail: its sequence.

        Raises:
            ProofError: It is no entry of the batch.
        """
        if not self.first <= index < self.size:
            raise ProofError(f"entry {index} is not one of {self.first} to {self.size - 1}")
        path = []
        for start, level in self._levels[:-1]:
            sibling = (index ^ 1) - start
            if sibling < len(level):  # else the node is the last and moves up as it is
                path.append(level[sibling])
            index >>= 1
        return path


def _next_level(level: list[bytes]) -> list[bytes]:
    """The level above; a last node without a sibling moves up as it is."""
    pairs = zip(level[::2], level[1::2], strict=False)
    return [node_hash(left, right) for left, right in pairs] + level[len(level) & ~1 :]
