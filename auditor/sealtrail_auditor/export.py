"""Export: verified entries as rows for analysts' tools, and a manifest that ties them to the sealed head.

Rows are those of a view (`sealtrail_schemas.view`), made anew from verified batches. What does not verify is
left out, and the manifest says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_auditor.choice import Choice
from sealtrail_auditor.reading import DamagedBatch, Reading
from sealtrail_auditor.spans import SpanList
from sealtrail_schemas.base64text import encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sealtrail_auditor.findings import FindingLog
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.view import ViewRow
    from sealtrail_transport.store import Store

MANIFEST_FORMAT: Final = "sealtrail-export/1"


class Export:
    """Reads one trail for an export, once: an iterator over rows, in order of sequence.

    Attributes:
        trail: The trail.
        findings: What was found wrong so far.
        rows: How many rows there were so far.
        first: Sequence of the first one; None as long as there is none.
        last: Sequence of the last one.
        head: The last seal that was held against its batch; its checkpoint covers all rows.
        damaged: Entries of batches that do not verify, and those that no valid seal covers: not exported.
        expired: Entries that are gone since their retention has passed.
    """

    findings: FindingLog

    def __init__(
        self,
        store: Store,
        trail: TrailFolder,
        query: Query,
        *,
        recognisers: Sequence[Recogniser],
        now: datetime,
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
    ) -> None:
        """Prepare to read.

        Args:
            store: The archive; only read.
            trail: The trail.
            query: Which entries are wanted.
            recognisers: Who reads the columns of events.
            now: The time by which retention is judged.
            on_progress: Called now and then with the entries and the bytes read so far.
        """
        self.trail = trail
        self.rows = 0
        self.first: int | None = None
        self.last: int | None = None
        self.head: PlacedSeal | None = None
        self.damaged = SpanList()
        self.expired = SpanList()
        self._reading = Reading(
            store, trail, span=query.span, chained=query.chained, now=now, on_progress=on_progress
        )
        self.findings = self._reading.findings
        self._choice = Choice(query, recognisers)

    def __iter__(self) -> Iterator[ViewRow]:
        """Read. What the attributes say is complete when the iteration has ended."""
        for batch in self._reading:
            if isinstance(batch, DamagedBatch):
                (self.expired if batch.finding is None else self.damaged).add(batch.span)
                continue
            self.head = batch.placed
            for read in batch.entries():
                row = self._choice.chosen_row(read.leaf, read.payload)
                if row is not None:
                    self.rows += 1
                    self.first = row.sequence if self.first is None else self.first
                    self.last = row.sequence
                    yield row


class ExportedFile(NamedTuple):
    """The file that holds the rows.

    Attributes:
        name: its name, without a folder.
        format: `parquet` or `csv`.
        length: bytes.
        sha256: of its bytes.
        columns: the names of its columns, in order.
    """

    name: str
    format: str
    length: int
    sha256: bytes
    columns: tuple[str, ...]


def make_manifest(
    file: ExportedFile, exports: Sequence[Export], *, query: dict[str, Any], program: str, made_at: str
) -> dict[str, Any]:
    """What is to be said of an exported file, as JSON values; 64-bit numbers are text, as in seals.

    Args:
        file: The file.
        exports: The trails that were read for it, to their end.
        query: Which entries were wanted, as `query_json` has it.
        program: Name and version of the program.
        made_at: When, in RFC 3339.
    """
    return {
        "format": MANIFEST_FORMAT,
        "program": program,
        "made_at": made_at,
        "file": {
            "name": file.name,
            "format": file.format,
            "length": str(file.length),
            "sha256": file.sha256.hex(),
            "rows": str(sum(export.rows for export in exports)),
            "columns": list(file.columns),
        },
        "query": query,
        "trails": [_trail_json(export) for export in exports],
    }


def _trail_json(export: Export) -> dict[str, Any]:
    head = None
    if export.head is not None:
        opened = export.head.opened
        head = {
            "size": str(opened.checkpoint.size),
            "root": encode_base64(opened.checkpoint.root),
            "checkpoint": opened.seal.checkpoint.decode(),
            "seal": export.head.key,
        }
    return {
        "origin": export.trail.origin,
        "folder": export.trail.folder,
        "key": export.trail.keys.newest.vkey,
        "head": head,
        "rows": str(export.rows),
        "first": None if export.first is None else str(export.first),
        "last": None if export.last is None else str(export.last),
        "verdict": export.findings.verdict.value,
        "damaged": [[str(span.first), str(span.last)] for span in export.damaged],
        "expired": [[str(span.first), str(span.last)] for span in export.expired],
        "findings": [finding.to_json() for finding in export.findings.kept],
    }
