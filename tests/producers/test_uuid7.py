"""Event ids."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sealtrail_producers.uuid7 import uuid7

TIMES = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=10, max_size=10)


def test_the_example_of_rfc_9562_appendix_a_6():
    tail = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert uuid7(0x017F22E279B0, tail) == uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(TIMES, RANDOM)
def test_version_and_variant_are_marked(time_ms, random):
    made = uuid7(time_ms, random)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


@given(st.lists(TIMES, min_size=2, max_size=2, unique=True), RANDOM, RANDOM)
def test_ids_sort_by_time(times, random, other):
    earlier, later = sorted(times)
    assert str(uuid7(earlier, random)) < str(uuid7(later, other))


@given(TIMES, st.binary(min_size=10, max_size=10))
def test_74_random_bits_tell_ids_apart(time_ms, random):
    flipped = bytes(byte ^ 1 for byte in random)
    assert uuid7(time_ms, random) != uuid7(time_ms, flipped)
