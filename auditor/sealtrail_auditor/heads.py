"""Step 9 of docs/format.md, "Verification": pinned heads, checkpoints that the auditor kept from before."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import PinnedHeadError
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.folder_keys import keys_of_origin
from sealtrail_schemas.checkpoint import open_checkpoint
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_schemas.policy import Policy
    from sealtrail_schemas.trail_keys import TrailKeys


class HeadOutcome(NamedTuple):
    """What holding a pinned head against a trail came to: it fits, or a finding, or why it can't be said."""

    fits: bool
    finding: Finding | None = None
    not_checked: str | None = None
    uncompared: int | None = None


def origins_of(notes: Sequence[bytes]) -> frozenset[str]:
    """The origins that pinned heads name; nobody has opened them yet."""
    return frozenset(map(_origin, notes))


def _origin(note: bytes) -> str:
    return note.split(b"\n", 1)[0][:512].decode(errors="replace")


def open_heads(notes: Sequence[bytes], policy: Policy, trails: Sequence[TrailKeys]) -> list[Checkpoint]:
    """Open pinned heads under the keys to which those of the policy lead in the `trails` of the archive.

    Raises:
        PinnedHeadError: one is not a checkpoint signed by the key of its trail at its size. That is a
            mistake in the input and says nothing about the archive.
    """
    heads = []
    for number, note in enumerate(notes, start=1):
        which = "the pinned head" if len(notes) == 1 else f"pinned head {number}"
        origin = _origin(note)
        verifier = policy.logs.get(origin)
        if verifier is None:
            named = ", ".join(policy.logs) or "no trail"
            raise PinnedHeadError(
                f"{which} is of {origin!a}, which the policy does not name (it names {named})"
            )
        try:
            heads.append(_open_head(note, keys_of_origin(trails, verifier)))
        except FormatError as error:
            raise PinnedHeadError(f"{which} can't be used: {error}") from None
    return heads


def _open_head(note: bytes, trails: Sequence[TrailKeys]) -> Checkpoint:
    """Open a head under a key of one of these trails.

    Raises:
        FormatError: it is none, or the key that signed it had been replaced, or was not yet in use.
    """
    for keys in trails:
        for key in keys.keys:
            with suppress(FormatError):
                head = open_checkpoint(note, key)
                if any(other.at(head.size) == key for other in trails):
                    return head
                raise PinnedHeadError(
                    f"the head of size {head.size} is signed by the trail's key {key.fingerprint}, which did "
                    f"not sign for it at that size (it was {keys.at(head.size).fingerprint})"
                )
    return open_checkpoint(note, trails[0].newest)


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
                trail.origin,
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
                trail.origin,
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
