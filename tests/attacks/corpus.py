"""The attack corpus, by chapters, and why some attacks share a code.

Each attack is done to a trail in memory, whose keys are at hand. An attack has a code of its own where the
bytes that it leaves behind tell it from the others; `SHARED` says for each code that several attacks give
what it is that can't be told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attacks import by_insiders, on_batches, on_locks, on_seals, on_statements, on_trails
from sealtrail_auditor.catalogue import FindingCode as C

if TYPE_CHECKING:
    from attacks.attack import Attack


class Chapter(NamedTuple):
    """Attacks of one sort."""

    title: str
    attacks: tuple[Attack, ...]


CHAPTERS = (
    Chapter("A bit flipped or a field changed in a batch", on_batches.FLIPS),
    Chapter("A bit flipped or a field changed in a seal", on_seals.FLIPS),
    Chapter("Cut off", (*on_batches.TRUNCATIONS, *on_seals.TRUNCATIONS, *on_trails.TAILS)),
    Chapter("Swapped, copied, moved", on_batches.EXCHANGES),
    Chapter("Entries removed, inserted, replaced", on_batches.ENTRIES),
    Chapter("Forged and replayed seals", on_seals.FORGERIES),
    Chapter("Versions and delete markers", on_locks.VERSIONS),
    Chapter("Locks", on_locks.LOCKS),
    Chapter("Names", on_trails.NAMES),
    Chapter("Another history, signed with the trail's key", by_insiders.REWRITES),
    Chapter("Seals that state what is not so, signed with the trail's key", by_insiders.SEALS),
    Chapter("Entries that break rules, sealed with the trail's key", by_insiders.ENTRIES),
    Chapter("Key changes, and seals around them", on_statements.KEYS),
    Chapter("Entries that state what was done to the trail", on_statements.STATEMENTS),
)

UNSEEN = (*on_trails.UNSEEN, *on_statements.UNSEEN)
"""What is no finding: either it does no harm, or an archive alone can't show it."""

ATTACKS = tuple(attack for chapter in CHAPTERS for attack in chapter.attacks)

SHARED = {
    C.ENTRY_PAYLOAD: (
        "A payload is one string of bytes under one hash: salt, key and value are not told apart by it, "
        "nor is a payload that was changed from one that was put there."
    ),
    C.ENTRY_LINK: (
        "A link joins two leaves by one hash. Where it does not fit, either leaf may be the one that was "
        "changed, so both are named."
    ),
    C.ENTRY_LEAF: (
        "The leaf contradicts itself or its place while its link still fits, so the leaf was changed. "
        "Which field it was stands in what was expected and found."
    ),
    C.BATCH_DAMAGED: "Behind the place where a file can't be read any more nothing can be said of it.",
    C.BATCH_TRUNCATED: "One thing at several places; the entries named are those from the cut on.",
    C.BATCH_MISSING: "One thing at several places: a batch's seal vouches for it, the last one's too.",
    C.BATCH_SWAPPED: (
        "Each object is judged by itself. Of two that were exchanged there are two findings, of one that "
        "was copied over another there is one."
    ),
    C.BATCH_FOREIGN: (
        "Nobody signs a batch alone. That its header or its leaves name another trail is a claim, "
        "whichever of them does."
    ),
    C.BATCH_REWRITTEN: (
        "The chain within the file is whole and ends elsewhere. What it was before is in no byte that is "
        "left, so insertion, replacement and another order look alike."
    ),
    C.ENTRY_MISSING: (
        "A chain of one entry too few. Where it was computed anew, only the sealed number of entries "
        "shows it, and that it was computed anew can't be seen: the hash of the entry before the last is "
        "not in the seal."
    ),
    C.SEAL_DAMAGED: (
        "The signature covers all of a seal's text, so it tells that something was changed and not what. "
        "Whatever is no seal at all looks the same."
    ),
    C.SEAL_TRUNCATED: "One thing at several places.",
    C.SEAL_FORGED: (
        "A signature under the trail's name by another key: the number of the key is part of the "
        "signature, so whether a bit of it flipped, or there is such a key, or it is the operator's next "
        "one, is not in the seal."
    ),
    C.SEAL_SWAPPED: "As with batches: each object is judged by itself.",
    C.SEAL_MISSING: (
        "A file without a seal is vouched for by nobody, so whether one lies in the gap says nothing."
    ),
    C.FRONT_MISSING: "The same at the start of a trail.",
    C.HEAD_CUT: (
        "How the end was lost can't be seen from what is left; how much of it, the kept head tells. A "
        "batch whose seal is gone looks like one that waits for its seal."
    ),
    C.TRAIL_UNSEALED: "Whether there were seals once is in no file that is left.",
    C.TRAIL_STALE: "That nothing came and that what came was removed look alike.",
    C.TAIL_UNSEALED: (
        "Files that no seal names, ahead of what is sealed: whether there were seals once, or never, is "
        "not in them."
    ),
    C.OBJECT_FOREIGN: "The object's name says where it lies.",
    C.OBJECT_SQUATTED: "The object's name says what for it could have been needed.",
    C.OBJECT_VERSIONS: (
        "The object's name says whether it is a batch or a seal; which version was there first changes "
        "nothing, since the sealed one is read."
    ),
    C.OBJECT_MARKER: "The object's name says whether it is a batch or a seal.",
    C.LOCK_MISSING: "The object's name says whether it is a batch or a seal.",
    C.HEAD_ROOT: "A root tells that history differs before the head, and not where: any leaf changes it.",
    C.SEAL_FORKED: "Two statements with good signatures that can't both be true are one proof of one thing.",
    C.SEAL_CHAIN: (
        "The seal before is named by its hash and its date; which one is wrong stands in what was "
        "expected and found."
    ),
    C.SEAL_CONTENT: "Which statement it is stands in what was expected and found.",
    C.ENTRY_BODY: (
        "Of an entry that sealtrail wrote itself, the body is not what it should be; how, stands in what "
        "was found."
    ),
    C.CONTROL_FORGED: (
        "An entry speaks for the trail without its key. Whether another key signed, or none, stands in what "
        "was found."
    ),
    C.CONTROL_MISPLACED: "Where the statement belongs stands in what was found.",
    C.KEY_FORKED: "Two changes of one key are one proof of one thing, whichever of its keys a reader trusts.",
    C.KEY_UNLISTED: "A note that is gone and one that does not open are the same to who looks for it.",
    C.LOCK_SHORT: "The object's name says whether it is a batch, a seal or a key change.",
    C.SEAL_KEY_TURN: "Which key it was, and whose turn, stands in what was expected and found.",
    C.GENESIS_BODY: "Which statement it is stands in what was expected and found.",
}
"""For each code that several attacks give: what the bytes that are left do not tell apart."""
