"""Vectors of control statements."""

from __future__ import annotations

from typing import Any

from formats.build import KEY, ORIGIN, OTHER_KEY, canonical, digest, entry_hash, signature_line, vkey
from formats.trail import START_MS, TRAIL_ID, entries

ABOUT = (
    'Control statements (docs/format.md, "Control"). op open: `data` opened with `vkey`, the key that '
    "signs for the trail at that place, says `members`. `invalid` names the class of error instead. The "
    "private keys are published here: use them for nothing else."
)
CONTROL_KEY = f"{ORIGIN}/control"
PLACE = {
    "at": str(START_MS + 5000),
    "format": "sealtrail/control/v1",
    "origin": ORIGIN,
    "previous": entry_hash(entries()[-1][0]).hex(),
    "sequence": str(len(entries())),
    "trail_id": TRAIL_ID.hex(),
}
KEY_CHANGE = {
    **PLACE,
    "control": "key-change",
    "new": vkey(ORIGIN, OTHER_KEY),
    "old": vkey(ORIGIN, KEY),
    "reason": "yearly change of keys",
}
CONTINUATION = {
    **PLACE,
    "chained_topic": {"id": digest("payments.chained, made anew")[:16].hex(), "name": "payments.chained"},
    "control": "continuation",
    "reason": "the cluster was rebuilt from nothing",
    "stop": "topic-recreated",
}
GAP = {
    **PLACE,
    "control": "gap",
    "first_kept": "40",
    "first_lost": "21",
    "raw_topic": {"id": digest("payments")[:16].hex(), "name": "payments"},
    "reason": "retention of a week, and an outage of nine days",
}


def note(members: dict[str, Any] | str, *keys: Any, name: str = CONTROL_KEY) -> str:
    """A statement signed by keys, in their order."""
    text = members if isinstance(members, str) else f"{canonical(members)}\n"
    return f"{text}\n" + "".join(signature_line(text, name, key) for key in keys)


def vectors() -> list[dict[str, Any]]:
    """All vectors of control.json."""
    return [*_valid(), *_bad_signatures(), *_bad_texts()]


def _valid() -> list[dict[str, Any]]:
    cases = [
        ("key-change", "The old key and the new one sign.", KEY_CHANGE, (KEY, OTHER_KEY)),
        ("continuation", "The trail goes on in a topic that was made anew.", CONTINUATION, (KEY,)),
        ("gap", "Raw records that nobody chained.", GAP, (KEY,)),
        ("text", "A reason that is not ASCII.", {**GAP, "reason": "zu spät €"}, (KEY,)),
    ]
    return [
        {
            "name": name,
            "note": about,
            "op": "open",
            "vkey": vkey(ORIGIN, KEY),
            "data": note(members, *keys),
            "members": members,
        }
        for name, about, members, keys in cases
    ]


def _bad_signatures() -> list[dict[str, Any]]:
    signed = note(GAP, KEY)
    return [
        _bad("unsigned", "No signature.", f"{canonical(GAP)}\n\n", "NoteError"),
        _bad(
            "other-key",
            "Signed by a key that does not sign there.",
            note(GAP, OTHER_KEY),
            "NoteUnsignedError",
        ),
        _bad(
            "seal-name",
            "Signed under the name of seals.",
            note(GAP, KEY, name=f"{ORIGIN}/seal"),
            "NoteUnsignedError",
        ),
        _bad("two-keys", "Another key signs a gap.", note(GAP, KEY, OTHER_KEY), "NoteError"),
        _bad("changed", "A digit of what was signed.", signed.replace('"40"', '"41"'), "NoteSignatureError"),
        _bad("key-change-old-only", "The new key does not sign.", note(KEY_CHANGE, KEY), "ControlError"),
        _bad(
            "key-change-new-only", "The old key does not sign.", note(KEY_CHANGE, OTHER_KEY), "ControlError"
        ),
        _bad(
            "key-change-order", "The new key signs first.", note(KEY_CHANGE, OTHER_KEY, KEY), "ControlError"
        ),
        _bad(
            "key-change-other-old",
            "The old key is not the one that signs there.",
            note({**KEY_CHANGE, "old": KEY_CHANGE["new"], "new": KEY_CHANGE["old"]}, OTHER_KEY, KEY),
        ),
    ]


def _bad_texts() -> list[dict[str, Any]]:
    later = {**GAP, "format": "sealtrail/control/v2"}
    changed = [
        ("origin", "Of another trail.", {**GAP, "origin": "audit.example.com/payments/1"}),
        ("sequence-0", "Sequence 0 is genesis.", {**GAP, "sequence": "0"}),
        ("sequence-2-63", "A sequence that no entry can have.", {**GAP, "sequence": str(2**63 - 1)}),
        ("member", "An unknown member.", {**GAP, "x": "1"}),
        ("no-reason", "A member is missing.", {k: v for k, v in GAP.items() if k != "reason"}),
        ("two-lines", "A reason of two lines.", {**GAP, "reason": "one\ntwo"}),
        ("gap-empty", "No record lies in the gap.", {**GAP, "first_kept": GAP["first_lost"]}),
        ("gap-topic", "Not the trail's raw topic.", {**GAP, "raw_topic": CONTINUATION["chained_topic"]}),
        (
            "topic-member",
            "An unknown member of the topic.",
            {**GAP, "raw_topic": {**GAP["raw_topic"], "x": "1"}},  # type: ignore[dict-item]
        ),
        ("key-change-same", "From a key to itself.", {**KEY_CHANGE, "new": KEY_CHANGE["old"]}),
        (
            "key-change-name",
            "A key of another name.",
            {**KEY_CHANGE, "new": vkey("audit.example.com/payments/1", OTHER_KEY)},
        ),
        (
            "large",
            "More bytes than are allowed.",
            {**GAP, "reason": "x" * (1 << 14)},
        ),
    ]
    return [
        *(_bad(name, about, note(said, KEY)) for name, about, said in changed),
        _bad("format-2", "A later version.", note(later, KEY), "UnknownFormatError"),
        _bad(
            "name",
            "A name that no version knows yet.",
            note({**GAP, "control": "x"}, KEY),
            "UnknownFormatError",
        ),
        _bad("space", "Not its canonical form.", note(canonical(GAP).replace(":", ": ", 1) + "\n", KEY)),
        _bad("lines", "Two lines.", note(f"{canonical(GAP)}\n{canonical(GAP)}\n", KEY)),
        _bad("no-note", "The text alone.", canonical(GAP), "NoteError"),
    ]


def _bad(name: str, about: str, data: str, error: str = "ControlError") -> dict[str, Any]:
    return {
        "name": name,
        "note": about,
        "op": "open",
        "vkey": vkey(ORIGIN, KEY),
        "data": data,
        "invalid": error,
    }
