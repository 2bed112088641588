"""Step 9 of docs/format.md, "Verification": pinned heads, checkpoints that the auditor kept from before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import PinnedHeadError
from sealtrail_auditor.findings import Finding, Span
from sealtrail_schemas.checkpoint import open_checkpoint
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_schemas.policy import Policy


class HeadOutcome(NamedTuple):
    """What holding a pinned head against a trail came to: it fits, or a finding, or why it can't be said."""

    fits: bool
    finding: Finding | None = None
    not_checked: str | None = None
    uncompared: int | None = None


def open_heads(notes: Sequence[bytes], policy: Policy) -> list[Checkpoint]:
    """Open pinned heads under the policy's keys.

    Raises:
        PinnedHeadError: one is not a checkpoint that a key of the policy signed. That is a mistake in the
            input and says nothing about the archive.
    """
    heads = []
    for number, note in enumerate(notes, start=1):
        which = "the pinned head" if len(notes) == 1 else f"pinned head {number}"
        origin = note.split(b"\n", 1)[0][:512].decode(errors="replace")
        verifier = policy.logs.get(origin)
        if verifier is None:
            named = ", ".join(policy.logs) or "no trail"
            raise PinnedHeadError(
                f"{which} is of {origin!a}, which the policy does not name (it names {named})"
            )
        try:
            heads.append(open_checkpoint(note, verifier))
        except FormatError as error:
            raise PinnedHeadError(f"{which} can't be used: {error}") from None
    return heads


def hold_heads(
    heads: Iterable[Checkpoint], trails: Sequence[TrailResult]
) -> list[tuple[TrailResult, HeadOutcome]]:
    """Hold the pinned heads of one origin against its trails; returns what is to be reported, and where.

    There can be several trails of one origin, where one goes on from another. A head belongs to one of them;
    so what does not fit is reported only where none of them fits.
    """
    outcomes = []
    for head in heads:
        of_this_head = [(trail, hold_head(head, trail)) for trail in trails]
        if not any(outcome.fits for _, outcome in of_this_head):
            outcomes += of_this_head
    return outcomes


def hold_head(head: Checkpoint, trail: TrailResult) -> HeadOutcome:
    """Hold one pinned head against one trail."""
    root = trail.roots.get(head.size)
    if root == head.root:
        return HeadOutcome(fits=True)
    at = f"the pinned head at size {head.size}"
    if root is not None:
        return HeadOutcome(
            fits=False,
            finding=Finding(
                FindingCode.HEAD_ROOT,
                trail.verifier.name,
                trail.folder,
                span=Span(0, head.size - 1),
                expected=f"root {head.root.hex()} at size {head.size}",
                found=f"root {root.hex()}",
            ),
        )
    if head.size < trail.base_size or (head.size > trail.size and not trail.to_end):
        return HeadOutcome(
            fits=False,
            uncompared=head.size,
            not_checked=f"{at} could not be compared: it lies outside of what was looked at",
        )
    if head.size > trail.size and (trail.head is not None or not trail.seals_rejected):
        missing = head.size - trail.size
        return HeadOutcome(
            fits=False,
            finding=Finding(
                FindingCode.HEAD_CUT,
                trail.verifier.name,
                trail.folder,
                span=Span(trail.size, head.size - 1),
                expected=f"at least {head.size} entries",
                found=f"{trail.size} sealed entries: at least {missing} missing",
            ),
        )
    return HeadOutcome(
        fits=False,
        uncompared=head.size,
        not_checked=f"{at} could not be compared: the entries around it are missing or damaged",
    )
