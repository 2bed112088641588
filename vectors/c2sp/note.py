"""Vectors of keys and signed notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from c2sp.reference import (
    NOTE,
    SIGNATURE,
    UNKNOWN,
    UNSIGNED,
    Key,
    Vector,
    b64,
    free_bit,
    note,
    sha256,
    signature_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ABOUT: Final = (
    "C2SP signed-note v1.0.0 with Ed25519. op vkey and skey: the text of a verifier key and of a signing key "
    "(the latter as golang.org/x/mod/sumdb/note writes it). op open: `data`, or `data_hex` where it is not "
    "UTF-8, opened with `verifiers`; `exact` refuses lines of unknown keys and a key's second line. op sign: "
    "`text` signed with `skeys` gives `data`. `invalid` names the error instead. The private keys are "
    "published here: use them for nothing else."
)

LOG: Final = Key("audit.example.com/payments/0")
OTHER: Final = Key("witness.example.org")
# Another key under the same name, and the same key under another name.
ROTATED: Final = Key(LOG.name, "the key after the next rotation")
SEAL: Final = Key(LOG.name + "/seal", LOG.name)

TEXT: Final = "audit.example.com/payments/0\n3\nrrb8/idLcKFPsGel5VeCZE2w+pta9eC6FZFY8ynwbnc=\n"

SPEC_VKEY: Final = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE: Final = (
    "This is an example message.\n"
    "\n"
    "\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
QUASIMODO: Final = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed \u00e8 subito sera.\n"
    "\n"
    "\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
QUASIMODO_TEXT: Final = QUASIMODO[: QUASIMODO.rindex("\n\n") + 1]

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Order of the Ed25519 base point, L in RFC 8032."""


def vectors() -> list[Vector]:
    """Return all vectors of keys and notes."""
    return [*_vkeys(), *_skeys(), *_open_valid(), *_open_shapes(), *_open_lines(), *_open_base64(), *_sign()]


def _vkey(name: str, about: str, vkey: str, **outcome: str) -> Vector:
    return {"name": f"vkey-{name}", "note": about, "op": "vkey", "vkey": vkey} | outcome


def _vkeys() -> Iterator[Vector]:
    public = bytes.fromhex("e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4")
    key_id, material = "530d903a", b64(b"\x01" + public)
    yield _vkey(
        "example",
        "The example of C2SP signed-note.",
        SPEC_VKEY,
        key_name="example.com/foo",
        key_id=key_id,
        public_key=public.hex(),
        fingerprint="SHA256:" + b64(sha256(public)).rstrip("="),
    )
    yield _vkey(
        "trail",
        "The key of a trail.",
        LOG.vkey,
        key_name=LOG.name,
        key_id=LOG.id.hex(),
        public_key=LOG.public.hex(),
        fingerprint=LOG.fingerprint,
    )
    name = "example.com/foo"
    wrong = {
        "empty": ("", "Nothing."),
        "two-parts": (f"{name}+{key_id}", "No key."),
        "no-name": (f"+{key_id}+{material}", "An empty name."),
        "other-name": (f"example.com/bar+{key_id}+{material}", "The key ID is of another name."),
        "other-id": (f"{name}+530d903b+{material}", "The key ID is of another key."),
        "uppercase-id": (f"{name}+530D903A+{material}", "Hex is lowercase."),
        "short-id": (f"{name}+30d903a+{material}", "Seven digits."),
        "long-id": (f"{name}+{key_id}0+{material}", "Nine digits."),
        "name-with-space": (f"example.com foo+{key_id}+{material}", "A space in the name."),
        "name-with-nbsp": (f"example.com\u00a0foo+{key_id}+{material}", "A no-break space in the name."),
        "name-with-plus": (f"example.com+foo+{key_id}+{material}", "A plus in the name."),
        "line-feed": (f"{SPEC_VKEY}\n", "A line feed at the end."),
        "no-material": (f"{name}+{key_id}+", "An empty key."),
        "type-only": (f"{name}+{key_id}+AQ==", "A type, no key."),
        "31-bytes": (f"{name}+{key_id}+" + b64(b"\x01" + public[:31]), "A key of 31 bytes."),
        "33-bytes": (f"{name}+{key_id}+" + b64(b"\x01" + public + b"\0"), "A key of 33 bytes."),
        "url-base64": (f"{name}+{key_id}+" + material.replace("k", "_"), "Not the standard alphabet."),
    }
    for case, (vkey, about) in wrong.items():
        yield _vkey(case, about, vkey, invalid=NOTE)
    cosigner_id = sha256(name.encode() + b"\n\x04" + public)[:4].hex()
    cosigner = f"{name}+{cosigner_id}+" + b64(b"\x04" + public)
    yield _vkey("cosigner", "Type 0x04: well-formed, but no key of notes.", cosigner, invalid=UNKNOWN)
    yield _vkey("type-2", "Type 0x02, ECDSA.", f"{name}+{key_id}+" + b64(b"\x02" + public), invalid=UNKNOWN)


def _skeys() -> Iterator[Vector]:
    def case(name: str, about: str, skey: str, **outcome: str) -> Vector:
        return {"name": f"skey-{name}", "note": about, "op": "skey", "skey": skey} | outcome

    yield case("trail", "The signing key of a trail.", LOG.skey, seed=LOG.seed.hex(), vkey=LOG.vkey)
    seed = b64(b"\x01" + LOG.seed)
    yield case("no-prefix", "The prefix is missing.", LOG.skey.removeprefix("PRIVATE+KEY+"), invalid=NOTE)
    yield case("text-before", "A word before the prefix.", "key: " + LOG.skey, invalid=NOTE)
    yield case("vkey", "A verifier key.", LOG.vkey, invalid=NOTE)
    yield case("other-id", "Another key's ID.", f"PRIVATE+KEY+{LOG.name}+00000000+{seed}", invalid=NOTE)
    yield case("other-name", "Another name.", LOG.skey.replace("payments", "refunds"), invalid=NOTE)
    yield case("two-line-feeds", "More than one line feed.", LOG.skey + "\n\n", invalid=NOTE)
    short = f"PRIVATE+KEY+{LOG.name}+{LOG.id.hex()}+" + b64(b"\x01" + LOG.seed[:31])
    yield case("31-bytes", "A seed of 31 bytes.", short, invalid=NOTE)
    other = f"PRIVATE+KEY+{LOG.name}+{LOG.id.hex()}+" + b64(b"\x06" + LOG.seed)
    yield case("type-6", "Another signature type.", other, invalid=UNKNOWN)


def _open(
    name: str,
    about: str,
    data: str | bytes,
    *,
    verifiers: Sequence[str] = (LOG.vkey,),
    exact: bool = False,
    invalid: str | None = None,
    signed_by: Sequence[str] = (LOG.vkey,),
    unknown: int = 0,
    text: str = TEXT,
) -> Vector:
    vector: Vector = {"name": f"open-{name}", "note": about, "op": "open"}
    vector |= {"data": data} if isinstance(data, str) else {"data_hex": data.hex()}
    vector |= {"verifiers": list(verifiers), "exact": exact}
    if invalid:
        return vector | {"invalid": invalid}
    return vector | {"text": text, "signed_by": list(signed_by), "unknown": unknown}


def _open_valid() -> Iterator[Vector]:
    line, other = LOG.line(TEXT), OTHER.line(TEXT)
    foreign = [Key(f"cosigner-{i}.example.net") for i in range(64)]
    yield _open(
        "example",
        "The example of C2SP signed-note.",
        SPEC_NOTE,
        verifiers=[SPEC_VKEY],
        signed_by=[SPEC_VKEY],
        text="This is an example message.\n",
        exact=True,
    )
    yield _open(
        "quasimodo-with-our-signature",
        "The poem of C2SP signed-note under a key of ours: its own is unknown, and a blank line is text.",
        QUASIMODO + LOG.line(QUASIMODO_TEXT),
        text=QUASIMODO_TEXT,
        unknown=1,
    )
    yield _open("one", "One line of the known key.", note(TEXT, line), exact=True)
    yield _open("unknown-line", "A second line of an unknown key.", note(TEXT, line, other), unknown=1)
    yield _open("repeated-line", "The known key signs twice.", note(TEXT, line, line))
    yield _open(
        "two",
        "Two known keys, in the order of their lines.",
        note(TEXT, other, line),
        verifiers=[LOG.vkey, OTHER.vkey],
        signed_by=[OTHER.vkey, LOG.vkey],
        exact=True,
    )
    yield _open(
        "16-signatures",
        "C2SP: verifiers accept at least 16.",
        note(TEXT, *(key.line(TEXT) for key in foreign[:15]), line),
        unknown=15,
    )
    yield _open(
        "64-signatures",
        "As many as are accepted here.",
        note(TEXT, *(key.line(TEXT) for key in foreign[:63]), line),
        unknown=63,
    )
    yield _open(
        "65-signatures",
        "One more.",
        note(TEXT, *(key.line(TEXT) for key in foreign), line),
        invalid=NOTE,
    )
    signed = note(TEXT, line)
    yield _open(
        "note-as-text",
        "The text of a note is a note: split at the last blank line.",
        note(signed, LOG.line(signed)),
        text=signed,
    )
    for case, text in {
        "only-a-line-feed": "\n",
        "blank-lines-at-the-end": "text\n\n\n",
        "line-separator": "one\u2028line\u0085\n",
        "not-a-checkpoint": "{}\n",
    }.items():
        yield _open(f"text-{case}", "An unusual text.", note(text, LOG.line(text)), text=text, exact=True)


def _open_shapes() -> Iterator[Vector]:
    """Yield notes that are spoiled as a whole."""
    line = LOG.line(TEXT)
    good = note(TEXT, line)
    for case, (about, data) in {
        "empty": ("Nothing.", ""),
        "text-only": ("No signature.", TEXT),
        "no-signature-line": ("A blank line and no signature.", TEXT + "\n"),
        "no-blank-line": ("No blank line.", TEXT + line),
        "no-last-line-feed": ("The last line feed is missing.", good[:-1]),
        "blank-line-after": ("The last blank line is behind the signatures.", good + "\n"),
        "blank-line-between": ("Signatures parted by a blank line.", note(TEXT, line, "\n", "junk\n")),
        "comment-line": ("A line that is no signature.", note(TEXT, line, "-- the end\n")),
        "crlf": ("Lines end in CR LF.", good.replace("\n", "\r\n")),
        "tab": ("A tab in the text.", note("a\tb\n", LOG.line("a\tb\n"))),
        "nul": ("A NUL in the text.", note("a\0b\n", LOG.line("a\0b\n"))),
        "byte-order-mark-as-signature-start": ("A byte order mark.", note(TEXT, "\ufeff" + line)),
    }.items():
        yield _open(case, about, data, invalid=NOTE)
    yield _open("not-utf-8", "A byte that is not UTF-8.", good.encode() + b"\xff", invalid=NOTE)
    surrogate = good.replace("payments", "\udcff").encode("utf-8", "surrogatepass")
    yield _open("surrogate", "A surrogate, encoded.", surrogate, invalid=NOTE)
    overlong = good.encode().replace(b"3\n", b"\xc0\xb3\n", 1)
    yield _open("overlong", "An ASCII digit in two bytes.", overlong, invalid=NOTE)


def _open_lines() -> Iterator[Vector]:
    """Yield notes whose signature lines are wrong, or of the wrong key."""
    line, blob = LOG.line(TEXT), LOG.id + LOG.signature(TEXT)
    bad = signature_line(LOG.name, LOG.id + OTHER.signature(TEXT))
    for case, (about, lines) in {
        "hyphen": ("A hyphen for the em dash.", [line.replace("\u2014", "-")]),
        "no-dash": ("No em dash.", [line[2:]]),
        "two-spaces": ("Two spaces before the signature.", [line.replace(LOG.name, LOG.name + " ")]),
        "space-at-the-end": ("A space at the end of a line.", [line[:-1] + " \n"]),
        "no-name": ("An empty name.", [line.replace(LOG.name, "")]),
        "name-with-plus": ("A plus in a name.", [line, line.replace("audit", "au+it")]),
        "name-with-nbsp": ("A no-break space in a name.", [line, line.replace("audit", "au\u00a0it")]),
        "no-signature": ("A name and no signature.", [f"\u2014 {LOG.name}\n"]),
        "key-id-only": ("A key ID and no signature.", [signature_line(LOG.name, LOG.id)]),
        "three-bytes": ("Less than a key ID.", [line, signature_line(OTHER.name, OTHER.id[:3])]),
    }.items():
        yield _open(f"line-{case}", about, note(TEXT, *lines), invalid=NOTE)
    for case, (about, lines) in {
        "bad": ("Another key's signature under the known key's ID.", [bad]),
        "bad-beside-good": ("A known key's bad signature spoils the note.", [line, bad]),
        "bad-before-good": ("The same in the other order.", [bad, line]),
        "of-other-text": ("The signature of another text.", [LOG.line(TEXT.replace("3", "4", 1))]),
        "of-text-without-line-feed": ("The last line feed is signed, too.", [LOG.line(TEXT[:-1])]),
        "63-bytes": ("A signature cut short.", [signature_line(LOG.name, blob[:-1])]),
        "65-bytes": ("A signature with a byte more.", [signature_line(LOG.name, blob + b"\0")]),
        "s-plus-order": (
            "S + L verifies with a lenient library (RFC 8032 section 5.1.7).",
            [_plus_order(blob)],
        ),
        "zero": ("All zero.", [signature_line(LOG.name, LOG.id + bytes(64))]),
    }.items():
        yield _open(f"signature-{case}", about, note(TEXT, *lines), invalid=SIGNATURE)
    for case, (about, data) in {
        "other-key": ("Only an unknown key signed.", note(TEXT, OTHER.line(TEXT))),
        "same-name": ("The known name, another key ID.", note(TEXT, ROTATED.line(TEXT))),
        "same-key-other-name": ("The same key under another name.", note(TEXT, SEAL.line(TEXT))),
        "same-id": ("The known key ID, another name.", note(TEXT, signature_line(OTHER.name, blob))),
        "quasimodo": ("The poem of C2SP signed-note, whose key is not published.", QUASIMODO),
    }.items():
        yield _open(f"unsigned-{case}", about, data, invalid=UNSIGNED)
    yield _open("no-verifiers", "Nobody is trusted.", note(TEXT, line), verifiers=[], invalid=UNSIGNED)
    unknown, repeated = note(TEXT, line, OTHER.line(TEXT)), note(TEXT, line, line)
    yield _open("exact-unknown-line", "An unknown key's line, refused.", unknown, exact=True, invalid=NOTE)
    yield _open("exact-repeated-line", "A second line, refused.", repeated, exact=True, invalid=NOTE)


def _open_base64() -> Iterator[Vector]:
    """Yield notes whose signature decodes leniently to the right bytes."""
    encoded = b64(LOG.id + LOG.signature(TEXT))
    for case, (about, spelling) in {
        "unused-bits": ("An unused bit of the last character is set.", free_bit(encoded)),
        "no-padding": ("The padding is missing.", encoded.rstrip("=")),
        "padding-twice": ("Too much padding.", encoded + "="),
        "url-alphabet": ("Not the standard alphabet.", encoded.translate(str.maketrans("+/", "-_"))),
        "junk": ("A character outside the alphabet.", encoded[:8] + "!" + encoded[8:]),
        "not-ascii": ("A letter that is not ASCII.", encoded[:8] + "\u00e9" + encoded[9:]),
        "line-break": ("Folded.", encoded[:40] + "\n" + encoded[40:]),
    }.items():
        data = note(TEXT, f"\u2014 {LOG.name} {spelling}\n")
        yield _open(f"base64-{case}", about, data, invalid=NOTE)


def _sign() -> Iterator[Vector]:
    def case(name: str, about: str, text: str, keys: Sequence[Key], **outcome: str) -> Vector:
        skeys = [key.skey for key in keys]
        return {"name": f"sign-{name}", "note": about, "op": "sign", "text": text, "skeys": skeys} | outcome

    yield case("one", "One key.", TEXT, [LOG], data=note(TEXT, LOG.line(TEXT)))
    data = note(QUASIMODO_TEXT, LOG.line(QUASIMODO_TEXT), OTHER.line(QUASIMODO_TEXT))
    yield case("two", "Two keys, in the order given.", QUASIMODO_TEXT, [LOG, OTHER], data=data)
    data = note(TEXT, LOG.line(TEXT), SEAL.line(TEXT))
    yield case("two-names", "One private key under two names.", TEXT, [LOG, SEAL], data=data)
    yield case("no-line-feed", "The text does not end in a line feed.", TEXT[:-1], [LOG], invalid=NOTE)
    yield case("empty", "No text.", "", [LOG], invalid=NOTE)
    yield case("control", "A carriage return.", "a\r\n", [LOG], invalid=NOTE)
    yield case("nobody", "No key.", TEXT, [], invalid=NOTE)
    yield case("twice", "One key twice.", TEXT, [LOG, LOG], invalid=NOTE)


def _plus_order(blob: bytes) -> str:
    """Return the signature line with S + L in the place of S."""
    s = int.from_bytes(blob[36:], "little") + ORDER
    return signature_line(LOG.name, blob[:36] + s.to_bytes(32, "little"))
