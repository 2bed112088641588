"""What an adversary does to a trail: below the interface, with the bucket's credentials, or its key.

Each function changes a trail in its store, or returns a function that does. Those that return arguments of
`verify` say so by returning a dict. `make_…` and their like build trails that were wrong from the beginning.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.builders import (
    NOW,
    ORIGIN,
    YEAR,
    TrailMaker,
    make_batch,
    make_trail,
    new_store,
)
from sealtrail_schemas.body import RejectedBody, encode_body
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.layout import batch_key
from sealtrail_schemas.leaf import Kind, Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.seal_text import EntryRef, PreviousSeal, TimeSpan
from sealtrail_transport.store import LockMode, Retention

if TYPE_CHECKING:
    from collections.abc import Callable


def rewrite(change: Callable[[list[Entry]], list[Entry]], number: int = 1):
    """Write other entries in the place of a batch, below the interface."""

    def do(trail: TrailMaker) -> None:
        placed = trail.placed[number]
        entries = change(list(trail.entries_of[placed.first]))
        trail.store.corrupt(placed.batch, placed.batch_version, make_batch(trail.origin, entries))

    return do


def at(index: int, change: Callable[[Entry], Entry]):
    """Change one entry of a batch."""
    return rewrite(lambda entries: [*entries[:index], change(entries[index]), *entries[index + 1 :]])


def leaf_with(**fields):
    """Change fields of a leaf."""
    return lambda entry: Entry(Leaf.parse(entry.leaf)._replace(**fields).encode(), entry.payload)


def new_payload(entry: Entry) -> Entry:
    return Entry(entry.leaf, encode_payload(bytes(16), None, (), b'{"n":"other"}'))


def corrupt_batch(change: Callable[[bytes], bytes], number: int = 1):
    def do(trail: TrailMaker) -> None:
        placed = trail.placed[number]
        trail.store.corrupt(placed.batch, placed.batch_version, change(placed.batch_bytes))

    return do


def corrupt_seal(change: Callable[[bytes], bytes], number: int = 1):
    def do(trail: TrailMaker) -> None:
        placed = trail.placed[number]
        trail.store.corrupt(placed.seal, placed.seal_version, change(placed.note))

    return do


def erase(*keys: str):
    """Erase objects of the second batch: `batch`, `seal`."""

    def do(trail: TrailMaker) -> None:
        for key in keys:
            trail.store.erase(getattr(trail.placed[1], key))

    return do


def swap_seals(trail: TrailMaker) -> None:
    one, two = trail.placed[1:]
    trail.store.corrupt(one.seal, one.seal_version, two.note)
    trail.store.corrupt(two.seal, two.seal_version, one.note)


def swap_batches(trail: TrailMaker) -> None:
    one, two = trail.placed[1:]
    trail.store.corrupt(one.batch, one.batch_version, two.batch_bytes)
    trail.store.corrupt(two.batch, two.batch_version, one.batch_bytes)


def another_trail(**settings) -> TrailMaker:
    return make_trail(4, 4, 4, seed=b"\x07" * 32, **settings)


def foreign_batch(trail: TrailMaker) -> None:
    other = another_trail(origin="audit.example.com/refunds/0").placed[1]
    corrupt_batch(lambda _: other.batch_bytes)(trail)


def batch_of_another_incarnation(trail: TrailMaker) -> None:
    corrupt_batch(lambda _: another_trail(incarnation=b"\x08" * 16).placed[1].batch_bytes)(trail)


def foreign_entry(trail: TrailMaker) -> None:
    other = another_trail(incarnation=b"\x08" * 16)
    at(2, lambda _: other.entries_of[4][2])(trail)


def foreign_seal(trail: TrailMaker) -> None:
    corrupt_seal(lambda _: another_trail(origin="audit.example.com/refunds/0").placed[1].note)(trail)


def seal_of_another_incarnation(trail: TrailMaker) -> None:
    corrupt_seal(lambda _: make_trail(4, 4, 4, incarnation=b"\x08" * 16).placed[1].note)(trail)


def cut_tail(trail: TrailMaker) -> dict:
    trail.store.erase(trail.placed[2].seal)
    trail.store.erase(trail.placed[2].batch)
    return {"pinned": [trail.head]}


def rewritten_history(trail: TrailMaker) -> dict:
    """The holder of the key writes the trail again and signs it again."""
    forged = TrailMaker(new_store())
    for number, placed in enumerate(trail.placed):
        while forged.size <= placed.last:
            forged.event(b"nothing happened" if forged.size == 6 else b'{"n":%d}' % forged.size)
        forged.seal()
        trail.store.erase(trail.placed[number].seal)
        trail.store.erase(trail.placed[number].batch)
    pinned = trail.checkpoint_at(10)
    trail.store = forged.store
    return {"pinned": [pinned]}


def signed_wrong(**changes):
    """The holder of the key seals something else than the batch that is there."""

    def make() -> TrailMaker:
        trail = make_trail(4)
        for _ in range(4):
            trail.event()
        trail.seal(**changes)
        return trail

    return make


def other_tree() -> RightEdge:
    edge = RightEdge.empty()
    edge.extend([bytes([number]) * 32 for number in range(8)])
    return edge


def with_entry(**leaf):
    """A chainer that breaks a rule; all is chained and sealed as if it were right."""

    def make() -> TrailMaker:
        trail = make_trail(4)
        trail.event()
        trail.event(**leaf)
        trail.event()
        trail.seal()
        return trail

    return make


def with_odd_payload() -> TrailMaker:
    trail = make_trail(4)
    trail.event()
    trail.add(bytes(16) + b"\x00" + b"\x01\x00" + b"\x00")  # an array block of negative count
    trail.seal()
    return trail


def with_new_leaf_version() -> TrailMaker:
    trail = make_trail(4)
    payload = encode_payload(bytes(16), None, (), b"")
    trail.event()
    trail.add(payload)
    newer = trail.waiting.pop()
    trail.size -= 1
    trail.waiting.append(Entry(newer.leaf[:3] + b"\x02" + newer.leaf[4:], payload))
    trail.size += 1
    seal_unread(trail)
    return trail


def seal_unread(trail: TrailMaker) -> None:
    """Seal without parsing the last leaf again."""
    good = list(trail.waiting)
    data = make_batch(trail.origin, good)
    trail.waiting = [good[0], good[0]]
    trail.seal(batch_bytes=data)


def with_odd_body() -> TrailMaker:
    trail = make_trail(4)
    trail.own(Kind.HEARTBEAT, b'{"type":"heart"}')
    trail.seal()
    return trail


def with_rejected_of_elsewhere() -> TrailMaker:
    """A rejected entry whose body names another source record than its leaf."""
    trail = make_trail(4)
    own = {"source_offset": trail.next_offset, "next_source_offset": trail.next_offset + 1}
    trail.own(Kind.REJECTED, encode_body(RejectedBody("too large", None, 9, trail.next_offset + 1)), **own)
    trail.seal()
    return trail


def without_genesis() -> TrailMaker:
    """A trail whose first entry is an event, in all else as it should be."""
    trail = make_trail(2)
    first, second = trail.entries_of[0]
    odd = bytes([*first.leaf[:4], Kind.EVENT, *first.leaf[5:127]]) + bytes(15) + b"\x01" + bytes(2)
    genesis, event = Leaf.parse(first.leaf), Leaf.parse(second.leaf)._replace(previous_hash=entry_hash(odd))
    again = TrailMaker(new_store())
    again.waiting, again.size, again.edge = [], 0, RightEdge.empty()
    again.add_raw(odd, first.payload)
    again.add_raw(event._replace(source_offset=1, next_source_offset=2).encode(), second.payload)
    again.next_offset = 2
    data = make_batch(ORIGIN, again.waiting)
    ends = {
        "first": EntryRef(0, entry_hash(odd)),
        "time": TimeSpan(genesis.chained_at_ms, event.chained_at_ms),
    }
    again.waiting[0] = first
    again.seal(batch_bytes=data, **ends)
    return again


def other_genesis(**genesis):
    return lambda: make_trail(2, 2, genesis=genesis)


def unlocked() -> TrailMaker:
    return make_trail(4, 4, 4, until=None)


def locked_as(retention: Retention | None):
    def do(trail: TrailMaker) -> None:
        for version in trail.store._objects[trail.placed[1].batch]:
            version.retention = retention

    return do


def put_on_top(what: str, number: int = 1):
    def do(trail: TrailMaker) -> None:
        trail.store.put(getattr(trail.placed[number], what), b"junk", retention=None, only_if_absent=False)

    return do


def delete(what: str):
    return lambda trail: trail.store.delete(getattr(trail.placed[1], what)) and None


def put(key: str, data: bytes = b"junk"):
    return lambda trail: trail.store.put(trail.folder + key, data, retention=None) and None


def written_again(trail: TrailMaker) -> None:
    [version] = trail.store._objects[trail.placed[1].batch]
    version.last_modified += timedelta(hours=1)


def moved_version(trail: TrailMaker) -> None:
    placed = trail.placed[1]
    trail.store.erase(placed.batch)
    lock = Retention(LockMode.COMPLIANCE, NOW + YEAR)
    trail.store.put(placed.batch, placed.batch_bytes, retention=lock)


def second_seal(trail: TrailMaker) -> None:
    """Another seal of the same size with another root, put on top."""
    other = TrailMaker(new_store())
    for number, placed in enumerate(trail.placed[:2]):
        while other.size <= placed.last:
            other.event(b"other")
        other.seal()
        assert other.placed[number].seal == placed.seal
    trail.store.put(trail.placed[1].seal, other.placed[1].note, retention=None, only_if_absent=False)


def overlapping_seal(trail: TrailMaker) -> None:
    """A seal of a size between two others that begins inside a sealed batch."""
    other = make_trail(4, 2)
    trail.store.put(other.placed[1].seal, other.placed[1].note, retention=None)


def chain_broken() -> TrailMaker:
    """A seal that names another seal before it than the one that is there."""
    trail = make_trail(4)
    trail.event()
    other = make_trail(4, 1, until=NOW + 2 * YEAR)
    trail.seal(previous=other.placed[1].text.previous)
    return trail


def chain_names_other_date() -> TrailMaker:
    """A seal that names the seal before it, and another retention than that one has."""
    trail = make_trail(4)
    trail.event()
    named = PreviousSeal(trail.opened(0).text_sha256, NOW)
    trail.seal(previous=named)
    return trail


def backdated() -> TrailMaker:
    trail = make_trail(4)
    trail.event()
    trail.until = NOW + YEAR / 2
    trail.seal()
    return trail


def newer_seal(trail: TrailMaker) -> None:
    placed = trail.placed[1]
    text = placed.text.text().replace("sealtrail/seal/v1", "sealtrail/seal/v2")
    from sealtrail_schemas.note import sign_note

    note = sign_note(text, [trail.signer.renamed(f"{ORIGIN}/seal")])
    trail.store.corrupt(placed.seal, placed.seal_version, note)


def newer_batch() -> TrailMaker:
    trail = make_trail(4)
    trail.event()
    data = make_batch(ORIGIN, trail.waiting).replace(b"sealtrail.format\x021", b"sealtrail.format\x022")
    trail.seal(batch_bytes=data)
    return trail


def squat_ahead(trail: TrailMaker) -> None:
    trail.store.put(trail.folder + batch_key(500), b"junk", retention=None)


def two_histories(trail: TrailMaker) -> None:
    make_trail(4, store=trail.store, incarnation=b"\x09" * 16)


def only_batches(trail: TrailMaker) -> None:
    for placed in trail.placed:
        trail.store.erase(placed.seal)


def other_key(trail: TrailMaker) -> None:
    trail.signer = TrailMaker(new_store(), seed=b"\x55" * 32).signer
