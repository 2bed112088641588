"""One search over several trails: the hits as they come, then what was searched and what was not."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from sealtrail.progress import Meter
from sealtrail.recognise_setting import current_recognisers
from sealtrail.report_text import print_findings
from sealtrail.terminal_text import printable
from sealtrail.wording import plural
from sealtrail_auditor.archive import total_batch_bytes
from sealtrail_auditor.search import Search
from sealtrail_auditor.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail.console import Output
    from sealtrail.found_trails import FoundTrails
    from sealtrail.hit_text import HitWriter
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_transport.store import Store

_MOST_NAMED = 5


class SearchRun:
    """Searches the trails of `found`, one after the other. `writer` None: hits are only counted.

    Attributes:
        hits: How many hits there were so far, at most `limit`.
        verdict: The worst of what was read and proven so far.
    """

    def __init__(
        self, output: Output, writer: HitWriter | None, found: FoundTrails, *, limit: int | None
    ) -> None:
        self.hits = 0
        self.verdict = found.verdict
        self._found = found
        self._output = output
        self._writer = writer
        self._limit = limit
        self._searches: list[tuple[TrailFolder, Search]] = []
        self._full = False
        self._prove = False

    def search(
        self,
        store: Store,
        trail: TrailFolder,
        query: Query,
        *,
        columns: tuple[str, ...],
        now: datetime,
        views: Store,
        prove: bool,
        full: bool,
    ) -> None:
        """Search one trail; arguments as those of `sealtrail_auditor.search.Search`."""
        self._full, self._prove = full, prove
        if self._left == 0:
            return
        with Meter(self._output, "searching") as meter:
            total = total_batch_bytes(store, trail.folder) if full and self._output.live else 0

            def show(entries: int, length: int) -> None:
                meter.show(length, total, entries)

            search = Search(
                store,
                trail,
                query,
                columns=columns,
                now=now,
                views=views,
                recognisers=current_recognisers(),
                prove=prove,
                full=full,
                on_progress=show,
            )
            self._searches.append((trail, search))
            for hit in islice(search, self._left):
                self.hits += 1
                if self._writer is not None:
                    self._writer.write(hit)
        self.verdict = Verdict.worst((self.verdict, search.verdict, search.findings.verdict))

    def report(self) -> None:
        """Write the hits that were held back, how many there were, and what was not searched."""
        if self._writer is not None:
            self._writer.end()
        self._output.record(searched=self._summary())
        if self._writer is None:
            self._output.result(f"{self.hits}")
        self._output.say(self._headline())
        self._found.warn(self._output)
        for trail, search in self._searches:
            for line in _gaps(search, full=self._full):
                self._output.warn(f"{escape(printable(trail.origin))}: {escape(printable(line))}")
            if search.findings.kept:
                print_findings(self._output.err, search.findings.kept)

    @property
    def _left(self) -> int | None:
        return None if self._limit is None else self._limit - self.hits

    def _headline(self) -> str:
        found = plural(self.hits, "hit")
        if self._limit == self.hits:
            found += ", and there may be more"
        batches = sum(search.searched.batches for _, search in self._searches)
        if self._full:
            return f"{found} in {plural(batches, 'verified batch', 'verified batches')}."
        views = sum(search.searched.views for _, search in self._searches)
        where = f"{found} from views ({views:,} of {plural(batches, 'batch', 'batches')})"
        if self._prove:
            unproven = sum(search.unproven for _, search in self._searches)
            return f"{where}; {self.hits - unproven:,} proven, {unproven:,} NOT. What a view hides, it hides."
        return f"{where}: no evidence. --prove holds hits against their batches, --full searches the batches."

    def _summary(self) -> dict[str, Any]:
        return {
            "hits": self.hits,
            "limited": self._limit == self.hits,
            "from": "batches" if self._full else "views",
            "unproven": sum(search.unproven for _, search in self._searches) if self._prove else None,
            "verdict": self.verdict,
            "absent": self._found.absent,
            "trails": [
                {
                    "trail": trail.origin,
                    "folder": trail.folder,
                    "batches": search.searched.batches,
                    "views": search.searched.views,
                    "without_view": _pairs(search.searched.without_view),
                    "distrusted": [each.key for each in search.searched.distrusted],
                    "other_mappings": _pairs(search.searched.other_recognisers),
                    "damaged": _pairs(search.searched.damaged),
                    "expired": _pairs(search.searched.expired),
                    "findings": [finding.to_json() for finding in search.findings.kept],
                }
                for trail, search in self._searches
            ],
        }


def _gaps(search: Search, *, full: bool) -> Iterator[str]:
    """What was not searched, in sentences."""
    searched = search.searched
    if searched.without_view:
        yield f"without a view, not searched: {searched.without_view}. `sealtrail index` makes views."
    for distrusted in searched.distrusted[:_MOST_NAMED]:
        yield f"the view {distrusted.key} is not believed ({distrusted.span}): {distrusted.reason}."
    if (more := searched.distrusted_count - _MOST_NAMED) > 0:
        yield f"{plural(more, 'more view')} not believed."
    if searched.distrusted_count:
        yield "`sealtrail index` makes views anew that do not name their sealed batch, --full needs none."
    if searched.other_recognisers:
        yield (
            f"views made with other mappings than those of the settings: {searched.other_recognisers}. "
            "`sealtrail index` makes them anew."
        )
    if searched.damaged:
        yield f"damaged or missing: {searched.damaged}."
    if searched.expired and full:
        yield f"gone, since their retention has passed: {searched.expired}."


def _pairs(spans: Any) -> list[list[int]]:
    return [[span.first, span.last] for span in spans]
