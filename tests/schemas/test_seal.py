from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sealtrail_schemas.checkpoint import Checkpoint, sign_checkpoint
from sealtrail_schemas.errors import FormatError, NoteUnsignedError, SealError
from sealtrail_schemas.layout import batch_key
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.note import Signer, open_note
from sealtrail_schemas.seal import (
    MAX_SEAL_BYTES,
    BatchRef,
    EntryRef,
    PreviousSeal,
    Seal,
    SealedRetention,
    TimeSpan,
    TopicMark,
    check_extends,
    open_seal,
    seal_key_name,
    sign_seal,
)
from sealtrail_schemas.seal_text import parse_seal_text

ORIGIN = "audit.example.com/payments/0"
SIGNER = Signer.from_seed(ORIGIN, bytes(32))
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BATCH = BatchRef(batch_key(0), "version", bytes(32), 1000, NOON)
ENTRY_HASHES = [bytes((number,)) * 32 for number in range(8)]


def make_seal(first, last, before=None, /, **changes):
    """The seal of the entries from `first` to `last` of a trail of eight."""
    edge = RightEdge.empty()
    edge.extend(ENTRY_HASHES[: last + 1])
    seal = Seal(
        trail_id=bytes(32),
        batch=replace(BATCH, key=batch_key(first)),
        first=EntryRef(first, ENTRY_HASHES[first]),
        last=EntryRef(last, ENTRY_HASHES[last]),
        time=TimeSpan(1000 + first, 1000 + last),
        source=TopicMark(bytes(16), 100),
        chained=TopicMark(bytes(16), 200),
        retention=SealedRetention("COMPLIANCE", NOON + timedelta(days=365, minutes=last)),
        previous=before and PreviousSeal(before.text_sha256, before.seal.retention.until),
        right_edge=edge.hashes,
        checkpoint=sign_checkpoint(Checkpoint(ORIGIN, last + 1, edge.root()), SIGNER),
    )
    return replace(seal, **changes)


def signed(*arguments, **changes):
    return open_seal(sign_seal(make_seal(*arguments, **changes), SIGNER), SIGNER.verifier)


def test_a_chain_of_seals():
    previous = None
    for first, last in ((0, 0), (1, 4), (5, 5), (6, 7)):
        opened = signed(first, last, previous)
        check_extends(previous, opened)
        assert opened.seal == make_seal(first, last, previous)
        assert opened.checkpoint == Checkpoint(ORIGIN, last + 1, opened.right_edge.root())
        assert opened.seal.size == last + 1
        previous = opened


def test_every_changed_byte_is_refused():
    data = sign_seal(make_seal(0, 2), SIGNER)
    signature_start = data.rindex("— ".encode())
    for place in range(len(data)):
        bits = range(8) if place >= signature_start else (place % 8,)
        for bit in bits:
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            with pytest.raises(FormatError):
                open_seal(bytes(flipped), SIGNER.verifier)


def test_every_truncation_is_refused():
    data = sign_seal(make_seal(0, 2), SIGNER)
    for length in range(len(data)):
        with pytest.raises(FormatError):
            open_seal(data[:length], SIGNER.verifier)


def test_a_seal_is_no_checkpoint_and_a_checkpoint_no_seal():
    seal = make_seal(0, 2)
    with pytest.raises(NoteUnsignedError):
        open_note(sign_seal(seal, SIGNER), [SIGNER.verifier])
    with pytest.raises(NoteUnsignedError):
        open_seal(seal.checkpoint, SIGNER.verifier)
    assert seal_key_name(ORIGIN) == "audit.example.com/payments/0/seal"


@pytest.mark.parametrize(
    "changes",
    [
        {"trail_id": bytes(31)},
        {"first": EntryRef(3, ENTRY_HASHES[3])},
        {"last": EntryRef(2, ENTRY_HASHES[1])},
        {"last": EntryRef(1, ENTRY_HASHES[1])},
        {"time": TimeSpan(2, 1)},
        {"time": TimeSpan(-1, 1)},
        {"source": TopicMark(bytes(15), 0)},
        {"chained": TopicMark(bytes(16), -1)},
        {"retention": SealedRetention("COMPLIANCE", None)},
        {"retention": SealedRetention("NONE", NOON)},
        {"retention": SealedRetention("COMPLIANCE", NOON + timedelta(microseconds=1))},
        {"retention": SealedRetention("COMPLIANCE", NOON.replace(tzinfo=None))},
        {"retention": SealedRetention("COMPLIANCE", NOON.astimezone(timezone(timedelta(hours=1))))},
        {"previous": PreviousSeal(bytes(32), NOON)},
        {"right_edge": ()},
        {"checkpoint": b""},
        {"checkpoint": b"\xff"},
        {"schemas": (("a/b", bytes(32)),)},
        {"schemas": (("a", bytes(31)),)},
        {"batch": replace(BATCH, key="batches/0.avro")},
        {"batch": replace(BATCH, key=batch_key(1))},
        {"batch": replace(BATCH, version_id="")},
        {"batch": replace(BATCH, version_id="\ud800")},
        {"batch": replace(BATCH, sha256=bytes(20))},
        {"batch": replace(BATCH, length=0)},
        {"schemas": tuple((f"schema-{number}", bytes(32)) for number in range(1000))},
    ],
)
def test_what_would_not_open_is_not_signed(changes):
    with pytest.raises(FormatError):
        sign_seal(make_seal(0, 2, **changes), SIGNER)


def test_a_seal_that_ends_before_it_begins_is_not_signed():
    previous = signed(0, 2)
    with pytest.raises(SealError, match="from sequence 5 to 4"):
        sign_seal(make_seal(5, 4, previous, time=TimeSpan(1000, 1000)), SIGNER)


def test_a_text_without_its_line_feed_is_refused():
    text = make_seal(0, 2).text()
    assert parse_seal_text(text) == make_seal(0, 2)
    with pytest.raises(SealError, match="line feed"):
        parse_seal_text(text.removesuffix("\n"))


def test_a_seal_over_64_kib_is_refused():
    data = sign_seal(make_seal(0, 2), SIGNER)
    with pytest.raises(FormatError, match="more than 65536"):
        open_seal(data + b"\n" * MAX_SEAL_BYTES, SIGNER.verifier)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ({}, {"trail_id": bytes(31) + b"x"}, "trail id: expected 00"),
        ({}, {"previous": PreviousSeal(bytes(32), NOON)}, "hash of the seal before: expected"),
        (
            {"retention": SealedRetention("COMPLIANCE", NOON + timedelta(days=500))},
            {},
            "retention: expected 2028-04-06",
        ),
        ({}, {"retention": SealedRetention("NONE", None)}, "found none"),
    ],
)
def test_a_seal_that_does_not_extend(before, after, why):
    previous = signed(0, 2, **before)
    with pytest.raises(SealError, match=why):
        check_extends(previous, signed(3, 4, previous, **after))


def test_a_seal_after_a_gap_does_not_extend():
    with pytest.raises(SealError, match="first sequence: expected 2, found 3"):
        check_extends(signed(0, 1), signed(3, 4, signed(0, 2)))


def test_the_first_seal_extends_no_other():
    with pytest.raises(SealError, match="extends no other"):
        check_extends(signed(0, 2), signed(0, 2))


def test_the_same_retention_extends():
    previous = signed(0, 2)
    check_extends(previous, signed(3, 4, previous, retention=previous.seal.retention))


def test_a_seal_of_another_origin_does_not_extend():
    previous = signed(0, 2)
    other = Signer.from_seed("audit.example.com/orders/0", bytes(32))
    seal = make_seal(3, 4, previous)
    checkpoint = sign_checkpoint(
        Checkpoint(other.name, 5, RightEdge.from_parts(5, seal.right_edge).root()), other
    )
    data = sign_seal(replace(seal, checkpoint=checkpoint), other)
    with pytest.raises(SealError, match="origin: expected"):
        check_extends(previous, open_seal(data, other.verifier))


def test_a_trail_may_move_to_a_store_that_locks():
    previous = signed(0, 2, retention=SealedRetention("NONE", None))
    check_extends(previous, signed(3, 4, previous))
