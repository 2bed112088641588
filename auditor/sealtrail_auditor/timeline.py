"""What somebody did, step by step: from verified batches only, in the order in which it happened.

Events tell their own time, and arrive in the trail a little later and not always in order. Steps are put in
the order of the events' time; the sequence stands beside each, and is what the trail vouches for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from sealtrail_auditor.errors import TooManyStepsError
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.notable import Mark, mark_of
from sealtrail_auditor.reading import DamagedBatch
from sealtrail_schemas.circumstances import circumstances
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.recognise import DEFAULT, Message
from sealtrail_schemas.view import view_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import ReadEntry, VerifiedBatch
    from sealtrail_schemas.circumstances import Circumstances
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.view import ViewRow

_T = TypeVar("_T")

PAUSE_MS: Final = 30 * 60 * 1000
"""After so long without a step, what follows with the same credential counts as another session."""

MAX_STEPS: Final = 100_000
"""So many steps are held at most: they are sorted in memory."""

MAX_UNREAD: Final = 1_000
"""So many gaps are told apart; the last one is stretched over those behind it."""

MAX_NAMES: Final = 10_000
"""So many names of other actors are remembered."""


class Step(NamedTuple):
    """One thing that somebody did. Text comes from the event as it is, control characters included.

    Attributes:
        time_ms: when, by the event's own word or else its source timestamp; None where neither is known.
        origin: the trail.
        sequence: the entry.
        actor: as the event names them.
        action: what was done.
        resource: to what.
        outcome: `success`, `failure`, `denied` or `unknown`.
        mark: why it stands out.
        how: from where and with what.
        session: the number of its session.
    """

    time_ms: int | None
    origin: str
    sequence: int
    actor: str | None
    action: str | None
    resource: str | None
    outcome: str | None
    mark: Mark | None
    how: Circumstances
    session: int = 0

    @property
    def failed(self) -> bool:
        """Whether it was refused or went wrong."""
        return self.outcome in {"failure", "denied"}


@dataclass(frozen=True, slots=True)
class Session:
    """Steps with one sign-in or credential from one address, without a long pause.

    What a service did in the actor's name is a session of its own: it follows from steps of the others.

    Attributes:
        number: From 1, in the order of first steps.
        steps: In order; at least one.
    """

    number: int
    steps: tuple[Step, ...]

    @property
    def actor(self) -> str | None:
        """Whose it is."""
        return self.steps[0].actor

    @property
    def how(self) -> Circumstances:
        """From where and with what, of the first step; later ones may have other credentials."""
        return self.steps[0].how

    @property
    def credentials(self) -> tuple[str, ...]:
        """All credentials in use, in the order of their first."""
        return tuple(dict.fromkeys(step.how.credential for step in self.steps if step.how.credential))


class Unread(NamedTuple):
    """Entries that could not be read and may hold further steps.

    Attributes:
        origin: the trail.
        span: the entries.
        finding: what is wrong; None where they are gone because their sealed retention has passed.
        after_ms: the time of the last entry before them that was read, whoever's it was; None: not known.
        before_ms: the time of the first entry behind them that was read; None: not known.
    """

    origin: str
    span: Span
    finding: Finding | None
    after_ms: int | None
    before_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What somebody did.

    Attributes:
        steps: All of it, in order of time; what has no time comes last.
        sessions: The same by session.
        unread: What may be missing.
        origins: The trails that were read, in order.
        entries: How many entries were read and verified to find the steps.
        names: Actors that were met, if there is no step: one of them may be meant. At most `MAX_NAMES`.
    """

    steps: tuple[Step, ...]
    sessions: tuple[Session, ...]
    unread: tuple[Unread, ...]
    origins: tuple[str, ...]
    entries: int
    names: frozenset[str]

    @property
    def actors(self) -> dict[str | None, int]:
        """Who they were, by the events' words, and how many steps each took; in the order of first steps."""
        return count_by(step.actor for step in self.steps)

    @property
    def span_ms(self) -> tuple[int, int] | None:
        """The times of the first and the last step; None where no step has a time."""
        times = [step.time_ms for step in self.steps if step.time_ms is not None]
        return (times[0], times[-1]) if times else None

    def marked(self, mark: Mark) -> tuple[Step, ...]:
        """The steps with a mark, in order."""
        return tuple(step for step in self.steps if step.mark is mark)

    @property
    def failures(self) -> tuple[Step, ...]:
        """What was refused or went wrong, in order."""
        return tuple(step for step in self.steps if step.failed)


def make_timeline(
    batches: Iterable[VerifiedBatch | DamagedBatch], query: Query, recognisers: Sequence[Recogniser] = DEFAULT
) -> Timeline:
    """Gather the steps that a query asks for.

    Args:
        batches: Of one or more readings, one after the other.
        query: Which entries: the actor, and what else was asked.
        recognisers: Who reads the events.

    Raises:
        TooManyStepsError: there are more than `MAX_STEPS`.
    """
    gathered = _Gathered(query, recognisers)
    for batch in batches:
        gathered.origins.add(batch.trail.origin)
        if isinstance(batch, DamagedBatch):
            gathered.miss(batch)
        else:
            for entry in batch.entries():
                gathered.add(batch.trail.origin, entry)
    return gathered.timeline()


def make_sessions(steps: Iterable[Step]) -> tuple[Session, ...]:
    """The sessions of steps that are in order; the steps within them bear their number."""
    last: dict[tuple[object, ...], list[Step]] = {}
    found: list[list[Step]] = []
    for step in steps:
        key = _session_key(step)
        session = last.get(key)
        if session is None or _paused(session[-1], step):
            session = last[key] = []
            found.append(session)
            number = len(found)
        else:
            number = session[0].session
        session.append(step._replace(session=number))
    return tuple(Session(number, tuple(of_it)) for number, of_it in enumerate(found, start=1))


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Steps in the order of time, those of one moment by trail and sequence; without a time, at the end."""
    return sorted(steps, key=lambda s: (s.time_ms is None, s.time_ms or 0, s.origin, s.sequence))


def count_by(values: Iterable[_T]) -> dict[_T, int]:
    """How often each value occurs, in the order of their first."""
    counts: dict[_T, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


@dataclass(slots=True)
class _Gathered:
    """What is known so far."""

    query: Query
    recognisers: Sequence[Recogniser]
    steps: list[Step] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    entries: int = 0
    last_time: tuple[str, int | None] = ("", None)

    def add(self, origin: str, entry: ReadEntry) -> None:
        self.entries += 1
        if entry.leaf.kind is not Kind.EVENT:
            return
        row = view_row(entry.leaf, entry.payload, self.recognisers)
        self._passed(origin, row.time)
        if self.query.fits(row._asdict()) and self.query.fits_value(row.value):
            self._step(origin, entry, row)
        elif row.actor is not None and not self.steps and len(self.names) < MAX_NAMES:
            self.names.add(row.actor)

    def miss(self, batch: DamagedBatch) -> None:
        """Note a batch that can't be read; it is joined to the one before that can't be, either."""
        origin = batch.trail.origin
        before = self.unread[-1] if self.unread else None
        if before is not None and before.origin == origin:
            follows = before.span.last + 1 == batch.span.first and _same(before.finding, batch.finding)
            if follows or len(self.unread) >= MAX_UNREAD:
                self.unread[-1] = before._replace(
                    span=Span(before.span.first, batch.span.last), before_ms=None
                )
                return
        after_ms = self.last_time[1] if self.last_time[0] == origin else None
        self.unread.append(Unread(origin, batch.span, batch.finding, after_ms))

    def timeline(self) -> Timeline:
        sessions = make_sessions(in_order(self.steps))
        steps = in_order(step for session in sessions for step in session.steps)
        names = frozenset() if steps else frozenset(self.names)
        origins = tuple(sorted(self.origins))
        return Timeline(tuple(steps), sessions, tuple(self.unread), origins, self.entries, names)

    def _passed(self, origin: str, time_ms: int | None) -> None:
        if time_ms is None:
            return
        self.last_time = (origin, time_ms)
        for place in range(len(self.unread) - 1, -1, -1):
            missing = self.unread[place]
            if missing.origin != origin or missing.before_ms is not None:
                return
            self.unread[place] = missing._replace(before_ms=time_ms)

    def _step(self, origin: str, entry: ReadEntry, row: ViewRow) -> None:
        if len(self.steps) == MAX_STEPS:
            raise TooManyStepsError(f"more than {MAX_STEPS:,} steps: ask for a shorter time")
        payload = entry.payload
        how = circumstances(Message(payload.key, payload.headers, payload.value))
        self.steps.append(
            Step(
                time_ms=row.time,
                origin=origin,
                sequence=entry.sequence,
                actor=self._once(row.actor),
                action=self._once(row.action or row.event_type),
                resource=self._once(row.resource),
                outcome=self._once(row.outcome),
                mark=_mark(row.action or row.event_type, how),
                how=how._replace(
                    credential=self._once(how.credential),
                    address=self._once(how.address),
                    through=self._once(how.through),
                    reason=self._once(how.reason),
                    detail=self._once(how.detail),
                ),
            )
        )

    def _once(self, text: str | None) -> str | None:
        """The same text held once, however many steps have it."""
        return None if text is None else self.texts.setdefault(text, text)


def _mark(action: str | None, how: Circumstances) -> Mark | None:
    mark = mark_of(action)
    # A service that decrypts in somebody's name does so for a step of theirs, which has the mark.
    return None if mark is Mark.SECRETS and how.through is not None else mark


def _session_key(step: Step) -> tuple[object, ...]:
    how = step.how
    if how.through is not None:
        return (step.actor, "through", how.through)
    return (step.actor, how.credential if how.signed_in_ms is None else how.signed_in_ms, how.address)


def _paused(before: Step, after: Step) -> bool:
    if before.time_ms is None or after.time_ms is None:
        return False
    return after.time_ms - before.time_ms > PAUSE_MS


def _same(one: Finding | None, other: Finding | None) -> bool:
    return (one and one.code) is (other and other.code)
