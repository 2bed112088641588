"""Making the views that are missing, each from a batch that was verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

from sealtrail_archiver.views import write_view
from sealtrail_auditor.findings import FindingLog
from sealtrail_auditor.reading import DamagedBatch, Reading
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.view_gaps import find_gaps
from sealtrail_schemas.layout import view_key
from sealtrail_schemas.view import header_of, identity_of, view_row
from sealtrail_transport.errors import StoreDeniedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sealtrail_auditor.reading import TrailFolder, VerifiedBatch
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_transport.store import Store

_SPOOL_BYTES: Final = 8 << 20


@dataclass(slots=True)
class Indexed:
    """What came of making the views of one trail.

    Attributes:
        trail: The trail.
        findings: What is wrong with its seals and the batches that were read.
        written: How many views were written.
        kept: How many were there already, and name the sealed batch.
        damaged: Entries of batches that got no view since they do not verify.
    """

    trail: TrailFolder
    findings: FindingLog
    written: int = 0
    kept: int = 0
    damaged: SpanList = field(default_factory=SpanList)


def index_trail(
    store: Store,
    trail: TrailFolder,
    *,
    target: Store,
    recognisers: Sequence[Recogniser],
    now: datetime,
    rebuild: bool,
    on_progress: Callable[[int, int, int], None],
) -> Indexed:
    """Make the views of a trail that are missing or do not fit.

    Args:
        store: The archive; only read, unless it is `target`, too.
        trail: The trail.
        target: Where the views go.
        recognisers: By which rows are made.
        now: The time by which retention is judged.
        rebuild: Make all views anew.
        on_progress: Called now and then with the bytes read, the bytes to be read, and the entries so far.

    Raises:
        ExtraMissingError: pyarrow is not installed.
        TransportError: the store fails, or views can't be put.
    """
    done = Indexed(trail, FindingLog(trail.origin))
    identity = identity_of(recognisers)
    gaps = find_gaps(
        store, trail, views=target, recognisers=identity, now=now, findings=done.findings, rebuild=rebuild
    )
    done.kept = gaps.kept
    length = entries = 0
    for span in gaps.spans:

        def show(more: int, read: int, before: tuple[int, int] = (length, entries)) -> None:
            nonlocal length, entries
            length, entries = before[0] + read, before[1] + more
            on_progress(length, gaps.length, entries)

        reading = Reading(store, trail, span=span, now=now, as_viewed=True, on_progress=show)
        for batch in reading:
            if isinstance(batch, DamagedBatch):
                if batch.finding is not None:
                    done.damaged.add(batch.span)
                    done.findings.add(batch.finding)
                continue
            if batch.covered > batch.span.first:  # its name is that of another one's view
                continue
            key, view = _make(batch, recognisers, identity)
            try:
                target.put_view(key, view)
            except StoreDeniedError as error:
                if target is not store:
                    raise
                raise StoreDeniedError(f"{error}; views can lie elsewhere: --views FOLDER") from error
            done.written += 1
    return done


def _make(batch: VerifiedBatch, recognisers: Sequence[Recogniser], identity: str) -> tuple[str, bytes]:
    """The key and the bytes of a batch's view."""
    rows = (view_row(entry.leaf, entry.payload, recognisers) for entry in batch.all_entries())
    with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file:
        write_view(file, header_of(batch.placed.opened, identity), rows)
        file.seek(0)
        return view_key(batch.trail.folder, batch.span.first), file.read()
