"""Vectors of policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from c2sp.reference import POLICY, UNKNOWN, Key, Vector, b64, sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

ABOUT: Final = (
    "C2SP tlog-policy. op parse: `data`, or `data_hex` where it is not UTF-8, gives logs (origin to vkey), "
    "urls, witnesses (name to key name, signature type and URL), groups (name to threshold and members) and "
    "the quorum; `supported` says whether this version can enforce it. `invalid` names the error instead, "
    "`line` the line."
)

PAYMENTS: Final = Key("audit.example.com/payments/0")
REFUNDS: Final = Key("audit.example.com/refunds/0")
QUORUM: Final = "quorum none\n"


def cosigner(name: str, kind: int = 0x04) -> str:
    """Return the vkey of a witness; its public key is made up, and follows from the name."""
    public = (sha256(name.encode()) * 41)[: 32 if kind == 0x04 else 1312]
    key_id = sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]
    return f"{name}+{key_id.hex()}+" + b64(bytes([kind]) + public)


def vectors() -> list[Vector]:
    """Return all policy vectors."""
    return [*_valid(), *_shapes(), *_logs(), *_witnesses(), *_quorums()]


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _good(name: str, about: str, data: str | bytes, **parts: Any) -> Vector:
    vector: Vector = {"name": name, "note": about, "op": "parse"}
    vector |= {"data": data} if isinstance(data, str) else {"data_hex": data.hex()}
    empty = {"logs": {}, "urls": {}, "witnesses": {}, "groups": {}, "quorum": "none"}
    return vector | empty | parts | {"supported": parts.get("quorum", "none") == "none"}


def _bad(name: str, about: str, data: str | bytes, line: int | None, invalid: str = POLICY) -> Vector:
    vector: Vector = {"name": name, "note": about, "op": "parse"}
    vector |= {"data": data} if isinstance(data, str) else {"data_hex": data.hex()}
    return vector | {"invalid": invalid} | ({} if line is None else {"line": line})


def _valid() -> Iterator[Vector]:
    log = f"log {PAYMENTS.vkey}"
    logs = {PAYMENTS.name: PAYMENTS.vkey}
    yield _good("one-log", "One trail.", _lines(log, "quorum none"), logs=logs)
    yield _good("no-log", "Only the quorum is mandatory.", QUORUM)
    yield _good(
        "two-logs-with-url",
        "Two trails, one with a URL; the quorum may come first.",
        _lines("quorum none", log, f"log {REFUNDS.vkey} https://audit.example.com/refunds"),
        logs=logs | {REFUNDS.name: REFUNDS.vkey},
        urls={REFUNDS.name: "https://audit.example.com/refunds"},
    )
    yield _good(
        "white-space",
        "Spaces and tabs around and between words, blank lines, comments.",
        _lines("# policy", " \t# indented", "", "  \t", f"\t log \t {PAYMENTS.vkey} ", "quorum\tnone"),
        logs=logs,
    )
    octets = b"# \xff\xfe\nlog " + PAYMENTS.vkey.encode() + b" https://x/\xa0\xe9\n" + QUORUM.encode()
    url = "https://x/\udca0\udce9"
    yield _good(
        "octets", "Octets that are not UTF-8 are opaque.", octets, logs=logs, urls={PAYMENTS.name: url}
    )
    yield _good(
        "witness-as-quorum",
        "A single witness: understood, not yet enforced.",
        _lines(log, f"witness W {cosigner('w.example.org')} https://w.example.org", "quorum W"),
        logs=logs,
        witnesses={"W": ["w.example.org", 4, "https://w.example.org"]},
        quorum="W",
    )
    yield _good(
        "witness-unused",
        "A witness and no quorum of it.",
        _lines(log, f"witness W {cosigner('w.example.org')}", "quorum none"),
        logs=logs,
        witnesses={"W": ["w.example.org", 4, None]},
    )
    yield _good(
        "witness-ml-dsa-44",
        "A witness key of type 0x06.",
        _lines(f"witness W {cosigner('w.example.org', 6)}", "quorum W"),
        witnesses={"W": ["w.example.org", 6, None]},
        quorum="W",
    )
    yield _two_levels(log, logs)
    latin, kelvin = f"witness K {cosigner('a.example')}", f"witness \u212a {cosigner('b.example')}"
    yield _good(
        "kelvin",
        "C2SP: K and the Kelvin sign are two names.",
        _lines(latin, kelvin, "quorum \u212a"),
        witnesses={"K": ["a.example", 4, None], "\u212a": ["b.example", 4, None]},
        quorum="\u212a",
    )


def _two_levels(log: str, logs: dict[str, str]) -> Vector:
    """Return the example of C2SP tlog-policy, with keys filled in."""
    names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    witnesses = {name: [f"{name.lower()}.example.org", 4, None] for name in names}
    return _good(
        "two-levels-of-groups",
        "The example of C2SP tlog-policy, with keys.",
        _lines(
            log,
            "",
            *(f"witness {name} {cosigner(f'{name.lower()}.example.org')}" for name in names),
            "group X-witnesses 2 X1 X2 X3",
            "group Y-witnesses any Y1 Y2 Y3",
            "",
            "group X-and-Y all X-witnesses Y-witnesses",
            "quorum X-and-Y",
        ),
        logs=logs,
        witnesses=witnesses,
        groups={
            "X-witnesses": [2, names[:3]],
            "Y-witnesses": [1, names[3:]],
            "X-and-Y": [2, ["X-witnesses", "Y-witnesses"]],
        },
        quorum="X-and-Y",
    )


def _shapes() -> Iterator[Vector]:
    log = f"log {PAYMENTS.vkey}\n"
    yield _bad("empty", "Nothing.", "", None)
    yield _bad("no-quorum", "The quorum is mandatory.", log, None)
    yield _bad("comments-only", "Nothing but comments.", "# quorum none\n", None)
    yield _bad("no-last-line-feed", "The last line does not end.", log + "quorum none", 2)
    yield _bad("crlf", "Lines end in CR LF.", (log + QUORUM).replace("\n", "\r\n"), 1)
    yield _bad("control-in-comment", "A control character in a comment.", "# \x1b[2J\n" + QUORUM, 1)
    yield _bad("nul", "A NUL.", log + "quorum none\0\n", 2)
    yield _bad("delete", "DEL is a control character, too.", QUORUM + "# \x7f\n", 2)
    yield _bad("unknown-keyword", "A line of no kind.", QUORUM + "threshold 2\n", 2)
    yield _bad("uppercase-keyword", "Keywords are lowercase.", "Quorum none\n", 1)
    yield _bad("byte-order-mark", "A byte order mark.", "\ufeff" + QUORUM, 1)
    yield _bad("no-break-space", "Only space and tab part words.", "quorum\u00a0none\n", 1)
    yield _bad("comment-behind", "A comment has a line of its own.", "quorum none # for now\n", 1)


def _logs() -> Iterator[Vector]:
    log, key_id = f"log {PAYMENTS.vkey}\n", PAYMENTS.id.hex()
    renamed, rotated = Key(REFUNDS.name, PAYMENTS.name), Key(PAYMENTS.name, "rotated")
    yield _bad("log-without-key", "A log without a key.", "log\n" + QUORUM, 1)
    yield _bad("log-with-four-words", "A word too many.", log[:-1] + " https://x y\n" + QUORUM, 1)
    yield _bad("log-twice", "The same line twice.", log + log + QUORUM, 2)
    yield _bad("log-key-twice", "One public key, two names.", f"{log}log {renamed.vkey}\n{QUORUM}", 2)
    yield _bad("log-name-twice", "One name, two public keys.", f"{log}log {rotated.vkey}\n{QUORUM}", 2)
    yield _bad("log-broken-vkey", "Not a vkey.", f"{QUORUM}\nlog {PAYMENTS.name}\n", 3)
    yield _bad("log-other-id", "The key ID is of another key.", log.replace(key_id, "00000000") + QUORUM, 1)
    name_not_utf8 = log.encode().replace(b"audit", b"aud\xff") + QUORUM.encode()
    yield _bad("log-name-not-utf-8", "A key name is UTF-8.", name_not_utf8, 1)
    yield _bad("log-cosigner", "A cosigner's key.", f"log {cosigner('l.example')}\n{QUORUM}", 1, UNKNOWN)


def _witnesses() -> Iterator[Vector]:
    a, b = cosigner("a.example"), cosigner("b.example")
    unknown = "a.example+00000000+" + b64(b"\xfa" + bytes(32))
    for name, (about, lines, line) in {
        "witness-without-key": ("A witness without a key.", ["witness A"], 1),
        "witness-twice": ("One key, two names.", [f"witness A {a}", f"witness B {a}"], 2),
        "witness-name-twice": ("One name, two keys.", [f"witness A {a}", f"witness A {b}"], 2),
        "witness-none": ("`none` is not free.", [f"witness none {a}"], 1),
        "witness-log-key": ("A key of type 0x01 does not cosign.", [f"witness A {PAYMENTS.vkey}"], 1),
        "witness-other-id": ("The key ID is of another name.", [f"witness A {a.replace('a.e', 'b.e')}"], 1),
    }.items():
        yield _bad(name, about, _lines(*lines, "quorum none"), line)
    yield _bad(
        "witness-unknown-type", "Type 0xfa.", _lines(f"witness A {unknown}", "quorum none"), 1, UNKNOWN
    )


def _quorums() -> Iterator[Vector]:
    a, b = f"witness A {cosigner('a.example')}", f"witness B {cosigner('b.example')}"
    for name, (about, lines, line) in {
        "quorum-twice": ("Exactly one quorum.", ["quorum none", "quorum none"], 2),
        "quorum-without-name": ("A quorum of nothing.", ["quorum"], 1),
        "quorum-two-names": ("A quorum of two: that is a group.", [a, b, "quorum A B"], 3),
        "quorum-undefined": ("Nobody of that name.", [a, "quorum B"], 2),
        "quorum-before-witness": ("Defined only below.", ["quorum A", a], 1),
        "group-without-members": ("No member.", ["group G any"], 1),
        "group-undefined-member": ("Nobody of that name.", [a, "group G any A B"], 2),
        "group-none": ("`none` is no member.", [a, "group G any A none"], 2),
        "group-of-itself": ("Circular.", [a, "group G any A G"], 2),
        "group-named-as-witness": ("One namespace.", [a, b, "group A any B"], 3),
        "group-twice": ("One name, two groups.", [a, b, "group G any A", "group G any B"], 4),
        "group-member-twice": ("A member counts once.", [a, "group G 2 A A"], 2),
        "group-member-of-two": ("Counted in two groups.", [a, b, "group G any A", "group H all A B"], 4),
        "group-0": ("At least one.", [a, "group G 0 A"], 2),
        "group-too-many": ("More than there are.", [a, "group G 2 A"], 2),
        "group-leading-zero": ("Decimal, as elsewhere.", [a, "group G 01 A"], 2),
        "group-sign": ("A sign.", [a, "group G +1 A"], 2),
        "group-fullwidth": ("A digit that is not ASCII.", [a, "group G \uff11 A"], 2),
        "group-huge": ("More digits than Python converts.", [a, f"group G {'1' * 5000} A"], 2),
    }.items():
        ending = [] if any(text.startswith("quorum") for text in lines) else ["quorum none"]
        yield _bad(name, about, _lines(*lines, *ending), line)
