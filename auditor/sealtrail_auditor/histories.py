"""Step 11 of docs/format.md, "Verification": trails that go on from one another, and those that ought to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.body import Predecessor


def find_forks(trails: Sequence[TrailResult]) -> list[tuple[TrailResult, Finding]]:
    """The trails of one origin that start a second history.

    All of them but one have to name another one as their predecessor, each a different one, and that one as
    it is: its size, its root and its last seal. A trail without a valid seal is vouched for by nobody, and so
    is no history. One whose genesis is gone can't be judged; that it is gone is a finding or has expired.
    """
    signed = [trail for trail in trails if trail.head is not None]
    forks: list[tuple[TrailResult, Finding]] = []
    start: TrailResult | None = None
    gone_on_from: dict[str, TrailResult] = {}
    for trail in sorted(signed, key=lambda trail: trail.first_time_ms or 0):
        before = _predecessor(trail, signed)
        rival = start if before is None else gone_on_from.get(before.folder)
        if rival is None and before is None:
            start = trail
        elif rival is None and before is not None:
            gone_on_from[before.folder] = trail
        elif rival is not None and trail.genesis is not None:
            forks.append((trail, _fork(trail, rival)))
    return forks


def _predecessor(trail: TrailResult, others: Sequence[TrailResult]) -> TrailResult | None:
    """The trail that this one's genesis names, if it is here and as it was when it was named."""
    named = _named(trail)
    if named is None:
        return None
    for other in others:
        if other.head is None or other is trail or other.origin != named.origin:
            continue
        opened = other.head.opened
        if (named.last_seal, named.size, named.root) == (
            opened.text_sha256,
            opened.checkpoint.size,
            opened.checkpoint.root,
        ):
            return other
    return None


def tie_trails(trails: Sequence[TrailResult]) -> None:
    """Say of each trail, whatever its origin, from which other one it goes on, and hold it against that.

    Within one origin, a trail that does not go on from another is a second history (`find_forks`).
    """
    for trail in trails:
        named = _named(trail)
        if named is None:
            continue
        before = _predecessor(trail, trails)
        if before is not None:
            trail.predecessor, before.successor = before.folder, trail.folder
        elif named.origin != trail.origin:
            others = [other for other in trails if other.origin == named.origin]
            if others and all(other.covers_whole for other in others):
                trail.findings.add(_not_gone_on_from(trail, named, others))
            else:
                trail.not_checked.append(
                    f"It goes on from {named.origin}, as it ended at size {named.size}; that trail was not "
                    "verified with it."
                )


def _named(trail: TrailResult) -> Predecessor | None:
    return trail.genesis.predecessor if trail.genesis else None


def _not_gone_on_from(trail: TrailResult, named: Predecessor, others: Sequence[TrailResult]) -> Finding:
    sizes = ", ".join(f"{other.folder} of size {other.size}" for other in others)
    return Finding(
        FindingCode.TRAIL_PREDECESSOR,
        trail.origin,
        trail.folder,
        expected=f"{named.origin} of size {named.size}, root {named.root.hex()}",
        found=f"{sizes}, with other ends",
    )


def _fork(trail: TrailResult, rival: TrailResult) -> Finding:
    return Finding(
        FindingCode.TRAIL_FORKED,
        trail.origin,
        trail.folder,
        expected=f"a first entry that names {rival.folder} and its last seal as the trail before",
        found="a history of its own",
    )
