"""Step 8 of docs/format.md, "Verification": the locks of a batch and its seal, against what was sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_transport.errors import ObjectMissingError
from sealtrail_transport.store import LockKnowledge, LockMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sealtrail_schemas.seal import Seal, SealedRetention
    from sealtrail_transport.store import Retention, Store


class ObjectPlace(NamedTuple):
    """One version of an object."""

    key: str
    version_id: str


class Weakness(NamedTuple):
    """How a lock is less than what was sealed."""

    code: FindingCode
    expected: str
    found: str


def check_locks(
    store: Store, seal: Seal, sealed: ObjectPlace, others: Sequence[ObjectPlace]
) -> Iterator[Finding]:
    """Yield what is wrong with the locks of a seal and of what is locked as it is: its batch, a key change.

    `others` are those that are there. Where several are locked in the same wrong way, that is one finding.
    """
    span = Span(seal.first.sequence, seal.last.sequence)
    objects = [*others, sealed]
    if seal.retention.until is None:
        expected, found = "COMPLIANCE", "sealed with retention mode NONE"
        place = objects[0]
        yield Finding(FindingCode.LOCK_NONE, None, *place, span, expected, found, len(objects))
    if store.lock_knowledge is LockKnowledge.NONE:
        return
    weak: dict[Weakness, list[ObjectPlace]] = {}
    for place in objects:
        try:
            info = store.head(*place)
        except ObjectMissingError:  # gone since it was read; what was read is what was checked
            continue
        if place.key.endswith(seal.batch.key) and place.version_id == seal.batch.version_id:
            yield from _check_time(seal, place, info.last_modified, span)
        if weakness := lock_weakness(seal.retention, info.retention):
            weak.setdefault(weakness, []).append(place)
    for weakness, places in weak.items():
        yield Finding(weakness.code, None, *places[0], span, weakness.expected, weakness.found, len(places))


def lock_weakness(sealed: SealedRetention, actual: Retention | None) -> Weakness | None:
    """Compare a lock with the sealed one; None where it is at least as strong."""
    if sealed.until is None:
        return None
    if actual is None:
        return Weakness(FindingCode.LOCK_MISSING, "COMPLIANCE until the sealed date", "no lock")
    if actual.mode is not LockMode.COMPLIANCE:
        return Weakness(FindingCode.LOCK_WEAK, "COMPLIANCE until the sealed date", actual.mode.value)
    if actual.until < sealed.until:
        expected, found = f"until {format_time(sealed.until)}", f"until {format_time(actual.until)}"
        return Weakness(FindingCode.LOCK_SHORT, expected, found)
    return None


def format_time(time: datetime) -> str:
    """A UTC time as RFC 3339 writes it, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_time(seal: Seal, place: ObjectPlace, last_modified: datetime, span: Span) -> Iterator[Finding]:
    """The store says of the sealed version what it said when it was sealed."""
    if last_modified != seal.batch.last_modified:
        expected = f"written {format_time(seal.batch.last_modified)}"
        found = f"written {format_time(last_modified)}"
        yield Finding(FindingCode.BATCH_REPLACED, None, *place, span, expected, found)
