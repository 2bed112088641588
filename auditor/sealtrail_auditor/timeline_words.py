"""A timeline in words, as text and as a page have them.

All of it may hold what events say, control characters included: whoever shows it makes it safe.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.notable import Mark
from sealtrail_auditor.timeline_runs import Plain, sort_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail_auditor.timeline import Session, Step, Unread
    from sealtrail_auditor.timeline_runs import Run, Sort

MOST_NAMED: Final = 3
"""So many entries, resources or actions are named; the others are counted."""

LABELS: Final[dict[Sort, str]] = {
    Mark.WATCHING: "watching",
    Mark.RIGHTS: "rights",
    Mark.SECRETS: "secrets",
    Mark.REMOVED: "removed",
    Plain.DENIED: "denied",
    Plain.DONE: "",
    Plain.LOOKED: "",
    Plain.BY_SERVICES: "",
}
"""One word for each sort of step."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_CHARS: Final = 72


class Told(NamedTuple):
    """One run in words.

    Attributes:
        date: when its most telling steps began; empty where no time is known.
        clock: the time of day in UTC of the first of them, and of the last.
        label: one word for why they stand out, or empty.
        what: their actions and how often.
        on: what they were done to.
        outcome: how they ended, if not well.
        gained: whom the actor can act as from now on.
        entries: their sequences.
        sessions: the numbers of their sessions.
        more: what else the run holds.
    """

    date: str
    clock: str
    label: str
    what: str
    on: str
    outcome: str
    gained: str
    entries: str
    sessions: tuple[int, ...]
    more: str


@dataclass(frozen=True, slots=True)
class TrailNames:
    """Trails as they are called before a sequence: not at all if there is but one."""

    origins: tuple[str, ...]

    def entry(self, step: Step) -> str:
        """One entry: `#12`, or `payments/0 #12`."""
        return f"{self._prefix(step.origin)}#{step.sequence}"

    def entries(self, steps: Sequence[Step]) -> str:
        """The first few, and how many there are: `#12, #15, #20 … 7 in all`."""
        named = ", ".join(self.entry(step) for step in steps[:MOST_NAMED])
        return named if len(steps) <= MOST_NAMED else f"{named} … {len(steps):,} in all"

    @property
    def words(self) -> str:
        """All of them, or how many there are."""
        return ", ".join(self.origins) if len(self.origins) <= MOST_NAMED else f"{len(self.origins):,} trails"

    def unread(self, missing: Unread) -> str:
        """What can't be read: `entries 300 to 399 of payments/0`."""
        name = self._prefix(missing.origin).strip()
        return f"{missing.span} of {name}" if name else str(missing.span)

    def _prefix(self, origin: str) -> str:
        if len(self.origins) < 2:
            return ""
        short = "/".join(origin.split("/")[-2:])
        is_clear = sum(other.endswith(f"/{short}") for other in self.origins) == 1
        return f"{short if is_clear else origin} "


def tell(run: Run, names: TrailNames) -> Told:
    """A run in words: its most telling part at length, the others in short."""
    (sort, main), *others = run.parts.items()
    date, clock = when(main)
    return Told(
        date=date,
        clock=clock,
        label=LABELS[sort],
        what=actions(main),
        on=named(step.resource for step in main),
        outcome=outcomes(main),
        gained=named(step.how.gained for step in main),
        entries=names.entries(main),
        sessions=tuple(dict.fromkeys(step.session for step in main)),
        more=", ".join(_in_short(each, steps) for each, steps in others),
    )


def actions(steps: Iterable[Step], most: int = MOST_NAMED) -> str:
    """What was done and how often: `18x ssm:GetParameter, ssm:GetParameters`. The most frequent first."""
    counts = Counter(step.action or "something" for step in steps)
    parts = [_times(action, count) for action, count in counts.most_common(most)]
    rest = sum(counts.values()) - sum(count for _, count in counts.most_common(most))
    return ", ".join([*parts, *([f"{rest:,} other{'s' * (rest > 1)}"] if rest else [])])


def outcomes(steps: Sequence[Step]) -> str:
    """How steps failed, as `denied: AccessDenied` or `5 of 28 failed: ThrottlingException`; or empty."""
    failed = [step for step in steps if step.failed]
    if not failed:
        return ""
    words = " or ".join(
        word for outcome, word in (("denied", "denied"), ("failure", "failed")) if _has(failed, outcome)
    )
    count = "" if len(failed) == len(steps) else f"{len(failed):,} of {len(steps):,} "
    reasons = named((step.how.reason for step in failed), most=2)
    return f"{count}{words}: {reasons}" if reasons else f"{count}{words}"


def named(texts: Iterable[str | None], most: int = MOST_NAMED - 1) -> str:
    """Each text once, the first few of them: `a, b and 7 more`."""
    distinct = list(dict.fromkeys(text for text in texts if text))
    shown = ", ".join(shorten(text) for text in distinct[:most])
    return f"{shown} and {len(distinct) - most:,} more" if len(distinct) > most else shown


def session_words(session: Session) -> str:
    """What makes a session one: `AKIA… from 192.0.2.7`."""
    how = session.how
    if how.through is not None:
        return f"{shorten(how.through)}, in their name"
    if how.signed_in_ms is not None:
        words = f"signed in at {moment(how.signed_in_ms)}"
        if len(session.credentials) > 1:
            words += f" ({len(session.credentials)} credentials)"
    else:
        words = shorten(how.credential) if how.credential else "no credential named"
    return f"{words} from {shorten(how.address)}" if how.address else words


def failure_groups(steps: Iterable[Step]) -> list[tuple[str, tuple[Step, ...]]]:
    """Failed steps by how and why they failed.

    Those denied come first, then those that would have changed something, then the most frequent.
    """
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        if step.failed:
            groups.setdefault((step.outcome or "", step.how.reason or ""), []).append(step)
    ordered = sorted(
        groups.items(), key=lambda item: (item[0][0] != "denied", all(map(_looks, item[1])), -len(item[1]))
    )
    return [
        (f"{'denied' if outcome == 'denied' else 'failed'}: {shorten(reason)}".removesuffix(": "), tuple(its))
        for (outcome, reason), its in ordered
    ]


def action_groups(steps: Iterable[Step]) -> list[tuple[Step, ...]]:
    """Steps by their action, in the order of the first of each."""
    groups: dict[str | None, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.action, []).append(step)
    return [tuple(group) for group in groups.values()]


def why_unread(missing: Unread) -> str:
    """Why entries can't be read."""
    if missing.finding is None:
        return "gone, since their retention has passed"
    return f"could not be read: {missing.finding.code.title}"


def between(missing: Unread) -> str:
    """When what can't be read happened, as far as its neighbours tell; or empty."""
    after, before = missing.after_ms, missing.before_ms
    if after is not None and before is not None and after <= before:
        return f"between {moment(after)} and {moment(before)}"
    return "" if after is None else f"about {moment(after)}"


def when(steps: Sequence[Step]) -> tuple[str, str]:
    """The date of the first step and the time of day, or from when to when; empty where none is known."""
    times = [step.time_ms for step in steps if step.time_ms is not None]
    if not times:
        return "", ""
    date, clock = day(times[0]), clock_time(times[0])
    if day(times[-1]) != date:
        return date, f"{clock} to {moment(times[-1])}"
    until = clock_time(times[-1])
    return date, clock if until == clock else f"{clock}-{until}"


def sessions_words(numbers: Sequence[int]) -> str:
    """The number of a session, or the first of several: `s3`, `s3…`."""
    return f"s{numbers[0]}{'…' * (len(numbers) > 1)}"


def session_facts(session: Session) -> list[str]:
    """How many steps it has, how many of them failed."""
    failed = sum(step.failed for step in session.steps)
    return [steps_words(len(session.steps)), *([f"{failed:,} failed"] if failed else [])]


def steps_words(count: int) -> str:
    """`1 step`, `1,331 steps`."""
    return f"{count:,} step{'' if count == 1 else 's'}"


def moment(time_ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds only where there are some."""
    return f"{day(time_ms)}T{clock_time(time_ms)}Z"


def day(time_ms: int) -> str:
    """The date in UTC."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).date().isoformat()


def clock_time(time_ms: int) -> str:
    """The time of day in UTC, with milliseconds only where there are some."""
    precision = "milliseconds" if time_ms % 1000 else "seconds"
    return (_EPOCH + timedelta(milliseconds=time_ms)).time().isoformat(timespec=precision)


def length_words(length_ms: int) -> str:
    """A length of time in one unit: `40 min`."""
    for unit, size in (("days", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if length_ms >= 2 * size:
            return f"{round(length_ms / size):,} {unit}"
    return f"{length_ms:,} ms"


def shorten(text: str, most: int = _MOST_CHARS) -> str:
    """Long text without its middle: names of cloud resources tell themselves apart at both ends."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[head + 1 - most :]}"


def _looks(step: Step) -> bool:
    return sort_of(step) in {Plain.LOOKED, Plain.BY_SERVICES}


def _in_short(sort: Sort, steps: Sequence[Step]) -> str:
    failed = sum(step.failed for step in steps)
    ended = f", {failed:,} failed" if failed else ""
    if sort in {Plain.LOOKED, Plain.BY_SERVICES}:
        return f"{len(steps):,} {sort.value}{ended}"
    label = LABELS[sort] or "done"
    return f"{len(steps):,} {label} ({actions(steps)}{ended})"


def _has(steps: Iterable[Step], outcome: str) -> bool:
    return any(step.outcome == outcome for step in steps)


def _times(action: str, count: int) -> str:
    return shorten(action) if count == 1 else f"{count:,}x {shorten(action)}"
