"""Attacks on batches and the entries in them. None needs a key; most need a way around the lock."""

from __future__ import annotations

from functools import partial

from attacks import deeds as do
from attacks.attack import Attack, Power
from auditor.builders import ORIGIN, TrailMaker, make_batch
from sealtrail_auditor.catalogue import FindingCode as C
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.layout import batch_key

FIRST, SECOND, THIRD = batch_key(0), batch_key(4), batch_key(8)

_on_second = partial(Attack, power=Power.OPERATOR, key=SECOND, seals_see=True)
_breaks_chain = partial(_on_second, chain_sees=True)


def foreign_batch(trail: TrailMaker) -> None:
    other = do.another_trail(origin=do.REFUNDS).placed[1]
    do.corrupt_batch(lambda _: other.batch_bytes)(trail)


def batch_of_other_incarnation(trail: TrailMaker) -> None:
    do.corrupt_batch(lambda _: do.other_incarnation().placed[1].batch_bytes)(trail)


def batch_of_other_claim(trail: TrailMaker) -> None:
    do.corrupt_batch(lambda _: make_batch(do.REFUNDS, trail.entries_of[4]))(trail)


def foreign_entry(trail: TrailMaker) -> None:
    do.at(2, lambda _: do.other_incarnation().entries_of[4][2])(trail)


def recompressed(trail: TrailMaker) -> None:
    do.corrupt_batch(lambda _: make_batch(ORIGIN, trail.entries_of[4], "deflate"))(trail)


def substituted(trail: TrailMaker) -> None:
    placed = trail.placed[1]
    trail.store.erase(placed.batch)
    trail.store.put(placed.batch, bytes(len(placed.batch_bytes)), retention=None)


FLIPS = (
    _breaks_chain(
        "one bit of an event", do=do.corrupt_batch(do.flip(b'"n":6')), code=C.ENTRY_PAYLOAD, span=(6, 6)
    ),
    _breaks_chain("one bit of a salt", do=do.at(2, do.new_salt), code=C.ENTRY_PAYLOAD, span=(6, 6)),
    _breaks_chain(
        "a time in a leaf", do=do.at(1, do.leaf_with(source_timestamp_ms=7)), code=C.ENTRY_LINK, span=(5, 6)
    ),
    _breaks_chain(
        "a time in a batch's last leaf",
        do=do.at(3, do.leaf_with(source_timestamp_ms=7)),
        code=C.BATCH_REWRITTEN,
        span=(5, 7),
    ),
    _breaks_chain(
        "the link of a leaf",
        do=do.at(2, do.leaf_with(previous_hash=b"x" * 32)),
        code=C.ENTRY_LINK,
        span=(5, 6),
    ),
    _breaks_chain(
        "the sequence of a leaf", do=do.at(2, do.leaf_with(sequence=9)), code=C.ENTRY_LEAF, span=(6, 6)
    ),
    _on_second(
        "the trail id of a leaf",
        do=do.at(2, do.leaf_with(trail_id=b"x" * 32)),
        code=C.ENTRY_LEAF,
        span=(6, 6),
        chain_sees=True,
    ),
    _breaks_chain(
        "a leaf's time of chaining, set back",
        do=do.at(2, do.leaf_with(chained_at_ms=1)),
        code=C.ENTRY_LEAF,
        span=(6, 6),
    ),
    _breaks_chain(
        "the version of a leaf",
        do=do.at(2, lambda e: Entry(b"STL\x02" + e.leaf[4:], e.payload)),
        code=C.ENTRY_LEAF,
        span=(6, 6),
    ),
    _breaks_chain(
        "the file's first bytes", do=do.corrupt_batch(do.flip(0)), code=C.BATCH_DAMAGED, span=(4, 7)
    ),
    _breaks_chain(
        "the header's schema", do=do.corrupt_batch(do.flip(b"payload")), code=C.BATCH_DAMAGED, span=(4, 7)
    ),
    _breaks_chain(
        "the Avro sync marker", do=do.corrupt_batch(do.flip_last_sync), code=C.BATCH_DAMAGED, span=(4, 7)
    ),
    _breaks_chain(
        "bytes added behind the end",
        do=do.corrupt_batch(lambda data: data + b"\x00"),
        code=C.BATCH_DAMAGED,
        span=(4, 7),
    ),
    _on_second(
        "the file compressed again, same entries", do=recompressed, code=C.BATCH_REENCODED, span=(4, 7)
    ),
)

TRUNCATIONS = (
    _breaks_chain("a batch emptied", do=do.corrupt_batch(lambda _: b""), code=C.BATCH_EMPTY, span=(4, 7)),
    _breaks_chain(
        "a batch cut in its header",
        do=do.corrupt_batch(lambda data: data[:50]),
        code=C.BATCH_TRUNCATED,
        span=(4, 7),
    ),
    _breaks_chain(
        "a batch cut in its last entry",
        do=do.corrupt_batch(lambda data: data[:-40]),
        code=C.BATCH_TRUNCATED,
        span=(7, 7),
    ),
    _breaks_chain(
        "a leaf cut short",
        do=do.at(2, lambda e: Entry(e.leaf[:-1], e.payload)),
        code=C.ENTRY_LEAF,
        span=(6, 6),
    ),
    _breaks_chain("a batch erased", do=do.erase("batch"), code=C.BATCH_MISSING, span=(4, 7)),
    Attack(
        "the last batch erased, its seal kept",
        Power.OPERATOR,
        do.erase("batch", number=2),
        C.BATCH_MISSING,
        THIRD,
        (8, 11),
        seals_see=True,
    ),
    _breaks_chain(
        "a batch erased and junk put in its place", do=substituted, code=C.BATCH_SUBSTITUTED, span=(4, 7)
    ),
)

EXCHANGES = (
    _breaks_chain(
        "two batches swapped",
        do=do.swap("batch"),
        code=C.BATCH_SWAPPED,
        span=(4, 7),
        also=(C.BATCH_SWAPPED,),
    ),
    _breaks_chain(
        "a batch copied over another", do=do.copy("batch", 2, 1), code=C.BATCH_SWAPPED, span=(4, 7)
    ),
    _breaks_chain(
        "a batch of another trail in its place", do=foreign_batch, code=C.BATCH_FOREIGN, span=(4, 7)
    ),
    _breaks_chain(
        "a batch of another trail of the same name",
        do=batch_of_other_incarnation,
        code=C.BATCH_FOREIGN,
        span=(4, 7),
    ),
    _on_second(
        "a batch whose header names another trail", do=batch_of_other_claim, code=C.BATCH_FOREIGN, span=(4, 7)
    ),
)

ENTRIES = (
    _breaks_chain(
        "an entry removed", do=do.rewrite(lambda e: [e[0], *e[2:]]), code=C.ENTRY_MISSING, span=(5, 5)
    ),
    _breaks_chain(
        "a batch's first entry removed", do=do.rewrite(lambda e: e[1:]), code=C.ENTRY_MISSING, span=(4, 4)
    ),
    _breaks_chain(
        "a batch's last entry removed", do=do.rewrite(lambda e: e[:-1]), code=C.ENTRY_MISSING, span=(7, 7)
    ),
    _breaks_chain(
        "an entry removed, the chain computed anew",
        do=do.rewrite(lambda e: do.chain_anew([e[0], *e[2:]])),
        code=C.ENTRY_MISSING,
        span=(7, 7),
    ),
    _breaks_chain(
        "two entries in the other order",
        do=do.rewrite(lambda e: [e[0], e[2], e[1], e[3]]),
        code=C.ENTRY_ORDER,
        span=(5, 5),
    ),
    _breaks_chain(
        "two entries in the other order, the chain computed anew",
        do=do.rewrite(lambda e: do.chain_anew([e[0], e[2], e[1], e[3]])),
        code=C.BATCH_REWRITTEN,
        span=(5, 7),
    ),
    _breaks_chain(
        "an entry twice", do=do.rewrite(lambda e: [*e[:2], *e[1:]]), code=C.ENTRY_REPEATED, span=(6, 6)
    ),
    _breaks_chain(
        "an entry added at a batch's end",
        do=do.rewrite(lambda e: [*e, e[3]]),
        code=C.ENTRY_EXTRA,
        span=(8, 8),
    ),
    _breaks_chain(
        "an entry inserted, the chain computed anew",
        do=do.rewrite(lambda e: do.chain_anew([*e[:2], do.new_payload(e[1]), *e[2:]])),
        code=C.BATCH_REWRITTEN,
        span=(5, 7),
    ),
    _breaks_chain(
        "an event replaced, the batch's chain computed anew",
        do=do.rewrite(do.replaced),
        code=C.BATCH_REWRITTEN,
        span=(5, 7),
    ),
    _on_second(
        "an event replaced, the chain computed anew to the trail's end",
        do=do.chain_on_from_here,
        code=C.BATCH_REWRITTEN,
        span=(5, 7),
        also=(C.ENTRY_LINK,),
    ),
    _breaks_chain(
        "an entry replaced by one of another trail", do=foreign_entry, code=C.ENTRY_FOREIGN, span=(6, 6)
    ),
    _breaks_chain(
        "two events exchanged between their leaves",
        do=do.rewrite(lambda e: [e[0], Entry(e[1].leaf, e[2].payload), Entry(e[2].leaf, e[1].payload), e[3]]),
        code=C.ENTRY_PAYLOAD,
        span=(5, 5),
    ),
)
