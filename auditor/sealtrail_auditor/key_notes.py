"""What lies under a trail's `keys/`, held against the keys that the walk through the trail has followed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import list_names
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.versions import report_stray, report_versions
from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.layout import KEYS, key_change_key
from sealtrail_transport.key_shelf import key_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.key_shelf import PlacedChange
    from sealtrail_transport.store import Store


def listed_changes(
    store: Store, result: TrailResult, changes: Sequence[PlacedChange]
) -> Sequence[PlacedChange]:
    """The key changes under `keys/`, listed anew where the trail states one that was not listed before.

    A live archive grows meanwhile: the note is put between the seal of its size and the next one.
    """
    known = {placed.control for placed in changes}
    if known.issuperset(_stated(result)):
        return changes
    return [one for one in key_changes(store, result.folder) if one.control.origin == result.origin]


def check_key_notes(result: TrailResult, changes: Sequence[PlacedChange], findings: FindingLog) -> None:
    """Report key changes that contradict those of the trail, or are missing, or lie beyond the trail's end.

    Args:
        result: What the walk came to.
        changes: The key changes under `keys/`.
        findings: Takes what is wrong.
    """
    for placed in _signed_by(result.keys, changes):
        if placed.control not in result.keys.changes:
            _report_rival(placed, result.keys, findings)
    known = {placed.control for placed in changes}
    for control in _stated(result):
        if control not in known and control.sequence + 1 < result.size:
            _report_lost(control, result.folder, findings)
    if result.to_end and result.head is not None:
        for control in result.keys.changes:
            if control.sequence >= result.size:
                _report_ahead(control, result, findings)


def check_key_names(
    store: Store, result: TrailResult, changes: Sequence[PlacedChange], findings: FindingLog
) -> None:
    """Report versions and delete markers of key changes; and strays under `keys/`, if it came to the end.

    A change belongs to the part that holds its entry; what is none belongs to no part.
    """
    known = {placed.key: placed for placed in _signed_by(result.keys, changes)}
    for name in list_names(store, result.folder + KEYS):
        placed = known.get(name.key)
        if placed is not None:
            report_versions(name, _span(placed.control), findings)
        elif result.to_end:
            report_stray(name, findings)


def _stated(result: TrailResult) -> list[Control]:
    """The key changes that entries state or that were followed, each once."""
    read = [statement.control for statement in result.statements]
    changes = [control for control in read if isinstance(control.deed, KeyChange)]
    return changes + [control for control in result.keys.changes if control not in changes]


def _signed_by(keys: TrailKeys, changes: Sequence[PlacedChange]) -> list[PlacedChange]:
    """The changes that a key of the trail has signed."""
    return [placed for placed in changes if placed.old in keys.keys or placed.new in keys.keys]


def _report_rival(placed: PlacedChange, keys: TrailKeys, findings: FindingLog) -> None:
    changes = zip(keys.changes, pairwise(keys.keys), strict=True)
    known = [
        f"that of entry {control.sequence} alone"
        for control, (old, new) in changes
        if placed.old == old or placed.new == new
    ]
    findings.add(
        Finding(
            FindingCode.KEY_FORKED,
            key=placed.key,
            version_id=placed.version_id,
            expected=next(iter(known), "one change alone") + f" to replace {placed.old.fingerprint}",
            found=f"another one, of entry {placed.control.sequence}, to {placed.new.fingerprint}",
        )
    )


def _report_lost(control: Control, folder: str, findings: FindingLog) -> None:
    findings.add(
        Finding(
            FindingCode.KEY_UNLISTED,
            key=folder + key_change_key(control.sequence + 1),
            span=_span(control),
            expected="the key change that the entry states",
            found="no such note",
        )
    )


def _report_ahead(control: Control, result: TrailResult, findings: FindingLog) -> None:
    size = control.sequence + 1
    findings.add(
        Finding(
            FindingCode.KEY_AHEAD,
            key=result.folder + key_change_key(size),
            span=Span(result.size, control.sequence),
            expected=f"at least {size} sealed entries",
            found=f"{result.size}: at least {size - result.size} missing",
        )
    )


def _span(control: Control) -> Span:
    return Span(control.sequence, control.sequence)
