#!/usr/bin/env python3
"""Write the vectors of producers' stamps to stamp.json beside this file; `--check` only compares.

The bytes are put together here by hand, by nothing that sealtrail encodes with.
"""

from __future__ import annotations

import sys
from typing import Any

from vector_files import write_or_check

ABOUT = (
    "Producers' stamps (docs/format.md, \"Producer's stamp\"). A vector has the headers of a record as pairs "
    "in hex, and what they say: producer, incarnation, number and void runs; null where there is no stamp; "
    "or the error, where there is one that is to be refused."
)
STAMP, VOID = b"sealtrail.producer", b"sealtrail.void"
GOOD = b"payments-api 71ecfa25ad8ed7d8 1042"
SAID = {"producer": "payments-api", "incarnation": "71ecfa25ad8ed7d8", "number": "1042", "void": []}
Headers = list[tuple[bytes, bytes | None]]


def vector(name: str, note: str, headers: Headers, **outcome: Any) -> dict[str, Any]:
    """One vector."""
    pairs = [[key.hex(), None if value is None else value.hex()] for key, value in headers]
    return {"name": name, "note": note, "headers": pairs, **outcome}


def valid() -> list[dict[str, Any]]:
    """Headers that carry a stamp, or none."""
    longest = b"n" * 128
    full = b",".join(b"%d" % number for number in range(1000, 1000 + 2 * 204, 2))
    return [
        vector(
            "sample",
            "as on the page",
            [(STAMP, GOOD), (VOID, b"17-19,22")],
            stamp=SAID | {"void": [["17", "19"], ["22", "22"]]},
        ),
        vector("alone", "without void numbers", [(STAMP, GOOD)], stamp=SAID),
        vector("last", "behind other headers", [(b"h", None), (STAMP, b"x"), (STAMP, GOOD)], stamp=SAID),
        vector(
            "first_number",
            "number 0",
            [(STAMP, b"p 0000000000000000 0")],
            stamp={"producer": "p", "incarnation": "0" * 16, "number": "0", "void": []},
        ),
        vector(
            "greatest",
            "the longest name, the greatest number",
            [(STAMP, longest + b" ffffffffffffffff 9223372036854775807")],
            stamp={"producer": "n" * 128, "incarnation": "f" * 16, "number": str(2**63 - 1), "void": []},
        ),
        vector(
            "odd_name",
            "any printable ASCII but a space",
            [(STAMP, b'!~/\\" 71ecfa25ad8ed7d8 1')],
            stamp={"producer": '!~/\\"', "incarnation": "71ecfa25ad8ed7d8", "number": "1", "void": []},
        ),
        vector(
            "void_full",
            "as many void numbers as there is room for",
            [(STAMP, GOOD), (VOID, full)],
            stamp=SAID | {"void": [[str(number)] * 2 for number in range(1000, 1000 + 2 * 204, 2)]},
        ),
        vector(
            "void_all",
            "every number there is",
            [(STAMP, GOOD), (VOID, b"0-9223372036854775807")],
            stamp=SAID | {"void": [["0", str(2**63 - 1)]]},
        ),
        vector("none", "no headers", [], stamp=None),
        vector("other", "other headers", [(b"h", b"v")], stamp=None),
        vector(
            "replayed",
            "not the last header: it is that of the record that was put back",
            [(STAMP, GOOD), (b"sealtrail.replay", b"x")],
            stamp=None,
        ),
        vector("void_alone", "void numbers without a stamp before them", [(VOID, b"1")], stamp=None),
        vector(
            "void_before", "void numbers before the stamp are none", [(VOID, b"x"), (STAMP, GOOD)], stamp=SAID
        ),
    ]


def invalid() -> list[dict[str, Any]]:
    """Headers whose stamp every reader refuses."""
    stamps = [
        ("null", "no value", None),
        ("empty", "an empty value", b""),
        ("name_empty", "no name", b" 71ecfa25ad8ed7d8 1"),
        ("name_long", "a name of 129 characters", b"n" * 129 + b" 71ecfa25ad8ed7d8 1"),
        ("name_space", "a space within the name", b"a b 71ecfa25ad8ed7d8 1"),
        ("name_utf8", "a name that is not ASCII", "ä 71ecfa25ad8ed7d8 1".encode()),
        ("name_control", "a control character in the name", b"a\x1b 71ecfa25ad8ed7d8 1"),
        ("upper_case", "an incarnation in upper case", b"p 71ECFA25AD8ED7D8 1"),
        ("incarnation_short", "15 hex digits", b"p 71ecfa25ad8ed7d 1"),
        ("number_absent", "no number", b"p 71ecfa25ad8ed7d8"),
        ("number_zero", "a leading zero", b"p 71ecfa25ad8ed7d8 01"),
        ("number_negative", "a negative number", b"p 71ecfa25ad8ed7d8 -1"),
        ("number_great", "2^63", b"p 71ecfa25ad8ed7d8 9223372036854775808"),
        ("number_long", "twenty digits", b"p 71ecfa25ad8ed7d8 10000000000000000000"),
        ("spaces", "two spaces", b"p  71ecfa25ad8ed7d8 1"),
        ("line_feed", "a line feed at the end", GOOD + b"\n"),
    ]
    voids = [
        ("void_null", "no value", None),
        ("void_empty", "an empty value", b""),
        ("void_comma", "a comma too many", b"1,"),
        ("void_falling", "numbers that fall", b"3,1"),
        ("void_touching", "runs that could be one", b"1-2,3"),
        ("void_overlapping", "runs that overlap", b"1-5,4-9"),
        ("void_backwards", "a run that ends before it begins", b"5-3"),
        ("void_single", "a run of one number", b"5-5"),
        ("void_zero", "a leading zero", b"01"),
        ("void_great", "2^63", b"9223372036854775808"),
        ("void_space", "a space", b"1, 3"),
        ("void_long", "more than 1,024 bytes", b",".join(b"%d" % number for number in range(1000, 1414, 2))),
    ]  # fmt: skip
    error = {"invalid": "StampError"}
    return [
        *(vector(name, note, [(STAMP, value)], **error) for name, note, value in stamps),
        *(vector(name, note, [(STAMP, GOOD), (VOID, value)], **error) for name, note, value in voids),
    ]


if __name__ == "__main__":
    sys.exit(write_or_check({"stamp": (ABOUT, [*valid(), *invalid()])}))
