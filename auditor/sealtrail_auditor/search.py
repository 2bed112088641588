"""Search: the entries of a trail that fit a query, from its views or from its verified batches.

Views make it quick: of each batch's view the footer is read, then the columns that the query looks at in the
row groups that can hold a hit, then the columns to be shown of the hits. But a view is no evidence. One that
does not name the sealed batch is not searched at all; what is wrong within one that does, only `prove` or
`full` can show: the one holds each hit against its batch, the other reads batches alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_auditor.archive import list_names
from sealtrail_auditor.findings import FindingLog, Span
from sealtrail_auditor.reading import DamagedBatch, Reading, VerifiedBatch
from sealtrail_auditor.seal_range import seals_of
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.view_file import ViewFile
from sealtrail_auditor.view_names import ViewNames
from sealtrail_schemas.errors import ViewError
from sealtrail_schemas.leaf import entry_hash
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.view import identity_of, view_row
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.seal import OpenedSeal
    from sealtrail_schemas.seal_text import Seal
    from sealtrail_transport.store import ObjectVersion, Store

MAX_DISTRUSTED: Final = 100
"""How many views that are not believed are named; the others are counted."""

_SEQUENCE: Final = "sequence"
_VALUE: Final = "value"


class Proof(NamedTuple):
    """Whether a hit is what the sealed batch says.

    Attributes:
        verdict: intact where the batch verifies and bears the hit out; tampered where it verifies and does
            not; incomplete where it is gone or does not verify.
        entry_hash: of the sealed entry; None where there is none to compare with.
        reason: why it does not hold; empty where it does.
    """

    verdict: Verdict
    entry_hash: bytes | None = None
    reason: str = ""


class Hit(NamedTuple):
    """One entry that fits.

    Attributes:
        trail: its trail.
        sequence: its place there.
        row: the columns that were asked for; times are milliseconds since the Unix epoch.
        verified: whether it was read from a verified batch.
        proof: where a hit from a view was held against its batch.
    """

    trail: TrailFolder
    sequence: int
    row: Mapping[str, Any]
    verified: bool
    proof: Proof | None = None


class Distrusted(NamedTuple):
    """A view that was not searched, or not to its end, and why."""

    key: str
    span: Span
    reason: str


@dataclass(slots=True)
class Searched:
    """What a search went through, and what it could not.

    Attributes:
        batches: How many sealed batches hold entries of the part that was asked for.
        views: How many of them were searched by their view.
        without_view: Entries of batches that have no view.
        other_recognisers: Entries of views made with other mappings than the ones given; they were searched.
        distrusted: Views that are not believed, at most `MAX_DISTRUSTED`.
        distrusted_count: How many there are.
        expired: Entries that are gone since their retention has passed.
        damaged: Entries of batches that do not verify, and those that no valid seal covers.
        length: Bytes of batches read.
    """

    batches: int = 0
    views: int = 0
    without_view: SpanList = field(default_factory=SpanList)
    other_recognisers: SpanList = field(default_factory=SpanList)
    distrusted: list[Distrusted] = field(default_factory=list)
    distrusted_count: int = 0
    expired: SpanList = field(default_factory=SpanList)
    damaged: SpanList = field(default_factory=SpanList)
    length: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all entries that were asked for and are still kept were searched."""
        return not (self.without_view or self.distrusted_count or self.damaged)


class Search:
    """Searches one trail, once: an iterator over hits, in order of sequence.

    Attributes:
        searched: What was gone through so far.
        findings: What is wrong with seals and batches that were read.
        unproven: Hits so far that their batches do not bear out.
        verdict: The worst that proving hits has come to.
    """

    def __init__(
        self,
        store: Store,
        trail: TrailFolder,
        query: Query,
        *,
        columns: Sequence[str],
        now: datetime,
        views: Store | None = None,
        recognisers: Sequence[Recogniser] = DEFAULT,
        prove: bool = False,
        full: bool = False,
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
    ) -> None:
        """Prepare a search.

        Args:
            store: The archive; only read.
            trail: The trail.
            query: What to look for.
            columns: The columns of hits that are wanted.
            now: The time by which retention is judged.
            views: Where the views lie, if not in the archive.
            recognisers: By which rows are made from entries, for `prove` and `full`.
            prove: Hold each hit against its batch. A view made with other mappings is not searched then.
            full: Read verified batches, and no view.
            on_progress: Called now and then with the entries and bytes read from batches.
        """
        self.searched = Searched()
        self.findings = FindingLog(trail.origin)
        self.unproven = 0
        self.verdict = Verdict.INTACT
        self._store = store
        self._trail = trail
        self._query = query
        self._columns = tuple(dict.fromkeys((_SEQUENCE, *columns)))
        self._now = now
        self._views = ViewNames(views or store, trail.folder)
        self._view_store = views or store
        self._recognisers = recognisers
        self._prove = prove
        self._full = full
        self._on_progress = on_progress

    def __iter__(self) -> Iterator[Hit]:
        """Search. What `searched` says is complete when the iteration has ended."""
        return self._in_batches() if self._full else self._in_views()

    # From verified batches

    def _in_batches(self) -> Iterator[Hit]:
        query, searched = self._query, self.searched
        reading = self._reading(query.span)
        self.findings = reading.findings  # complete at each hit, for whoever takes no more of them
        for batch in reading:
            searched.length = reading.length
            if isinstance(batch, DamagedBatch):
                self._pass_over(batch.span, expired=batch.finding is None)
                continue
            searched.batches += 1
            for entry in batch.entries():
                row = view_row(entry.leaf, entry.payload, self._recognisers)._asdict()
                if query.fits(row) and query.fits_value(row[_VALUE]):
                    yield Hit(self._trail, entry.sequence, self._chosen(row), verified=True)
        searched.length = reading.length

    def _reading(self, span: Span | None) -> Reading:
        return Reading(
            self._store,
            self._trail,
            span=span,
            chained=self._query.chained,
            now=self._now,
            on_progress=self._on_progress,
        )

    def _pass_over(self, span: Span, *, expired: bool) -> None:
        (self.searched.expired if expired else self.searched.damaged).add(span)

    # From views

    def _in_views(self) -> Iterator[Hit]:
        query = self._query
        steps = seals_of(
            self._store,
            self._trail,
            span=query.span,
            chained=query.chained,
            now=self._now,
            findings=self.findings,
            as_viewed=True,
        )
        for step in steps:
            if step.missing is not None:
                self._pass_over(step.missing, expired=step.gap_expired)
            if step.placed is not None:
                hits = self._hits_of(step.placed.opened, step.covered)
                yield from self._proven(list(hits)) if self._prove else hits

    def _hits_of(self, opened: OpenedSeal, covered: int) -> Iterator[Hit]:
        """The hits in the view of a sealed batch, if there is one to be believed.

        A batch that begins within others has none: views are named by where their batches begin.
        """
        seal, searched = opened.seal, self.searched
        span = Span(covered, seal.last.sequence)
        searched.batches += 1
        version = self._views.at(seal.first.sequence) if seal.first.sequence == covered else None
        if version is None:
            (searched.expired if self._has_expired(seal) else searched.without_view).add(span)
            return
        try:
            yield from self._hits_in(self._open(version, opened, span))
            searched.views += 1
        except ObjectMissingError:  # replaced since it was listed
            searched.without_view.add(span)
        except ViewError as error:
            searched.distrusted_count += 1
            if len(searched.distrusted) < MAX_DISTRUSTED:
                searched.distrusted.append(Distrusted(version.key, span, str(error)))

    def _has_expired(self, seal: Seal) -> bool:
        """Whether a batch is gone and its retention has passed; what has expired may still be kept."""
        until, key = seal.retention.until, self._trail.folder + seal.batch.key
        if until is None or until > self._now:
            return False
        return not any(name.key == key and name.versions for name in list_names(self._store, key))

    def _open(self, version: ObjectVersion, opened: OpenedSeal, span: Span) -> ViewFile:
        view = ViewFile(self._view_store, version)
        if not view.header.is_of(opened):
            raise ViewError("it is not of the batch that is sealed")
        if view.header.recognisers != identity_of(self._recognisers):
            if self._prove:
                raise ViewError("it was made with other mappings than those in the settings")
            self.searched.other_recognisers.add(span)
        return view

    def _hits_in(self, view: ViewFile) -> Iterator[Hit]:
        query = self._query
        asked = tuple(dict.fromkeys((_SEQUENCE, *query.columns)))
        for group, start in enumerate(view.starts):
            if not view.may_hold(group, query):
                continue
            found = view.read(group, asked)
            if any(sequence != place for place, sequence in enumerate(found[_SEQUENCE], start=start)):
                raise ViewError("its entries are not in order")
            places = [place for place, row in enumerate(_rows(found)) if query.fits(row)]
            if places and query.reads_value:
                found |= view.read(group, [_VALUE])
                places = [place for place in places if query.fits_value(found[_VALUE][place])]
            if not places:
                continue
            if rest := [column for column in self._columns if column not in found]:
                found |= view.read(group, rest)
            for place in places:
                row = {column: found[column][place] for column in self._columns}
                yield Hit(self._trail, row[_SEQUENCE], row, verified=False)

    # Proving

    def _proven(self, hits: list[Hit]) -> Iterator[Hit]:
        """The hits of one view, each held against the batch."""
        if not hits:
            return
        sequences = [hit.sequence for hit in hits]
        proofs = self._proofs(Span(min(sequences), max(sequences)), {hit.sequence: hit for hit in hits})
        for hit in hits:
            proof = proofs.get(hit.sequence, Proof(Verdict.TAMPERED, None, "the batch holds no such entry"))
            self.unproven += proof.verdict is not Verdict.INTACT
            self.verdict = Verdict.worst((self.verdict, proof.verdict))
            yield hit._replace(proof=proof)

    def _proofs(self, span: Span, hits: Mapping[int, Hit]) -> dict[int, Proof]:
        proofs: dict[int, Proof] = {}
        reading = Reading(self._store, self._trail, span=span, now=self._now, on_progress=self._on_progress)
        for batch in reading:
            if isinstance(batch, VerifiedBatch):
                for entry in batch.entries():
                    if (hit := hits.get(entry.sequence)) is None:
                        continue
                    row = view_row(entry.leaf, entry.payload, self._recognisers)._asdict()
                    proofs[entry.sequence] = self._compare(hit, row, entry_hash(entry.entry.leaf))
                continue
            self._pass_over(batch.span, expired=batch.finding is None)
            reason = "its batch is gone: its retention has passed"
            if batch.finding is not None:
                self.findings.add(batch.finding)
                reason = f"its batch does not verify: {batch.finding.code.title}"
            proofs |= {
                sequence: Proof(Verdict.INCOMPLETE, None, reason)
                for sequence in hits
                if batch.span.first <= sequence <= batch.span.last
            }
        self.searched.length += reading.length
        return proofs

    def _compare(self, hit: Hit, sealed: Mapping[str, Any], digest: bytes) -> Proof:
        """Hold what a view says of an entry against what follows from the entry itself."""
        different = [column for column, value in hit.row.items() if value != sealed[column]]
        if different:
            return Proof(Verdict.TAMPERED, digest, f"the sealed entry differs in {', '.join(different)}")
        if not (self._query.fits(sealed) and self._query.fits_value(sealed[_VALUE])):
            return Proof(Verdict.TAMPERED, digest, "the sealed entry is not what was asked for")
        return Proof(Verdict.INTACT, digest)

    def _chosen(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {column: row[column] for column in self._columns}


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))
