"""Vectors of the tlog-proof."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from formats.build import KEY, ORIGIN, OTHER_KEY, checkpoint, digest, entry_hash, note, root, vkey
from formats.trail import entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ABOUT = (
    'C2SP tlog-proofs (docs/format.md, "Proof"). op parse: the text says `index`, `path`, `extra` and '
    "`checkpoint`; bytes other than the text are in hexadecimal; `invalid` names the class of error instead. "
    "op verify: what each check of the proof, whose `extra` is the leaf, and of `payload` (null: not shown) "
    "comes to under `vkey`: good, bad, unknown (of a key or version not known here), hidden or unjudged."
)
ERROR = "TlogProofError"
UNKNOWN = "UnknownFormatError"
FIRST = "c2sp.org/tlog-proof@v1"
HASHES = [entry_hash(leaf) for leaf, _ in entries()]
MAX_INDEX = 2**63 - 2


def vectors() -> list[dict[str, Any]]:
    """All vectors."""
    return [*_parse_valid(), *_parse_invalid(), *_verify_valid(), *_verify_invalid()]


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def path(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, section 2.1.1, of leaf hashes."""
    if len(hashes) == 1:
        return []
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    if index < split:
        return [*path(index, hashes[:split]), root(hashes[split:])]
    return [*path(index - split, hashes[split:]), root(hashes[:split])]


def text(
    index: int | str,
    nodes: Sequence[bytes | str],
    signed: str,
    *,
    extra: bytes | str | None = None,
    first: str = FIRST,
) -> str:
    """A proof, put together without any check."""
    lines = [first]
    if extra is not None:
        lines.append("extra " + (extra if isinstance(extra, str) else b64(extra)))
    lines.append(f"index {index}")
    lines += [node if isinstance(node, str) else b64(node) for node in nodes]
    return "\n".join(lines) + "\n\n" + signed


def proof(index: int, size: int = 5, /, **changes: Any) -> str:
    """The proof of an entry of the sample trail in its tree of that size, or one that differs."""
    said: dict[str, Any] = {
        "index": index,
        "nodes": path(index, HASHES[:size]),
        "signed": checkpoint(size, root(HASHES[:size])),
        "extra": entries()[index][0],
    }
    return text(**(said | changes))


def _parse_valid() -> Iterator[dict[str, Any]]:
    signed = checkpoint(5, root(HASHES))
    longest = [digest(f"node {number}") for number in range(63)]
    for name, about, index, nodes, extra in (
        ("sample", "Entry 4, as sealtrail writes it.", 4, path(4, HASHES), entries()[4][0]),
        ("no-extra", "Without extra data, as other logs write it.", 1, path(1, HASHES), None),
        ("no-path", "The only leaf of a tree.", 0, [], b"x"),
        ("longest-path", "63 hashes and the last index.", MAX_INDEX, longest, None),
        ("longest-extra", "65,535 bytes of extra data.", 0, [], bytes(65_535)),
    ):
        data = text(index, nodes, signed, extra=extra)
        yield {
            "name": f"parse-{name}",
            "note": about,
            "op": "parse",
            "data": data,
            "index": index,
            "path": [node.hex() for node in nodes],
            "extra": None if extra is None else extra.hex(),
            "checkpoint": signed,
        }
    data = text(3, [], "two\n\nblank lines\n\n")
    yield {
        "name": "parse-checkpoint-verbatim",
        "note": "Whatever follows the first blank line is the checkpoint; it is opened later.",
        "op": "parse",
        "data": data,
        "index": 3,
        "path": [],
        "extra": None,
        "checkpoint": "two\n\nblank lines\n\n",
    }


def _parse_invalid() -> Iterator[dict[str, Any]]:
    good, node = proof(4), b64(HASHES[0])
    unused = node[:-2] + chr(ord(node[-2]) + 1) + "="
    signed = checkpoint(5, root(HASHES))
    for name, (about, data) in {
        "nothing": ("Nothing.", ""),
        "first-line-alone": ("Nothing follows the first line.", FIRST + "\n\n" + signed),
        "other-first-line": ("Another format.", proof(4, first="c2sp.org/tlog-prove@v1")),
        "no-checkpoint": ("Cut before the blank line.", good.partition("\n\n")[0] + "\n"),
        "empty-checkpoint": ("Cut behind the blank line.", good.partition("\n\n")[0] + "\n\n"),
        "carriage-returns": ("Lines end in CR LF.", good.replace("\n", "\r\n")),
        "index-first": ("Extra data behind the index.", _swapped(good)),
        "extra-twice": ("Two lines of extra data.", good.replace("index", "extra eA==\nindex", 1)),
        "extra-empty": ("The line is left out where there is no extra data.", proof(4, extra="")),
        "extra-no-base64": ("Extra data that is not base64.", proof(4, extra="?")),
        "extra-unused-bits": ("An unused bit is set.", proof(4, extra="eB==")),
        "extra-too-long": ("65,536 bytes of extra data.", proof(4, extra=bytes(65_536))),
        "no-index": ("No index.", proof(4).replace("index 4\n", "")),
        "index-empty": ("An empty index.", proof(4, index="")),
        "index-leading-zero": ("A leading zero.", proof(4, index="04")),
        "index-negative": ("A sign.", proof(4, index="-4")),
        "index-space": ("A space more.", proof(4, index=" 4")),
        "index-underscore": ("What Python reads as 44.", proof(4, index="4_4")),
        "index-fullwidth": ("A digit that is not ASCII.", proof(4, index="\uff14")),
        "index-too-large": ("2^63 - 1.", proof(4, index=MAX_INDEX + 1)),
        "index-5000-digits": ("More digits than Python converts.", proof(4, index="1" * 5000)),
        "hash-31-bytes": ("A hash of 31 bytes.", proof(4, nodes=[bytes(31)])),
        "hash-33-bytes": ("A hash of 33 bytes.", proof(4, nodes=[bytes(33)])),
        "hash-hex": ("A hash in hexadecimal.", proof(4, nodes=[HASHES[0].hex()])),
        "hash-unused-bits": ("An unused bit is set.", proof(4, nodes=[unused])),
        "hash-no-padding": ("The padding is missing.", proof(4, nodes=[node.rstrip("=")])),
        "hash-space": ("A space behind a hash.", proof(4, nodes=[node + " "])),
        "path-64-hashes": ("No tree is 64 nodes high.", proof(4, nodes=[HASHES[0]] * 64)),
    }.items():
        yield {"name": f"parse-{name}", "note": about, "op": "parse", "data": data, "invalid": ERROR}
    yield {
        "name": "parse-other-version",
        "note": "A version that is not known here.",
        "op": "parse",
        "data": proof(4, first="c2sp.org/tlog-proof@v2"),
        "invalid": UNKNOWN,
    }


def _swapped(good: str) -> str:
    first, extra, index, rest = good.split("\n", 3)
    return f"{first}\n{index}\n{extra}\n{rest}"


def _verify(name: str, about: str, data: str, payload: bytes | None, /, **states: str) -> dict[str, Any]:
    """A vector of op verify; checks that are not named come out good."""
    shown = None if payload is None else payload.hex()
    good = dict.fromkeys(("form", "leaf", "payload", "inclusion", "signature"), "good")
    return {
        "name": f"verify-{name}",
        "note": about,
        "op": "verify",
        "data": data,
        "payload": shown,
        "vkey": vkey(ORIGIN, KEY),
        "checks": good | states,
    }


def _verify_valid() -> Iterator[dict[str, Any]]:
    for size in (3, 5):
        for index, (_, payload) in enumerate(entries()[:size]):
            yield _verify(f"{index}-of-{size}", f"Entry {index} of {size}.", proof(index, size), payload)
    payload = entries()[1][1]
    yield _verify("redacted", "The payload is not shown.", proof(1), None, payload="hidden")
    line = note("x\n", "witness.example.org", OTHER_KEY).partition("\n\n")[2]
    about = "A witness, which the verifier does not know, has signed too."
    yield _verify("cosigned", about, proof(1, signed=_signed() + line), payload)


def _verify_invalid() -> Iterator[dict[str, Any]]:
    yield from _wrong_leaf()
    yield from _wrong_payload()
    yield from _wrong_path()
    yield from _wrong_checkpoint()
    yield from _foreign()


def _wrong_leaf() -> Iterator[dict[str, Any]]:
    leaf, payload = entries()[1]
    not_judged = {"payload": "unjudged", "inclusion": "unjudged"}
    about = "Without extra data there is no leaf."
    yield _verify("no-leaf", about, proof(1, extra=None), payload, leaf="bad", **not_judged)
    garbage = {"leaf": "bad", "payload": "unjudged", "inclusion": "bad"}
    yield _verify("leaf-garbage", "Extra data that is no leaf.", proof(1, extra=b"x"), payload, **garbage)
    cut = proof(1, extra=leaf[:-1])
    yield _verify("leaf-cut", "The leaf's last byte is missing.", cut, payload, **garbage)
    ruled = proof(1, extra=leaf[:118] + b"\x07" + leaf[119:])
    yield _verify("leaf-rule", "A timestamp type that no leaf has.", ruled, payload, **garbage)
    later = proof(1, extra=leaf[:3] + b"\x02" + leaf[4:])
    about = "A leaf of a version that is not known here."
    yield _verify("leaf-version", about, later, payload, **(garbage | {"leaf": "unknown"}))
    other = {"leaf": "bad", "payload": "bad", "inclusion": "bad"}
    about = "The leaf of another entry."
    yield _verify("leaf-other-entry", about, proof(1, extra=entries()[2][0]), payload, **other)
    about = "Another timestamp type."
    changed = proof(1, extra=leaf[:118] + b"\x02" + leaf[119:])
    yield _verify("leaf-changed", about, changed, payload, inclusion="bad")
    about = "Another index than the leaf's."
    yield _verify("index-changed", about, proof(1, index=2), payload, leaf="bad", inclusion="bad")


def _wrong_payload() -> Iterator[dict[str, Any]]:
    payload, other = entries()[1][1], entries()[4][1]
    for name, about, shown in (
        ("changed", "One bit of the payload.", _flipped(payload)),
        ("other", "The payload of another entry.", other),
        ("longer", "A byte more.", payload + b"\0"),
        ("empty", "No bytes are not the same as no payload.", b""),
    ):
        yield _verify(f"payload-{name}", about, proof(1), shown, payload="bad")


def _wrong_path() -> Iterator[dict[str, Any]]:
    payload, nodes = entries()[1][1], path(1, HASHES)
    for name, about, wrong in (
        ("changed", "One bit of the path.", [_flipped(nodes[0]), *nodes[1:]]),
        ("swapped", "The path upside down.", nodes[::-1]),
        ("short", "The last hash is missing.", nodes[:-1]),
        ("long", "A hash more.", [*nodes, nodes[0]]),
        ("empty", "No path.", []),
    ):
        yield _verify(f"path-{name}", about, proof(1, nodes=wrong), payload, inclusion="bad")


def _wrong_checkpoint() -> Iterator[dict[str, Any]]:
    payload, signed = entries()[1][1], _signed()
    text, _, line = signed.rpartition("\n\n")
    older = checkpoint(3, root(HASHES[:3]))
    about = "A checkpoint of another size, rightly signed."
    yield _verify("older-checkpoint", about, proof(1, signed=older), payload, inclusion="bad")
    about = "A checkpoint of a tree without the entry."
    without = checkpoint(1, root(HASHES[:1]))
    yield _verify("smaller-tree", about, proof(1, signed=without), payload, inclusion="bad")
    other_size, control = signed.replace("\n5\n", "\n4\n"), signed.replace("\n5\n", "\n5\r\n")
    twice = signed + _resigned(signed).rpartition("\n\n")[2]
    for name, about, wrong, states in (
        ("root-changed", "Another root under the signature.", _with_root(signed), {"inclusion": "bad"}),
        ("size-changed", "Another size under the signature.", other_size, {"inclusion": "bad"}),
        ("extension", "A line more in the text.", f"{text}\nx\n\n{line}", {"inclusion": "unjudged"}),
        ("unsigned", "No signature line.", f"{text}\n", {"inclusion": "unjudged"}),
        ("cut", "The last line feed is missing.", signed[:-1], {"inclusion": "unjudged"}),
        ("control", "A control character.", control, {"inclusion": "unjudged"}),
        ("signature-changed", "One bit of the signature.", _resigned(signed), {}),
        ("signature-short", "A signature of 63 bytes.", _resigned(signed, cut=1), {}),
        ("signature-twice", "The good line, and then a wrong one.", twice, {}),
    ):
        yield _verify(name, about, proof(1, signed=wrong), payload, signature="bad", **states)


def _foreign() -> Iterator[dict[str, Any]]:
    payload = entries()[1][1]
    about = "Signed under the trail's name by another key."
    other_key = checkpoint(5, root(HASHES), key=OTHER_KEY)
    yield _verify("other-key", about, proof(1, signed=other_key), payload, signature="unknown")
    about = "Another trail, which the verifier does not know."
    other = checkpoint(5, root(HASHES), "audit.example.com/orders/0", OTHER_KEY)
    yield _verify("other-trail", about, proof(1, signed=other), payload, signature="unknown")
    nothing = dict.fromkeys(("leaf", "payload", "inclusion", "signature"), "unjudged")
    yield _verify("garbage", "No proof.", "garbage\n", payload, form="bad", **nothing)
    about = "A proof of a version that is not known here."
    later = proof(1, first="c2sp.org/tlog-proof@v2")
    yield _verify("other-version", about, later, payload, form="unknown", **nothing)


def _signed() -> str:
    return checkpoint(5, root(HASHES))


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _with_root(signed: str) -> str:
    origin, size, _, rest = signed.split("\n", 3)
    return f"{origin}\n{size}\n{b64(digest('another root'))}\n{rest}"


def _resigned(signed: str, *, cut: int = 0) -> str:
    """The same note with one bit of its signature changed, or its end cut off."""
    body, _, line = signed.rpartition(" ")
    blob = base64.b64decode(line)
    return f"{body} {b64(blob[:-cut] if cut else _flipped(blob))}\n"
