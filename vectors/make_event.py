#!/usr/bin/env python3
"""Write the vectors of the AuditEvent's wire format to event.json beside this file; `--check` only compares.

The bytes are put together here from the Avro specification, by nothing that sealtrail encodes with.
"""

from __future__ import annotations

import sys
from typing import Any

from vector_files import write_or_check

ABOUT = (
    "AuditEvents in Avro single-object encoding (Apache Avro 1.12). A vector has the bytes in hex and the "
    "event, or, if the bytes are to be refused, null."
)


def number(value: int) -> bytes:
    """A zig-zag varint."""
    zigzag = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*out, zigzag])


def blob(value: str | bytes) -> bytes:
    """A string or bytes: length and content."""
    raw = value.encode() if isinstance(value, str) else value
    return number(len(raw)) + raw


NULL = number(0)
END = number(0)
HEADER = bytes.fromhex("c301 8982ea5910e2439f")

# The fields of the smallest event, in the schema's order.
SMALLEST = {
    "id": blob("1"),
    "time": number(0),
    "source": blob("s"),
    "type": blob("t"),
    "actor": blob("user") + blob("u") + NULL + NULL,
    "action": blob("a"),
    "resource": NULL,
    "outcome": number(0),
    "reason": NULL,
    "traceparent": NULL,
    "tracestate": NULL,
    "attributes": END,
    "data": NULL,
    "datacontenttype": NULL,
}
SMALLEST_EVENT: dict[str, Any] = {
    "id": "1",
    "time": 0,
    "source": "s",
    "type": "t",
    "actor": {"type": "user", "id": "u", "name": None, "ip": None},
    "action": "a",
    "resource": None,
    "outcome": "unknown",
    "reason": None,
    "traceparent": None,
    "tracestate": None,
    "attributes": {},
    "data": None,
    "datacontenttype": None,
}


def some(value: str | bytes) -> bytes:
    """The second branch of a union with null."""
    return number(1) + blob(value)


def encoded(header: bytes = HEADER, after: bytes = b"", **fields: bytes) -> bytes:
    """The smallest event with some of its fields replaced."""
    return header + b"".join((SMALLEST | fields).values()) + after


def vector(name: str, note: str, data: bytes, event: dict[str, Any] | None) -> dict[str, Any]:
    """One vector; `data` within the event is in hex too."""
    return {"name": name, "note": note, "hex": data.hex(), "event": event}


def valid() -> list[dict[str, Any]]:
    """Encodings that every reader takes."""
    full = {
        "id": blob("0195"),
        "time": number(1688990884123),
        "source": blob("https://payments.example.com"),
        "type": blob("com.example.payment.refused"),
        "actor": blob("user") + blob("u-17") + some("Zoë") + some("192.0.2.7"),
        "action": blob("payment:Approve"),
        "resource": number(1) + blob("payment") + blob("4711"),
        "outcome": number(3),
        "reason": some("over limit"),
        "traceparent": some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        "tracestate": some("vendor=1"),
        "attributes": number(2) + blob("channel") + blob("web") + blob("") + blob("") + END,
        "data": some(b"\x00\xff"),
        "datacontenttype": some("application/octet-stream"),
    }
    full_event = {
        "id": "0195",
        "time": 1688990884123,
        "source": "https://payments.example.com",
        "type": "com.example.payment.refused",
        "actor": {"type": "user", "id": "u-17", "name": "Zoë", "ip": "192.0.2.7"},
        "action": "payment:Approve",
        "resource": {"type": "payment", "id": "4711"},
        "outcome": "denied",
        "reason": "over limit",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=1",
        "attributes": {"channel": "web", "": ""},
        "data": "00ff",
        "datacontenttype": "application/octet-stream",
    }
    pairs = blob("a") + blob("1"), blob("b") + blob("2")
    two = SMALLEST_EVENT | {"attributes": {"a": "1", "b": "2"}}
    sized = number(-2) + number(len(pairs[0] + pairs[1])) + pairs[0] + pairs[1] + END
    return [
        vector("smallest", "every optional field absent", encoded(), SMALLEST_EVENT),
        vector("full", "every field present", encoded(**full), full_event),
        vector(
            "earliest", "the least time", encoded(time=number(-(2**63))), SMALLEST_EVENT | {"time": -(2**63)}
        ),
        vector(
            "latest",
            "the greatest time",
            encoded(time=number(2**63 - 1)),
            SMALLEST_EVENT | {"time": 2**63 - 1},
        ),
        vector(
            "two_blocks",
            "a map may come in several blocks",
            encoded(attributes=number(1) + pairs[0] + number(1) + pairs[1] + END),
            two,
        ),
        vector("sized_block", "a negative count, then the block's size", encoded(attributes=sized), two),
        vector(
            "long_varint",
            "an integer longer than it need be",
            encoded(outcome=b"\x82\x00"),
            SMALLEST_EVENT | {"outcome": "success"},
        ),
    ]


def invalid() -> list[dict[str, Any]]:
    """Encodings that every reader refuses."""
    pair = blob("a") + blob("1")
    many = b"".join(blob(f"{index}") + blob("") for index in range(1025))
    cases = [
        ("empty", "no bytes at all", b""),
        ("marker_alone", "cut after the marker", HEADER[:2]),
        ("header_alone", "cut after the fingerprint", HEADER),
        ("marker_wrong", "C3 02 instead of C3 01", encoded(header=b"\xc3\x02" + HEADER[2:])),
        ("fingerprint_unknown", "a schema that was never published", encoded(header=HEADER[:2] + bytes(8))),
        (
            "fingerprint_big_endian",
            "the fingerprint the wrong way round",
            encoded(header=HEADER[:2] + HEADER[:1:-1]),
        ),
        ("cut", "the last byte is missing", encoded()[:-1]),
        ("trailing", "a byte too many", encoded(after=b"\x00")),
        ("twice", "two events in one", encoded() + encoded()),
        (
            "outcome_negative",
            "enum index -1, which some decoders take for the last",
            encoded(outcome=number(-1)),
        ),
        ("outcome_unknown", "enum index 4 of 4", encoded(outcome=number(4))),
        ("branch_negative", "union branch -1", encoded(reason=number(-1) + blob("x"))),
        ("branch_unknown", "union branch 2 of 2", encoded(reason=number(2) + blob("x"))),
        (
            "length_negative",
            "a string of -1 bytes, which some readers take for all that is left",
            encoded(id=number(-1)),
        ),
        ("length_huge", "a string of 2^62 bytes", encoded(id=number(2**62))),
        ("not_utf8", "a string that is not UTF-8", encoded(id=blob(b"\xff"))),
        ("surrogate", "half of a surrogate pair in a string", encoded(id=blob(b"\xed\xa0\x80"))),
        ("varint_endless", "an integer of eleven bytes", encoded(time=b"\x80" * 10 + b"\x01")),
        ("varint_65_bits", "an integer of 65 bits", encoded(time=b"\x80" * 9 + b"\x02")),
        ("map_huge", "2^40 attributes announced, none there", encoded(attributes=number(2**40))),
        (
            "map_huge_negative",
            "as before, with the block's size",
            encoded(attributes=number(-(2**40)) + number(9)),
        ),
        ("map_too_many", "1,025 attributes", encoded(attributes=number(1025) + many + END)),
        ("map_duplicate", "one key twice", encoded(attributes=number(2) + pair + pair + END)),
        ("map_duplicate_blocks", "one key in two blocks", encoded(attributes=(number(1) + pair) * 2 + END)),
        (
            "map_size_wrong",
            "a block longer than it says",
            encoded(attributes=number(-1) + number(3) + pair + END),
        ),
        (
            "map_size_negative",
            "a block of -1 bytes",
            encoded(attributes=number(-1) + number(-1) + pair + END),
        ),
        ("map_unended", "a map without its end", encoded(attributes=number(1) + pair)),
        ("id_empty", "an event without an id", encoded(id=blob(""))),
        ("source_empty", "an event without a source", encoded(source=blob(""))),
        ("type_empty", "an event without a type", encoded(type=blob(""))),
        ("action_empty", "an event without an action", encoded(action=blob(""))),
        ("actor_id_empty", "an actor without an id", encoded(actor=blob("user") + blob("") + NULL + NULL)),
    ]
    return [vector(name, note, data, None) for name, note, data in cases]


if __name__ == "__main__":
    sys.exit(write_or_check({"event": (ABOUT, [*valid(), *invalid()])}))
