"""What an adversary can do to an archive, by name, and all that the verifier says to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from auditor import attacks as do
from auditor.builders import NOW, NOW_MS, ORIGIN, YEAR, TrailMaker, codes, make_batch, make_trail, verify
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Span
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.body import trail_id
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.layout import batch_key, seal_key
from sealtrail_schemas.seal_text import EntryRef, TimeSpan, TopicMark
from sealtrail_transport.store import LockMode, Retention

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Attack:
    """What is done to a trail, and all that the verifier has to say to it.

    `do` gets the trail and may return further arguments of `verify`. `span` is that of the first finding of
    `code`; `also` are the codes that come with it.
    """

    do: Callable[[TrailMaker], dict | None]
    code: FindingCode
    span: tuple[int, int] | None = None
    also: tuple[FindingCode, ...] = ()
    make: Callable[[], TrailMaker] = lambda: make_trail(4, 4, 4)


C = FindingCode
TRAIL_ID = trail_id(ORIGIN, b"\x02" * 16)
ATTACKS = {
    # the batch's file
    "one bit of a payload": Attack(do.at(2, do.new_payload), C.ENTRY_PAYLOAD, (6, 6)),
    "a payload exchanged for that of another entry": Attack(
        do.rewrite(lambda e: [e[0], Entry(e[1].leaf, e[2].payload), *e[2:]]), C.ENTRY_PAYLOAD, (5, 5)
    ),
    "a time in a leaf": Attack(do.at(1, do.leaf_with(source_timestamp_ms=7)), C.ENTRY_LINK, (5, 6)),
    "the last leaf": Attack(do.at(3, do.leaf_with(source_timestamp_ms=7)), C.ENTRY_LINK, (7, 7)),
    "a previous hash": Attack(do.at(2, do.leaf_with(previous_hash=b"x" * 32)), C.ENTRY_LINK, (5, 6)),
    "a sequence": Attack(do.at(2, do.leaf_with(sequence=9)), C.ENTRY_LEAF, (6, 6)),
    "a trail id": Attack(do.at(2, do.leaf_with(trail_id=b"x" * 32)), C.ENTRY_LEAF, (6, 6)),
    "a leaf that goes back in time": Attack(do.at(2, do.leaf_with(chained_at_ms=1)), C.ENTRY_LEAF, (6, 6)),
    "a leaf of another version": Attack(
        do.at(2, lambda e: Entry(b"STL\x02" + e.leaf[4:], e.payload)), C.ENTRY_LEAF, (6, 6)
    ),
    "a leaf cut short": Attack(do.at(2, lambda e: Entry(e.leaf[:-1], e.payload)), C.ENTRY_LEAF, (6, 6)),
    "an entry removed": Attack(do.rewrite(lambda e: [e[0], *e[2:]]), C.ENTRY_MISSING, (5, 5)),
    "the first entry removed": Attack(do.rewrite(lambda e: e[1:]), C.ENTRY_MISSING, (4, 4)),
    "the last entry removed": Attack(do.rewrite(lambda e: e[:-1]), C.ENTRY_MISSING, (7, 7)),
    "two entries swapped": Attack(do.rewrite(lambda e: [e[0], e[2], e[1], e[3]]), C.ENTRY_ORDER, (5, 5)),
    "an entry twice": Attack(do.rewrite(lambda e: [*e[:2], e[1], *e[2:]]), C.ENTRY_REPEATED, (6, 6)),
    "an entry added at the end": Attack(do.rewrite(lambda e: [*e, e[3]]), C.ENTRY_EXTRA, (8, 8)),
    "an entry of another trail": Attack(do.foreign_entry, C.ENTRY_FOREIGN, (6, 6)),
    "a batch of another origin": Attack(do.foreign_batch, C.BATCH_FOREIGN, (4, 7)),
    "a batch of another incarnation": Attack(do.batch_of_another_incarnation, C.BATCH_FOREIGN, (4, 7)),
    "a batch that claims another origin": Attack(
        lambda trail: do.corrupt_batch(
            lambda _: make_batch("audit.example.com/refunds/0", trail.entries_of[4])
        )(trail),
        C.BATCH_FOREIGN,
        (4, 7),
    ),
    "two batches swapped": Attack(do.swap_batches, C.BATCH_SWAPPED, (4, 7), also=(C.BATCH_SWAPPED,)),
    "an empty batch": Attack(do.corrupt_batch(lambda _: b""), C.BATCH_EMPTY, (4, 7)),
    "a truncated batch": Attack(do.corrupt_batch(lambda data: data[:-40]), C.BATCH_TRUNCATED, (7, 7)),
    "a batch with bytes behind": Attack(
        do.corrupt_batch(lambda data: data + b"\x00"), C.BATCH_DAMAGED, (4, 7)
    ),
    "a batch under another codec": Attack(
        lambda trail: do.corrupt_batch(lambda _: make_batch(ORIGIN, trail.entries_of[4], "deflate"))(trail),
        C.BATCH_DAMAGED,
        (4, 7),
    ),
    "a batch that is something else": Attack(
        do.corrupt_batch(lambda data: b"PK" + data[2:]), C.BATCH_DAMAGED, (4, 7)
    ),
    "a batch erased": Attack(do.erase("batch"), C.BATCH_MISSING, (4, 7)),
    # the seals
    "a seal cut short": Attack(do.corrupt_seal(lambda note: note[:-5]), C.SEAL_DAMAGED, (4, 7)),
    "an empty seal": Attack(do.corrupt_seal(lambda _: b""), C.SEAL_DAMAGED, (4, 7)),
    "a large seal": Attack(do.corrupt_seal(lambda note: note + b"x" * 70_000), C.SEAL_DAMAGED, (4, 7)),
    "a changed seal": Attack(
        do.corrupt_seal(lambda note: note.replace(b'"sequence":"4"', b'"sequence":"3"')),
        C.SEAL_DAMAGED,
        (4, 7),
    ),
    "the newest seal changed": Attack(
        do.corrupt_seal(lambda note: note.replace(b"COMPLIANCE", b"GOVERNANCE"), 2), C.SEAL_DAMAGED, (8, 11)
    ),
    "a seal erased": Attack(do.erase("seal"), C.SEAL_MISSING, (4, 7)),
    "a seal and its batch erased": Attack(do.erase("seal", "batch"), C.SEAL_MISSING, (4, 7)),
    "the first seal erased": Attack(lambda t: t.store.erase(t.placed[0].seal), C.FRONT_MISSING, (0, 3)),
    "all seals erased": Attack(do.only_batches, C.TAIL_UNSEALED, also=(C.TRAIL_UNSEALED,)),
    "two seals swapped": Attack(do.swap_seals, C.SEAL_SWAPPED, (4, 7), also=(C.SEAL_SWAPPED,)),
    "a seal of another origin": Attack(do.foreign_seal, C.SEAL_FOREIGN, (4, 7)),
    "a seal of another incarnation": Attack(do.seal_of_another_incarnation, C.SEAL_FOREIGN, (4, 7)),
    "a seal of a newer format": Attack(do.newer_seal, C.SEAL_FORMAT, (4, 7)),
    "seals by another key": Attack(do.other_key, C.SEAL_KEY, (0, 11)),
    # who holds the key
    "a seal that names another before it": Attack(lambda _: None, C.SEAL_CHAIN, (4, 4), make=do.chain_broken),
    "a seal that names another retention before it": Attack(
        lambda _: None, C.SEAL_CHAIN, (4, 4), make=do.chain_names_other_date
    ),
    "a retention that goes back": Attack(lambda _: None, C.SEAL_BACKDATED, (4, 4), make=do.backdated),
    "a second seal of a size": Attack(do.second_seal, C.SEAL_FORKED, (4, 7), also=(C.OBJECT_VERSIONS,)),
    "a seal across two others": Attack(
        do.overlapping_seal, C.SEAL_FORKED, (4, 7), also=(C.ENTRY_EXTRA, C.LOCK_MISSING, C.SEAL_MISSING)
    ),
    "a first hash that is none": Attack(
        lambda _: None, C.SEAL_CONTENT, (4, 7), make=do.signed_wrong(first=EntryRef(4, b"x" * 32))
    ),
    "a last hash that is none": Attack(
        lambda _: None, C.SEAL_CONTENT, (4, 7), make=do.signed_wrong(last=EntryRef(7, b"x" * 32))
    ),
    "a first time that is none": Attack(
        lambda _: None, C.SEAL_CONTENT, (4, 7), make=do.signed_wrong(time=TimeSpan(1, NOW_MS - 599_920))
    ),
    "a last time that is none": Attack(
        lambda _: None, C.SEAL_CONTENT, (4, 7), make=do.signed_wrong(time=TimeSpan(NOW_MS - 599_950, NOW_MS))
    ),
    "a next source offset that is none": Attack(
        lambda _: None, C.SEAL_CONTENT, (4, 7), make=do.signed_wrong(source=TopicMark(b"r" * 16, 99))
    ),
    "a trail id that only begins like the trail's": Attack(
        lambda _: None, C.SEAL_FORKED, (4, 7), make=do.signed_wrong(trail_id=TRAIL_ID[:4] + bytes(28))
    ),
    "a root of another tree": Attack(
        lambda _: None, C.SEAL_ROOT, (4, 7), make=do.signed_wrong(edge=do.other_tree())
    ),
    "an entry that goes back in time": Attack(
        lambda _: None, C.ENTRY_RULE, (5, 5), make=do.with_entry(chained_at_ms=5)
    ),
    "an entry that goes back in the source": Attack(
        lambda _: None, C.ENTRY_RULE, (5, 5), make=do.with_entry(source_offset=0, next_source_offset=9)
    ),
    "a payload that is not canonical": Attack(lambda _: None, C.ENTRY_RULE, (5, 5), make=do.with_odd_payload),
    "a trail that begins with an event": Attack(
        lambda _: None, C.ENTRY_LEAF, (0, 0), make=do.without_genesis
    ),
    "a genesis of another origin": Attack(
        lambda _: None, C.GENESIS_BODY, (0, 0), make=do.other_genesis(incarnation=b"\x44" * 16)
    ),
    "a genesis of another key": Attack(
        lambda _: None,
        C.GENESIS_BODY,
        (0, 0),
        make=do.other_genesis(keys=(make_trail(1, seed=b"\x66" * 32).signer.verifier.vkey,)),
    ),
    "two histories under one key": Attack(do.two_histories, C.TRAIL_FORKED),
    "a history rewritten and signed again": Attack(do.rewritten_history, C.HEAD_ROOT, (0, 9)),
    "the tail cut off": Attack(do.cut_tail, C.HEAD_CUT, (8, 11)),
    "a stale trail": Attack(lambda _: {"max_age": timedelta(minutes=1)}, C.TRAIL_STALE),
    # what this program does not know
    "an entry of a newer format": Attack(
        lambda _: None, C.ENTRY_FORMAT, (5, 5), make=do.with_new_leaf_version
    ),
    "a batch of a newer format": Attack(lambda _: None, C.BATCH_FORMAT, (4, 4), make=do.newer_batch),
    "a body that is none": Attack(lambda _: None, C.ENTRY_BODY, (4, 4), make=do.with_odd_body),
    "a rejected entry of another record": Attack(
        lambda _: None, C.ENTRY_BODY, (4, 4), make=do.with_rejected_of_elsewhere
    ),
    # locks, versions, names
    "no lock at all": Attack(lambda _: None, C.LOCK_NONE, (0, 11), make=do.unlocked),
    "a lock removed": Attack(do.locked_as(None), C.LOCK_MISSING, (4, 7)),
    "a weaker lock": Attack(do.locked_as(Retention(LockMode.GOVERNANCE, NOW + YEAR)), C.LOCK_WEAK, (4, 7)),
    "a shorter lock": Attack(
        do.locked_as(Retention(LockMode.COMPLIANCE, NOW + YEAR - timedelta(seconds=1))), C.LOCK_SHORT, (4, 7)
    ),
    "a batch written over": Attack(do.put_on_top("batch"), C.OBJECT_VERSIONS, (4, 7)),
    "a seal written over": Attack(do.put_on_top("seal"), C.OBJECT_VERSIONS, (4, 7)),
    "a batch deleted": Attack(do.delete("batch"), C.OBJECT_MARKER, (4, 7)),
    "a seal deleted": Attack(do.delete("seal"), C.OBJECT_MARKER, (4, 7)),
    "a batch written again below the interface": Attack(do.written_again, C.BATCH_REPLACED, (4, 7)),
    "a batch copied to a new version": Attack(do.moved_version, C.BATCH_VERSION, (4, 7)),
    "a file among the seals": Attack(do.put("seals/readme.txt"), C.OBJECT_FOREIGN),
    "a file among the batches": Attack(do.put("batches/readme.txt"), C.OBJECT_FOREIGN),
    "a file in the folder": Attack(do.put("readme.txt"), C.OBJECT_FOREIGN),
    "a squatted seal": Attack(do.put(seal_key(6)), C.OBJECT_FOREIGN),
    "a squatted batch": Attack(do.put(batch_key(6)), C.OBJECT_FOREIGN),
    "a squatted suffix": Attack(do.put(batch_key(4, 1)), C.OBJECT_FOREIGN),
    "a batch squatted ahead": Attack(do.squat_ahead, C.TAIL_UNSEALED),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_named_and_placed(name):
    attack = ATTACKS[name]
    trail = attack.make()
    report = verify(trail, **(attack.do(trail) or {}))
    findings = report.all_findings()
    assert sorted(codes(report)) == sorted(code.code for code in (attack.code, *attack.also))
    assert report.verdict == Verdict.worst(code.verdict for code in (attack.code, *attack.also))
    first = next(finding for finding in findings if finding.code is attack.code)
    assert first.span == (attack.span and Span(*attack.span))
    assert first.origin == ORIGIN
    assert first.expected
    assert first.found
    assert first.key


@pytest.mark.parametrize("name", [name for name in ATTACKS if ATTACKS[name].make is Attack.make])
def test_the_trail_is_intact_before_the_attack(name):
    assert codes(verify(ATTACKS[name].make())) == []
