"""Vectors of the seal."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from formats.batch import batch
from formats.build import (
    KEY,
    MAX_INT64,
    ORIGIN,
    OTHER_KEY,
    canonical,
    checkpoint,
    digest,
    entry_hash,
    note,
    root,
    signature_line,
    subtrees,
    vkey,
)
from formats.trail import START_MS, TRAIL_ID, entries

ABOUT = (
    'Seals (docs/format.md, "Seal"). op open: `data` opened with the `vkey` of the trail says '
    "`members`, and its text has this SHA-256. op extends: `data` extends the seal `previous`, or is "
    "the first of a trail where that is null. `invalid` names the class of error instead. The private "
    "keys are published here: use them for nothing else."
)
SEAL_KEY = f"{ORIGIN}/seal"
SEED = sha256(b"sealtrail vectors: key of payments/0").digest()
HASHES = [entry_hash(leaf) for leaf, _ in entries()]


def members(first: int, last: int, previous: dict[str, Any] | None) -> dict[str, Any]:
    """What the seal of the entries from `first` to `last` says."""
    size = last + 1
    data = batch(entries()[first:size])
    until = f"2033-11-23T09:3{size}:00Z"
    return {
        "batch": {
            "key": f"batches/{first:020}.avro",
            "last_modified": f"2026-11-23T09:3{size}:00Z",
            "length": str(len(data)),
            "sha256": sha256(data).hexdigest(),
            "version_id": f"version-{first}",
        },
        "chained": {"next_offset": str(size + 3), "topic_id": digest("payments.chained")[:16].hex()},
        "checkpoint": checkpoint(size, root(HASHES[:size])),
        "first": {"hash": HASHES[first].hex(), "sequence": str(first)},
        "format": "sealtrail/seal/v1",
        "last": {"hash": HASHES[last].hex(), "sequence": str(last)},
        "previous": previous
        and {"retain_until": previous["retention"]["until"], "sha256": text_sha256(previous)},
        "retention": {"mode": "COMPLIANCE", "until": until},
        "right_edge": [node.hex() for node in subtrees(HASHES[:size])],
        "schemas": {},
        "source": {"next_offset": str([0, 1, 18, 18, 21][last]), "topic_id": digest("payments")[:16].hex()},
        "time": {"first": str(START_MS + 1000 * first), "last": str(START_MS + 1000 * last)},
        "trail_id": TRAIL_ID.hex(),
    }


def text_sha256(said: dict[str, Any]) -> str:
    """The hash by which the next seal names this one."""
    return sha256(f"{canonical(said)}\n".encode()).hexdigest()


def seal(said: dict[str, Any]) -> str:
    """A signed seal."""
    return note(f"{canonical(said)}\n", SEAL_KEY)


def changed(said: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one member (`batch.key`) set to another value."""
    name, _, rest = path.partition(".")
    return {**said, name: changed(said[name], rest, value) if rest else value}


FIRST = members(0, 2, None)
SECOND = members(3, 4, FIRST)
NO_LOCK = changed(FIRST, "retention", {"mode": "NONE", "until": None})


def vectors() -> list[dict[str, Any]]:
    """All vectors of seal.json."""
    return [*_valid(), *_bad_notes(), *_bad_texts(), *_contradictions(), *_extends()]


def _valid() -> list[dict[str, Any]]:
    schemas = {"payments.avsc": digest("schema").hex()}
    return [
        _case("first", "The first seal of a trail.", FIRST),
        _case("second", "The seal that extends it.", SECOND),
        _case("genesis-alone", "A batch of one entry.", members(0, 0, None)),
        _case("no-lock", "From a writer whose store cannot lock.", NO_LOCK),
        _case(
            "suffix",
            "The batch went around a spoiled name.",
            changed(FIRST, "batch.key", "batches/00000000000000000000-2.avro"),
        ),
        _case("schemas", "With a schema of archived events.", changed(FIRST, "schemas", schemas)),
        _case(
            "unlocked-before", "The seal before had no lock.", changed(SECOND, "previous.retain_until", None)
        ),
    ]


def _bad_notes() -> list[dict[str, Any]]:
    text = f"{canonical(FIRST)}\n"
    good = seal(FIRST)
    line = signature_line(text, SEAL_KEY, KEY)
    other = signature_line(text, "witness.example.com", OTHER_KEY)
    signature = line.split(" ")[2]
    return [
        _bad("empty", "No byte at all.", "", "NoteError"),
        _bad("unsigned", "No signature line.", text + "\n", "NoteError"),
        _bad("other-key", "Signed by another key.", note(text, SEAL_KEY, OTHER_KEY), "NoteUnsignedError"),
        _bad(
            "checkpoint-key-name",
            "Signed under the name for checkpoints.",
            note(text, ORIGIN),
            "NoteUnsignedError",
        ),
        _bad("checkpoint", "A checkpoint instead of a seal.", FIRST["checkpoint"], "NoteUnsignedError"),
        _bad(
            "signature",
            "The signature is another text's.",
            text + "\n" + signature_line("x\n", SEAL_KEY, KEY),
            "NoteSignatureError",
        ),
        _bad(
            "text-changed",
            "One digit was changed after signing.",
            good.replace("version-0", "version-1"),
            "NoteSignatureError",
        ),
        _bad(
            "two-signatures",
            "A second signature, of an unknown key.",
            text + "\n" + line + other,
            "NoteError",
        ),
        _bad(
            "same-signature-twice", "The same signature line twice.", text + "\n" + line + line, "NoteError"
        ),
        _bad(
            "free-bit",
            "An unused bit of the signature's base64 is set.",
            good.replace(signature, _free_bit(signature)),
            "NoteError",
        ),
        _bad("too-long", "More than 64 KiB.", text + "\n" + line + "x" * 65_536, "NoteError"),
    ]


def _bad_texts() -> list[dict[str, Any]]:
    spaced = canonical(FIRST).replace('","', '", "', 1)
    twice = canonical(FIRST).replace('"schemas":{},', '"schemas":{},"schemas":{},')
    unknown = "UnknownFormatError"
    cases = [
        ("format-v2", "A later version.", "format", "sealtrail/seal/v2", unknown),
        ("format-other", "No seal.", "format", "sealtrail/checkpoint/v1", "SealError"),
        ("unknown-member", "A member that no seal has.", "extra", "x", "SealError"),
        ("sequence-number", "A 64-bit number as a JSON number.", "first.sequence", 0, "SealError"),
        ("sequence-2-63", "A sequence beyond 2^63 - 2.", "last.sequence", str(MAX_INT64), "SealError"),
        ("length-0", "A batch of no bytes.", "batch.length", "0", "SealError"),
        ("hash-upper-case", "Hex in upper case.", "last.hash", HASHES[2].hex().upper(), "SealError"),
        ("trail-id-short", "A trail id of 31 bytes.", "trail_id", TRAIL_ID.hex()[2:], "SealError"),
        (
            "key-outside",
            "A batch outside the trail's folder.",
            "batch.key",
            "../batches/00000000000000000000.avro",
            "SealError",
        ),
        (
            "key-19-digits",
            "A batch's key with 19 digits.",
            "batch.key",
            "batches/0000000000000000000.avro",
            "SealError",
        ),
        (
            "key-suffix-0",
            "A suffix that no writer uses.",
            "batch.key",
            "batches/00000000000000000000-0.avro",
            "SealError",
        ),
        (
            "key-of-other-batch",
            "The key does not begin at the first sequence.",
            "batch.key",
            "batches/00000000000000000003.avro",
            "SealError",
        ),
        ("no-version-id", "An empty version id.", "batch.version_id", "", "SealError"),
        (
            "time-fraction",
            "A time with a fraction.",
            "batch.last_modified",
            "2026-11-23T09:33:00.000Z",
            "SealError",
        ),
        (
            "time-offset",
            "A time in another zone.",
            "batch.last_modified",
            "2026-11-23T09:33:00+00:00",
            "SealError",
        ),
        (
            "time-no-date",
            "A day that there is not.",
            "batch.last_modified",
            "2026-02-30T09:33:00Z",
            "SealError",
        ),
        ("governance", "A mode that can be lifted.", "retention.mode", "GOVERNANCE", "SealError"),
        ("compliance-no-date", "A lock without an end is none.", "retention.until", None, "SealError"),
        ("none-with-date", "No lock, until a date.", "retention.mode", "NONE", "SealError"),
        (
            "schemas-path",
            "A schema's name with a slash.",
            "schemas",
            {"../x": digest("x").hex()},
            "SealError",
        ),
        ("right-edge-null", "No right edge.", "right_edge", None, "SealError"),
        ("batch-text", "A batch reference that is no object.", "batch", "x", "SealError"),
        ("batch-null", "No batch reference.", "batch", None, "SealError"),
        ("right-edge-text", "A right edge that is no array.", "right_edge", HASHES[0].hex(), "SealError"),
    ]
    return [
        *(
            _bad(name, about, seal(changed(FIRST, path, value)), error)
            for name, about, path, value, error in cases
        ),
        *(
            _bad(
                f"unknown-member-{name}",
                f"A member that `{name}` never has.",
                seal(changed(SECOND, f"{name}.extra", "x")),
            )
            for name in ("batch", "chained", "first", "previous", "retention", "time")
        ),
        _bad("no-member", "A member is missing.", seal({k: v for k, v in FIRST.items() if k != "time"})),
        _bad("space", "A space.", note(spaced + "\n", SEAL_KEY)),
        _bad("duplicate-member", "A member twice.", note(twice + "\n", SEAL_KEY)),
        _bad("two-lines", "A second line.", note(canonical(FIRST) + "\n{}\n", SEAL_KEY)),
    ]


def _contradictions() -> list[dict[str, Any]]:
    """Well-formed and signed, but the parts do not agree."""
    line = FIRST["checkpoint"]
    free_bit = line.split(" ")[-1]
    witnessed = line + signature_line(line.split("\n\n")[0] + "\n", "witness.example.com", OTHER_KEY)
    elsewhere = checkpoint(3, root(HASHES[:3]), origin="audit.example.com/orders/0")
    cases = [
        (
            "checkpoint-size",
            "The checkpoint is of another size.",
            "checkpoint",
            checkpoint(4, root(HASHES[:4])),
        ),
        (
            "checkpoint-size-alone",
            "The checkpoint's root is right and its size is not.",
            "checkpoint",
            checkpoint(4, root(HASHES[:3])),
        ),
        ("checkpoint-root", "The checkpoint has another root.", "checkpoint", checkpoint(3, digest("root"))),
        ("checkpoint-origin", "The checkpoint is another trail's.", "checkpoint", elsewhere),
        (
            "checkpoint-other-key",
            "The checkpoint is signed by another key.",
            "checkpoint",
            checkpoint(3, root(HASHES[:3]), key=OTHER_KEY),
        ),
        (
            "checkpoint-two-signatures",
            "The checkpoint carries a witness's signature.",
            "checkpoint",
            witnessed,
        ),
        (
            "checkpoint-free-bit",
            "An unused bit of its base64 is set.",
            "checkpoint",
            line.replace(free_bit, _free_bit(free_bit)),
        ),
        ("right-edge-short", "A hash of the right edge is missing.", "right_edge", FIRST["right_edge"][:1]),
        ("right-edge-swapped", "The right edge, smallest first.", "right_edge", FIRST["right_edge"][::-1]),
        ("last-hash", "The last entry is not the tree's last leaf.", "last.hash", HASHES[0].hex()),
        ("first-after-last", "It ends before it begins.", "first.sequence", "3"),
        ("previous-in-first", "A seal before sequence 0.", "previous", SECOND["previous"]),
        ("time-runs-back", "The last entry is older than the first.", "time.last", str(START_MS - 1)),
    ]
    alone = members(0, 0, None)
    return [
        *(_bad(name, about, seal(changed(FIRST, path, value))) for name, about, path, value in cases),
        _bad(
            "no-previous", "A later seal without a seal before it.", seal(changed(SECOND, "previous", None))
        ),
        _bad(
            "one-entry-two-hashes",
            "First and last entry are one.",
            seal(changed(alone, "first.hash", HASHES[1].hex())),
        ),
    ]


def _extends() -> list[dict[str, Any]]:
    other_trail = changed(SECOND, "trail_id", digest("another trail").hex())
    later = changed(FIRST, "retention.until", "2034-01-01T00:00:00Z")
    unlocked = changed(SECOND, "retention", {"mode": "NONE", "until": None})
    return [
        _pair("extends-nothing", "The first seal.", None, FIRST),
        _pair("extends", "The second seal.", FIRST, SECOND),
        _pair("extends-into-lock", "A trail moves to a store that locks.", NO_LOCK, members(3, 4, NO_LOCK)),
        _pair("second-as-first", "A seal that is not the first.", None, SECOND, error="SealError"),
        _pair("first-again", "The first seal extends no other.", FIRST, FIRST, error="SealError"),
        _pair(
            "gap",
            "The seal before is another than the one that was read.",
            members(0, 1, None),
            SECOND,
            error="SealError",
        ),
        _pair("other-trail", "A seal of another trail.", FIRST, other_trail, error="SealError"),
        _pair(
            "other-text",
            "The seal before said something else.",
            changed(FIRST, "batch.version_id", "x"),
            SECOND,
            error="SealError",
        ),
        _pair(
            "other-retention",
            "The seal before was locked until another date.",
            FIRST,
            changed(SECOND, "previous.retain_until", "2033-11-23T09:33:01Z"),
            error="SealError",
        ),
        _pair(
            "retention-shorter", "The retention decreases.", later, members(3, 4, later), error="SealError"
        ),
        _pair("retention-gone", "The lock ends.", FIRST, unlocked, error="SealError"),
    ]


def _free_bit(encoded: str) -> str:
    """Base64 with an unused bit set: it decodes to the same bytes, in a lenient decoder."""
    body = encoded.rstrip("=\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + alphabet[alphabet.index(body[-1]) ^ 1] + encoded[len(body) :]


def _case(name: str, about: str, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "note": about,
        "op": "open",
        "vkey": vkey(ORIGIN, KEY),
        "seed": SEED.hex(),
        "data": seal(said),
        "members": said,
        "text_sha256": text_sha256(said),
    }


def _bad(name: str, about: str, data: str, error: str = "SealError") -> dict[str, Any]:
    return {
        "name": name,
        "note": about,
        "op": "open",
        "vkey": vkey(ORIGIN, KEY),
        "data": data,
        "invalid": error,
    }


def _pair(
    name: str, about: str, before: dict[str, Any] | None, said: dict[str, Any], *, error: str | None = None
) -> dict[str, Any]:
    case = {
        "name": name,
        "note": about,
        "op": "extends",
        "vkey": vkey(ORIGIN, KEY),
        "previous": before and seal(before),
        "data": seal(said),
    }
    return {**case, "invalid": error} if error else case
