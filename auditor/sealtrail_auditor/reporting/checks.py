"""The named checks of a report: what each of them asks, and how it came out.

Every finding that a verification can have belongs to at least one check, so whatever is wrong shows as a
check that failed. A check that was not made says so, and never counts as passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.catalogue import FindingCode as Code
from sealtrail_auditor.reporting.page_text import count
from sealtrail_auditor.reporting.pauses import SILENCE_MS
from sealtrail_transport.store import LockKnowledge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sealtrail_auditor.report import Report
    from sealtrail_auditor.reporting.activity import Activity


class CheckState(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MADE = "not made"


class CheckName(StrEnum):
    """The checks, in the order of the report. Stable: the controls and readers of report.json name them."""

    SEALS = "seals"
    ENTRIES = "entries"
    ORDER = "order"
    COMPLETE = "complete"
    HISTORY = "history"
    HEAD = "head"
    FRESH = "fresh"
    LOCKS = "locks"
    RETENTION = "retention"
    RECORDING = "recording"
    ACCEPTED = "accepted"
    WHO_WHAT_WHEN = "who-what-when"
    CLOCKS = "clocks"


QUESTIONS: Final[Mapping[CheckName, str]] = {
    CheckName.SEALS: "Is every seal signed by the policy's key, and does it name the seal before?",
    CheckName.ENTRIES: "Is every entry, byte for byte, the one that was sealed?",
    CheckName.ORDER: "Do all entries follow on each other, in one order, under one Merkle root?",
    CheckName.COMPLETE: "Is everything there that the seals cover?",
    CheckName.HISTORY: "Has each key signed one history only?",
    CheckName.HEAD: "Does the trail go on from the head that was kept from before?",
    CheckName.FRESH: "Is the newest entry no older than allowed?",
    CheckName.LOCKS: "Is every object locked in COMPLIANCE mode, and written once?",
    CheckName.RETENTION: "Is every object locked for as long as was sealed?",
    CheckName.RECORDING: "Did recording go on without a stop?",
    CheckName.ACCEPTED: "Was every record that was published archived?",
    CheckName.WHO_WHAT_WHEN: "Does every event say who did what, and when?",
    CheckName.CLOCKS: "Were the clocks right?",
}

FINDINGS: Final[Mapping[CheckName, frozenset[Code]]] = {
    CheckName.SEALS: frozenset(
        {
            Code.TRAIL_UNNAMED,
            Code.SEAL_DAMAGED,
            Code.SEAL_EMPTY,
            Code.SEAL_TRUNCATED,
            Code.SEAL_FORGED,
            Code.SEAL_UNSOUND,
            Code.SEAL_KEY,
            Code.SEAL_FORMAT,
            Code.SEAL_SWAPPED,
            Code.SEAL_FOREIGN,
            Code.SEAL_REPLAYED,
            Code.SEAL_CHAIN,
            Code.SEAL_BACKDATED,
            Code.SEAL_CONTENT,
        }
    ),
    CheckName.ENTRIES: frozenset(
        {
            Code.BATCH_SUBSTITUTED,
            Code.BATCH_EMPTY,
            Code.BATCH_TRUNCATED,
            Code.BATCH_FOREIGN,
            Code.BATCH_SWAPPED,
            Code.BATCH_DAMAGED,
            Code.BATCH_REENCODED,
            Code.BATCH_REWRITTEN,
            Code.BATCH_FORMAT,
            Code.BATCH_REPLACED,
            Code.BATCH_VERSION,
            Code.ENTRY_PAYLOAD,
            Code.ENTRY_LEAF,
            Code.ENTRY_FOREIGN,
            Code.ENTRY_RULE,
            Code.ENTRY_FORMAT,
            Code.ENTRY_BODY,
            Code.GENESIS_BODY,
        }
    ),
    CheckName.ORDER: frozenset(
        {
            Code.SEAL_ROOT,
            Code.ENTRY_LINK,
            Code.ENTRY_REPEATED,
            Code.ENTRY_ORDER,
            Code.ENTRY_EXTRA,
            Code.ENTRY_TIME,
            Code.ENTRY_SOURCE,
        }
    ),
    CheckName.COMPLETE: frozenset(
        {
            Code.ARCHIVE_EMPTY,
            Code.TRAIL_ABSENT,
            Code.TRAIL_UNSEALED,
            Code.FRONT_MISSING,
            Code.SEAL_MISSING,
            Code.SEAL_EMPTY,
            Code.SEAL_TRUNCATED,
            Code.BATCH_MISSING,
            Code.BATCH_EMPTY,
            Code.BATCH_TRUNCATED,
            Code.ENTRY_MISSING,
            Code.TAIL_UNSEALED,
            Code.HEAD_CUT,
        }
    ),
    CheckName.HISTORY: frozenset({Code.TRAIL_FORKED, Code.SEAL_FORKED, Code.HEAD_ROOT}),
    CheckName.HEAD: frozenset({Code.HEAD_CUT, Code.HEAD_ROOT, Code.HEAD_UNCOMPARED}),
    CheckName.FRESH: frozenset({Code.TRAIL_STALE}),
    CheckName.LOCKS: frozenset(
        {
            Code.LOCK_NONE,
            Code.LOCK_MISSING,
            Code.LOCK_WEAK,
            Code.OBJECT_VERSIONS,
            Code.OBJECT_MARKER,
            Code.OBJECT_FOREIGN,
            Code.OBJECT_SQUATTED,
        }
    ),
    CheckName.RETENTION: frozenset({Code.LOCK_NONE, Code.LOCK_MISSING, Code.LOCK_SHORT}),
}
"""The findings by which a check fails. Those of proofs and packs are not here: no verification has them."""


class Check(NamedTuple):
    """A check and how it came out; `says` is one sentence or two, with figures."""

    name: CheckName
    state: CheckState
    says: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What checks are judged by.

    Attributes:
        report: What the verification came to.
        codes: The findings of it and of the reading after it, those that were not kept included.
        activity: What the entries say.
        pinned: Origins of the trails of which a head was held against the archive.
        has_max_age: Whether the newest entries' age was held against a limit.
    """

    report: Report
    codes: frozenset[Code]
    activity: Activity
    pinned: frozenset[str]
    has_max_age: bool

    @property
    def entries(self) -> int:
        """Entries that were verified."""
        return sum(trail.entries_verified for trail in self.report.trails)

    @property
    def has_gaps(self) -> bool:
        """Whether entries are missing or damaged, so that what they said is not known."""
        return any(trail.has_gaps for trail in self.activity.trails.values())

    @property
    def origins(self) -> frozenset[str]:
        """The trails that were verified."""
        return frozenset(trail.origin for trail in self.report.trails if trail.origin is not None)


def make_checks(evidence: Evidence) -> tuple[Check, ...]:
    """All checks, in order."""
    return tuple(_make(name, evidence) for name in CheckName)


def _make(name: CheckName, evidence: Evidence) -> Check:
    failing = sorted(FINDINGS.get(name, frozenset()) & evidence.codes, key=lambda code: code.code)
    if failing:
        return Check(name, CheckState.FAILED, f"No: {_titles(failing)}.")
    state, says = _JUDGES[name](evidence)
    return Check(name, state, says)


def _titles(codes: list[Code]) -> str:
    shown = "; ".join(f"{code.title} ({code.code})" for code in codes[:3])
    return shown + (f"; and {len(codes) - 3} other kinds of findings" if len(codes) > 3 else "")


_Judged = tuple[CheckState, str]
_NOTHING: Final[_Judged] = (CheckState.NOT_MADE, "There was no entry to look at.")
_GAPS: Final[_Judged] = (
    CheckState.NOT_MADE,
    "Entries are missing or damaged. In what could be read, nothing speaks against it.",
)


def _verified(evidence: Evidence) -> _Judged:
    if not evidence.entries:
        return _NOTHING
    batches = count(str(sum(trail.batches_verified for trail in evidence.report.trails)), "batch", "batches")
    part = "" if evidence.report.scope.is_whole else " This holds for the part that was looked at."
    entries = count(str(evidence.entries), "entry", "entries")
    return CheckState.PASSED, f"Yes: {entries} in {batches} were checked.{part}"


def _in_order(evidence: Evidence) -> _Judged:
    return _GAPS if evidence.has_gaps else _verified(evidence)


def _complete(evidence: Evidence) -> _Judged:
    state, says = _verified(evidence)
    expired = any(trail.expired for trail in evidence.report.trails)
    note = " What is gone had outlived the retention that was sealed for it." if expired else ""
    if state is CheckState.PASSED and not evidence.origins <= evidence.pinned:
        note += " Whether the end was cut off is another check: head."
    return state, says + note


def _history(evidence: Evidence) -> _Judged:
    if not evidence.entries:
        return _NOTHING
    if not evidence.report.scope.is_whole:
        return CheckState.NOT_MADE, "A second history is looked for only where the whole archive is verified."
    return CheckState.PASSED, "Yes, as far as this archive shows: it holds no second one."


def _head(evidence: Evidence) -> _Judged:
    pinned, all_of_them = evidence.pinned & evidence.origins, evidence.origins
    if not pinned:
        return CheckState.NOT_MADE, (
            "No head was kept from before, so a cut end, and a history that the holder of the key rewrote, "
            "can't be seen. Keep the heads of this report."
        )
    if any(trail.heads_uncompared for trail in evidence.report.trails):
        return CheckState.NOT_MADE, "A kept head could not be compared: what lies around it was not read."
    if pinned != all_of_them:
        return CheckState.NOT_MADE, f"A head was kept of {len(pinned)} of {len(all_of_them)} trails only."
    return CheckState.PASSED, "Yes: the kept heads are part of the history."


def _fresh(evidence: Evidence) -> _Judged:
    if not evidence.has_max_age:
        return CheckState.NOT_MADE, "No greatest age was given."
    if evidence.report.scope.is_part:
        return CheckState.NOT_MADE, "Only a part of the trail was looked at."
    return (CheckState.PASSED, "Yes.") if evidence.entries else _NOTHING


def _locks(evidence: Evidence) -> _Judged:
    if not evidence.entries:
        return _NOTHING
    match evidence.report.lock_knowledge:
        case LockKnowledge.ENFORCED:
            return CheckState.PASSED, "Yes: the store was asked for each object."
        case LockKnowledge.NOTED:
            return CheckState.NOT_MADE, (
                "This is a copy. Its notes tell of locks, but nobody signed them: that is hearsay. Verify "
                "the bucket itself."
            )
        case LockKnowledge.NONE:
            return CheckState.NOT_MADE, "This is a plain folder, which knows of no locks. Verify the bucket."


def _recording(evidence: Evidence) -> _Judged:
    trails = evidence.activity.trails.values()
    stops = sum(trail.pauses.stops for trail in trails)
    minutes = SILENCE_MS // 60_000
    if stops:
        times = "once" if stops == 1 else f"{stops:,} times"
        return CheckState.FAILED, (
            f"No: {times}, more than {minutes} minutes passed without any entry, not even a heartbeat."
        )
    if all(trail.pauses.longest_silence is None for trail in trails):
        return _NOTHING
    if evidence.has_gaps:
        return _GAPS
    return CheckState.PASSED, f"Yes: no pause without an entry or a heartbeat was over {minutes} minutes."


def _accepted(evidence: Evidence) -> _Judged:
    rejections = evidence.activity.rejections
    if rejections:
        return CheckState.FAILED, f"No: {rejections:,} were not. The entries in their place say why."
    if not evidence.entries:
        return _NOTHING
    if evidence.has_gaps:
        return _GAPS
    return CheckState.PASSED, "Yes: no entry stands for a record that was rejected."


def _who_what_when(evidence: Evidence) -> _Judged:
    activity = evidence.activity
    if not activity.events:
        return CheckState.NOT_MADE, "There was no event to look at."
    if activity.incomplete:
        return CheckState.FAILED, (
            f"No: {activity.incomplete:,} of {activity.events:,} events do not, as far as this program can "
            "read them. All of them are archived whole."
        )
    if evidence.has_gaps:
        return _GAPS
    return CheckState.PASSED, f"Yes, all {activity.events:,} events. Whether it is true is for others to say."


def _clocks(_evidence: Evidence) -> _Judged:
    return CheckState.NOT_MADE, "Times are what producers', the chainer's and the store's clocks said."


_JUDGES: Final[Mapping[CheckName, Callable[[Evidence], _Judged]]] = {
    CheckName.SEALS: _verified,
    CheckName.ENTRIES: _verified,
    CheckName.ORDER: _in_order,
    CheckName.COMPLETE: _complete,
    CheckName.HISTORY: _history,
    CheckName.HEAD: _head,
    CheckName.FRESH: _fresh,
    CheckName.LOCKS: _locks,
    CheckName.RETENTION: _locks,
    CheckName.RECORDING: _recording,
    CheckName.ACCEPTED: _accepted,
    CheckName.WHO_WHAT_WHEN: _who_what_when,
    CheckName.CLOCKS: _clocks,
}
