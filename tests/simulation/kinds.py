"""The kinds of faults: what each does, and what may follow from it. All else that follows is a violation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sealtrail_chainer.errors import StopCode

LOCK = "lock-unsupported"
"""What an archiver's LockUnsupportedError is called here; it stops the line as a StopCode does."""

RECOVERY_POINTS: Final = frozenset(
    f"{part}.{call}.{when}"
    for part, calls in {
        "chainer": ("topic", "bounds", "writer", "close", "list-trails", "list-seal", "open-seal"),
        "archiver": ("topic", "bounds", "list-trails", "list-seal", "open-seal"),
    }.items()
    for call in calls
    for when in ("before", "after")
)
"""What a start passes before it knows that the line has to stand."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        what: one line for the page.
        alarms: what an archiver may tell because of it.
        stops: why a part may stop because of it.
        must_stop: no part may go on after it; `stops` says by which code it stops.
        findings: codes of what the verifier may find at the end; without any, its verdict is intact.
        findings_unmended: the same, where the line had to stop before an archiver could mend it.
    """

    what: str
    alarms: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()
    must_stop: bool = False
    findings: frozenset[str] = frozenset()
    findings_unmended: frozenset[str] = frozenset()


def _kind(
    what: str,
    *,
    alarms: str = "",
    stops: tuple[str, ...] = (),
    must_stop=False,
    findings: str = "",
    unmended: str = "",
) -> Kind:
    if must_stop:  # the line may stop between a batch and its seal
        findings += " ST-TRAIL-UNSEALED ST-TAIL-UNSEALED"
    told = (frozenset(codes.split()) for codes in (findings, unmended))
    return Kind(what, frozenset(alarms.split()), frozenset(stops), must_stop, *told)


LOG_KINDS: Final = {
    "append-refused-by-network": _kind("an append fails before anything happened"),
    "append-aborted": _kind("a transaction is aborted; its records keep their offsets and are never read"),
    "append-fenced": _kind("a coordinator gives up a writer although there is no newer one"),
    "append-unanswered-done": _kind("a commit that failed but happened"),
    "append-unanswered-lost": _kind("a commit without an answer that did not happen"),
    "append-late": _kind(
        "a transaction lands beyond a newer writer's start (the gap of KIP-890)", alarms="stray"
    ),
    "append-late-in-next": _kind(
        "a transaction lands inside the next one, before its records", alarms="stray"
    ),
    "append-late-in-part": _kind(
        "the first part of a transaction lands late, the rest never", alarms="stray"
    ),
    "log-away": _kind("the log cannot be reached, at a call chosen among all"),
    "offsets-burnt": _kind("offsets are taken by records that nobody will ever read"),
    "strays-linked": _kind(
        "a branch of records that link to each other, off the true chain or at its end", alarms="stray"
    ),
    "foreign-record": _kind("somebody writes a record of their own to the chained topic", alarms="stray"),
    "chained-repeated": _kind(
        "the last chained records are appended again by a producer that started anew", alarms="stray"
    ),
    "raw-repeated": _kind("a service's producer starts anew and publishes its last event again"),
    "record-refused": _kind("the log refuses one record, however it is tried", alarms="rejected"),
    "record-unreadable": _kind("a record of the raw topic that cannot be read", alarms="rejected"),
    "chained-tail-lost": _kind(
        "the chained topic loses records that were not sealed yet, and archivers start anew",
        alarms="stray name-spoiled extra-version",
        stops=(StopCode.ACKNOWLEDGED_LOST,),
        findings="ST-OBJECT-SQUATTED",
    ),
    "chainer-zombie": _kind("a chainer is stopped, replaced, and woken again"),
    "clock-back": _kind("the machine's clock is set back"),
}

STORE_KINDS: Final = {
    "put-failed": _kind("a put fails and wrote nothing"),
    "put-unanswered": _kind("a put fails but wrote the object"),
    "put-412-own": _kind("a put is told 412 because of its own first try"),
    "put-409": _kind("a put is told 409: another of this name is under way"),
    "put-late": _kind("a put times out and arrives later"),
    "put-damaged": _kind(
        "a put is answered, and one bit is not what was sent",
        alarms="name-spoiled seal-name-spoiled extra-version",
        findings="ST-OBJECT-SQUATTED ST-OBJECT-VERSIONS",
        unmended="ST-SEAL-DAMAGED",  # until an archiver puts a good version on top
    ),
    "put-unlocked": _kind(
        "a put is answered, and the lock was ignored",
        alarms="name-spoiled",
        stops=(LOCK,),
        findings="ST-OBJECT-SQUATTED ST-LOCK-MISSING",
    ),
    "store-away": _kind("the store cannot be reached, at a call chosen among all, before it or after"),
    "store-slow": _kind("store work under way goes on after its archiver was replaced"),
    "list-stale": _kind(
        "a listing lacks the newest objects",
        alarms="name-spoiled seal-name-spoiled extra-version",
        stops=(StopCode.CHAINED_OVERTAKEN,),
        findings="ST-OBJECT-SQUATTED ST-OBJECT-VERSIONS",
    ),
    "read-torn": _kind("a connection breaks in the middle of an object"),
    "read-short": _kind(
        "an object ends early and nobody says so",
        alarms="name-spoiled seal-name-spoiled extra-version",
        stops=(StopCode.CHAINED_OVERTAKEN,),
        findings="ST-OBJECT-SQUATTED ST-OBJECT-VERSIONS",
    ),
    "retention-echoed-wrong": _kind(
        "a lock is reported as missing, weaker or shorter",
        alarms="name-spoiled",
        stops=(LOCK,),
        findings="ST-OBJECT-SQUATTED",
    ),
    "batch-marked": _kind(
        "a delete marker on a batch", alarms="extra-version", findings="ST-OBJECT-MARKER ST-OBJECT-VERSIONS"
    ),
    "seal-marked": _kind("a delete marker on a seal", findings="ST-OBJECT-MARKER ST-OBJECT-VERSIONS"),
    "batch-shadowed": _kind(
        "another version on top of a batch", alarms="extra-version", findings="ST-OBJECT-VERSIONS"
    ),
    "seal-shadowed": _kind("another version on top of a seal", findings="ST-OBJECT-VERSIONS"),
    "batch-squatted": _kind(
        "somebody takes the name of the next batch",
        alarms="name-spoiled extra-version",
        findings="ST-OBJECT-SQUATTED",
    ),
    "seal-squatted": _kind(
        "somebody takes the names of the next seals",
        alarms="seal-name-spoiled",
        findings="ST-OBJECT-SQUATTED ST-OBJECT-VERSIONS ST-SEAL-DAMAGED ST-SEAL-SWAPPED",
    ),
    "machine-clock-apart": _kind(
        "the clock of the chainer's and archiver's machine is far ahead for a while",
        alarms="name-spoiled extra-version",
        stops=(StopCode.CLOCK_APART,),
        # The latter where two seals overlap, one of which was dated by that clock.
        findings="ST-OBJECT-SQUATTED ST-SEAL-BACKDATED",
    ),
    "store-clock-apart": _kind(
        "the store's clock is far ahead for a while",
        stops=(StopCode.CLOCK_APART,),
        findings="ST-SEAL-BACKDATED",  # likewise
    ),
}

STOP_KINDS: Final = {
    "stray-contradicts": _kind(
        "a record off the true chain claims a raw record with other content",
        alarms="stray",
        stops=(StopCode.STRAY_LOST,),
        must_stop=True,
    ),
    "sealed-tail-lost": _kind(
        "the chained topic loses records below the sealed head",
        stops=(StopCode.CHAINED_TRUNCATED, StopCode.ACKNOWLEDGED_LOST),
        # What a chainer appends before it notices goes on from entries that are lost.
        alarms="stray name-spoiled extra-version",
        findings="ST-OBJECT-SQUATTED",
        must_stop=True,
    ),
    "chained-overtaken": _kind(
        "a retention deletes chained records before they are sealed",
        stops=(StopCode.CHAINED_OVERTAKEN,),
        must_stop=True,
    ),
    "raw-tail-lost": _kind(
        "the raw topic loses records that were chained",
        stops=(StopCode.RAW_TRUNCATED, StopCode.RAW_REPLACED, StopCode.STRAY_LOST),
        must_stop=True,
    ),
    "raw-overtaken": _kind(
        "a retention deletes raw records before they are chained",
        stops=(StopCode.RAW_OVERTAKEN,),
        must_stop=True,
    ),
    "raw-recreated": _kind(
        "the raw topic is deleted and made anew", stops=(StopCode.TOPIC_RECREATED,), must_stop=True
    ),
    "chained-recreated": _kind(
        "the chained topic is deleted and made anew",
        stops=(StopCode.TOPIC_RECREATED, StopCode.ACKNOWLEDGED_LOST),
        must_stop=True,
    ),
}

KINDS: Final = LOG_KINDS | STORE_KINDS | STOP_KINDS
