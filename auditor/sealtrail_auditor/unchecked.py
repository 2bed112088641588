"""What a verification did not check, in sentences: a verdict is worth as much as what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor import producers
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.locks import format_time
from sealtrail_transport.store import LockKnowledge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.control import Control


def unchecked_in_archive(lock_knowledge: LockKnowledge) -> Iterator[str]:
    """What was not checked in the archive as a whole."""
    if lock_knowledge is LockKnowledge.NONE:
        yield (
            "Locks, versions and delete markers: the archive is a plain folder, which knows none of them. "
            "Verify the bucket itself, or a copy made by `sealtrail fetch`."
        )
    elif lock_knowledge is LockKnowledge.NOTED:
        yield (
            "Locks, versions and delete markers were read from the copy's notes, which nobody signed. "
            "Verify the bucket itself to have them checked."
        )
    yield "Clocks: times are what the chainer's and the store's clocks said."


def unchecked_in_trail(trail: TrailResult, *, has_head: bool, has_max_age: bool) -> Iterator[str]:
    """What was not checked in one trail."""
    yield from _left_aside(trail)
    if not has_head:
        yield (
            "Without a pinned head, a history that the holder of the key rewrote and signed again can't be "
            "seen, and a cut tail only by its age."
        )
    if trail.to_end and not has_max_age:
        yield "Without a greatest age, it was not checked whether the trail is up to date."
    if trail.expired:
        yield f"Entries {trail.expired} are gone; the retention that was sealed for them has passed."
    if trail.head is not None and trail.genesis is None:
        yield "The first entry was not read, so what it says of the trail's origin and key was not checked."
    if trail.unsealed_in_gaps:
        yield f"{trail.unsealed_in_gaps} batch(es) without a valid seal were not read."
    if trail.bridged:
        yield (
            f"For entries {trail.bridged} the Merkle tree was not computed from the entries, which are "
            "missing or damaged or stand behind such; the signed right edges of the seals were used."
        )
    if trail.in_flight is not None:
        key, count = trail.in_flight
        yield f"{count} object(s) not yet sealed, from {key} on, were not read."
    yield from _controls(trail)
    yield from _keys(trail)
    yield from producers.unchecked(trail)
    if trail.has_schemas:
        yield "The schemas of archived events that seals name were not compared."


def _keys(trail: TrailResult) -> Iterator[str]:
    """What was not checked since the policy's key says nothing of it."""
    if trail.vouched_by is not None:
        yield (
            f"The policy names another key. That this trail's is right rests on {trail.vouched_by}, a trail "
            "of the same name under the policy's key."
        )
    codes = {finding.code for finding in trail.findings.kept}
    if trail.head is None and FindingCode.SEAL_KEY in codes:
        yield (
            "It may be a successor: a trail that stopped can go on in another one under another key. If so, "
            "ask the operator for the policy that names its key."
        )


def _controls(trail: TrailResult) -> Iterator[str]:
    """What was not checked of control entries."""
    for change in _unread_changes(trail):
        yield (
            f"The key change at entry {change.sequence} was followed by its note under keys/; that the trail "
            "states it was not checked, since its entry was not read."
        )
    if trail.controls:
        yield (
            f"{trail.controls} control entries, from entry {trail.first_control} on, are not understood by "
            "this version."
        )


def _unread_changes(trail: TrailResult) -> Iterator[Control]:
    """The key changes by which seals were judged whose entries no visit has read."""
    visited = 0 if trail.since is None else trail.since.size
    faulted = {
        finding.span.last
        for finding in trail.findings.kept
        if finding.span is not None and finding.code in (FindingCode.KEY_UNSTATED, FindingCode.KEY_AHEAD)
    }
    stated = {statement.control.sequence for statement in trail.statements}
    for change in trail.keys.changes:
        if change.sequence >= visited and change.sequence not in stated | faulted:
            yield change


def _left_aside(trail: TrailResult) -> Iterator[str]:
    """What lies outside of what was to be looked at."""
    if trail.since is not None:
        yield (
            f"Entries up to {trail.since.size - 1} were verified by visits before, the last of them "
            f"{format_time(trail.since.visited_at)}; they were not read again."
        )
    elif trail.base_size:
        yield (
            f"Entries up to {trail.base_size - 1} were not looked at; that the trail goes on from them rests "
            "on the signature of the seal before."
        )
    nothing_met = trail.first_sequence is None and trail.since is None
    if nothing_met and (trail.base_size or not trail.to_end):
        yield "None of its entries lies in the range."
    elif not trail.to_end:
        yield (
            f"What lies behind entry {trail.size - 1} was not looked at, so neither a cut tail nor the "
            "trail's age can be seen."
        )
    if not trail.covers_whole:
        yield "A second history under the same key was not looked for: that takes the whole trail."
    if trail.unread:
        yield (
            "Batches that were not drawn for the sample were not read, nor their locks asked for: of them, "
            "only seals and listings were checked."
        )
