"""Partitions of keys, against the figures in Apache Kafka's own tests (UtilsTest.testMurmur2)."""

from __future__ import annotations

import pytest

from sealtrail_transport.partitioner import Partitioner, murmur2


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_agrees_with_kafka(data, signed):
    assert murmur2(data) == signed % 2**32


def test_a_key_has_one_partition_whose_number_is_never_negative():
    partitioner = Partitioner(7)
    assert partitioner.partition(b"21") == (-973932308 & 0x7FFFFFFF) % 7
    assert {partitioner.partition(b"21") for _ in range(5)} == {3}
    assert {partitioner.partition(b"%d" % key) for key in range(100)} == set(range(7))


def test_records_without_a_key_take_turns():
    partitioner = Partitioner(3)
    assert [partitioner.partition(None) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_an_empty_key_is_a_key():
    partitioner = Partitioner(3)
    assert len({partitioner.partition(b"") for _ in range(5)}) == 1
