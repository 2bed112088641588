"""Producers' stamps against the vectors, and properties of what is encoded."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.errors import StampError
from sealtrail_schemas.producer_stamp import (
    MAX_NUMBER,
    MAX_VOID_BYTES,
    Numbers,
    Stamp,
    check_stamp_name,
    encode_void,
    fitting_void,
    parse_stamp,
    parse_void,
    read_stamp,
    runs_of,
    stamp_headers,
    stamp_name,
)

VECTORS = Path(__file__).parents[2] / "vectors"
CASES = json.loads((VECTORS / "stamp.json").read_text())["vectors"]

names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)
incarnations = st.binary(min_size=8, max_size=8).map(bytes.hex)
numbers = st.integers(0, MAX_NUMBER)


def test_make_stamp_makes_this_file():
    subprocess.run([sys.executable, VECTORS / "make_stamp.py", "--check"], check=True)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_a_record_says_what_the_vector_says(case):
    headers = tuple(
        (bytes.fromhex(key), None if value is None else bytes.fromhex(value))
        for key, value in case["headers"]
    )
    if "invalid" in case:
        with pytest.raises(StampError):
            read_stamp(headers)
        return
    said = case["stamp"]
    if said is None:
        assert read_stamp(headers) is None
        return
    stamp = Stamp(said["producer"], said["incarnation"], int(said["number"]))
    void = tuple(Numbers(int(first), int(last)) for first, last in said["void"])
    assert read_stamp(headers) == (stamp, void)
    ours = stamp_headers(stamp, void)
    assert headers[-len(ours) :] == ours


@given(names, incarnations, numbers, st.sets(st.integers(0, 500), max_size=60))
def test_what_is_encoded_is_read(name, incarnation, number, void):
    stamp, runs = Stamp(name, incarnation, number), tuple(runs_of(sorted(void)))
    assert parse_stamp(stamp.encode()) == stamp
    assert read_stamp(((b"h", b"v"), *stamp_headers(stamp, runs))) == (stamp, runs)
    assert {number for run in runs for number in range(run.first, run.last + 1)} == void


@given(st.sets(numbers, max_size=400))
def test_as_many_void_numbers_as_fit_are_taken(void):
    runs = runs_of(sorted(void))
    fitting = fitting_void(runs)
    assert list(fitting) == runs[: len(fitting)]
    if runs:
        assert parse_void(encode_void(fitting)) == tuple(fitting)
    if len(fitting) < len(runs):
        assert len(encode_void(runs[: len(fitting) + 1])) > MAX_VOID_BYTES


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_are_a_stamp_or_a_stamp_error(stamp, void):
    for parse, value in ((parse_stamp, stamp), (parse_void, void)):
        with suppress(StampError):
            parse(value)


@given(st.text(max_size=300))
def test_any_text_makes_a_name_or_none(text):
    name = stamp_name(text)
    if name:
        assert check_stamp_name(name) == name
    else:
        assert not text.strip()


@pytest.mark.parametrize("name", ["", "a b", "ä", "n" * 129, "a\n"])
def test_a_name_that_no_stamp_holds_is_refused(name):
    with pytest.raises(StampError, match="printable ASCII characters without spaces"):
        check_stamp_name(name)
