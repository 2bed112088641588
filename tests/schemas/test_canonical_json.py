import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.canonical_json import MAX_DEPTH, Members, dumps_canonical, loads_canonical
from sealtrail_schemas.errors import FormatError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(texts, values, max_size=3))
def test_round_trip(members):
    try:
        assert loads_canonical(dumps_canonical(members), 1 << 16) == members
    except FormatError as error:
        assert "levels" in str(error)  # noqa: PT017  # deep values are the only ones refused


@given(st.dictionaries(texts, texts, min_size=1, max_size=3), st.data())
def test_another_spelling_is_refused(members, data):
    canonical = dumps_canonical(members)
    spelling = json.dumps(
        dict(data.draw(st.permutations(list(members.items())))),
        ensure_ascii=data.draw(st.booleans()),
        separators=data.draw(st.sampled_from([(",", ":"), (", ", ":"), (",", ": ")])),
    ).encode()
    if spelling == canonical:
        assert loads_canonical(spelling, 1 << 16) == members
    else:
        with pytest.raises(FormatError, match="canonical form"):
            loads_canonical(spelling, 1 << 16)


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_with_a_format_error(data):
    for wrapped in (data, b'{"x":' + data + b"}"):
        try:
            members = loads_canonical(wrapped, 1 << 16)
        except FormatError:
            continue
        assert dumps_canonical(members) == wrapped


def test_size_and_depth_are_bounded():
    deepest = b'{"x":' * MAX_DEPTH + b"0" + b"}" * MAX_DEPTH
    assert loads_canonical(deepest, len(deepest))
    with pytest.raises(FormatError, match="at most"):
        loads_canonical(deepest, len(deepest) - 1)
    for opening in (b'{"x":', b"["):
        with pytest.raises(FormatError, match="more than 8 levels"):
            loads_canonical(b'{"x":' + opening * 100_000, 1 << 20)


def test_brackets_within_strings_are_no_levels():
    members = {"x": "[" * 50 + '"\\' + "{" * 50}
    assert loads_canonical(dumps_canonical(members), 1 << 16) == members


def test_a_number_too_long_to_convert_is_refused():
    with pytest.raises(FormatError):
        loads_canonical(b'{"x":' + b"1" * 10_000 + b"}", 1 << 16)


def test_members_name_the_place():
    inner = Members({"a": {"b": {"c": 1}}}).take_object("a").take_object("b")
    with pytest.raises(FormatError, match=r"member a\.b\.c is not a string"):
        inner.take_text("c")
    with pytest.raises(FormatError, match=r"member a\.b\.d is missing"):
        inner.take_hex("d", 1)


def test_members_refuse_what_was_not_taken():
    members = Members({"a": "x", "b": None})
    assert members.take_text("a") == "x"
    with pytest.raises(FormatError, match="'b' is unknown"):
        members.refuse_others()
    assert members.take_text_or_null("b") is None
    members.refuse_others()
