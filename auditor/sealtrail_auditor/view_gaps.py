"""Which batches of a trail lack a view that names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sealtrail_auditor.findings import Span
from sealtrail_auditor.seal_range import seals_of
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.view_file import ViewFile
from sealtrail_auditor.view_names import ViewNames
from sealtrail_schemas.errors import ViewError
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from datetime import datetime

    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_schemas.seal import OpenedSeal
    from sealtrail_transport.store import ObjectVersion, Store


@dataclass(slots=True)
class ViewGaps:
    """Where views are missing.

    Attributes:
        spans: Entries of the batches without a view that names them.
        length: Bytes of these batches.
        kept: How many batches have one.
    """

    spans: SpanList = field(default_factory=SpanList)
    length: int = 0
    kept: int = 0


def find_gaps(
    store: Store,
    trail: TrailFolder,
    *,
    views: Store,
    recognisers: str,
    now: datetime,
    findings: FindingLog,
    rebuild: bool = False,
) -> ViewGaps:
    """Find the batches whose view is missing, names another batch, or was made with other mappings.

    Batches that are gone since their retention has passed are left out.

    Args:
        store: The archive; only read.
        trail: The trail.
        views: Where the views lie.
        recognisers: The mappings by which views are made, as a view's header names them.
        now: The time by which retention is judged.
        findings: Gets what is wrong with the seals.
        rebuild: Believe no view that is there.
    """
    gaps, names = ViewGaps(), ViewNames(views, trail.folder)
    for step in seals_of(store, trail, span=None, chained=None, now=now, findings=findings, as_viewed=True):
        if step.placed is None or step.overlaps:  # views are named by where their batches begin
            continue
        opened = step.placed.opened
        seal = opened.seal
        version = None if rebuild else names.at(seal.first.sequence)
        if version is not None and _is_of(views, version, opened, recognisers):
            gaps.kept += 1
        elif seal.retention.until is None or seal.retention.until > now:
            gaps.spans.add(Span(seal.first.sequence, seal.last.sequence))
            gaps.length += seal.batch.length
    return gaps


def _is_of(store: Store, version: ObjectVersion, opened: OpenedSeal, recognisers: str) -> bool:
    try:
        header = ViewFile(store, version).header
    except (ViewError, ObjectMissingError):
        return False
    return header.is_of(opened) and header.recognisers == recognisers
