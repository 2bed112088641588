"""Vectors of the Merkle tree: the published 8-leaf tree, larger ones, and proofs spoiled in every way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from c2sp.reference import (
    PROOF,
    Vector,
    edge,
    leaf,
    mth,
    node,
    path,
    root_by_path,
    roots_by_proof,
    sha256,
    subproof,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ABOUT: Final = (
    "RFC 6962 Merkle trees with SHA-256; all bytes in hexadecimal. op root: the tree of `leaves` (data, "
    "not yet hashed) has `root` and right edge `edge`. op edge: `size` and `hashes` form a right edge with "
    "`root`. op inclusion and consistency: the proof verifies. `invalid` names the error instead. `leaves` "
    "of a valid proof, where given, are the data of the tree that it was made of."
)

Claim: TypeAlias = tuple[int, int, bytes, bytes]
"""What a proof is to show: (index, size, leaf hash, root), or (old size, new size, old root, new root)."""

# The 8-leaf tree of Certificate Transparency's reference tests, published also by transparency-dev/merkle.
PUBLISHED_LEAVES: Final = tuple(
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
PUBLISHED_ROOTS: Final = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
_LEAF_0 = PUBLISHED_ROOTS[1]
_LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_NODE_0_1 = PUBLISHED_ROOTS[2]
_NODE_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_NODE_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
_NODE_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_NODE_0_3 = PUBLISHED_ROOTS[4]
_NODE_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
PUBLISHED_INCLUSION: Final = {
    (0, 1): [],
    (0, 8): [_LEAF_1, _NODE_2_3, _NODE_4_7],
    (5, 8): [_LEAF_4, _NODE_6_7, _NODE_0_3],
    (2, 3): [_NODE_0_1],
    (1, 5): [_LEAF_0, _NODE_2_3, _LEAF_4],
}
PUBLISHED_CONSISTENCY: Final = {
    (1, 1): [],
    (1, 8): [_LEAF_1, _NODE_2_3, _NODE_4_7],
    (6, 8): [_NODE_4_5, _NODE_6_7, _NODE_0_3],
    (2, 5): [_NODE_2_3, _LEAF_4],
}
PUBLISHED: Final = "Published: Certificate Transparency's reference tests, transparency-dev/merkle."

MADE: Final = "Made by the recursive definition."
SPOILED: Final = "Spoiled."

GARBAGE: Final = sha256(b"garbage")


def vectors() -> list[Vector]:
    """Return all Merkle vectors.

    Raises:
        ValueError: The recursive definition and the published values disagree.
    """
    return [*_roots(), *_edges(), *_inclusion(), *_consistency()]


def _tree(size: int) -> list[bytes]:
    """Return leaf data: the published leaves, then made ones."""
    return [*PUBLISHED_LEAVES, *(b"leaf %d" % i for i in range(8, size))][:size]


def _hashes(size: int) -> list[bytes]:
    return [leaf(data) for data in _tree(size)]


def _hex(values: Sequence[bytes]) -> list[str]:
    return [value.hex() for value in values]


def _agree(ours: object, published: object) -> None:
    if ours != published:
        raise ValueError(f"the recursive definition gives {ours}, published is {published}")


def _roots() -> Iterator[Vector]:
    for size in (*range(9), 13, 32, 33):
        root = mth(_hashes(size)).hex()
        published = size < len(PUBLISHED_ROOTS)
        if published:
            _agree(root, PUBLISHED_ROOTS[size])
        yield {
            "name": f"root-{size}",
            "note": PUBLISHED if published else MADE,
            "op": "root",
            "leaves": _hex(_tree(size)),
            "root": root,
            "edge": _hex(edge(_hashes(size))),
        }


def _edges() -> Iterator[Vector]:
    good = edge(_hashes(7))

    def case(name: str, note: str, size: int, hashes: Sequence[bytes], **outcome: str) -> Vector:
        return {
            "name": f"edge-{name}",
            "note": note,
            "op": "edge",
            "size": size,
            "hashes": _hex(hashes),
        } | outcome

    yield case("empty", "No leaf.", 0, [], root=PUBLISHED_ROOTS[0])
    yield case("7", "Three complete subtrees: 4, 2 and 1 leaves.", 7, good, root=PUBLISHED_ROOTS[7])
    largest = [sha256(b"%d" % i) for i in range(63)]
    root = _fold(largest[-2::-1], largest[-1]).hex()
    yield case("largest", "The largest size: 2**63 - 1.", 2**63 - 1, largest, root=root)
    yield case("too-large", "2**63 leaves.", 2**63, [GARBAGE], invalid=PROOF)
    yield case("negative", "A negative size.", -1, [GARBAGE], invalid=PROOF)
    yield case("one-missing", "A set bit of the size without a hash.", 7, good[:2], invalid=PROOF)
    yield case("one-more", "A hash without a set bit of the size.", 7, [*good, GARBAGE], invalid=PROOF)
    yield case("short-hash", "A hash of 31 bytes.", 7, [*good[:2], good[2][:31]], invalid=PROOF)
    yield case("long-hash", "A hash of 33 bytes.", 7, [*good[:2], good[2] + b"\0"], invalid=PROOF)
    yield case("hash-of-none", "The empty tree has no hashes.", 0, [sha256(b"")], invalid=PROOF)


def _flip(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value) ^ 1 << bit).to_bytes(len(value))


def _spoiled_proofs(proof: list[bytes], roots: Sequence[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield name and hashes of proofs that are never valid where `proof` is."""
    for i, value in enumerate(proof):
        at = f"hash-{i}"
        yield f"{at}-flipped", [*proof[:i], _flip(value, 101 * i % 256), *proof[i + 1 :]]
        yield f"{at}-missing", [*proof[:i], *proof[i + 1 :]]
        yield f"{at}-twice", [*proof[: i + 1], *proof[i:]]
        yield f"{at}-31-bytes", [*proof[:i], value[:31], *proof[i + 1 :]]
        yield f"{at}-33-bytes", [*proof[:i], value + b"\0", *proof[i + 1 :]]
    if len(proof) > 1:
        yield "reversed", proof[::-1]
        yield "first-two-joined", [proof[0] + proof[1], *proof[2:]]
        yield "empty", []
    yield "garbage-first", [GARBAGE, *proof]
    yield "garbage-last", [*proof, GARBAGE]
    yield "empty-hash-last", [*proof, b""]
    for i, root in enumerate(roots):
        yield f"root-{i}-first", [root, *proof]
        yield f"root-{i}-last", [*proof, root]


def _inclusion() -> Iterator[Vector]:
    for index, size in ((0, 1), (0, 8), (5, 8), (2, 3), (1, 5), (4, 7), (12, 13), (20, 33)):
        hashes = _hashes(size)
        this, root, proof = hashes[index], mth(hashes), path(index, hashes)
        claim = (index, size, this, root)
        published = PUBLISHED_INCLUSION.get((index, size))
        if published is not None:
            _agree(_hex(proof), published)
        name = f"inclusion-{index}-of-{size}"
        note = PUBLISHED if published is not None else MADE
        yield _inclusion_case(name, note, claim, proof) | {"leaves": _hex(_tree(size))}
        for spoiled, hashes_ in _spoiled_proofs(proof, [root]):
            yield _inclusion_case(f"{name}-{spoiled}", SPOILED, claim, hashes_)
        for spoiled, other in {
            "index-plus-1": (index + 1, size, this, root),
            "index-xor-1": (index ^ 1, size, this, root),
            "index-is-size": (size, size, this, root),
            "index-negative": (index - size, size, this, root),
            "size-0": (index, 0, this, root),
            "size-doubled": (index, size * 2, this, root),
            "leaf-flipped": (index, size, _flip(this, 7), root),
            "leaf-31-bytes": (index, size, this[:31], root),
            "root-flipped": (index, size, this, _flip(root, 7)),
            "root-33-bytes": (index, size, this, root + b"\0"),
            "root-of-none": (index, size, this, sha256(b"")),
        }.items():
            yield _inclusion_case(f"{name}-{spoiled}", SPOILED, other, proof)
    yield from _inclusion_traps()


def _inclusion_traps() -> Iterator[Vector]:
    hashes = _hashes(8)
    first, pair = hashes[0], node(hashes[0], hashes[1])
    yield _inclusion_case(
        "inclusion-ends-below-the-root",
        "The hashes agree, yet the path is too short for 8 leaves: a verifier must end at the top (sn = 0).",
        (0, 8, first, pair),
        [hashes[1]],
    )
    for side, root in (("left", node(GARBAGE, pair)), ("right", node(pair, GARBAGE))):
        yield _inclusion_case(
            f"inclusion-goes-on-above-the-root-{side}",
            "The hashes agree, yet the path is too long for 2 leaves.",
            (0, 2, first, root),
            [hashes[1], GARBAGE],
        )
    yield _inclusion_case(
        "inclusion-moved-boundary",
        "31 and 33 bytes: side by side they are the right 64.",
        (0, 2, first[:31], pair),
        [first[31:] + hashes[1]],
    )
    yield _inclusion_case(
        "inclusion-does-not-bind-the-size",
        "Valid, though the tree has 8 leaves: both paths have one shape. The checkpoint binds the size.",
        (0, 7, first, mth(hashes)),
        path(0, hashes),
    )
    lefts = [sha256(b"%d" % i) for i in range(63)]
    yield _inclusion_case(
        "inclusion-in-the-largest-tree",
        "The last leaf of 2**63 - 1: each hash of the right edge is a left sibling.",
        (2**63 - 2, 2**63 - 1, first, _fold(lefts[:62], first)),
        lefts[:62],
    )
    yield _inclusion_case(
        "inclusion-in-too-large-a-tree",
        "2**63 leaves are one too many, though the hashes agree.",
        (2**63 - 1, 2**63, first, _fold(lefts, first)),
        lefts,
    )


def _fold(lefts: Sequence[bytes], value: bytes) -> bytes:
    """Return the root above `value`, the last leaf, where every sibling is a left one."""
    for left in lefts:
        value = node(left, value)
    return value


def _inclusion_case(name: str, note: str, claim: Claim, proof: Sequence[bytes]) -> Vector:
    index, size, leaf_hash, root = claim
    try:
        sane = 0 <= index < size < 2**63 and {len(value) for value in (leaf_hash, root, *proof)} == {32}
        valid = sane and root_by_path(index, size, leaf_hash, proof) == root
    except ValueError:
        valid = False
    vector: Vector = {
        "name": name,
        "note": note,
        "op": "inclusion",
        "index": index,
        "size": size,
        "leaf_hash": leaf_hash.hex(),
        "proof": _hex(proof),
        "root": root.hex(),
    }
    return _judged(vector, valid=valid)


def _consistency() -> Iterator[Vector]:
    for old, new in ((1, 1), (1, 8), (6, 8), (2, 5), (4, 7), (7, 8), (8, 8), (6, 13), (8, 32), (21, 33)):
        hashes = _hashes(new)
        root_1, root_2, proof = mth(hashes[:old]), mth(hashes), subproof(old, hashes)
        claim = (old, new, root_1, root_2)
        published = PUBLISHED_CONSISTENCY.get((old, new))
        if published is not None:
            _agree(_hex(proof), published)
        name = f"consistency-{old}-to-{new}"
        note = PUBLISHED if published is not None else MADE
        yield _consistency_case(name, note, claim, proof) | {"leaves": _hex(_tree(new))}
        for spoiled, hashes_ in _spoiled_proofs(proof, [root_1, root_2]):
            yield _consistency_case(f"{name}-{spoiled}", SPOILED, claim, hashes_)
        for spoiled, other in {
            "sizes-swapped": (new + 1, old, root_1, root_2),
            "old-size-0": (0, new, root_1, root_2),
            "old-size-0-and-empty-root": (0, new, sha256(b""), root_2),
            "old-size-negative": (-old, new, root_1, root_2),
            "old-size-plus-1": (old + 1, new, root_1, root_2),
            "new-size-times-4": (old, new * 4, root_1, root_2),
            "old-root-flipped": (old, new, _flip(root_1, 9), root_2),
            "new-root-flipped": (old, new, root_1, _flip(root_2, 9)),
            "old-root-31-bytes": (old, new, root_1[:31], root_2),
            "new-root-33-bytes": (old, new, root_1, root_2 + b"\0"),
        }.items():
            yield _consistency_case(f"{name}-{spoiled}", SPOILED, other, proof)
    yield from _consistency_traps()


def _consistency_traps() -> Iterator[Vector]:
    hashes = _hashes(8)
    two, four, eight = mth(hashes[:2]), mth(hashes[:4]), mth(hashes)
    next_of_largest = node(GARBAGE, hashes[0])
    for name, note, claim, proof in (
        (
            "ends-below-the-root",
            "The hashes agree, yet the proof is too short for 8 leaves: it must end at the top (sn = 0).",
            (2, 8, two, four),
            subproof(2, hashes[:4]),
        ),
        (
            "goes-on-above-the-root-right",
            "The hashes agree, yet the proof is too long for 4 leaves.",
            (2, 4, two, node(four, GARBAGE)),
            [*subproof(2, hashes[:4]), GARBAGE],
        ),
        (
            "goes-on-above-the-root-left",
            "The hashes agree, yet the proof is too long for 4 leaves.",
            (3, 4, node(GARBAGE, mth(hashes[:3])), node(GARBAGE, four)),
            [*subproof(3, hashes[:4]), GARBAGE],
        ),
        ("equal-sizes-short-roots", "No hashes, yet the same.", (4, 4, four[:31], four[:31]), []),
        ("equal-sizes-other-roots", "Two roots for one size.", (4, 4, four, GARBAGE), []),
        ("equal-sizes-with-proof", "Equal trees need no proof.", (4, 4, four, four), [four]),
        (
            "old-root-given-for-a-complete-tree",
            "The old root is known and left out when the old tree is complete.",
            (4, 8, four, eight),
            [four, *subproof(4, hashes)],
        ),
        (
            "rewritten-leaf",
            "Leaf 1 differs between the trees; the proof is that of the new tree.",
            (3, 8, mth([hashes[0], GARBAGE, hashes[2]]), eight),
            subproof(3, hashes),
        ),
        (
            "to-the-largest-tree",
            "From 2**62 to 2**63 - 1 leaves: one step.",
            (2**62, 2**63 - 1, GARBAGE, next_of_largest),
            hashes[:1],
        ),
        (
            "to-too-large-a-tree",
            "2**63 leaves are one too many.",
            (2**62, 2**63, GARBAGE, next_of_largest),
            hashes[:1],
        ),
    ):
        yield _consistency_case(f"consistency-{name}", note, claim, proof)


def _consistency_case(name: str, note: str, claim: Claim, proof: Sequence[bytes]) -> Vector:
    old, new, *roots = claim
    try:
        sane = 0 < old <= new < 2**63 and {len(value) for value in (*roots, *proof)} == {32}
        valid = sane and roots_by_proof(old, new, roots[0], proof) == tuple(roots)
    except ValueError:
        valid = False
    vector: Vector = {
        "name": name,
        "note": note,
        "op": "consistency",
        "old_size": old,
        "old_root": roots[0].hex(),
        "new_size": new,
        "new_root": roots[1].hex(),
        "proof": _hex(proof),
    }
    return _judged(vector, valid=valid)


def _judged(vector: Vector, *, valid: bool) -> Vector:
    """Complete a vector by the outcome that the recursive definition gives it."""
    if valid and vector["note"] == SPOILED:
        raise ValueError(f"{vector['name']} is still valid")
    return vector if valid else vector | {"invalid": PROOF}
