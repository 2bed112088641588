"""What the entries of a report's scope say, counted in bounded memory while they are read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.notable import mark_of
from sealtrail_auditor.reading import DamagedBatch, TimeRange
from sealtrail_auditor.reporting.over_time import OverTime
from sealtrail_auditor.reporting.pauses import Pauses
from sealtrail_auditor.reporting.tally import Tally
from sealtrail_auditor.reporting.wording import shown_name, shown_text
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.body import RejectedBody, parse_body
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.recognise import DEFAULT, recognise
from sealtrail_schemas.view import event_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sealtrail_auditor.reading import ReadEntry, VerifiedBatch
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.recognised import Recognised

MAX_REJECTED: Final = 20
"""So many rejected records are listed; all are counted."""

NOT_STATED: Final = "not stated"
"""Stands for the outcome of an event that has none."""

_FAILED: Final = frozenset({"failure", "denied"})


class Rejected(NamedTuple):
    """A record that was not archived: its entry, why, and its size in bytes."""

    origin: str
    sequence: int
    chained_at_ms: int
    reason: str
    size: int


class Failing(NamedTuple):
    """Who failed at what, and how."""

    actor: str
    action: str
    outcome: str


@dataclass(slots=True)
class TrailActivity:
    """What the entries of one trail folder say.

    Attributes:
        pauses: Between its entries.
        missing: Entries that are not there.
        damaged: Entries that are there and do not verify, batch by batch.
        expired: Entries that are gone since their retention has passed.
        modes: Batches by the mode of the lock that their seals state.
        shortest_until: The earliest end of a sealed retention among the batches that were read.
        latest_until: The latest.
    """

    pauses: Pauses
    missing: SpanList = field(default_factory=SpanList)
    damaged: SpanList = field(default_factory=SpanList)
    expired: SpanList = field(default_factory=SpanList)
    modes: Counter[str] = field(default_factory=Counter)
    shortest_until: datetime | None = None
    latest_until: datetime | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether entries are missing or damaged; what expired is neither."""
        return bool(len(self.missing) or len(self.damaged))

    def add_gap(self, gap: DamagedBatch) -> None:
        """Take down entries that can't be read."""
        self.pauses.gap()
        if gap.finding is None:
            self.expired.add(gap.span)
        elif gap.finding.code.verdict is Verdict.INCOMPLETE:
            self.missing.add(gap.span)
        else:
            self.damaged.add(gap.span)

    def add_seal(self, mode: str, until: datetime | None) -> None:
        """Count one batch by the retention that was sealed for it."""
        self.modes[mode] += 1
        if until is not None:
            self.shortest_until = until if self.shortest_until is None else min(self.shortest_until, until)
            self.latest_until = until if self.latest_until is None else max(self.latest_until, until)


class Activity:
    """Counts the events of a period, of one trail after the other.

    Attributes:
        events: Events of the period.
        undated: Events that tell no time and have no timestamp; with a period they count as outside of it.
        outside: Events that were read and lie outside of the period.
        unrecognised: Events of the period that no recogniser knows.
        incomplete: Events of the period that do not say who did what, or when.
        first_ms: The earliest time of an event of the period.
        last_ms: The latest.
        outcomes: Events of the period by outcome.
        actors: The same by who did it.
        actions: By what was done.
        failures: Those that failed or were denied, by who, what and how.
        over_time: All that have a time.
        rejected: Records that were not archived: the first of them.
        rejections: How many there are.
        trails: What there is to say of each trail folder.
    """

    def __init__(
        self, period: TimeRange, *, latest_ms: int, recognisers: Sequence[Recogniser] = DEFAULT
    ) -> None:
        """Prepare to count.

        Args:
            period: By the events' own time.
            latest_ms: Later times stay out of the picture.
            recognisers: Who reads the events.
        """
        self.period = period
        self.events = self.undated = self.outside = self.unrecognised = self.incomplete = 0
        self.first_ms: int | None = None
        self.last_ms: int | None = None
        self.outcomes: Counter[str] = Counter()
        self.actors: Tally[str] = Tally()
        self.actions: Tally[str] = Tally()
        self.failures: Tally[Failing] = Tally()
        self.over_time = OverTime(latest_ms)
        self.rejected: list[Rejected] = []
        self.rejections = 0
        self.trails: dict[str, TrailActivity] = {}
        self._recognisers = tuple(recognisers)

    @property
    def failed(self) -> int:
        """How many events failed or were denied."""
        return sum(self.outcomes[outcome] for outcome in _FAILED)

    def read(self, folder: str, batches: Iterable[VerifiedBatch | DamagedBatch]) -> None:
        """Count the entries of one trail folder."""
        trail = self.trails.setdefault(folder, TrailActivity(Pauses(self.period)))
        for batch in batches:
            if isinstance(batch, DamagedBatch):
                trail.add_gap(batch)
                continue
            retention = batch.placed.opened.seal.retention
            trail.add_seal(retention.mode, retention.until)
            for entry in batch.entries():
                self._add(entry, trail, batch.trail.origin)

    def _add(self, entry: ReadEntry, trail: TrailActivity, origin: str) -> None:
        leaf = entry.leaf
        trail.pauses.add(leaf)
        if leaf.kind is Kind.EVENT:
            payload = entry.payload
            found = recognise(payload.key, payload.headers, payload.value, self._recognisers)
            self._event(found, event_time(leaf, found))
        elif leaf.kind is Kind.REJECTED:
            self._reject(entry, origin)

    def _event(self, found: Recognised | None, time_ms: int | None) -> None:
        if self.period != (None, None) and time_ms not in self.period:
            self.outside += 1
            self.undated += time_ms is None
            return
        self.events += 1
        self.undated += time_ms is None
        self.unrecognised += found is None
        if time_ms is not None:
            self.first_ms = time_ms if self.first_ms is None else min(self.first_ms, time_ms)
            self.last_ms = time_ms if self.last_ms is None else max(self.last_ms, time_ms)
        actor, action = (None, None) if found is None else (found.actor, found.action)
        self.incomplete += actor is None or action is None or time_ms is None
        outcome = NOT_STATED if found is None or found.outcome is None else found.outcome
        failed = outcome in _FAILED
        self.outcomes[outcome if outcome in _OUTCOMES else "unknown"] += 1
        who, what = _name(actor), _name(action)
        self.actors.add(who, time_ms, failed=failed)
        self.actions.add(what, time_ms, failed=failed)
        if failed:
            self.failures.add(Failing(who, what, outcome), time_ms, failed=True)
        if time_ms is not None:
            self.over_time.add(time_ms, failed=failed)

    def _reject(self, entry: ReadEntry, origin: str) -> None:
        chained_at_ms = entry.leaf.chained_at_ms
        if chained_at_ms not in self.period:
            return
        self.rejections += 1
        if len(self.rejected) == MAX_REJECTED:
            return
        try:
            body = parse_body(Kind.REJECTED, entry.payload.value)
        except FormatError:  # such an entry does not verify, so it does not come here
            return
        assert isinstance(body, RejectedBody)  # noqa: S101 - what that kind has
        reason = shown_text(body.reason)
        self.rejected.append(Rejected(origin, entry.sequence, chained_at_ms, reason, body.size))


def is_notable(action: str) -> bool:
    """Whether an action is one that an investigator looks at first."""
    return mark_of(action) is not None


_OUTCOMES: Final = (*sorted(_FAILED), "success", "unknown", NOT_STATED)


def _name(name: str | None) -> str:
    return "" if name is None else shown_name(name)
