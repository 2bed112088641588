"""Vectors of the batch."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from formats.build import ORIGIN, blob, number
from formats.trail import entries

ABOUT = (
    'Batches (docs/format.md, "Batch"), bytes in hex. A file has this origin and codec and these '
    "entries; `written` true: a writer of this format makes it byte for byte. `invalid` names the class "
    "of error instead, and `entries_read` how many of the entries can be read before the damage."
)
SCHEMA = (Path(__file__).parents[2] / "schemas/sealtrail_schemas/entry.avsc").read_bytes()


def vectors() -> list[dict[str, Any]]:
    """All vectors of batch.json."""
    return [*_valid(), *_invalid()]


def metadata(codec: str = "null", **others: bytes) -> list[tuple[bytes, bytes]]:
    """The metadata in the order of its keys; others replace it (sealtrail_origin for sealtrail.origin)."""
    values = {"avro_codec": codec.encode(), "avro_schema": SCHEMA, "sealtrail_format": b"1"}
    values |= {"sealtrail_origin": ORIGIN.encode(), **others}
    return [(key.replace("_", ".").encode(), value) for key, value in sorted(values.items())]


def header(pairs: list[tuple[bytes, bytes]], sync: bytes) -> bytes:
    """A file's beginning, up to its first block."""
    items = b"".join(blob(key) + blob(value) for key, value in pairs)
    return b"Obj\x01" + number(len(pairs)) + items + b"\x00" + sync


def rows(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Entries in Avro's binary encoding."""
    return b"".join(blob(leaf) + blob(payload) for leaf, payload in pairs)


def block(count: int, data: bytes, sync: bytes) -> bytes:
    """A block, its data already compressed."""
    return number(count) + number(len(data)) + data + sync


def stored(data: bytes) -> bytes:
    """A deflate stream (RFC 1951, section 3.2.4) of uncompressed data, whose bytes no compressor chose."""
    return b"\x01" + len(data).to_bytes(2, "little") + (len(data) ^ 0xFFFF).to_bytes(2, "little") + data


def batch(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A batch of one block, codec null."""
    sync = sync_marker(pairs)
    return header(metadata(), sync) + block(len(pairs), rows(pairs), sync)


def sync_marker(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The sync marker of a batch of these entries."""
    return sha256(pairs[0][0]).digest()[:16]


ENTRIES = entries()
SYNC = sync_marker(ENTRIES)
HEADER = header(metadata(), SYNC)


def _valid() -> list[dict[str, Any]]:
    first, rest = ENTRIES[:2], ENTRIES[2:]
    in_two_blocks = HEADER + block(2, rows(first), SYNC) + block(3, rows(rest), SYNC)
    other_sync = bytes(range(16))
    deflated = header(metadata("deflate"), SYNC) + block(5, stored(rows(ENTRIES)), SYNC)
    empty_entry = [(b"", b"")]
    return [
        _case("null", "Five entries in one block.", batch(ENTRIES), ENTRIES, written=True),
        _case(
            "one-entry", "The smallest batch of this trail.", batch(ENTRIES[:1]), ENTRIES[:1], written=True
        ),
        _case(
            "second",
            "The batch after a first one of three entries.",
            batch(ENTRIES[3:]),
            ENTRIES[3:],
            written=True,
        ),
        _case(
            "empty-strings",
            "Leaf and payload are not the reader's concern.",
            batch(empty_entry),
            empty_entry,
            written=True,
        ),
        _case("two-blocks", "A writer may end a block early.", in_two_blocks, ENTRIES),
        _case("deflate", "Deflate, with the data stored as it is.", deflated, ENTRIES, codec="deflate"),
        _case(
            "other-sync-marker",
            "A reader does not rely on the sync marker's origin.",
            header(metadata(), other_sync) + block(5, rows(ENTRIES), other_sync),
            ENTRIES,
        ),
        _case(
            "metadata-order",
            "A reader does not rely on the metadata's order.",
            header(metadata()[::-1], SYNC) + block(5, rows(ENTRIES), SYNC),
            ENTRIES,
        ),
    ]


def _invalid() -> list[dict[str, Any]]:
    return [*_bad_headers(), *_bad_blocks(), *_bad_entries(), *_bad_deflate()]


def _bad_headers() -> list[dict[str, Any]]:
    data = block(5, rows(ENTRIES), SYNC)
    recursive = b'{"type":"record","name":"Entry","fields":[{"name":"next","type":["null","Entry"]}]}'
    schema = {"avro_schema": recursive}
    two_blocks = b"".join(number(1) + blob(key) + blob(value) for key, value in metadata())
    unknown = "UnknownFormatError"
    return [
        _bad("empty", "No byte at all.", b""),
        _bad("magic", "No Avro file.", b"Obj\x02" + HEADER[4:] + data),
        _bad("header-only", "A batch without entries.", HEADER),
        _bad("header-cut", "It ends inside its sync marker.", HEADER[:-1]),
        _bad(
            "recursive-schema",
            "A schema of the file's own, whose nesting would end a decoder's process.",
            header(metadata(**schema), SYNC) + block(1, b"\x02" * 6000, SYNC),
        ),
        _bad(
            "schema-space",
            "The schema with another space.",
            header(metadata(avro_schema=SCHEMA + b" "), SYNC) + data,
        ),
        _bad(
            "no-schema",
            "No schema.",
            header([pair for pair in metadata() if pair[0] != b"avro.schema"], SYNC) + data,
        ),
        _bad("foreign-file", "An Avro file that never was a batch.", header(metadata()[:2], SYNC) + data),
        _bad("metadata-more", "Metadata that no batch has.", header(metadata(author=b"x"), SYNC) + data),
        _bad("metadata-twice", "A key twice.", header([*metadata(), metadata()[0]], SYNC) + data),
        _bad(
            "metadata-two-blocks",
            "The metadata in blocks of one.",
            b"Obj\x01" + two_blocks + b"\x00" + SYNC + data,
        ),
        _bad(
            "metadata-negative-count",
            "A block of metadata with its size.",
            b"Obj\x01" + number(-4) + HEADER[5:] + data,
        ),
        _bad("metadata-giant-count", "A giant map.", b"Obj\x01" + number(2**62)),
        _bad(
            "metadata-giant-value",
            "A giant value.",
            b"Obj\x01" + number(4) + blob(b"avro.codec") + number(2**40),
        ),
        _bad(
            "no-origin",
            "An origin that is none.",
            header(metadata(sealtrail_origin=b"payments"), SYNC) + data,
        ),
        _bad(
            "format-2",
            "A later format version.",
            header(metadata(sealtrail_format=b"2"), SYNC) + data,
            error=unknown,
        ),
        _bad(
            "codec-zstandard",
            "A codec that this version does not have.",
            header(metadata("zstandard"), SYNC) + data,
            error=unknown,
        ),
    ]


def _bad_blocks() -> list[dict[str, Any]]:
    data = rows(ENTRIES)
    good = block(2, rows(ENTRIES[:2]), SYNC)
    wrong_sync = SYNC[:-1] + bytes((SYNC[-1] ^ 1,))
    return [
        _bad("trailing-byte", "A byte follows the last block.", batch(ENTRIES) + b"\x02", read=5),
        _bad("trailing-zero", "A block without entries, cut off.", batch(ENTRIES) + b"\x00", read=5),
        _bad(
            "block-without-entries", "A block without entries.", batch(ENTRIES) + block(0, b"", SYNC), read=5
        ),
        _bad("negative-count", "A block of -1 entries.", HEADER + good + number(-1) + number(4), read=2),
        _bad("long-count", "The count 3 as 0x86 0x00.", HEADER + good + b"\x86\x00" + number(4), read=2),
        _bad(
            "long-size",
            "The size with a byte more than it needs.",
            HEADER + good + number(3) + b"\x86\x80\x00",
            read=2,
        ),
        _bad("eleven-byte-count", "A count of eleven bytes.", HEADER + good + b"\x80" * 10 + b"\x01", read=2),
        _bad(
            "sync-marker",
            "The second sync marker is another.",
            HEADER + good + block(3, rows(ENTRIES[2:]), wrong_sync),
            read=5,
        ),
        _bad("sync-marker-cut", "The file ends inside the last sync marker.", batch(ENTRIES)[:-1], read=5),
        _bad("cut", "The file ends inside the last entry.", batch(ENTRIES)[:-20], read=4),
        _bad(
            "giant-size",
            "A block of 2^62 bytes.",
            HEADER + good + number(3) + number(2**62) + rows(ENTRIES[2:4]),
            read=4,
        ),
        _bad("giant-count", "A block of 2^62 entries.", HEADER + block(2**62, data, SYNC), read=5),
        _bad("count-too-small", "Five entries in a block of four.", HEADER + block(4, data, SYNC), read=4),
        _bad("count-too-great", "Five entries in a block of six.", HEADER + block(6, data, SYNC), read=5),
        _bad(
            "size-too-small",
            "The block's size ends inside its last entry.",
            HEADER + number(5) + number(len(data) - 1) + data + SYNC,
            read=4,
        ),
    ]


def _bad_entries() -> list[dict[str, Any]]:
    good = rows(ENTRIES[:2])
    leaf, payload = ENTRIES[2]
    return [
        _bad(
            "negative-leaf-length",
            "A leaf of length -1.",
            HEADER + block(3, good + number(-1) + blob(payload), SYNC),
            read=2,
        ),
        _bad(
            "negative-payload-length",
            "A payload of length -1.",
            HEADER + block(3, good + blob(leaf) + number(-1), SYNC),
            read=2,
        ),
        _bad(
            "giant-leaf-length",
            "A leaf of 2^62 bytes.",
            HEADER + block(3, good + number(2**62) + leaf, SYNC),
            read=2,
        ),
        _bad(
            "long-leaf-length",
            "A leaf's length with a byte more than it needs.",
            HEADER + block(3, good + b"\xa2\x82\x00" + leaf + blob(payload), SYNC),
            read=2,
        ),
    ]


def _bad_deflate() -> list[dict[str, Any]]:
    beginning = header(metadata("deflate"), SYNC)
    data = stored(rows(ENTRIES))
    unfinished = b"\x00" + data[1:]
    in_pieces = b"\x00" + stored(rows(ENTRIES[:3]))[1:]
    return [
        _bad(
            "deflate-bad-block-type",
            "Three entries, then bits that mean nothing in deflate.",
            beginning + block(5, in_pieces + b"\x07", SYNC),
            read=3,
        ),
        _bad(
            "deflate-not-ended",
            "The deflate stream does not end.",
            beginning + block(5, unfinished, SYNC),
            read=5,
        ),
        _bad(
            "deflate-trailing",
            "Bytes follow the deflate stream.",
            beginning + block(5, data + b"\x00", SYNC),
            read=5,
        ),
        _bad(
            "deflate-cut",
            "The file ends inside the deflate stream.",
            beginning + block(5, data, SYNC)[:-40],
            read=4,
        ),
        _bad("deflate-empty", "A block of no bytes.", beginning + block(5, b"", SYNC)),
    ]


def _case(
    name: str,
    note: str,
    data: bytes,
    pairs: list[tuple[bytes, bytes]],
    *,
    codec: str = "null",
    written: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "note": note,
        "file": data.hex(),
        "origin": ORIGIN,
        "codec": codec,
        "entries": [[leaf.hex(), payload.hex()] for leaf, payload in pairs],
        "written": written,
    }


def _bad(name: str, note: str, data: bytes, *, read: int = 0, error: str = "BatchError") -> dict[str, Any]:
    return {"name": name, "note": note, "file": data.hex(), "invalid": error, "entries_read": read}
