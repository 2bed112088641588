"""Evidence packs for tests, good ones and ones in which somebody changed something."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING

from auditor.builders import NOW, policy_of
from sealtrail_auditor.pack import About, PackedEntry
from sealtrail_auditor.pack_check import check_pack
from sealtrail_auditor.pack_select import PackSelection, changes_of
from sealtrail_auditor.pack_write import write_pack
from sealtrail_auditor.query import Query
from sealtrail_auditor.reading import find_trails
from sealtrail_schemas.tlog_proof import TlogProof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ABOUT = About("Case 17", "all entries; of audit.example.com/payments/0")


def selected(trail, query: Query | None = None, **settings) -> list[PackedEntry | str]:
    """What a selection of a trail's entries gives."""
    [folder] = find_trails(trail.store, policy_of(trail))
    settings = {"recognisers": ABOUT.recognisers, "now": NOW} | settings
    return list(PackSelection(trail.store, folder, query or Query(), **settings))


def zipped(
    trail, contents: Iterable[PackedEntry | str], about: About = ABOUT, *, changes=None, key=None
) -> bytes:
    """A pack of these contents under the trail's key, with its key changes, or others."""
    if changes is None:
        [folder] = find_trails(trail.store, policy_of(trail))
        changes = changes_of(trail.store, folder)
    file = io.BytesIO()
    write_pack(file, about, [key or trail.signer.verifier], contents, changes)
    return file.getvalue()


def checked(trail, data: bytes):
    """What checking a pack under the trail's policy comes to."""
    return check_pack(io.BytesIO(data), policy_of(trail).logs)


def states(result) -> list[dict[str, str]]:
    """The states of the checks of each entry, by name."""
    return [{check.name.value: check.state.value for check in entry.checks} for entry in result.entries]


def member(data: bytes, name: str) -> bytes:
    """A file of a pack."""
    return zipfile.ZipFile(io.BytesIO(data)).read(name)


def rezipped(data: bytes, **changes: bytes | None) -> bytes:
    """The pack with files changed, added, or (None) left out; the manifest stays as it was."""
    old = zipfile.ZipFile(io.BytesIO(data))
    files = {name: old.read(name) for name in old.namelist()} | changes
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name, content in files.items():
            if content is not None:
                new.writestr(name, content)
    return file.getvalue()


def flipped(data: bytes, at: int) -> bytes:
    """One bit of one byte changed."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _proof_with(entry: PackedEntry, **changes) -> PackedEntry:
    proof = TlogProof.parse(entry.proof)
    said = {"index": proof.index, "path": proof.path, "checkpoint": proof.checkpoint, "extra": proof.extra}
    return entry._replace(proof=TlogProof(**(said | changes)).encode())


def _in_payload(entry: PackedEntry) -> PackedEntry:
    return entry._replace(payload=flipped(entry.payload or b"", -1))


def _in_leaf(entry: PackedEntry) -> PackedEntry:
    leaf = TlogProof.parse(entry.proof).extra or b""
    return _proof_with(entry, extra=flipped(leaf, 126))  # the last byte of chained-at


def _in_path(entry: PackedEntry) -> PackedEntry:
    first, *rest = TlogProof.parse(entry.proof).path
    return _proof_with(entry, path=(flipped(first, 7), *rest))


def _in_proof_text(entry: PackedEntry) -> PackedEntry:
    return entry._replace(proof=entry.proof.replace(b"\nindex ", b"\nindey ", 1))


def _in_checkpoint(entry: PackedEntry) -> PackedEntry:
    origin, size, root, rest = TlogProof.parse(entry.proof).checkpoint.split(b"\n", 3)
    other = base64.b64encode(flipped(base64.b64decode(root), 0))
    return _proof_with(entry, checkpoint=b"\n".join((origin, size, other, rest)))


def _in_size(entry: PackedEntry) -> PackedEntry:
    origin, size, rest = TlogProof.parse(entry.proof).checkpoint.split(b"\n", 2)
    return _proof_with(entry, checkpoint=b"\n".join((origin, b"%d" % (int(size) + 1), rest)))


def _in_signature(entry: PackedEntry) -> PackedEntry:
    return _proof_with(entry, checkpoint=_other_signature(TlogProof.parse(entry.proof).checkpoint))


def _in_key_id(entry: PackedEntry) -> PackedEntry:
    return _proof_with(entry, checkpoint=_other_signature(TlogProof.parse(entry.proof).checkpoint, at=0))


def _in_seal_signature(entry: PackedEntry) -> PackedEntry:
    return entry._replace(seal=_other_signature(entry.seal))


def _in_seal_text(entry: PackedEntry) -> PackedEntry:
    return entry._replace(seal=entry.seal.replace(b"batches/", b"batcher/", 1))


def _other_signature(note: bytes, at: int = -1) -> bytes:
    body, _, line = note.rpartition(b" ")
    return body + b" " + base64.b64encode(flipped(base64.b64decode(line), at)) + b"\n"


ONE_BYTE: dict[str, Callable[[PackedEntry], PackedEntry]] = {
    "payload": _in_payload,
    "leaf": _in_leaf,
    "path": _in_path,
    "proof text": _in_proof_text,
    "root": _in_checkpoint,
    "size": _in_size,
    "signature": _in_signature,
    "key id": _in_key_id,
    "seal signature": _in_seal_signature,
    "seal text": _in_seal_text,
}
"""One byte changed, by where."""

FAILS = {
    "payload": {"payload": "bad"},
    "leaf": {"inclusion": "bad"},
    "path": {"inclusion": "bad"},
    "proof text": {
        "form": "bad",
        **dict.fromkeys(("leaf", "payload", "inclusion", "signature", "seal"), "unjudged"),
    },
    "root": {"inclusion": "bad", "signature": "bad", "seal": "bad"},
    "size": {"inclusion": "bad", "signature": "bad", "seal": "bad"},
    "signature": {"signature": "bad", "seal": "bad"},
    "key id": {"signature": "unknown", "seal": "bad"},
    "seal signature": {"seal": "bad"},
    "seal text": {"seal": "bad"},
}
"""Which checks of the entry then come out how; all others are good."""


def one_byte_changed(trail, where: str, sequence: int) -> bytes:
    """A pack of all entries, with one byte changed in one of them, and all else made to fit."""
    contents = selected(trail)
    changed = next(ONE_BYTE[where](each) for each in contents if each.sequence == sequence)
    shares_seal = [
        each._replace(seal=changed.seal) for each in contents if each.seal_size == changed.seal_size
    ]
    seals = {each.sequence: each for each in shares_seal}
    rest = [seals.get(each.sequence, each) for each in contents]
    return zipped(trail, [changed if each.sequence == sequence else each for each in rest])
