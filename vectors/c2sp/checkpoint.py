"""Vectors of checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from c2sp.reference import CHECKPOINT, NOTE, SIGNATURE, UNSIGNED, Key, Vector, b64, free_bit, note, sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

ABOUT: Final = (
    "C2SP tlog-checkpoint v1.0.0, without extension lines and signed by a key named as the origin. op parse: "
    "the note text. op open: `data` opened with `vkey`. op sign: origin, size and root signed with `skey` "
    "give `data`. `root` is in hexadecimal. `invalid` names the error instead."
)

LOG: Final = Key("audit.example.com/payments/0")
WITNESS: Final = Key("witness.example.org")
ROOT: Final = sha256(b"root")
EMPTY: Final = sha256(b"")
LARGEST: Final = 2**63 - 1

SOFA_TEXT: Final = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SOFA: Final = (
    SOFA_TEXT + "\n\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def vectors() -> list[Vector]:
    """Return all checkpoint vectors."""
    return [*_parse_valid(), *_parse_invalid(), *_open(), *_sign()]


def _text(size: int | str = 3, root: str = b64(ROOT), origin: str = LOG.name) -> str:
    return f"{origin}\n{size}\n{root}\n"


def _parse_valid() -> Iterator[Vector]:
    def case(name: str, about: str, text: str, size: int, root: bytes) -> Vector:
        vector: Vector = {"name": f"parse-{name}", "note": about, "op": "parse", "text": text}
        return vector | {"origin": text.partition("\n")[0], "size": size, "root": root.hex()}

    sofa_root = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
    about = "The example of C2SP tlog-checkpoint."
    yield case("behind-the-sofa", about, SOFA_TEXT, 20852163, sofa_root)
    yield case("three", "Three leaves.", _text(), 3, ROOT)
    yield case("empty", "The empty tree.", _text(0, b64(EMPTY)), 0, EMPTY)
    yield case("largest", "2**63 - 1 leaves.", _text(LARGEST), LARGEST, ROOT)


def _parse_invalid() -> Iterator[Vector]:
    for name, (about, text) in {
        "nothing": ("Nothing.", ""),
        "one-line": ("The origin only.", f"{LOG.name}\n"),
        "two-lines": ("No root.", f"{LOG.name}\n3\n"),
        "no-last-line-feed": ("The last line does not end.", _text()[:-1]),
        "blank-line": ("A blank line.", _text() + "\n"),
        "extension-line": ("Extension lines are not audited: never written here.", _text() + "extension\n"),
        "no-origin": ("An empty origin.", _text(origin="")),
        "origin-with-space": ("A space in the origin.", _text(origin="audit example")),
        "origin-with-plus": ("A plus in the origin.", _text(origin="audit+example")),
        "size-empty": ("An empty size.", _text("")),
        "size-leading-zero": ("A leading zero.", _text("03")),
        "size-two-zeros": ("Zero, twice.", _text("00", b64(EMPTY))),
        "size-plus": ("A sign.", _text("+3")),
        "size-minus": ("A negative size.", _text("-3")),
        "size-space": ("A space.", _text(" 3")),
        "size-underscore": ("What Python reads as 33.", _text("3_3")),
        "size-hex": ("Hexadecimal.", _text("0x3")),
        "size-fraction": ("A fraction.", _text("3.0")),
        "size-fullwidth": ("A digit that is not ASCII.", _text("\uff13")),
        "size-too-large": ("2**63.", _text(2**63)),
        "size-20-digits": ("20 digits.", _text("1" * 20)),
        "size-5000-digits": ("More digits than Python converts.", _text("1" * 5000)),
        "size-0-other-root": ("The empty tree has one root.", _text(0)),
        "root-empty": ("An empty root.", _text(root="")),
        "root-31-bytes": ("A root of 31 bytes.", _text(root=b64(ROOT[:31]))),
        "root-33-bytes": ("A root of 33 bytes.", _text(root=b64(ROOT + b"\0"))),
        "root-hex": ("A root in hexadecimal.", _text(root=ROOT.hex())),
        "root-unused-bits": ("An unused bit of the last character is set.", _text(root=free_bit(b64(ROOT)))),
        "root-no-padding": ("The padding is missing.", _text(root=b64(ROOT).rstrip("="))),
        "root-space": ("A space after the root.", _text(root=b64(ROOT) + " ")),
    }.items():
        yield {"name": f"parse-{name}", "note": about, "op": "parse", "text": text, "invalid": CHECKPOINT}


def _open() -> Iterator[Vector]:
    def case(name: str, about: str, data: str, *, key: Key = LOG, invalid: str | None = None) -> Vector:
        vector: Vector = {"name": f"open-{name}", "note": about, "op": "open", "data": data, "vkey": key.vkey}
        return vector | (
            {"invalid": invalid} if invalid else {"origin": LOG.name, "size": 3, "root": ROOT.hex()}
        )

    text, other = _text(), _text(origin="audit.example.com/payments/1")
    yield case("one", "The trail's own signature.", note(text, LOG.line(text)))
    yield case("cosigned", "With the line of a witness.", note(text, LOG.line(text), WITNESS.line(text)))
    about = "The example of C2SP tlog-checkpoint, whose key is not published."
    yield case("behind-the-sofa", about, SOFA, invalid=UNSIGNED)
    yield case("witness-only", "Only a witness signed.", note(text, WITNESS.line(text)), invalid=UNSIGNED)
    about = "A known key vouches for another trail than its own."
    yield case("other-origin", about, note(other, LOG.line(other)), invalid=CHECKPOINT)
    yield case("other-key-name", about, note(text, WITNESS.line(text)), key=WITNESS, invalid=CHECKPOINT)
    larger = note(_text(4), LOG.line(text))
    yield case("size-changed", "Another size than signed.", larger, invalid=SIGNATURE)
    extended = text + "extension\n"
    yield case(
        "extension-line", "Signed, yet refused.", note(extended, LOG.line(extended)), invalid=CHECKPOINT
    )
    yield case("seal", "A text that is no checkpoint.", note("{}\n", LOG.line("{}\n")), invalid=CHECKPOINT)
    yield case("unsigned", "No signature lines.", text, invalid=NOTE)


def _sign() -> Iterator[Vector]:
    def case(name: str, about: str, size: int, root: bytes, **outcome: str) -> Vector:
        vector: Vector = {"name": f"sign-{name}", "note": about, "op": "sign", "skey": LOG.skey}
        return vector | {"origin": LOG.name, "size": size, "root": root.hex()} | outcome

    text = _text()
    yield case("three", "Three leaves.", 3, ROOT, data=note(text, LOG.line(text)))
    text = _text(LARGEST)
    yield case("largest", "2**63 - 1 leaves.", LARGEST, ROOT, data=note(text, LOG.line(text)))
    yield case("too-large", "2**63 leaves.", 2**63, ROOT, invalid=CHECKPOINT)
    yield case("negative", "A negative size.", -1, ROOT, invalid=CHECKPOINT)
    yield case("short-root", "A root of 31 bytes.", 3, ROOT[:31], invalid=CHECKPOINT)
    other = case("other-origin", "The key of another trail.", 3, ROOT, invalid=CHECKPOINT)
    yield other | {"origin": "audit.example.com/payments/1"}
