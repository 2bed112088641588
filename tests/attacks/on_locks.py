"""Attacks on what protects the objects: their versions, their locks."""

from __future__ import annotations

from datetime import timedelta

from attacks import deeds as do
from attacks.attack import Attack, Power
from attacks.on_batches import SECOND as BATCH
from attacks.on_seals import SECOND as SEAL
from auditor.builders import NOW, YEAR, TrailMaker
from sealtrail_auditor.catalogue import FindingCode as C
from sealtrail_transport.store import LockMode, Retention

SECOND = timedelta(seconds=1)


def locked_as(retention: Retention | None, what: str = "batch"):
    """Give the second batch or its seal another lock, below the interface."""

    def do_it(trail: TrailMaker) -> None:
        [version] = trail.store._objects[getattr(trail.placed[1], what)]
        version.retention = retention

    return do_it


def written_again(trail: TrailMaker) -> None:
    """The store gives another time for the second batch than when it was sealed."""
    [version] = trail.store._objects[trail.placed[1].batch]
    version.last_modified += timedelta(hours=1)


def moved_version(trail: TrailMaker) -> None:
    """Write the second batch's bytes again, and erase the version that was sealed."""
    placed = trail.placed[1]
    trail.store.erase(placed.batch)
    lock = Retention(LockMode.COMPLIANCE, NOW + YEAR)
    trail.store.put(placed.batch, placed.batch_bytes, retention=lock)


def squatted_before(trail: TrailMaker) -> None:
    """Junk lies below the version that was sealed: it was there first."""
    versions = trail.store._objects[trail.placed[1].seal]
    trail.store.put(trail.placed[1].seal, b"junk", retention=None, only_if_absent=False)
    versions.reverse()


def attack(name, power, deed, code, key, **seen) -> Attack:
    return Attack(name, power, deed, code, key, (4, 7), **seen)


VERSIONS = (
    attack(
        "a newer version put over a batch",
        Power.WRITER,
        do.put_on_top("batch"),
        C.OBJECT_VERSIONS,
        BATCH,
        chain_sees=True,
        seals_see=True,
    ),
    attack(
        "a newer version put over a seal",
        Power.WRITER,
        do.put_on_top("seal"),
        C.OBJECT_VERSIONS,
        SEAL,
        seals_see=True,
    ),
    attack(
        "the name of a seal squatted before it came",
        Power.WRITER,
        squatted_before,
        C.OBJECT_VERSIONS,
        SEAL,
    ),
    attack(
        "a delete marker over a batch",
        Power.WRITER,
        do.delete("batch"),
        C.OBJECT_MARKER,
        BATCH,
        chain_sees=True,
        seals_see=True,
    ),
    attack(
        "a delete marker over a seal",
        Power.WRITER,
        do.delete("seal"),
        C.OBJECT_MARKER,
        SEAL,
        seals_see=True,
    ),
    Attack(
        "delete markers over everything",
        Power.WRITER,
        do.delete_all,
        C.OBJECT_MARKER,
        "seals/00000000000000000004.seal",
        (0, 11),
        also=(C.OBJECT_MARKER,),
        chain_sees=True,
        seals_see=True,
    ),
    attack("a batch written again later", Power.OPERATOR, written_again, C.BATCH_REPLACED, BATCH),
    attack("a batch copied to a new version", Power.OPERATOR, moved_version, C.BATCH_VERSION, BATCH),
)

LOCKS = (
    attack("a batch's lock removed", Power.OPERATOR, locked_as(None), C.LOCK_MISSING, BATCH),
    attack("a seal's lock removed", Power.OPERATOR, locked_as(None, "seal"), C.LOCK_MISSING, SEAL),
    attack(
        "a lock downgraded to GOVERNANCE",
        Power.OPERATOR,
        locked_as(Retention(LockMode.GOVERNANCE, NOW + YEAR)),
        C.LOCK_WEAK,
        BATCH,
    ),
    attack(
        "a lock shortened by a second",
        Power.OPERATOR,
        locked_as(Retention(LockMode.COMPLIANCE, NOW + YEAR - SECOND)),
        C.LOCK_SHORT,
        BATCH,
    ),
)
