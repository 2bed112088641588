"""Paths into JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.errors import MappingError
from sealtrail_schemas.json_path import (
    MISSING,
    at_path,
    equals_text,
    parse_json_path,
    scalar_text,
    split_equation,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("$.a.b", ("a", "b")),
        ("$[0].a", (0, "a")),
        (".a", ("a",)),
        ("a[0][12].b", ("a", 0, 12, "b")),
        ("userIdentity.sessionContext", ("userIdentity", "sessionContext")),
        ('a["b.c"]', ("a", "b.c")),
        ('["a b"]["\\"]"]', ("a b", '"]')),
        ("@timestamp", ("@timestamp",)),
        ("größe.日本", ("größe", "日本")),
    ],
)
def test_a_path_is_names_and_numbers(text, path):
    assert parse_json_path(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", "a..b", "a[", "a[]", "a[-1]", "a[*]", "a b", "a=b", '["a', "a]"]
)
def test_what_is_no_path_is_refused_in_one_line(text):
    with pytest.raises(MappingError, match="path into JSON") as caught:
        parse_json_path(text)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_path_or_refused(text):
    try:
        path = parse_json_path(text)
    except MappingError:
        return
    assert path


@given(st.lists(st.one_of(st.text(), st.integers(0, 999_999_999)), min_size=1))
def test_every_path_can_be_written(path):
    steps = [f"[{step}]" if isinstance(step, int) else f"[{json.dumps(step)}]" for step in path]
    assert parse_json_path("".join(steps)) == tuple(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("a", "b", 1), 3),
        (("a", "n"), None),
        (("a", "x"), MISSING),
        (("a", "b", 2), MISSING),
        (("a", 0), MISSING),
        (("a", "b", "c"), MISSING),
        ((0,), MISSING),
    ],
)
def test_what_lies_at_a_path_is_found(path, found):
    assert at_path({"a": {"b": [2, 3], "n": None}}, path) is found


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (1, "1"), (1.5, "1.5"), (True, "true"), (None, "null"), ([], None), ({}, None)],
)
def test_what_is_one_value_has_a_text(value, text):
    assert scalar_text(value) == text
    if text is not None:
        assert equals_text(value, text)


@pytest.mark.parametrize(("value", "text"), [("1", "1.0"), (True, "1"), (None, ""), ([1], "1"), (1, "one")])
def test_what_is_another_value_differs(value, text):
    assert not equals_text(value, text)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a=1", ("a",), "1"),
        ("a.b[0]=x=y", ("a", "b", 0), "x=y"),
        ("a=", ("a",), ""),
        ('["a=b"]=c', ("a=b",), "c"),
    ],
)
def test_an_equation_is_split_behind_its_path(text, path, value):
    assert split_equation(text) == (path, value)


@pytest.mark.parametrize("text", ["", "a", "=1", "a b=1"])
def test_what_is_no_equation_is_refused(text):
    with pytest.raises(MappingError, match="PATH=VALUE"):
        split_equation(text)
