"""What who holds the trail's key can do: sign other seals, other entries, another history.

`make_…` functions, and what the others return, build trails that were wrong from the beginning.
"""

from __future__ import annotations

from auditor.builders import NOW, ORIGIN, YEAR, TrailMaker, make_batch, make_trail, new_store
from sealtrail.tamper import SealedBatch, forge_history
from sealtrail_schemas.body import RejectedBody, encode_body
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.leaf import Kind, Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.note import sign_note
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.seal import seal_key_name, sign_seal
from sealtrail_schemas.seal_text import EntryRef, PreviousSeal, TimeSpan

SECOND_INCARNATION = b"\x09" * 16

# Another history


def rewrite_history(sequence: int, *, pinned: int):
    """Replace one event and chain, seal and sign everything anew; the auditor kept the head of a size."""

    def edit(number: int, payload: bytes) -> bytes:
        return payload.replace(b'"n":', b'"m":') if number == sequence else payload

    def do(trail: TrailMaker) -> dict:
        head = trail.checkpoint_at(pinned)
        history = [SealedBatch(placed.batch_bytes, placed.text) for placed in trail.placed]
        for placed, forged in zip(trail.placed, forge_history(history, edit, trail.signer), strict=True):
            trail.store.corrupt(placed.batch, placed.batch_version, forged.batch)
            trail.store.corrupt(placed.seal, placed.seal_version, sign_seal(forged.seal, trail.signer))
        return {"pinned": [head]}

    return do


def seal_shorter(trail: TrailMaker) -> None:
    """Take the last two entries out of the newest batch and seal what is left."""
    shorter = make_trail(4, 4, 2)
    trail.store.erase(trail.placed[2].seal)
    trail.store.erase(trail.placed[2].batch)
    trail.store = shorter.store


def begin_again(trail: TrailMaker) -> None:
    """Begin a second trail of the name beside the first, with a genesis of its own."""
    make_trail(4, store=trail.store, incarnation=SECOND_INCARNATION, clock_ms=trail.clock_ms)


def seal_twice(trail: TrailMaker) -> None:
    """Put another seal of the same size on top, of a batch with another history."""
    other = TrailMaker(new_store())
    for placed in trail.placed[:2]:
        while other.size <= placed.last:
            other.event(b"other")
        other.seal()
    trail.store.put(trail.placed[1].seal, other.placed[1].note, retention=None, only_if_absent=False)


def seal_across(trail: TrailMaker) -> None:
    """Put a seal of a size between two others, that begins inside a sealed batch."""
    other = make_trail(4, 2)
    trail.store.put(other.placed[1].seal, other.placed[1].note, retention=None)


# Seals that are wrong


def sealed_wrong(**changes):
    """A trail whose second seal states something else than the batch that is there."""

    def make() -> TrailMaker:
        trail = make_trail(4)
        for _ in range(4):
            trail.event()
        trail.seal(**changes)
        return trail

    return make


def other_tree() -> RightEdge:
    """A Merkle tree of eight other entries."""
    edge = RightEdge.empty()
    edge.extend([bytes([number]) * 32 for number in range(8)])
    return edge


def make_chain_broken() -> TrailMaker:
    """A seal that names another seal before it than the one that is there."""
    trail = make_trail(4)
    trail.event()
    trail.seal(previous=make_trail(4, 1, until=NOW + 2 * YEAR).placed[1].text.previous)
    return trail


def make_other_date_before() -> TrailMaker:
    """A seal that names the seal before it, and another retention than that one has."""
    trail = make_trail(4)
    trail.event()
    trail.seal(previous=PreviousSeal(trail.opened(0).text_sha256, NOW))
    return trail


def make_backdated() -> TrailMaker:
    """A seal that is kept for less time than the one before it."""
    trail = make_trail(4)
    trail.event()
    trail.until = NOW + YEAR / 2
    trail.seal()
    return trail


def make_unlocked() -> TrailMaker:
    """A trail that was archived without locks, as its seals say."""
    return make_trail(4, 4, 4, until=None)


def sign_newer_format(trail: TrailMaker) -> None:
    """A seal that says it is of a format to come."""
    placed = trail.placed[1]
    text = placed.text.text().replace("sealtrail/seal/v1", "sealtrail/seal/v2")
    note = sign_note(text, [trail.signer.renamed(seal_key_name(ORIGIN))])
    trail.store.corrupt(placed.seal, placed.seal_version, note)


# Entries that are wrong, and sealed as if they were right


def with_entry(**leaf):
    """A trail of a chainer that breaks a rule in entry 5."""

    def make() -> TrailMaker:
        trail = make_trail(4)
        trail.event()
        trail.event(**leaf)
        trail.event()
        trail.seal()
        return trail

    return make


def make_odd_payload() -> TrailMaker:
    """An event whose payload is no canonical Avro: an array block of negative count."""
    trail = make_trail(4)
    trail.event()
    trail.add(bytes(16) + b"\x00" + b"\x01\x00" + b"\x00")
    trail.seal()
    return trail


def make_newer_leaf() -> TrailMaker:
    """An entry whose leaf says that it is of a version to come."""
    trail = make_trail(4)
    payload = encode_payload(bytes(16), None, (), b"")
    trail.event()
    trail.add(payload)
    newer = trail.waiting[1]
    good = trail.waiting[0]
    data = make_batch(trail.origin, [good, Entry(newer.leaf[:3] + b"\x02" + newer.leaf[4:], payload)])
    trail.waiting = [good, good]  # what `seal` can parse
    trail.seal(batch_bytes=data)
    return trail


def make_newer_batch() -> TrailMaker:
    """A batch that says that it is of a format to come."""
    trail = make_trail(4)
    trail.event()
    data = make_batch(ORIGIN, trail.waiting).replace(b"sealtrail.format\x021", b"sealtrail.format\x022")
    trail.seal(batch_bytes=data)
    return trail


def make_odd_body() -> TrailMaker:
    """A heartbeat whose body is none."""
    trail = make_trail(4)
    trail.own(Kind.HEARTBEAT, b'{"type":"heart"}')
    trail.seal()
    return trail


def make_rejected_elsewhere() -> TrailMaker:
    """A rejected entry whose body names another source record than its leaf."""
    trail = make_trail(4)
    own = {"source_offset": trail.next_offset, "next_source_offset": trail.next_offset + 1}
    trail.own(Kind.REJECTED, encode_body(RejectedBody("too large", None, 9, trail.next_offset + 1)), **own)
    trail.seal()
    return trail


def make_without_genesis() -> TrailMaker:
    """A trail whose first entry is an event, in all else as it should be."""
    first, second = make_trail(2).entries_of[0]
    odd = bytes([*first.leaf[:4], Kind.EVENT, *first.leaf[5:127]]) + bytes(15) + b"\x01" + bytes(2)
    genesis, event = Leaf.parse(first.leaf), Leaf.parse(second.leaf)._replace(previous_hash=entry_hash(odd))
    trail = TrailMaker(new_store())
    trail.waiting, trail.size, trail.edge = [], 0, RightEdge.empty()
    trail.add_raw(odd, first.payload)
    trail.add_raw(event._replace(source_offset=1, next_source_offset=2).encode(), second.payload)
    trail.next_offset = 2
    data = make_batch(ORIGIN, trail.waiting)
    trail.waiting[0] = first  # what `seal` can parse
    trail.seal(
        batch_bytes=data,
        first=EntryRef(0, entry_hash(odd)),
        time=TimeSpan(genesis.chained_at_ms, event.chained_at_ms),
    )
    return trail


def other_genesis(**genesis):
    """A trail whose genesis states something else than its folder and key."""
    return lambda: make_trail(2, 2, genesis=genesis)
