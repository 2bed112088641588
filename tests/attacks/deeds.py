"""What is done to the objects of a sealed trail: below the interface, or with the bucket's credentials.

Each function changes a trail in its store, or returns a function that does. Batches are numbered from 0.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from auditor.builders import TrailMaker, make_batch, make_trail
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_schemas.payload import encode_payload

if TYPE_CHECKING:
    from collections.abc import Callable

REFUNDS = "audit.example.com/refunds/0"

# Bytes of a batch


def corrupt_batch(change: Callable[[bytes], bytes], number: int = 1):
    """Write other bytes in the place of a batch."""

    def do(trail: TrailMaker) -> None:
        placed = trail.placed[number]
        after = change(placed.batch_bytes)
        assert after != placed.batch_bytes
        trail.store.corrupt(placed.batch, placed.batch_version, after)

    return do


def flip(position: int | bytes, bit: int = 0):
    """Flip one bit: of the byte at a position, or of the first of a run of bytes."""

    def change(data: bytes) -> bytes:
        at = data.index(position) if isinstance(position, bytes) else position
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        return bytes(flipped)

    return change


def flip_behind(mark: bytes):
    """Flip a bit of the byte behind a run of bytes."""
    return lambda data: flip(data.index(mark) + len(mark))(data)


def flip_last_sync(data: bytes) -> bytes:
    """Flip a bit of the sync marker that ends the file."""
    return flip(len(data) - 16)(data)


# Entries of a batch


def rewrite(change: Callable[[list[Entry]], list[Entry]], number: int = 1):
    """Write other entries in the place of a batch, as a well-formed file."""

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
    """The entry with another value, and its leaf as it was."""
    return Entry(entry.leaf, encode_payload(bytes(16), None, (), b'{"n":"other"}'))


def new_salt(entry: Entry) -> Entry:
    """The entry with a bit of its salt flipped, and its leaf as it was."""
    return Entry(entry.leaf, flip(0)(entry.payload))


def chain_anew(entries: list[Entry]) -> list[Entry]:
    """Number, date and link entries again from the first one's place on: what needs no key."""
    first = Leaf.parse(entries[0].leaf)
    last_hash, now_ms, chained = first.previous_hash, first.chained_at_ms, []
    for number, entry in enumerate(entries):
        leaf = Leaf.parse(entry.leaf)
        now_ms = max(now_ms, leaf.chained_at_ms)
        leaf = leaf._replace(
            sequence=first.sequence + number,
            previous_hash=last_hash,
            payload_hash=sha256(entry.payload).digest(),
            chained_at_ms=now_ms,
            source_offset=first.source_offset + number,
            next_source_offset=first.source_offset + number + 1,
        )
        chained.append(Entry(leaf.encode(), entry.payload))
        last_hash = entry_hash(chained[-1].leaf)
    return chained


def replaced(entries: list[Entry]) -> list[Entry]:
    """The entries with the third one's payload replaced, chained anew."""
    return chain_anew([*entries[:2], new_payload(entries[2]), *entries[3:]])


def chain_on_from_here(trail: TrailMaker) -> None:
    """Replace a payload, and chain all entries behind it anew, to the end of the trail."""
    last_hash = None
    for placed in trail.placed[1:]:
        entries = trail.entries_of[placed.first]
        if last_hash is None:
            entries = replaced(entries)
        else:
            first = leaf_with(previous_hash=last_hash)(entries[0])
            entries = chain_anew([first, *entries[1:]])
        last_hash = entry_hash(entries[-1].leaf)
        trail.store.corrupt(placed.batch, placed.batch_version, make_batch(trail.origin, entries))


# Seals


def corrupt_seal(change: Callable[[bytes], bytes], number: int = 1):
    """Write other bytes in the place of a seal."""

    def do(trail: TrailMaker) -> None:
        placed = trail.placed[number]
        after = change(placed.note)
        assert after != placed.note
        trail.store.corrupt(placed.seal, placed.seal_version, after)

    return do


def in_text(before: bytes, after: bytes):
    """Replace something in a seal's text; its signature stays."""
    return lambda note: note.replace(before, after, 1)


def in_last(line_part: str):
    """Flip a bit in the `key id` or the `signature`, which are the base64 at the end of a seal."""

    def change(note: bytes) -> bytes:
        encoded = note.rindex(b" ") + 1
        return flip(encoded + (1 if line_part == "key id" else 20), bit=1)(note)

    return change


# Objects


def erase(*keys: str, number: int = 1):
    """Erase objects of a batch: `batch`, `seal`."""

    def do(trail: TrailMaker) -> None:
        for key in keys:
            trail.store.erase(getattr(trail.placed[number], key))

    return do


def swap(what: str):
    """Exchange the bytes of the second and the third `batch` or `seal`."""

    def do(trail: TrailMaker) -> None:
        copy(what, 2, 1)(trail)
        copy(what, 1, 2)(trail)

    return do


def copy(what: str, source: int, target: int):
    """Write the bytes of one `batch` or `seal` over another."""
    data, version = ("batch_bytes", "batch_version") if what == "batch" else ("note", "seal_version")

    def do(trail: TrailMaker) -> None:
        over = trail.placed[target]
        body = getattr(trail.placed[source], data)
        trail.store.corrupt(getattr(over, what), getattr(over, version), body)

    return do


def put(key: str, data: bytes = b"junk"):
    """Put an object into the trail's folder."""
    return lambda trail: trail.store.put(trail.folder + key, data, retention=None) and None


def put_on_top(what: str):
    """Put junk over a `batch` or a `seal`, as a newer version."""

    def do(trail: TrailMaker) -> None:
        key = getattr(trail.placed[1], what)
        trail.store.put(key, b"junk", retention=None, only_if_absent=False)

    return do


def delete(what: str):
    """Delete a `batch` or a `seal`, as a plain DELETE does."""
    return lambda trail: trail.store.delete(getattr(trail.placed[1], what)) and None


def delete_all(trail: TrailMaker) -> None:
    """Delete every object of the trail, as a plain DELETE does."""
    for placed in trail.placed:
        trail.store.delete(placed.batch)
        trail.store.delete(placed.seal)


def another_trail(**settings) -> TrailMaker:
    """A trail of three batches like the one under attack, under another key and elsewhere."""
    return make_trail(4, 4, 4, **({"seed": b"\x07" * 32} | settings))


def other_incarnation(**settings) -> TrailMaker:
    """A trail of the same name under the same key, begun another time."""
    return make_trail(4, 4, 4, incarnation=b"\x08" * 16, **settings)
