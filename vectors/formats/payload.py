"""Vectors of the payload."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from formats.build import blob, number, optional, payload

ABOUT = (
    'Payloads (docs/format.md, "Payload"), all bytes in hex. A vector has the payload, its SHA-256 and '
    "what it encodes, or the class of error that refuses it."
)
SALT = bytes([1]) * 16


def vectors() -> list[dict[str, Any]]:
    """All vectors of payload.json."""
    return [*_valid(), *_invalid()]


def _valid() -> list[dict[str, Any]]:
    return [
        _case("sample", "The sample of docs/format.md.", b"k", [(b"h", b"v")], b"{}"),
        _case("all-null", "Null key, no headers, null value: a tombstone without a key.", None, [], None),
        _case("all-empty", "Empty is not null.", b"", [(b"", b"")], b""),
        _case("null-header", "A header without a value.", b"k", [(b"h", None)], b"v"),
        _case(
            "duplicate-headers",
            "Order and duplicates count; a header that already was called sealtrail.link is like any other.",
            b"k",
            [(b"b", b"1"), (b"a", b"2"), (b"b", b"1"), (b"sealtrail.link", b"not a link")],
            b"v",
        ),
        _case(
            "binary",
            "No byte is special, in header keys neither.",
            b"\x00\xff",
            [(b"\xff\xfe", b"\x80")],
            b"\x00",
        ),
        _case("length-63", "The longest length of one byte.", bytes(63), [], bytes(63)),
        _case(
            "length-64", "The shortest length of two bytes.", bytes(64), [(bytes(64), bytes(64))], bytes(64)
        ),
        _case("length-8191", "The longest length of two bytes.", None, [], bytes(8191)),
        _case("length-8192", "The shortest length of three bytes.", None, [], bytes(8192)),
        _case(
            "headers-64",
            "The smallest number of headers that takes two bytes.",
            None,
            [(b"", None)] * 64,
            None,
        ),
    ]


def _invalid() -> list[dict[str, Any]]:
    sample = payload(SALT, b"k", [(b"h", b"v")], b"{}")
    header = blob(b"h") + optional(b"v")
    tail = b"\x00" + optional(b"{}")
    return [
        _bad("empty", "No byte at all.", b""),
        _bad("salt-only", "It ends after the salt.", SALT),
        _bad("cut", "The value's last byte is missing.", sample[:-1]),
        _bad("trailing-byte", "A byte follows the value.", sample + b"\x00"),
        _bad("long-key-length", "The key's length 1 as 0x82 0x00.", SALT + b"\x02\x82\x00k\x00\x00"),
        _bad("long-zero-length", "The value's length 0 as 0x80 0x00.", SALT + b"\x00\x00\x02\x80\x00"),
        _bad("long-branch", "The union's branch 1 as 0x82 0x00.", SALT + b"\x82\x00\x02k\x00\x00"),
        _bad("branch-2", "A union branch beyond the last.", SALT + b"\x04\x02k\x00\x00"),
        _bad(
            "branch-minus-1",
            "A negative union branch, which some decoders take for the last.",
            SALT + b"\x01\x02k\x00\x00",
        ),
        _bad("negative-length", "A key of length -1.", SALT + b"\x02\x01\x00\x00"),
        _bad(
            "eleven-byte-length", "A length of eleven bytes.", SALT + b"\x00\x00\x02" + b"\x80" * 10 + b"\x01"
        ),
        _bad("length-2-64", "A length of more than 64 bits.", SALT + b"\x00\x00\x02" + b"\x80" * 9 + b"\x02"),
        _bad("length-2-62", "A length far beyond the end.", SALT + b"\x00\x00\x02" + number(2**62) + b"x"),
        _bad(
            "two-header-blocks",
            "Two headers in two blocks of one.",
            SALT + b"\x00" + (b"\x02" + header) * 2 + tail,
        ),
        _bad(
            "headers-do-not-end",
            "A second block is announced where the value is.",
            SALT + b"\x00\x02" + header + b"\x02" + optional(b"{}"),
        ),
        _bad(
            "negative-header-count",
            "A block with a negative count and its size in bytes, which Avro allows.",
            SALT + b"\x00" + number(-1) + number(len(header)) + header + tail,
        ),
        _bad("long-header-count", "The zero count as 0x80 0x00.", SALT + b"\x00\x80\x00" + optional(b"{}")),
        _bad(
            "header-count-beyond",
            "Two headers are announced, one is there.",
            SALT + b"\x00\x04" + header + tail,
        ),
        _bad(
            "header-count-65536",
            "One header more than is allowed is announced.",
            SALT + b"\x00" + number(65_536) + header,
        ),
        _bad("header-count-2-62", "A giant array of headers.", SALT + b"\x00" + number(2**62)),
    ]


def _case(
    name: str, note: str, key: bytes | None, headers: list[tuple[bytes, bytes | None]], value: bytes | None
) -> dict[str, Any]:
    data = payload(SALT, key, headers, value)
    return {
        "name": name,
        "note": note,
        "payload": data.hex(),
        "sha256": sha256(data).hexdigest(),
        "salt": SALT.hex(),
        "key": _hex(key),
        "headers": [[name.hex(), _hex(content)] for name, content in headers],
        "value": _hex(value),
    }


def _bad(name: str, note: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "note": note, "payload": data.hex(), "invalid": "PayloadError"}


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
