"""Attacks on and by control entries, and on the keys of a trail whose key was changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from attacks import deeds
from attacks.attack import Attack, Power, nothing
from auditor.builders import NOW, YEAR, TrailMaker, make_trail
from sealtrail_auditor.catalogue import FindingCode as C
from sealtrail_schemas.body import TopicRef
from sealtrail_schemas.checkpoint import sign_checkpoint
from sealtrail_schemas.control import Continuation, Gap, KeyChange
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import batch_key, key_change_key, seal_key
from sealtrail_transport.store import LockMode, Retention

OLD, NEW, THIEF = (bytes([number]) * 32 for number in (1, 2, 9))
NOTE = key_change_key(8)
TOPIC = TopicRef("payments.chained", b"d" * 16)


def rotated() -> TrailMaker:
    """A trail of three batches of four entries; entry 7 changes its key."""
    trail = make_trail(4)
    for _ in range(3):
        trail.event()
    trail.rotate(NEW)
    for _ in range(4):
        trail.event()
    trail.seal()
    return trail


def signer(trail: TrailMaker, seed: bytes) -> Signer:
    return Signer.from_seed(trail.origin, seed)


def change(trail: TrailMaker, old: bytes, new: bytes, **members) -> bytes:
    """A key change, signed by both keys."""
    signers = [signer(trail, old), signer(trail, new)]
    return trail.statement(KeyChange(*(one.verifier for one in signers)), *signers, **members)


def trusting_the_old_key(do):
    """The attack, judged by who trusts the old key of the trail."""

    def do_it(trail: TrailMaker) -> None:
        do(trail)
        trail.signer = signer(trail, OLD)

    return do_it


# Notes


def forge_note(trail: TrailMaker) -> None:
    """Who stole the old key puts another change of it, to a key of their own."""
    trail.put_key_change(change(trail, OLD, THIEF, sequence=3), 4)


def invent_change(trail: TrailMaker) -> None:
    """Who has the key puts a note of a change that the trail does not state."""
    trail.put_key_change(change(trail, OLD, THIEF, sequence=7), 8)


def erase_note(trail: TrailMaker) -> None:
    trail.store.erase(trail.folder + NOTE)


def alter_note(trail: TrailMaker) -> None:
    key = trail.folder + NOTE
    [line] = trail.store.versions(key)
    note = trail.store.open(key, line.version_id).read()
    trail.store.corrupt(key, line.version_id, note.replace(b"as agreed", b"as I like"))


def copy_note(trail: TrailMaker) -> None:
    key = trail.folder + NOTE
    [line] = trail.store.versions(key)
    trail.put_key_change(trail.store.open(key, line.version_id).read(), 4)


def write_over_note(trail: TrailMaker) -> None:
    trail.store.put(trail.folder + NOTE, b"junk", retention=None, only_if_absent=False)


def delete_note(trail: TrailMaker) -> None:
    trail.store.delete(trail.folder + NOTE)


def with_lock(retention: Retention | None):
    """A trail whose note is locked in another way than its seal."""

    def make() -> TrailMaker:
        trail = make_trail(4)
        for _ in range(3):
            trail.event()
        note = trail.rotate(NEW, is_put=False)
        trail.put_key_change(note, retention=retention)
        trail.event()
        trail.seal()
        return trail

    return make


def cut_the_end(trail: TrailMaker) -> None:
    """The change and all behind it are erased, but for the note; nobody kept a head."""
    for number in (1, 2):
        deeds.erase("batch", "seal", number=number)(trail)


# Seals


def reseal(number: int, seed: bytes, *, over: bool):
    """Seal a batch with another key of the trail, in the place of its seal or over it."""

    def do(trail: TrailMaker) -> None:
        placed, other = trail.placed[number], signer(trail, seed)
        checkpoint = sign_checkpoint(trail.opened(number).checkpoint, other)
        true, trail.signer = trail.signer, other
        note = trail.sign(replace(placed.text, checkpoint=checkpoint))
        trail.signer = true
        if over:
            trail.store.put(placed.seal, note, retention=None, only_if_absent=False)
        else:
            trail.store.corrupt(placed.seal, placed.seal_version, note)

    return do


def rewritten_by_a_thief() -> TrailMaker:
    """The history that who stole the old key writes anew from before its change on, to a key of their own."""
    trail = make_trail(4)
    for _ in range(3):
        trail.event(b"other")
    trail.rotate(THIEF)
    trail.event(b"other")
    trail.seal()
    return trail


def take_over(trail: TrailMaker) -> None:
    """Put that history in the place of the true one, for a reader who trusts the old key."""
    trail.store = rewritten_by_a_thief().store
    trail.signer = signer(trail, OLD)
    trail.signers = [signer(trail, OLD), signer(trail, THIEF)]


# Entries


def with_entry(add):
    """A trail whose second batch holds, as entry 5, what `add` appends."""

    def make() -> TrailMaker:
        trail = make_trail(4)
        trail.event()
        add(trail)
        trail.event()
        trail.event()
        trail.seal()
        return trail

    return make


def unsigned(name: str):
    return lambda trail: trail.state(name, None)


def go_on_as_another(trail: TrailMaker) -> None:
    """A continuation that the trail's key did not sign."""
    trail.state("continuation", trail.statement(Continuation(TOPIC, "lost"), signer(trail, THIEF)))


def invent_gap(trail: TrailMaker) -> None:
    """A gap that the trail's key did not sign; the offsets jump as it says."""
    kept = trail.next_offset + 9
    note = trail.statement(Gap(trail.raw, trail.next_offset, kept), signer(trail, THIEF))
    trail.state("gap", note, next_source_offset=kept)


def repeat_statement(trail: TrailMaker) -> None:
    """A statement that was signed for the entry before it."""
    note = trail.statement(Continuation(TOPIC, "lost"), sequence=4)
    trail.state("continuation", note)


def understate_gap(trail: TrailMaker) -> None:
    """A gap of two records, where the offsets leave out nine."""
    note = trail.statement(Gap(trail.raw, trail.next_offset, trail.next_offset + 2))
    trail.state("gap", note, next_source_offset=trail.next_offset + 9)


def change_within_a_batch(trail: TrailMaker) -> None:
    trail.state("key-change", change(trail, OLD, NEW))


def change_again() -> TrailMaker:
    """Behind the change, who stole the old key changes it once more, to a key of their own."""
    trail = rotated()
    trail.state("key-change", change(trail, OLD, THIEF))
    trail.event()
    trail.seal()
    return trail


_rotated = partial(Attack, make=rotated)
_chainer = partial(
    Attack, power=Power.CHAINER, do=nothing, code=C.CONTROL_FORGED, key=batch_key(4), span=(5, 5)
)

KEYS = (
    _rotated(
        "a second change of the stolen old key", Power.INSIDER, forge_note, C.KEY_FORKED, key_change_key(4)
    ),
    _rotated(
        "a second change of the stolen old key, judged by it",
        Power.INSIDER,
        trusting_the_old_key(forge_note),
        C.KEY_FORKED,
        key_change_key(4),
    ),
    Attack(
        "a note of a key change that no entry states",
        Power.INSIDER,
        invent_change,
        C.KEY_UNSTATED,
        batch_key(4),
        (7, 7),
        also=(C.SEAL_KEY_TURN,),
    ),
    _rotated("the note of a key change erased", Power.OPERATOR, erase_note, C.KEY_UNLISTED, NOTE, (7, 7)),
    _rotated(
        "the note of a key change erased, judged by the old key",
        Power.OPERATOR,
        trusting_the_old_key(erase_note),
        C.KEY_UNLISTED,
        NOTE,
        (7, 7),
    ),
    _rotated(
        "the note of a key change altered",
        Power.OPERATOR,
        alter_note,
        C.KEY_UNLISTED,
        NOTE,
        (7, 7),
        also=(C.OBJECT_FOREIGN,),
    ),
    _rotated(
        "the entry of a key change altered",
        Power.OPERATOR,
        deeds.at(3, deeds.new_payload),
        C.ENTRY_PAYLOAD,
        batch_key(4),
        (7, 7),
        chain_sees=True,
        seals_see=True,
    ),
    _rotated(
        "the end cut off from before a key change on, and no head kept",
        Power.OPERATOR,
        cut_the_end,
        C.KEY_AHEAD,
        NOTE,
        (4, 7),
    ),
    _rotated(
        "the note of a key change copied to another size",
        Power.WRITER,
        copy_note,
        C.OBJECT_FOREIGN,
        key_change_key(4),
    ),
    _rotated(
        "junk over the note of a key change", Power.WRITER, write_over_note, C.OBJECT_VERSIONS, NOTE, (7, 7)
    ),
    _rotated("the note of a key change deleted", Power.WRITER, delete_note, C.OBJECT_MARKER, NOTE, (7, 7)),
    Attack(
        "a note of a key change without a lock",
        Power.INSIDER,
        nothing,
        C.LOCK_MISSING,
        NOTE,
        (4, 7),
        make=with_lock(None),
    ),
    Attack(
        "a note of a key change that can be erased sooner",
        Power.INSIDER,
        nothing,
        C.LOCK_SHORT,
        NOTE,
        (4, 7),
        make=with_lock(Retention(LockMode.COMPLIANCE, NOW + YEAR / 2)),
    ),
    _rotated(
        "a seal behind the key change by the old key, over the true one",
        Power.INSIDER,
        reseal(2, OLD, over=True),
        C.SEAL_KEY_TURN,
        seal_key(12),
        (8, 11),
        also=(C.OBJECT_VERSIONS,),
    ),
    _rotated(
        "a seal behind the key change by the old key, in the place of the true one",
        Power.INSIDER,
        reseal(2, OLD, over=False),
        C.SEAL_KEY_TURN,
        seal_key(12),
        (8, 11),
    ),
    _rotated(
        "a seal before the key change by the new key, in the place of the true one",
        Power.INSIDER,
        reseal(0, NEW, over=False),
        C.SEAL_KEY_TURN,
        seal_key(4),
        (0, 3),
        seals_see=True,
    ),
)

STATEMENTS = (
    *(
        _chainer(f"a {name} without a statement", make=with_entry(unsigned(name)))
        for name in ("key-change", "continuation", "gap")
    ),
    _chainer("a continuation that another key signed", make=with_entry(go_on_as_another)),
    _chainer("a gap that another key signed", make=with_entry(invent_gap)),
    _chainer(
        "a second key change, that the replaced key signed",
        make=change_again,
        key=batch_key(12),
        span=(12, 12),
    ),
    _chainer(
        "a statement repeated at the next entry", code=C.CONTROL_MISPLACED, make=with_entry(repeat_statement)
    ),
    Attack(
        "a key change that is not the last entry of its batch",
        Power.INSIDER,
        nothing,
        C.CONTROL_MISPLACED,
        batch_key(4),
        (5, 5),
        make=with_entry(change_within_a_batch),
    ),
    Attack(
        "a gap stated smaller than it is",
        Power.INSIDER,
        nothing,
        C.GAP_OFFSETS,
        batch_key(4),
        (5, 5),
        make=with_entry(understate_gap),
    ),
)

UNSEEN = (
    _rotated(
        "the end rewritten with the stolen old key, and judged by it",
        Power.INSIDER,
        take_over,
        None,
    ),
)
