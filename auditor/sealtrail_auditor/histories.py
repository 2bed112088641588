"""Step 11 of docs/format.md, "Verification": several trails of one origin have to go on from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_auditor.trail_result import TrailResult


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


def ends(trails: Sequence[TrailResult]) -> list[TrailResult]:
    """The trails of one origin that no other one goes on from: those that still have to grow."""
    continued = [before.folder for trail in trails if (before := _predecessor(trail, trails))]
    return [trail for trail in trails if trail.folder not in continued]


def _predecessor(trail: TrailResult, others: Sequence[TrailResult]) -> TrailResult | None:
    """The trail that this one's genesis names, if it is here and as it was when it was named."""
    genesis = trail.genesis
    named = genesis.predecessor if genesis else None
    if named is None or named.origin != trail.origin:
        return None
    for other in others:
        if other.head is None or other is trail:
            continue
        opened = other.head.opened
        if (named.last_seal, named.size, named.root) == (
            opened.text_sha256,
            opened.checkpoint.size,
            opened.checkpoint.root,
        ):
            return other
    return None


def _fork(trail: TrailResult, rival: TrailResult) -> Finding:
    return Finding(
        FindingCode.TRAIL_FORKED,
        trail.origin,
        trail.folder,
        expected=f"a first entry that names {rival.folder} and its last seal as the trail before",
        found="a history of its own",
    )
