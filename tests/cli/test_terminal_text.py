import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail.terminal_text import hex_rows, indent_json, printable, printable_bytes, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, Größe, 日本", "plain text, Größe, 日本"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb\x07", "a\\r\\nb\\x07"),
        ("txt.\u202egpj", "txt.\\u202egpj"),
        ("a\u2028b", "a\\u2028b"),
        ("\udc80", "\\udc80"),
    ],
)
def test_what_does_not_print_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_printable_text_always_prints(text):
    assert printable(text).isprintable()
    assert all(line.isprintable() for line in printable_lines(text))


def test_bytes_are_shown_as_text_or_hex():
    assert printable_bytes(b"k\x00") == "k\\x00"
    assert printable_bytes(b"\xff\x1b") == "0xff1b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_indented_json_is_the_same_json_as_the_standard_library_indents(value):
    assert indent_json(json.dumps(value).encode()) == json.dumps(value, indent=2)


def test_indenting_keeps_digits_order_and_repeated_members():
    source = b'{"amount":1.50e2,"user":"ines","user":"tom"}'
    shown = indent_json(source)
    assert shown == '{\n  "amount": 1.50e2,\n  "user": "ines",\n  "user": "tom"\n}'


@pytest.mark.parametrize("data", [b"", b"{", b"hello", b"\xff", b"[" * 5000])
def test_what_is_no_json_is_not_indented(data):
    assert indent_json(data) is None


def test_a_hex_dump_shows_offsets_bytes_and_ascii():
    rows = hex_rows(b"Obj\x01" + bytes(14))
    assert rows[0] == "00000000  4f 62 6a 01 00 00 00 00 00 00 00 00 00 00 00 00  Obj............."
    assert rows[1].startswith("00000010  00 00  ")
