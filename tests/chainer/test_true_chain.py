"""The true chain (docs/format.md, "The true chain"): what is on it, what is stray, and what stops the
line.
"""

import pytest

from sealtrail_chainer.chain_step import chain_event, chain_genesis, chain_heartbeat, chain_rejected
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.true_chain import Linked, Stray, TrueChain, take_genesis
from sealtrail_schemas.body import GenesisBody, TopicRef
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.leaf import LINK_HEADER
from sealtrail_transport.log import LogRecord, NewRecord

pytestmark = pytest.mark.claim("C4")

SALT = bytes(16)
BODY = GenesisBody(
    origin="audit.example.com/events/0",
    incarnation=bytes(16),
    raw_topic=TopicRef("events", bytes(16)),
    chained_topic=TopicRef("events.chained", bytes(16)),
    first_source_offset=0,
    keys=(Signer.from_seed("audit.example.com/events/0", bytes(32)).verifier.vkey,),
    created_at_ms=1,
)
GENESIS, START = chain_genesis(BODY, now_ms=1, salt=SALT)


def source(offset, value=b"v"):
    return LogRecord(offset, None, value)


def committed(offset, record: NewRecord):
    return LogRecord(offset, record.key, record.value, record.headers)


def chained(state, offset, value=b"v", *, salt=SALT):
    return chain_event(state, source(offset, value), next_source_offset=offset + 1, now_ms=5, salt=salt)


@pytest.mark.claim("C2")
def test_records_that_link_are_taken_in_order():
    chain = TrueChain(START)
    first, state = chained(START, 0)
    second, state = chained(state, 1)
    for offset, record in ((1, first), (4, second)):  # offsets have gaps
        taken = chain.take(committed(offset, record))
        assert isinstance(taken, Linked)
        assert taken.offset == offset
    assert chain.state == state
    assert chain.state.size == 3


@pytest.mark.parametrize(
    "record",
    [
        NewRecord(None, b"v"),
        NewRecord(None, b"v", ((LINK_HEADER, None),)),
        NewRecord(None, b"v", ((LINK_HEADER, b"short"),)),
        NewRecord(None, b"v", (chained(START, 0)[0].headers[0], (b"after", b"the link"))),
    ],
    ids=["no headers", "null link", "broken link", "link not last"],
)
def test_a_record_without_a_link_is_stray_and_claims_nothing(record):
    taken = TrueChain(START).take(committed(1, record))
    assert isinstance(taken, Stray)
    assert taken.source_offset is None


def test_a_link_header_of_the_producer_is_kept_as_any_other():
    own = (LINK_HEADER, b"the producer's")
    record, state = chain_event(
        START, LogRecord(0, None, b"v", (own,)), next_source_offset=1, now_ms=5, salt=SALT
    )
    chain = TrueChain(START)
    assert isinstance(chain.take(committed(1, record)), Linked)
    assert chain.state == state
    assert record.headers[0] == own


def test_an_altered_record_of_the_chain_stops_the_line():
    record, _ = chained(START, 0, b"paid 10")
    altered = NewRecord(record.key, b"paid 99", record.headers)
    with pytest.raises(LineStoppedError) as stopped:
        TrueChain(START).take(committed(1, altered))
    assert stopped.value.code is StopCode.PAYLOAD_MISMATCH
    assert stopped.value.evidence == {"chained_offset": 1, "sequence": 1}


def zombie(offset, value=b"v"):
    """A record as an older chainer would have chained it: well-formed, linked to another past."""
    return chained(START._replace(last_hash=b"z" * 32), offset, value, salt=b"z" * 16)[0]


def test_a_stray_ahead_is_settled_when_its_source_comes():
    chain = TrueChain(START)
    taken = chain.take(committed(1, zombie(0)))
    assert isinstance(taken, Stray)
    assert (taken.source_offset, chain.waiting) == (0, 1)
    chain.take(committed(2, chained(START, 0)[0]))
    assert chain.waiting == 0


def test_a_stray_ahead_whose_source_comes_with_other_content_stops_the_line():
    chain = TrueChain(START)
    chain.take(committed(1, zombie(0, b"what was published")))
    with pytest.raises(LineStoppedError) as stopped:
        chain.take(committed(2, chained(START, 0, b"something else")[0]))
    assert stopped.value.code is StopCode.STRAY_LOST


def test_a_stray_ahead_whose_source_is_passed_over_stops_the_line():
    chain = TrueChain(START)
    chain.take(committed(1, zombie(0)))
    with pytest.raises(LineStoppedError) as stopped:
        chain.take(committed(2, chained(START, 1)[0]))
    assert stopped.value.code is StopCode.STRAY_LOST


def test_a_late_stray_with_the_same_content_is_only_stray():
    chain = TrueChain(START)
    chain.take(committed(1, chained(START, 0)[0]))
    taken = chain.take(committed(2, zombie(0)))
    assert isinstance(taken, Stray)
    assert chain.waiting == 0


@pytest.mark.parametrize("claimed", [0, 1], ids=["other content", "a source record that never was"])
def test_a_late_stray_that_has_no_twin_stops_the_line(claimed):
    chain = TrueChain(START)
    record, _ = chain_event(START, source(0), next_source_offset=2, now_ms=5, salt=SALT)
    chain.take(committed(1, record))
    with pytest.raises(LineStoppedError):
        chain.take(committed(2, zombie(claimed, b"other")))


def test_a_late_stray_older_than_what_is_remembered_is_only_stray():
    chain = TrueChain(START, max_recent_bytes=1)
    first, state = chained(START, 0)
    chain.take(committed(1, first))
    chain.take(committed(2, chained(state, 1)[0]))
    assert isinstance(chain.take(committed(3, zombie(1))), Stray)
    assert isinstance(chain.take(committed(4, zombie(0, b"not compared"))), Stray)


@pytest.mark.parametrize("late", [False, True], ids=["ahead", "late"])
def test_a_stray_that_rejects_what_the_true_chain_has_as_an_event_is_only_stray(late):
    other_past = START._replace(last_hash=b"z" * 32)
    rejected, _ = chain_rejected(other_past, source(0), "refused", next_source_offset=1, now_ms=5, salt=SALT)
    chain = TrueChain(START)
    records = [chained(START, 0)[0], rejected]
    for offset, record in enumerate(records if late else records[::-1], start=1):
        chain.take(committed(offset, record))
    assert (chain.waiting, chain.state.size) == (0, 2)


@pytest.mark.claim("C12")
def test_waiting_strays_are_bounded():
    chain = TrueChain(START, max_waiting_bytes=1_900)
    chain.take(committed(1, zombie(5, b"x" * 600)))
    with pytest.raises(LineStoppedError):
        chain.take(committed(2, zombie(6, b"x" * 600)))


def test_strays_of_another_trail_and_stray_heartbeats_claim_nothing():
    foreign = START._replace(trail_id=b"f" * 32)
    heartbeat, _ = chain_heartbeat(
        START._replace(last_hash=b"z" * 32), next_source_offset=0, now_ms=9, salt=SALT
    )
    chain = TrueChain(START)
    for offset, record in ((1, chained(foreign, 0)[0]), (2, heartbeat)):
        taken = chain.take(committed(offset, record))
        assert isinstance(taken, Stray)
        assert taken.source_offset is None
    assert chain.waiting == 0


def test_a_genesis_is_taken_only_as_one():
    assert take_genesis(committed(0, GENESIS)).leaf.sequence == 0
    with pytest.raises(FormatError, match="kind event, sequence 1"):
        take_genesis(committed(0, chained(START, 0)[0]))
    with pytest.raises(FormatError, match="not what its link commits to"):
        take_genesis(committed(0, NewRecord(None, b"{}", GENESIS.headers)))
    assert isinstance(TrueChain(START).take(committed(1, GENESIS)), Stray)


def test_chained_at_never_goes_back():
    first, state = chain_event(START, source(0), next_source_offset=1, now_ms=100, salt=SALT)
    second, state = chain_event(state, source(1), next_source_offset=2, now_ms=50, salt=SALT)
    chain = TrueChain(START)
    assert chain.take(committed(1, first)).leaf.chained_at_ms == 100
    assert chain.take(committed(2, second)).leaf.chained_at_ms == 100


def newer(record: NewRecord, *, at: int, value: int) -> NewRecord:
    """The record as a newer program would have linked it: one byte of its leaf is unknown here."""
    link = bytearray(record.headers[-1][1])
    link[at] = value
    return NewRecord(record.key, record.value, ((LINK_HEADER, bytes(link)),))


@pytest.mark.parametrize(("at", "value"), [(3, 2), (4, 9), (5, 2)], ids=["version", "kind", "hash algorithm"])
def test_what_a_newer_program_chained_is_not_chained_again(at, value):
    with pytest.raises(LineStoppedError) as stopped:
        TrueChain(START).take(committed(1, newer(chained(START, 0)[0], at=at, value=value)))
    assert stopped.value.code is StopCode.NEWER_FORMAT


def test_an_unknown_format_beside_the_chain_is_stray():
    assert isinstance(TrueChain(START).take(committed(1, newer(zombie(0), at=3, value=2))), Stray)
