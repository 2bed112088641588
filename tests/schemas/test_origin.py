from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas.errors import OriginError
from sealtrail_schemas.keys import check_key_name
from sealtrail_schemas.origin import make_origin, split_origin

bases = st.from_regex(r"[a-z0-9.-]{1,20}(:[0-9]{1,4})?(/[a-zA-Z0-9._~%@-]{1,9}){0,3}", fullmatch=True)
topics = st.from_regex(r"[a-zA-Z0-9._-]{1,249}", fullmatch=True).filter(
    lambda topic: topic not in {".", ".."}
)


@given(bases, topics, st.integers(0, 2**31 - 1))
def test_an_origin_splits_into_what_it_was_made_of(base, topic, partition):
    origin = make_origin(base, topic, partition)
    assert split_origin(origin) == (base, topic, partition)
    check_key_name(origin)


@given(st.text(st.sampled_from("a0.1/{+ \n\u0661")))
def test_a_text_is_an_origin_in_one_spelling_or_none(text):
    try:
        parts = split_origin(text)
    except OriginError:
        return
    assert make_origin(*parts) == text


@pytest.mark.parametrize(
    "base",
    [
        *(
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "https://audit.example.com",
            "a b",
            "a\u00a0b",
            "a+b",
            "a\n",
            "a?b",
            "a#b",
        ),
        *('{"a":1}', "{a", "pr\u00fcfung.example", "a\x7f", "a\udcff", "a" * 256),
    ],
)
def test_bases_that_are_refused(base):
    with pytest.raises(OriginError, match="URL without its scheme") as caught:
        make_origin(base, "payments", 0)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("topic", ["", ".", "..", "a/b", "a b", "a\n", "\u00e9", "a" * 250])
def test_topics_that_kafka_refuses(topic):
    with pytest.raises(OriginError, match="not a topic name"):
        make_origin("audit.example.com", topic, 0)


@pytest.mark.parametrize("partition", [-1, 2**31])
def test_partitions_that_kafka_does_not_number(partition):
    with pytest.raises(OriginError, match="partition"):
        make_origin("audit.example.com", "payments", partition)


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "",
            "0",
            "payments/0",
            "audit.example.com/payments",
            "audit.example.com/payments/",
            "a/b/-1",
            "a/b/00",
        ),
        *(
            "a/b/01",
            "a/b/+1",
            "a/b/1 ",
            "a/b/1\n",
            "a/b/\u0661",
            "a/b/2147483648",
            "a/b/0/seal",
            "a/../0",
            "/b/0",
        ),
        "a/b/" + "1" * 5000,
    ],
)
def test_texts_that_are_no_origin(origin):
    with pytest.raises(OriginError):
        split_origin(origin)
