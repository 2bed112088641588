"""Choosing the entries of an evidence pack: always from verified batches, each with its proof and seal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.errors import EntryDamagedError, ProofUnavailableError
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.pack import PackedChange, PackedEntry
from sealtrail_auditor.proof import BatchProver
from sealtrail_auditor.reading import DamagedBatch, Reading
from sealtrail_auditor.seals import read_bounded
from sealtrail_schemas.errors import NoteError, SealError
from sealtrail_schemas.seal import MAX_SEAL_BYTES, open_seal
from sealtrail_schemas.view import view_row
from sealtrail_transport.key_shelf import key_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import ReadEntry, TrailFolder, VerifiedBatch
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_transport.store import Store


class PackSelection:
    """Reads one trail for a pack, once: an iterator over what `write_pack` takes.

    Attributes:
        findings: What was found wrong so far.
    """

    findings: FindingLog

    def __init__(
        self,
        store: Store,
        trail: TrailFolder,
        query: Query,
        *,
        recognisers: Sequence[Recogniser],
        redacted: bool = False,
        now: datetime,
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
    ) -> None:
        """Prepare to read.

        Args:
            store: The archive; only read.
            trail: The trail.
            query: Which entries are wanted.
            recognisers: Who reads the columns that the query looks at.
            redacted: Leave the payloads out.
            now: The time by which retention is judged.
            on_progress: Called now and then with the entries and the bytes read so far.
        """
        self._reading = Reading(
            store, trail, span=query.span, chained=query.chained, now=now, on_progress=on_progress
        )
        self.findings = self._reading.findings
        self._store = store
        self._trail = trail
        self._query = query
        self._recognisers = recognisers
        self._redacted = redacted

    def __iter__(self) -> Iterator[PackedEntry | str]:
        """Read: entries, and a line for each run of entries that can't be shown.

        Raises:
            EntryDamagedError: a seal is not any more what it was a moment ago.
        """
        for batch in self._reading:
            if isinstance(batch, DamagedBatch):
                yield self._absent(batch)
                continue
            wanted = [read.sequence for read in batch.entries() if self._fits(read)]
            if not wanted:
                continue
            try:
                yield from self._of_batch(batch, set(wanted))
            except ProofUnavailableError:
                where = f"{self._trail.origin}, {len(wanted)} of the {batch.span}"
                yield f"{where}: the seal before them is gone, so they can't be proven"

    def _fits(self, read: ReadEntry) -> bool:
        row = view_row(read.leaf, read.payload, self._recognisers)._asdict()
        return self._query.fits(row) and self._query.fits_value(row["value"])

    def _of_batch(self, batch: VerifiedBatch, wanted: set[int]) -> Iterator[PackedEntry]:
        prover = BatchProver(batch)
        note = self._seal_note(batch)
        for read in batch.entries():
            if read.sequence in wanted:
                yield PackedEntry(
                    folder=self._trail.folder,
                    sequence=read.sequence,
                    proof=prover.prove(read).encode(),
                    payload=None if self._redacted else read.entry.payload,
                    seal=note,
                    seal_size=batch.placed.opened.checkpoint.size,
                )

    def _seal_note(self, batch: VerifiedBatch) -> bytes:
        """The seal as archived; what was read of it before are its contents only."""
        key, version_id, opened = batch.placed
        note = read_bounded(self._store, key, version_id, MAX_SEAL_BYTES)
        try:
            if open_seal(note, self._trail.keys.at(opened.checkpoint.size)).text_sha256 == opened.text_sha256:
                return note
        except (NoteError, SealError):
            pass
        finding = Finding(FindingCode.SEAL_DAMAGED, self._trail.origin, key, version_id, batch.span)
        raise EntryDamagedError(f"the seal {key} has changed while it was read", [finding])

    def _absent(self, batch: DamagedBatch) -> str:
        if batch.finding is None:
            reason = "gone, since their sealed retention has passed"
        else:
            reason = f"{batch.finding.code.title} ({batch.finding.code.code})"
        return f"{self._trail.origin}, {batch.span}: {reason}"


def changes_of(store: Store, trail: TrailFolder) -> list[PackedChange]:
    """The key changes of a trail that lie under its `keys/`, for a pack."""
    return [
        PackedChange(trail.folder, placed.size, placed.note)
        for placed in (key_changes(store, trail.folder) if trail.keys.changes else ())
        if placed.control in trail.keys.changes
    ]
