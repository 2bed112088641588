"""Vectors of the leaf and of the link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from formats.build import MAX_INT64, Leaf, digest, entry_hash

ABOUT = (
    'Leaves and links (docs/format.md, "Leaf" and "Chained topic"), hashes and other bytes in hex. op '
    "parse: the leaf has these fields and this entry hash. op link: the value of the header splits into "
    "leaf and salt. `invalid` names the class of error instead."
)
EVENT = Leaf()
GENESIS = Leaf(
    kind=0,
    sequence=0,
    previous_hash=bytes(32),
    source_timestamp=-1,
    source_timestamp_type=0,
    source_offset=-1,
    next_source_offset=0,
)
HEARTBEAT = replace(
    GENESIS, kind=3, sequence=8, previous_hash=digest("the entry before"), next_source_offset=41
)
SALT = bytes(range(16))


def vectors() -> list[dict[str, Any]]:
    """All vectors of leaf.json."""
    return [*_valid(), *_invalid(), *_links()]


def _valid() -> list[dict[str, Any]]:
    return [
        _case("genesis", "Sequence 0, no source.", GENESIS),
        _case(
            "genesis-later",
            "Reading the raw partition begins at offset 1000.",
            replace(GENESIS, next_source_offset=1000),
        ),
        _case("event", "A record of the raw topic.", EVENT),
        _case("event-append-time", "Stamped by the log.", replace(EVENT, source_timestamp_type=2)),
        _case(
            "event-no-timestamp",
            "A record without a timestamp.",
            replace(EVENT, source_timestamp=-1, source_timestamp_type=0),
        ),
        _case(
            "event-timestamp-minus-1",
            "Type 1 with -1: Kafka clients send it.",
            replace(EVENT, source_timestamp=-1),
        ),
        _case(
            "event-before-1970", "A timestamp before the epoch.", replace(EVENT, source_timestamp=-(2**63))
        ),
        _case("event-offset-gap", "Markers lie behind the record.", replace(EVENT, next_source_offset=100)),
        _case(
            "event-greatest",
            "Every number as great as it can be.",
            replace(
                EVENT,
                sequence=MAX_INT64 - 1,
                source_timestamp=MAX_INT64,
                chained_at=MAX_INT64,
                source_offset=MAX_INT64 - 1,
                next_source_offset=MAX_INT64,
            ),
        ),
        _case("rejected", "A record that could not be re-published.", replace(EVENT, kind=2)),
        _case("heartbeat", "Nothing to chain.", HEARTBEAT),
        _case("control", "Reserved.", replace(HEARTBEAT, kind=4)),
        _case(
            "extension",
            "A later writer's extension: hashed, otherwise ignored.",
            replace(EVENT, extension=b"\x01\x00more"),
        ),
    ]


def _invalid() -> list[dict[str, Any]]:
    event = EVENT.encode()
    return [
        _bad("empty", "No byte at all.", b""),
        _bad("magic-only", "It ends before its version.", b"STL"),
        _bad("cut", "The last byte is missing.", event[:-1]),
        _bad("trailing-byte", "A byte follows.", event + b"\x00"),
        _bad("magic", "Another magic.", replace(EVENT, magic=b"stl").encode()),
        _bad(
            "version-0", "A version that never was.", replace(EVENT, version=0).encode(), "UnknownFormatError"
        ),
        _bad(
            "version-2",
            "A later version: unverifiable, not damage.",
            replace(EVENT, version=2).encode(),
            "UnknownFormatError",
        ),
        _bad("version-2-short", "A later version may be shorter.", b"STL\x02", "UnknownFormatError"),
        _bad("kind-5", "A kind of a later version.", replace(EVENT, kind=5).encode(), "UnknownFormatError"),
        _bad(
            "algorithm-2",
            "A hash algorithm of a later version.",
            replace(EVENT, algorithm=2).encode(),
            "UnknownFormatError",
        ),
        _bad("sequence-2-63", "A sequence beyond 2^63 - 2.", replace(EVENT, sequence=2**63 - 1).encode()),
        _bad(
            "chained-before-1970", "A clock that no seal could state.", replace(EVENT, chained_at=-1).encode()
        ),
        _bad("genesis-at-1", "A genesis that is not the first.", replace(GENESIS, sequence=1).encode()),
        _bad(
            "event-at-0",
            "An event where the genesis belongs.",
            replace(EVENT, sequence=0, previous_hash=bytes(32)).encode(),
        ),
        _bad(
            "genesis-with-previous",
            "A genesis that links back.",
            replace(GENESIS, previous_hash=digest("x")).encode(),
        ),
        _bad(
            "genesis-with-source",
            "A genesis with a source offset.",
            replace(GENESIS, source_offset=0, next_source_offset=1).encode(),
        ),
        _bad(
            "genesis-next-minus-1",
            "A genesis that does not say where reading goes on.",
            replace(GENESIS, next_source_offset=-1).encode(),
        ),
        _bad(
            "heartbeat-with-source",
            "A heartbeat with a source offset.",
            replace(HEARTBEAT, source_offset=40).encode(),
        ),
        _bad(
            "heartbeat-with-timestamp",
            "A heartbeat with a source timestamp.",
            replace(HEARTBEAT, source_timestamp=0).encode(),
        ),
        _bad(
            "heartbeat-with-type",
            "A heartbeat with a type of source timestamp.",
            replace(HEARTBEAT, source_timestamp_type=1).encode(),
        ),
        _bad(
            "event-without-source",
            "An event without a source offset.",
            replace(EVENT, source_offset=-1).encode(),
        ),
        _bad(
            "rejected-without-source",
            "A rejected record without a source offset.",
            replace(EVENT, kind=2, source_offset=-1).encode(),
        ),
        _bad(
            "event-reads-itself-again",
            "Next source offset = source offset.",
            replace(EVENT, next_source_offset=40).encode(),
        ),
        _bad("timestamp-type-3", "There is no such type.", replace(EVENT, source_timestamp_type=3).encode()),
        _bad(
            "timestamp-without-type",
            "Type 0 with a timestamp.",
            replace(EVENT, source_timestamp_type=0).encode(),
        ),
        _bad(
            "extension-cut",
            "The extension is shorter than its length.",
            replace(EVENT, extension=b"x", extension_length=2).encode(),
        ),
        _bad(
            "extension-trailing",
            "The extension is longer than its length.",
            replace(EVENT, extension=b"xy", extension_length=1).encode(),
        ),
    ]


def _links() -> list[dict[str, Any]]:
    event = EVENT.encode()
    extended = replace(EVENT, extension=b"more").encode()
    return [
        _link("link", "Leaf and salt.", event),
        _link("link-extension", "The extension's length tells where the salt begins.", extended),
        _bad_link("link-empty", "No byte at all.", b""),
        _bad_link("link-no-salt", "The salt is missing.", event),
        _bad_link("link-cut", "The salt's last byte is missing.", event + SALT[:-1]),
        _bad_link("link-trailing-byte", "A byte follows the salt.", event + SALT + b"\x00"),
        _bad_link("link-no-leaf", "Bytes as many as a link has, but no leaf.", bytes(161)),
        _bad_link("link-version-2", "A later version.", b"STL\x02" + bytes(157), "UnknownFormatError"),
    ]


def _case(name: str, note: str, leaf: Leaf) -> dict[str, Any]:
    data = leaf.encode()
    return {
        "name": name,
        "note": note,
        "op": "parse",
        "leaf": data.hex(),
        "entry_hash": entry_hash(data).hex(),
        "kind": leaf.kind,
        "sequence": leaf.sequence,
        "previous_hash": leaf.previous_hash.hex(),
        "trail_id": leaf.trail_id.hex(),
        "payload_hash": leaf.payload_hash.hex(),
        "source_timestamp_ms": leaf.source_timestamp,
        "source_timestamp_type": leaf.source_timestamp_type,
        "chained_at_ms": leaf.chained_at,
        "source_offset": leaf.source_offset,
        "next_source_offset": leaf.next_source_offset,
        "extension": leaf.extension.hex(),
    }


def _bad(name: str, note: str, data: bytes, error: str = "LeafError") -> dict[str, Any]:
    return {"name": name, "note": note, "op": "parse", "leaf": data.hex(), "invalid": error}


def _link(name: str, note: str, leaf: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "note": note,
        "op": "link",
        "link": (leaf + SALT).hex(),
        "leaf": leaf.hex(),
        "salt": SALT.hex(),
    }


def _bad_link(name: str, note: str, link: bytes, error: str = "LeafError") -> dict[str, Any]:
    return {"name": name, "note": note, "op": "link", "link": link.hex(), "invalid": error}
