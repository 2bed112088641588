from hashlib import sha256

import pytest

from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import (
    batch_key,
    format_documents,
    parse_batch_key,
    parse_seal_key,
    parse_trail_prefix,
    partition_prefix,
    seal_key,
    trail_prefix,
)

TRAIL_ID = bytes.fromhex("5be1a7c2") + bytes(28)
MAX = 2**63 - 1


def test_names():
    assert partition_prefix("payments", 0) == "payments/0/"
    assert trail_prefix("payments", 0, TRAIL_ID) == "payments/0/5be1a7c2/"
    assert batch_key(500) == "batches/00000000000000000500.avro"
    assert batch_key(500, 2) == "batches/00000000000000000500-2.avro"
    assert seal_key(932) == "seals/00000000000000000932.seal"


@pytest.mark.parametrize(("topic", "partition"), [("payments", 0), ("a.b_C-1", 2**31 - 1), ("x" * 249, 10)])
def test_trail_prefix_round_trip(topic, partition):
    assert parse_trail_prefix(trail_prefix(topic, partition, TRAIL_ID)) == (topic, partition, "5be1a7c2")


@pytest.mark.parametrize("first", [0, 500, MAX - 1])
@pytest.mark.parametrize("suffix", [0, 1, 12])
def test_batch_key_round_trip(first, suffix):
    assert parse_batch_key(batch_key(first, suffix)) == (first, suffix)


@pytest.mark.parametrize("size", [1, 932, MAX])
def test_seal_key_round_trip(size):
    assert parse_seal_key(seal_key(size)) == size


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (trail_prefix, ("..", 0, TRAIL_ID)),
        (trail_prefix, ("a/b", 0, TRAIL_ID)),
        (trail_prefix, ("payments", -1, TRAIL_ID)),
        (trail_prefix, ("payments", 0, TRAIL_ID[:8])),
        (partition_prefix, ("", 0)),
        (batch_key, (-1,)),
        (batch_key, (MAX,)),
        (batch_key, (0, -1)),
        (seal_key, (0,)),
        (seal_key, (MAX + 1,)),
    ],
)
def test_names_that_there_cannot_be(make, arguments):
    with pytest.raises(FormatError):
        make(*arguments)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "payments/0/5be1a7c2",
        "payments/0/5BE1A7C2/",
        "payments/0/5be1a7c/",
        "payments/00/5be1a7c2/",
        "payments/-1/5be1a7c2/",
        "payments/\N{ARABIC-INDIC DIGIT ZERO}/5be1a7c2/",
        "payments/2147483648/5be1a7c2/",
        "../0/5be1a7c2/",
        "a/b/0/5be1a7c2/",
        "pay ments/0/5be1a7c2/",
        "payments/0/5be1a7c2/\n",
    ],
)
def test_other_folders_are_refused(name):
    with pytest.raises(FormatError):
        parse_trail_prefix(name)


@pytest.mark.parametrize(
    "name",
    [
        "00000000000000000500.avro",
        "batches/500.avro",
        "batches/000000000000000000500.avro",
        "batches/00000000000000000500.avro\n",
        "batches/00000000000000000500.AVRO",
        "batches/00000000000000000500-0.avro",
        "batches/00000000000000000500-01.avro",
        "batches/00000000000000000500-.avro",
        "batches/\N{ARABIC-INDIC DIGIT ZERO}0000000000000000500.avro",
        "batches/99999999999999999999.avro",
        "x/batches/00000000000000000500.avro",
    ],
)
def test_other_batch_keys_are_refused(name):
    with pytest.raises(FormatError):
        parse_batch_key(name)


@pytest.mark.parametrize(
    "name",
    [
        "seals/00000000000000000000.seal",
        "seals/99999999999999999999.seal",
        "seals/932.seal",
        "seals/00000000000000000932-1.seal",
        "seals/00000000000000000932.seal ",
        "batches/00000000000000000932.seal",
    ],
)
def test_other_seal_keys_are_refused(name):
    with pytest.raises(FormatError):
        parse_seal_key(name)


def test_format_documents_lie_in_a_folder_named_by_them_all():
    documents = format_documents()
    digest = sha256(b"".join(text for _, text in sorted(documents.items()))).hexdigest()
    names = ("format.md", "audit_event.avsc", "entry.avsc", "payload.avsc")
    assert set(documents) == {f"format/{digest[:16]}/{name}" for name in names}
    assert all(documents.values())
