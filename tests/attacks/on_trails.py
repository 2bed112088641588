"""Attacks on a trail as a whole: its end, its beginning, its folder, and what lies beside it."""

from __future__ import annotations

from datetime import timedelta

from attacks import deeds as do
from attacks.attack import Attack, Power
from auditor.builders import NOW, YEAR, TrailMaker, make_trail
from sealtrail_auditor.catalogue import FindingCode as C
from sealtrail_schemas.body import trail_id
from sealtrail_schemas.layout import SEALS, batch_key, seal_key, trail_prefix
from sealtrail_schemas.seal import sign_seal

AN_HOUR = timedelta(hours=1)


def cut(first_batch: int):
    """Erase all batches and seals from one on; the auditor kept the newest head."""

    def do_it(trail: TrailMaker) -> dict:
        for number in range(first_batch, len(trail.placed)):
            do.erase("batch", "seal", number=number)(trail)
        return {"pinned": [trail.head]}

    return do_it


def cut_unseen(trail: TrailMaker) -> None:
    """The same of the last batch, and nobody kept a head."""
    cut(2)(trail)


def cut_to_the_head(trail: TrailMaker) -> dict:
    """All that came after the kept head is erased, an hour of it."""
    head = trail.placed[1].text.checkpoint
    cut(2)(trail)
    return {"pinned": [head], "max_age": AN_HOUR, "now": NOW + 2 * AN_HOUR}


def last_seal(trail: TrailMaker) -> dict:
    do.erase("seal", number=2)(trail)
    return {"pinned": [trail.head]}


def last_seal_unseen(trail: TrailMaker) -> None:
    last_seal(trail)


def stopped(_trail: TrailMaker) -> dict:
    return {"max_age": AN_HOUR, "now": NOW + 2 * AN_HOUR}


def newest_two_seals(trail: TrailMaker) -> None:
    do.erase("seal", number=1)(trail)
    do.erase("seal", number=2)(trail)


def all_seals_and_more(trail: TrailMaker) -> None:
    """Erase the seals and all batches but the first, which then seems to wait for its seal."""
    for number in range(3):
        do.erase("seal", *(["batch"] if number else []), number=number)(trail)


def all_seals(trail: TrailMaker) -> None:
    for number in range(3):
        do.erase("seal", number=number)(trail)


def everything(trail: TrailMaker) -> None:
    cut(0)(trail)


def beside_another(trail: TrailMaker) -> dict:
    """Erase the trail where another one is left."""
    make_trail(4, origin=do.REFUNDS, seed=b"\x05" * 32, store=trail.store)
    cut(0)(trail)
    return {"trails": [trail.origin]}


def foreign_folder(trail: TrailMaker) -> None:
    make_trail(4, origin=do.REFUNDS, seed=b"\x05" * 32, store=trail.store)


def front(trail: TrailMaker) -> None:
    do.erase("batch", "seal", number=0)(trail)


def expired_front(trail: TrailMaker) -> dict:
    front(trail)
    return {"now": trail.placed[0].text.retention.until}


def make_aging() -> TrailMaker:
    """Each batch is kept a year longer than the one before."""
    trail = make_trail(4)
    for years in (2, 3):
        trail.until = NOW + years * YEAR
        for _ in range(4):
            trail.event()
        trail.seal()
    return trail


def views_doctored(trail: TrailMaker) -> None:
    for first in (0, 4, 8):
        trail.store.put(f"views/{trail.folder}{first:020}.parquet", b"PAR1 doctored PAR1", retention=None)


def behind_the_head(trail: TrailMaker) -> dict:
    """The holder of the key seals another last batch; the auditor's head is older."""
    head = trail.placed[1].text.checkpoint
    other = make_trail(4, 4)
    for _ in range(4):
        other.event(b"nothing happened")
    forged = other.seal()
    placed = trail.placed[2]
    trail.store.corrupt(placed.batch, placed.batch_version, forged.batch_bytes)
    trail.store.corrupt(placed.seal, placed.seal_version, sign_seal(forged.text, trail.signer))
    return {"pinned": [head]}


TAILS = (
    Attack("the last batch and its seal erased", Power.OPERATOR, cut(2), C.HEAD_CUT, "", (8, 11)),
    Attack("the last two batches and seals erased", Power.OPERATOR, cut(1), C.HEAD_CUT, "", (4, 11)),
    Attack("the last seal erased, its batch kept", Power.OPERATOR, last_seal, C.HEAD_CUT, "", (8, 11)),
    Attack("all behind the kept head erased", Power.OPERATOR, cut_to_the_head, C.TRAIL_STALE, seal_key(8)),
    Attack("a trail stopped", Power.INSIDER, stopped, C.TRAIL_STALE, seal_key(12)),
    Attack(
        "the newest seals erased, their batches kept",
        Power.OPERATOR,
        newest_two_seals,
        C.TAIL_UNSEALED,
        batch_key(8),
    ),
    Attack(
        "all seals erased, and all batches but the first",
        Power.OPERATOR,
        all_seals_and_more,
        C.TRAIL_UNSEALED,
        "",
        seals_see=True,
    ),
    Attack(
        "all seals erased, their batches kept",
        Power.OPERATOR,
        all_seals,
        C.TRAIL_UNSEALED,
        "",
        also=(C.TAIL_UNSEALED,),
        seals_see=True,
    ),
    Attack(
        "a trail erased",
        Power.OPERATOR,
        beside_another,
        C.TRAIL_ABSENT,
        chain_sees=True,
        seals_see=True,
    ),
    Attack("an archive erased", Power.OPERATOR, everything, C.ARCHIVE_EMPTY, chain_sees=True, seals_see=True),
    Attack(
        "the front erased before its time",
        Power.OPERATOR,
        front,
        C.FRONT_MISSING,
        SEALS,
        (0, 3),
        chain_sees=True,
        seals_see=True,
    ),
)

NAMES = (
    Attack(
        "a trail of somebody else's beside it",
        Power.WRITER,
        foreign_folder,
        C.TRAIL_UNNAMED,
        "/" + trail_prefix("refunds", 0, trail_id(do.REFUNDS, b"\x02" * 16)),
    ),
    Attack(
        "a file put among the seals",
        Power.WRITER,
        do.put("seals/readme.txt"),
        C.OBJECT_FOREIGN,
        "seals/readme.txt",
    ),
    Attack(
        "a file put among the batches",
        Power.WRITER,
        do.put("batches/readme.txt"),
        C.OBJECT_FOREIGN,
        "batches/readme.txt",
    ),
    Attack(
        "a file put into the trail's folder",
        Power.WRITER,
        do.put("readme.txt"),
        C.OBJECT_FOREIGN,
        "readme.txt",
    ),
    Attack(
        "the name of a seal squatted",
        Power.WRITER,
        do.put(seal_key(6)),
        C.OBJECT_SQUATTED,
        seal_key(6),
        seals_see=True,
    ),
    Attack(
        "the name of a batch squatted",
        Power.WRITER,
        do.put(batch_key(6)),
        C.OBJECT_SQUATTED,
        batch_key(6),
        chain_sees=True,
    ),
    Attack(
        "a further name of a batch squatted",
        Power.WRITER,
        do.put(batch_key(4, 1)),
        C.OBJECT_SQUATTED,
        batch_key(4, 1),
        chain_sees=True,
    ),
    Attack(
        "the name of a batch to come squatted",
        Power.WRITER,
        do.put(batch_key(500)),
        C.TAIL_UNSEALED,
        batch_key(500),
        chain_sees=True,
    ),
)

UNSEEN = (
    Attack("views doctored", Power.WRITER, views_doctored, None),
    Attack(
        "the front gone after its time",
        Power.OPERATOR,
        expired_front,
        None,
        make=make_aging,
        chain_sees=True,
        seals_see=True,
    ),
    Attack("the last batch and its seal erased, no head kept", Power.OPERATOR, cut_unseen, None),
    Attack("the last seal erased, no head kept", Power.OPERATOR, last_seal_unseen, None),
    Attack("history rewritten behind the kept head", Power.INSIDER, behind_the_head, None),
)
