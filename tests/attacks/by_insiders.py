"""Attacks by who holds the trail's key: everything is signed, and the chain is whole."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from attacks import insiders as do
from attacks.attack import Attack, Power, nothing
from attacks.on_batches import FIRST as FIRST_BATCH
from attacks.on_batches import SECOND as SECOND_BATCH
from attacks.on_seals import SECOND as SECOND_SEAL
from auditor.builders import NOW, NOW_MS, ORIGIN, TrailMaker, make_trail
from sealtrail_auditor.catalogue import FindingCode as C
from sealtrail_schemas.body import trail_id
from sealtrail_schemas.checkpoint import Checkpoint
from sealtrail_schemas.layout import seal_key, trail_prefix
from sealtrail_schemas.seal_text import EntryRef, TimeSpan, TopicMark

_insider = partial(Attack, power=Power.INSIDER, do=nothing)
_seal = partial(_insider, key=SECOND_BATCH, span=(4, 7))
TRAIL_ID = trail_id(ORIGIN, b"\x02" * 16)


def cut_and_sealed(trail: TrailMaker) -> dict:
    head = trail.head
    do.seal_shorter(trail)
    return {"pinned": [head]}


def cut_and_sealed_late(trail: TrailMaker) -> dict:
    do.seal_shorter(trail)
    return {"max_age": timedelta(hours=1), "now": NOW + timedelta(hours=2)}


def make_other_root() -> TrailMaker:
    """The checkpoint of another tree than the right edge that stands beside it."""
    checkpoint = Checkpoint(ORIGIN, 8, do.other_tree().root())
    return do.sealed_wrong(checkpoint=checkpoint)()


REWRITES = (
    Attack(
        "the last entry rewritten, all signed again",
        Power.INSIDER,
        do.rewrite_history(11, pinned=12),
        C.HEAD_ROOT,
        "",
        (0, 11),
    ),
    Attack(
        "an entry in the middle rewritten, all signed again",
        Power.INSIDER,
        do.rewrite_history(6, pinned=12),
        C.HEAD_ROOT,
        "",
        (0, 11),
    ),
    Attack(
        "an entry in the middle rewritten, an older head kept",
        Power.INSIDER,
        do.rewrite_history(6, pinned=10),
        C.HEAD_ROOT,
        "",
        (0, 9),
    ),
    Attack(
        "the last entries cut off, what is left sealed again",
        Power.INSIDER,
        cut_and_sealed,
        C.HEAD_CUT,
        "",
        (10, 11),
    ),
    Attack(
        "the last entries cut off, what is left sealed again, no head kept",
        Power.INSIDER,
        cut_and_sealed_late,
        C.TRAIL_STALE,
        seal_key(10),
    ),
    Attack(
        "a second genesis, and a trail behind it",
        Power.INSIDER,
        do.begin_again,
        C.TRAIL_FORKED,
        "/" + trail_prefix("payments", 0, trail_id(ORIGIN, do.SECOND_INCARNATION)),
    ),
    Attack(
        "two seals of one size",
        Power.INSIDER,
        do.seal_twice,
        C.SEAL_FORKED,
        SECOND_SEAL,
        (4, 7),
        also=(C.OBJECT_VERSIONS,),
        seals_see=True,
    ),
    Attack(
        "a seal across two others",
        Power.INSIDER,
        do.seal_across,
        C.SEAL_FORKED,
        seal_key(8),
        (4, 7),
        also=(C.ENTRY_EXTRA, C.LOCK_MISSING, C.SEAL_MISSING),
        seals_see=True,
    ),
)

SEALS = (
    _insider(
        "a seal that names another one before it",
        code=C.SEAL_CHAIN,
        key=seal_key(5),
        span=(4, 4),
        make=do.make_chain_broken,
        seals_see=True,
    ),
    _insider(
        "a seal that names another date of the one before it",
        code=C.SEAL_CHAIN,
        key=seal_key(5),
        span=(4, 4),
        make=do.make_other_date_before,
        seals_see=True,
    ),
    _insider(
        "a seal kept for less time than the one before",
        code=C.SEAL_BACKDATED,
        key=seal_key(5),
        span=(4, 4),
        make=do.make_backdated,
        seals_see=True,
    ),
    _insider(
        "a seal of another trail id that begins alike",
        code=C.SEAL_FORKED,
        key=SECOND_SEAL,
        span=(4, 7),
        make=do.sealed_wrong(trail_id=TRAIL_ID[:4] + bytes(28)),
        seals_see=True,
    ),
    _insider(
        "a seal whose checkpoint is not that of its right edge",
        code=C.SEAL_UNSOUND,
        key=SECOND_SEAL,
        span=(4, 7),
        make=make_other_root,
        seals_see=True,
    ),
    _seal(
        "a seal with a wrong first hash",
        code=C.SEAL_CONTENT,
        make=do.sealed_wrong(first=EntryRef(4, b"x" * 32)),
    ),
    _seal(
        "a seal with a wrong last hash",
        code=C.SEAL_CONTENT,
        make=do.sealed_wrong(last=EntryRef(7, b"x" * 32)),
        seals_see=True,
    ),
    _seal(
        "a seal with a wrong first time",
        code=C.SEAL_CONTENT,
        make=do.sealed_wrong(time=TimeSpan(1, NOW_MS - 599_920)),
    ),
    _seal(
        "a seal with a wrong last time",
        code=C.SEAL_CONTENT,
        make=do.sealed_wrong(time=TimeSpan(NOW_MS - 599_950, NOW_MS)),
    ),
    _seal(
        "a seal with a wrong place in the source",
        code=C.SEAL_CONTENT,
        make=do.sealed_wrong(source=TopicMark(b"r" * 16, 99)),
    ),
    _seal("a seal of another Merkle tree", code=C.SEAL_ROOT, make=do.sealed_wrong(edge=do.other_tree())),
    Attack(
        "a seal of a format to come",
        Power.INSIDER,
        do.sign_newer_format,
        C.SEAL_FORMAT,
        SECOND_SEAL,
        (4, 7),
        seals_see=True,
    ),
    _insider(
        "an archive made without locks",
        code=C.LOCK_NONE,
        key=FIRST_BATCH,
        span=(0, 11),
        make=do.make_unlocked,
    ),
)

_entry = partial(_insider, key=SECOND_BATCH, span=(5, 5))

ENTRIES = (
    _entry("an entry dated back", code=C.ENTRY_TIME, make=do.with_entry(chained_at_ms=5)),
    _entry(
        "a record of the source taken twice",
        code=C.ENTRY_SOURCE,
        make=do.with_entry(source_offset=0, next_source_offset=9),
    ),
    _entry("a payload in another form", code=C.ENTRY_RULE, make=do.make_odd_payload),
    _entry(
        "an entry of a format to come",
        code=C.ENTRY_FORMAT,
        make=do.make_newer_leaf,
        chain_sees=True,
        seals_see=True,
    ),
    _insider(
        "a batch of a format to come",
        code=C.BATCH_FORMAT,
        key=SECOND_BATCH,
        span=(4, 4),
        make=do.make_newer_batch,
        chain_sees=True,
        seals_see=True,
    ),
    _entry("a heartbeat that says something else", code=C.ENTRY_BODY, span=(4, 4), make=do.make_odd_body),
    _entry(
        "a rejected entry of another record", code=C.ENTRY_BODY, span=(4, 4), make=do.make_rejected_elsewhere
    ),
    _insider(
        "a trail that begins with an event",
        code=C.ENTRY_LEAF,
        key=FIRST_BATCH,
        span=(0, 0),
        make=do.make_without_genesis,
        chain_sees=True,
        seals_see=True,
    ),
    _insider(
        "a genesis of another trail",
        code=C.GENESIS_BODY,
        key=FIRST_BATCH,
        span=(0, 0),
        make=do.other_genesis(incarnation=b"\x44" * 16),
    ),
    _insider(
        "a genesis that names another key",
        code=C.GENESIS_BODY,
        key=FIRST_BATCH,
        span=(0, 0),
        make=do.other_genesis(keys=(make_trail(1, seed=b"\x66" * 32).signer.verifier.vkey,)),
    ),
)
