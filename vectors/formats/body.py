"""Vectors of the bodies of entries that sealtrail writes itself."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from formats.build import KEY, ORIGIN, OTHER_KEY, canonical, digest, key_id, vkey

ABOUT = (
    'Bodies (docs/format.md, "Bodies"). op body: an entry of this kind has the value `text`, or '
    "`text_hex` where it is not UTF-8. `canonical` false: it holds members that this version ignores, "
    "so writing what was read gives another text. op trail_id: the id that follows from origin and "
    "incarnation. `invalid` names the class of error instead."
)
INCARNATION = digest("incarnation")[:16]
GENESIS = {
    "chained_topic": {"id": digest("payments.chained")[:16].hex(), "name": "payments.chained"},
    "created_at": "1795426200000",
    "first_source_offset": "0",
    "format": "1",
    "incarnation": INCARNATION.hex(),
    "keys": [vkey(ORIGIN, KEY)],
    "origin": ORIGIN,
    "predecessor": None,
    "raw_topic": {"id": digest("payments")[:16].hex(), "name": "payments"},
    "type": "genesis",
}
PREDECESSOR = {
    "last_seal": digest("last seal").hex(),
    "origin": ORIGIN,
    "reason": "the chained topic was deleted",
    "root": digest("root").hex(),
    "size": "932",
}
REJECTED = {
    "reason": "larger than the chained topic's record size",
    "sha256": digest("rejected payload").hex(),
    "size": "5242881",
    "source_offset": "17",
    "type": "rejected",
}


def vectors() -> list[dict[str, Any]]:
    """All vectors of body.json."""
    return [*_valid(), *_invalid(), *_trail_ids()]


def trail_id(origin: str, incarnation: bytes) -> bytes:
    """The id of a trail."""
    return sha256(b"sealtrail/trail-id/v1\n" + origin.encode() + b"\n" + incarnation).digest()


def _valid() -> list[dict[str, Any]]:
    both = [vkey(ORIGIN, KEY), vkey(ORIGIN, OTHER_KEY)]
    return [
        _case("genesis", "A trail without a predecessor.", "genesis", GENESIS),
        _case("genesis-two-keys", "Two keys may sign.", "genesis", {**GENESIS, "keys": both}),
        _case(
            "genesis-successor",
            "A trail that goes on from another.",
            "genesis",
            {**GENESIS, "predecessor": PREDECESSOR},
        ),
        _case(
            "genesis-later-member",
            "A member of a later version is ignored.",
            "genesis",
            {**GENESIS, "x": 1},
            exact=False,
        ),
        _case(
            "genesis-greatest-offset",
            "The greatest number there is.",
            "genesis",
            {**GENESIS, "first_source_offset": str(2**63 - 1)},
        ),
        _case("rejected", "A record that could be read whole.", "rejected", REJECTED),
        _case(
            "rejected-unread",
            "A record that could not be read whole.",
            "rejected",
            {**REJECTED, "sha256": None},
        ),
        _case(
            "rejected-text",
            "Text that is not ASCII stands as it is.",
            "rejected",
            {**REJECTED, "reason": "zu groß: 5 MB €"},
        ),
        _case("heartbeat", "Nothing but its type.", "heartbeat", {"type": "heartbeat"}),
        _case("control", "A name alone.", "control", {"control": "x", "type": "control"}),
        _case(
            "control-note",
            "With a statement, of which a body knows nothing.",
            "control",
            {"control": "gap", "note": "{}\n\n", "type": "control"},
        ),
        _case(
            "genesis-successor-of-other-key",
            "The predecessor's key was another one.",
            "genesis",
            {**GENESIS, "predecessor": {**PREDECESSOR, "key": vkey(ORIGIN, OTHER_KEY)}},
        ),
        _case(
            "control-members",
            "With members that no version knows yet.",
            "control",
            {"control": "x", "type": "control", "y": []},
            exact=False,
        ),
    ]


def _invalid() -> list[dict[str, Any]]:
    genesis = canonical(GENESIS)
    keys = GENESIS["keys"]
    return [
        _bad("null", "No value.", "heartbeat", None),
        _bad("empty", "An empty value.", "heartbeat", ""),
        _bad("no-json", "No JSON.", "heartbeat", "heartbeat"),
        _bad("no-object", "JSON, but no object.", "heartbeat", '["heartbeat"]'),
        _bad("line-feed", "A line feed at the end.", "heartbeat", '{"type":"heartbeat"}\n'),
        _bad("space", "A space.", "heartbeat", '{"type": "heartbeat"}'),
        _bad("member-order", "Members out of order.", "control", '{"type":"control","control":"x"}'),
        _bad("duplicate-member", "A member twice.", "heartbeat", '{"type":"heartbeat","type":"heartbeat"}'),
        _bad("escaped", "A letter written as an escape.", "heartbeat", '{"type":"\\u0068eartbeat"}'),
        _bad("exponent", "A number in another spelling.", "heartbeat", '{"type":"heartbeat","x":1e0}'),
        _bad("big-number", "A number beyond 2^53.", "heartbeat", '{"type":"heartbeat","x":9007199254740993}'),
        _bad("nan", "No number.", "heartbeat", '{"type":"heartbeat","x":NaN}'),
        _bad("lone-surrogate", "No Unicode text.", "control", '{"control":"\\ud800","type":"control"}'),
        _bad("byte-order-mark", "A byte order mark.", "heartbeat", '\ufeff{"type":"heartbeat"}'),
        _bad("utf-16", "Another encoding.", "heartbeat", '{"type":"heartbeat"}'.encode("utf-16-le")),
        _bad("not-utf-8", "No UTF-8.", "control", b'{"control":"\xff","type":"control"}'),
        _bad(
            "deep",
            "More levels than are allowed.",
            "heartbeat",
            '{"type":"heartbeat","x":' + "[" * 9 + "]" * 9 + "}",
        ),
        _bad("other-type", "A body of another kind.", "heartbeat", '{"control":"x","type":"control"}'),
        _bad("no-type", "No type.", "heartbeat", "{}"),
        _bad("event", "An event has no body.", "event", '{"type":"event"}'),
        _bad(
            "genesis-format-2",
            "A later format version.",
            "genesis",
            {**GENESIS, "format": "2"},
            "UnknownFormatError",
        ),
        _bad(
            "genesis-no-origin",
            "A member is missing.",
            "genesis",
            {k: v for k, v in GENESIS.items() if k != "origin"},
        ),
        _bad(
            "genesis-foreign-topic",
            "Origin and raw topic differ.",
            "genesis",
            {
                **GENESIS,
                "origin": "audit.example.com/orders/0",
                "keys": [vkey("audit.example.com/orders/0", KEY)],
            },
        ),
        _bad("genesis-no-key", "Nobody may sign.", "genesis", {**GENESIS, "keys": []}),
        _bad(
            "genesis-foreign-key",
            "A key of another name.",
            "genesis",
            {**GENESIS, "keys": [vkey("audit.example.com/orders/0", KEY)]},
        ),
        _bad(
            "genesis-broken-key",
            "A key with the key ID of another.",
            "genesis",
            {
                **GENESIS,
                "keys": [keys[0].replace(key_id(ORIGIN, KEY).hex(), key_id(ORIGIN, OTHER_KEY).hex())],
            },
        ),
        _bad(
            "genesis-incarnation-upper",
            "Hex in upper case.",
            "genesis",
            {**GENESIS, "incarnation": INCARNATION.hex().upper()},
        ),
        _bad(
            "genesis-incarnation-short",
            "An incarnation of 15 bytes.",
            "genesis",
            {**GENESIS, "incarnation": INCARNATION.hex()[2:]},
        ),
        _bad(
            "genesis-offset-number",
            "A 64-bit number as a JSON number.",
            "genesis",
            {**GENESIS, "first_source_offset": 0},
        ),
        _bad(
            "genesis-offset-leading-zero",
            "A leading zero.",
            "genesis",
            {**GENESIS, "first_source_offset": "01"},
        ),
        _bad(
            "genesis-offset-negative",
            "A negative offset.",
            "genesis",
            {**GENESIS, "first_source_offset": "-1"},
        ),
        _bad(
            "genesis-offset-2-63",
            "An offset beyond 2^63 - 1.",
            "genesis",
            {**GENESIS, "first_source_offset": str(2**63)},
        ),
        _bad(
            "genesis-offset-digits",
            "Digits of another script.",
            "genesis",
            {**GENESIS, "first_source_offset": "\u0661"},
        ),
        _bad(
            "genesis-predecessor-origin",
            "A predecessor of no origin.",
            "genesis",
            {**GENESIS, "predecessor": {**PREDECESSOR, "origin": "payments"}},
        ),
        _bad(
            "genesis-predecessor-key",
            "A key of another name than the predecessor's.",
            "genesis",
            {**GENESIS, "predecessor": {**PREDECESSOR, "key": vkey("audit.example.com/payments/1", KEY)}},
        ),
        _bad(
            "control-note-null",
            "Null is not missing.",
            "control",
            {"control": "x", "note": None, "type": "control"},
        ),
        _bad(
            "genesis-topic-text",
            "A topic that is no object.",
            "genesis",
            {**GENESIS, "raw_topic": "payments"},
        ),
        _bad(
            "genesis-predecessor-size-0",
            "A predecessor without entries.",
            "genesis",
            {**GENESIS, "predecessor": {**PREDECESSOR, "size": "0"}},
        ),
        _bad("genesis-cut", "The last byte is missing.", "genesis", genesis[:-1]),
        _bad("rejected-two-lines", "A reason of two lines.", "rejected", {**REJECTED, "reason": "one\ntwo"}),
        _bad(
            "rejected-no-sha256",
            "Null is not missing.",
            "rejected",
            {k: v for k, v in REJECTED.items() if k != "sha256"},
        ),
        _bad("control-no-name", "A control that does not say what it means.", "control", {"type": "control"}),
    ]


def _trail_ids() -> list[dict[str, Any]]:
    return [
        {
            "name": "trail-id",
            "note": "The incarnation goes in as its 16 bytes, not as hex.",
            "op": "trail_id",
            "origin": ORIGIN,
            "incarnation": INCARNATION.hex(),
            "trail_id": trail_id(ORIGIN, INCARNATION).hex(),
        },
        {
            "name": "trail-id-short-incarnation",
            "note": "15 bytes.",
            "op": "trail_id",
            "origin": ORIGIN,
            "incarnation": INCARNATION[1:].hex(),
            "invalid": "BodyError",
        },
        {
            "name": "trail-id-no-origin",
            "note": "A line feed would let two pairs have one id.",
            "op": "trail_id",
            "origin": ORIGIN + "\n",
            "incarnation": INCARNATION.hex(),
            "invalid": "OriginError",
        },
    ]


def _case(name: str, note: str, kind: str, members: dict[str, Any], *, exact: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "note": note,
        "op": "body",
        "kind": kind,
        "text": canonical(members),
        "canonical": exact,
        "members": members,
    }


def _bad(
    name: str, note: str, kind: str, value: dict[str, Any] | str | bytes | None, error: str = "BodyError"
) -> dict[str, Any]:
    if isinstance(value, dict):
        value = canonical(value)
    text = {"text_hex": value.hex()} if isinstance(value, bytes) else {"text": value}
    return {"name": name, "note": note, "op": "body", "kind": kind, **text, "invalid": error}
