"""The walk through one trail: steps 1 to 8 of docs/format.md, "Verification".

After damage the walk goes on from what the next good seal states, so that one broken place does not hide what
lies behind it.

    trail_plan.py   the way: seals and names in step
    batch_task.py   what is done at each step, here or in another process
    this module     puts together what comes of it, in order
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import other_names
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.key_notes import check_key_names, check_key_notes, listed_changes
from sealtrail_auditor.trail_plan import TrailPlan
from sealtrail_auditor.versions import report_stray, report_versions
from sealtrail_schemas.layout import SEALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.batch_task import BatchOutcome
    from sealtrail_auditor.trail_plan import Step, TrailSettings
    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_auditor.workers import Checker
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a walk has come, and to what; it is not changed any more.

    Attributes:
        result: What the walk has come to; `head` is the seal to go on behind.
        passed: The last name under `batches/` that it has passed; None: there was none.
    """

    result: TrailResult
    passed: str | None


class TrailWalk:
    """Walks through one trail, once."""

    def __init__(
        self,
        store: Store,
        settings: TrailSettings,
        begun: TrailResult,
        *,
        checker: Checker,
        on_progress: Callable[[int, int], None] = lambda _entries, _length: None,
        on_bookmark: Callable[[Bookmark], None] = lambda _bookmark: None,
    ) -> None:
        """Prepare a walk.

        Args:
            store: The archive.
            settings: What to look at.
            begun: What is known up to the base of the settings.
            checker: Checks the batches.
            on_progress: Called now and then with the entries and bytes of this trail so far.
            on_bookmark: Called whenever the walk has come past a seal.
        """
        self._store = store
        self._settings = settings
        self._checker = checker
        self._on_progress = on_progress
        self._on_bookmark = on_bookmark
        self._result = begun

    def run(self) -> TrailResult:
        """Walk from the first seal of the part to the last and say what was found."""
        if self._settings.part.is_empty:
            return replace(self._result.copy(), to_end=False)
        self._plan = TrailPlan(self._store, self._settings)
        for step, outcome in self._checker.check(self._plan.steps(), self._on_piece):
            # A copy, so that no interruption can leave a result to which half of a step was added.
            result = self._result.copy()
            self._add(result, step, outcome)
            self._result = result
            self._on_progress(result.entries, result.length)
            if step.placed is not None:
                self._on_bookmark(Bookmark(result, step.passed))
        result = self._result.copy()
        result.seals_rejected = self._plan.seals.rejected
        result.to_end = self._plan.at_end
        result.keys = self._plan.seals.keys
        changes = listed_changes(self._store, result, self._settings.changes)
        check_key_notes(result, changes, self._plan.findings)
        check_key_names(self._store, result, changes, self._plan.findings)
        if result.to_end:
            self._look_behind(result)
        result.findings.merge(self._plan.take_findings())
        return result

    def _on_piece(self, entries: int, length: int) -> None:
        self._on_progress(self._result.entries + entries, self._result.length + length)

    def _add(self, result: TrailResult, step: Step, outcome: BatchOutcome | None) -> None:
        """Add one step to the result."""
        result.findings.merge(step.findings)
        result.unsealed_in_gaps += step.unsealed
        if step.expired is not None:
            result.expired.add(step.expired)
        if step.placed is None or step.task is None:
            return
        result.keys = step.task.keys
        result.add_seal(step.placed, self._settings.root_sizes)
        if outcome is None:
            result.unread.add(step.task.added)
        else:
            result.add_batch(outcome, step.task.added)

    # What no seal leads to

    def _look_behind(self, result: TrailResult) -> None:
        """Judge what lies behind the newest valid seal, and beside seals and batches."""
        self._check_tail(result)
        for name in other_names(self._store, self._settings.folder):
            report_stray(name, self._plan.findings)

    def _check_tail(self, result: TrailResult) -> None:
        """Judge the batches behind the newest valid seal: one may be waiting for its seal."""
        findings = self._plan.findings
        size = self._plan.seals.size
        accounted = max(size, self._plan.seals.rejected_to)
        ahead: Name | None = None  # the first one that lies too far ahead
        too_far = 0
        for first_sequence, name in self._plan.batch_names.rest():
            if first_sequence < size or not name.count:
                report_stray(name, findings, is_batch=True)
            elif first_sequence < accounted:
                result.unsealed_in_gaps += 1
            elif first_sequence == accounted:
                report_versions(name, None, findings)
                first_key, count = result.in_flight or (name.key, 0)
                result.in_flight = (first_key, count + 1)
            else:
                ahead, too_far = ahead or name, too_far + 1
        if ahead is not None and self._has_grown():
            result.not_checked.append(
                "The trail grew while it was verified; what was sealed since was not read."
            )
        elif ahead is not None:
            findings.add(
                Finding(
                    FindingCode.TAIL_UNSEALED,
                    key=ahead.key,
                    version_id=ahead.versions[0].version_id,
                    expected=f"no batch behind the one that begins at entry {accounted}",
                    found=f"{too_far} batch(es), the first of which is named here",
                    objects=too_far,
                )
            )
        if self._plan.seals.head is None and not self._plan.seals.rejected:
            waiting = "batches that wait for their seal" if result.in_flight else "no seal"
            findings.add(
                Finding(
                    FindingCode.TRAIL_UNSEALED,
                    key=self._settings.folder,
                    expected="a valid seal",
                    found=waiting,
                )
            )

    def _has_grown(self) -> bool:
        """Whether there are seals behind those that were listed: a live archive grows meanwhile."""
        lines = self._store.versions(self._settings.folder + SEALS, after=self._plan.seals.last_key, limit=1)
        return next(lines, None) is not None
