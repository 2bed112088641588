"""Step 7 of docs/format.md, "Verification", for control entries: statements, each at its place and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Span
from sealtrail_auditor.statements import Statement
from sealtrail_schemas.control import CONTROL_NAMES, Gap, KeyChange, open_control
from sealtrail_schemas.errors import FormatError, UnknownFormatError

if TYPE_CHECKING:
    from sealtrail_auditor.batch_task import BatchTask
    from sealtrail_schemas.body import ControlBody
    from sealtrail_schemas.chain import ChainState
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.leaf import Leaf


class _Report(Protocol):
    def __call__(self, code: FindingCode, span: Span, expected: str, found: str) -> None: ...


class ControlEntries:
    """The control entries of one batch.

    Attributes:
        statements: What those that hold state, in order.
        unknown: How many there were whose names this version does not know.
        first_unknown: The sequence of the first of them.
    """

    def __init__(self, task: BatchTask, report: _Report) -> None:
        """Prepare to read those of the batch of `task`."""
        self.statements: list[Statement] = []
        self.unknown = 0
        self.first_unknown = -1
        self._task = task
        self._report = report
        self._key = task.keys.at(task.placed.opened.seal.size)

    def read(self, leaf: Leaf, body: ControlBody, before: ChainState) -> None:
        """Read one, behind the chain `before`."""
        span = Span(leaf.sequence, leaf.sequence)
        if body.control not in CONTROL_NAMES:
            self.unknown += 1
            self.first_unknown = leaf.sequence if self.unknown == 1 else self.first_unknown
            return
        expected = f"a statement signed by {self._key.name}, key {self._key.fingerprint}"
        try:
            control = open_control((body.note or "").encode(), self._key)
        except UnknownFormatError as error:
            self._report(FindingCode.ENTRY_BODY, span, "a control statement of version 1", str(error))
            return
        except FormatError as error:
            found = "no statement" if body.note is None else str(error)
            self._report(FindingCode.CONTROL_FORGED, span, expected, found)
            return
        wrong = self._misplaced(control, leaf, body) or self._other_offsets(control, leaf, before)
        if wrong is not None:
            self._report(wrong[0], span, wrong[1], wrong[2])
            return
        self.statements.append(Statement(control, body.note or ""))

    def check_changes(self) -> None:
        """Say which key changes that were followed no entry of this batch states, now that all were read."""
        stated = [statement.control for statement in self.statements]
        for change in self._task.keys.changes:
            sequence, span = change.sequence, self._task.span
            if span.first <= sequence <= span.last and change not in stated:
                self._report(
                    FindingCode.KEY_UNSTATED,
                    Span(sequence, sequence),
                    f"the key change that lies under keys/ for size {sequence + 1}",
                    "an entry that does not state it",
                )

    def _misplaced(self, control: Control, leaf: Leaf, body: ControlBody) -> _Wrong:
        """Whether a statement belongs to another entry."""
        here = f"a {body.control} of entry {leaf.sequence}"
        if control.name != body.control or not control.is_at(leaf):
            found = f"a {control.name} of entry {control.sequence}"
            if found == here:
                found += " of another history"
            return FindingCode.CONTROL_MISPLACED, here, found
        if isinstance(control.deed, KeyChange) and leaf.sequence != self._task.span.last:
            last = f"the last entry of the batch to be {leaf.sequence}"
            return FindingCode.CONTROL_MISPLACED, last, f"the last is {self._task.span.last}"
        return None

    def _other_offsets(self, control: Control, leaf: Leaf, before: ChainState) -> _Wrong:
        """Whether a gap is another one than the source offsets of the entries show."""
        gap = control.deed
        if not isinstance(gap, Gap):
            return None
        is_unknown = self._task.standing.chain is None and leaf.sequence == self._task.span.first
        first = gap.first_lost if is_unknown else before.next_source_offset
        if (gap.first_lost, gap.first_kept) == (first, leaf.next_source_offset):
            return None
        expected = f"a gap from offset {first} to {leaf.next_source_offset}, as the entries have it"
        return FindingCode.GAP_OFFSETS, expected, f"one from {gap.first_lost} to {gap.first_kept}"


_Wrong = tuple[FindingCode, str, str] | None
