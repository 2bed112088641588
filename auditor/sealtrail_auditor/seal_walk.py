"""Steps 1 to 3 of docs/format.md, "Verification": the valid seals of a trail, in order of size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.archive import gather_names
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog, Span
from sealtrail_auditor.locks import format_time
from sealtrail_auditor.seals import Relation, read_seal_name
from sealtrail_auditor.versions import report_stray, report_versions
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key, seal_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.seals import PlacedSeal, SealName
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.store import Store


class SealStep(NamedTuple):
    """One valid seal on the way through a trail, and the entries before it that no valid seal covers."""

    placed: PlacedSeal
    gap: Span | None
    gap_expired: bool


class SealWalk:
    """Finds a trail's valid seals and reports what else lies under their names.

    Attributes:
        head: The newest valid seal so far.
        rejected_to: The largest size so far in a name that holds no valid seal; 0 if there is none.
        rejected: How many names hold no valid seal.
        last_key: The last name that was listed; None before the first.
    """

    def __init__(
        self,
        store: Store,
        folder: str,
        verifier: Verifier,
        *,
        now: datetime,
        findings: FindingLog,
        base: PlacedSeal | None = None,
        last: int | None = None,
    ) -> None:
        """Prepare to walk the seals in `folder`.

        Args:
            store: The archive.
            folder: The trail's folder, ending in a slash.
            verifier: The trail's key.
            now: The time by which retention is judged.
            findings: Takes what is wrong.
            base: A valid seal to begin behind; None: begin at the first.
            last: The entry with whose seal to end; None: end at the newest.
        """
        self.head = base
        self._last = last
        self.rejected_to = 0
        self.rejected = 0
        self.last_key = None if base is None else base.key
        self._store = store
        self._folder = folder
        self._verifier = verifier
        self._now = now
        self._findings = findings
        self._doubtful = FindingLog(verifier.name)  # names since the head that hold no valid seal

    @property
    def size(self) -> int:
        """The size of the trail by the newest valid seal so far."""
        return 0 if self.head is None else self.head.opened.checkpoint.size

    def __iter__(self) -> Iterator[SealStep]:
        """Yield the valid seals. `head` moves on when the next one is asked for."""
        for name in gather_names(self._store.versions(self._folder + SEALS, after=self.last_key)):
            self.last_key = name.key
            try:
                size = parse_seal_key(name.key[len(self._folder) :])
            except FormatError:
                report_stray(name, self._findings)
                continue
            previous = self.head and self.head.opened
            found = read_seal_name(
                self._store, self._folder, name, size=size, verifier=self._verifier, previous=previous
            )
            self._report_contradictions(found)
            if found.seal is None:
                self._put_aside(name, found)
            else:
                yield self._step(name, found, found.seal)
                self.head = found.seal
                if self._last is not None and self.size > self._last:
                    return
        self._settle(goes_on_at=None)

    def _step(self, name: Name, found: SealName, placed: PlacedSeal) -> SealStep:
        seal = placed.opened.seal
        report_versions(name, Span(seal.first.sequence, seal.last.sequence), self._findings)
        self._settle(goes_on_at=seal.first.sequence)
        gap, expired = None, False
        if found.relation is Relation.LEAVES_GAP:
            gap = Span(self.size, seal.first.sequence - 1)
            until = None if seal.previous is None else seal.previous.retain_until
            expired = until is not None and until <= self._now
            if not expired:
                self._report_gap(gap)
        self._report_relation(found.relation, placed)
        return SealStep(placed, gap, expired)

    def _report_gap(self, gap: Span) -> None:
        """Report entries that no seal stands for, not even a damaged one."""
        first = max(gap.first, self.rejected_to)
        if first > gap.last:
            return
        code = FindingCode.FRONT_MISSING if self.head is None else FindingCode.SEAL_MISSING
        expected = f"seals up to {self._folder}{seal_key(gap.last + 1)}"
        self._add(
            Finding(
                code, key=self._folder + SEALS, span=Span(first, gap.last), expected=expected, found="none"
            )
        )

    def _report_relation(self, relation: Relation, placed: PlacedSeal) -> None:
        seal, head = placed.opened.seal, self.head
        if head is None or relation not in (Relation.NAMES_ANOTHER, Relation.BACKDATED):
            return
        if relation is Relation.NAMES_ANOTHER:
            code = FindingCode.SEAL_CHAIN
            expected = f"the seal before has SHA-256 {head.opened.text_sha256.hex()}"
            found = f"this one names {seal.previous.sha256.hex() if seal.previous else 'none'}"
        else:
            code = FindingCode.SEAL_BACKDATED
            until = head.opened.seal.retention.until
            expected = f"retention until {format_time(until) if until else 'any date'} or later"
            found = format_time(seal.retention.until) if seal.retention.until else "no retention"
        span = Span(seal.first.sequence, seal.last.sequence)
        self._add(
            Finding(
                code, key=placed.key, version_id=placed.version_id, span=span, expected=expected, found=found
            )
        )

    def _report_contradictions(self, found: SealName) -> None:
        """Report versions that open under the trail's key and can't be true beside the seals taken."""
        standard = found.seal or self.head
        if standard is None:
            return
        for other in found.opened:
            if other is found.seal or other.opened.checkpoint == standard.opened.checkpoint:
                continue
            theirs = other.opened.seal
            self._add(
                Finding(
                    FindingCode.SEAL_FORKED,
                    key=other.key,
                    version_id=other.version_id,
                    span=Span(theirs.first.sequence, theirs.last.sequence),
                    expected=f"agreement with {_described(standard)}",
                    found=_described(other),
                )
            )

    def _put_aside(self, name: Name, found: SealName) -> None:
        """Put aside a name without a valid seal: the next valid seal shows whether it stands for entries."""
        report_versions(name, None, self._findings)
        if not found.rejected:
            return
        self.rejected += 1
        oldest = found.rejected[0]
        first = min(max(self.size, self.rejected_to), found.size - 1)
        self._doubtful.add(
            Finding(
                oldest.code,
                key=name.key,
                version_id=oldest.version_id,
                span=Span(first, found.size - 1),
                expected=oldest.expected,
                found=oldest.found,
            )
        )
        self.rejected_to = found.size

    def _settle(self, *, goes_on_at: int | None) -> None:
        """Judge what was put aside, now that the next valid seal is known, or that there is none (None).

        Where the seals go on without a gap, it stood for nothing. Elsewhere it has the place of a seal, and
        in a trail that has seals of the right key, one under the trail's name by another key is a forged one.
        """
        for finding in self._doubtful.kept:
            self._add(self._judge(finding, goes_on_at))
        self._findings.leave_out(self._doubtful.left_out)
        self._doubtful = FindingLog(self._verifier.name)

    def _judge(self, finding: Finding, goes_on_at: int | None) -> Finding:
        if goes_on_at == self.size and finding.code is not FindingCode.SEAL_FORMAT:
            return replace(finding, code=FindingCode.OBJECT_SQUATTED, span=None)
        has_key = self.head is not None or goes_on_at is not None
        if has_key and finding.code is FindingCode.SEAL_KEY:
            return replace(finding, code=FindingCode.SEAL_FORGED)
        return finding

    def _add(self, finding: Finding) -> None:
        self._findings.add(finding)


def _described(placed: PlacedSeal) -> str:
    seal, checkpoint = placed.opened.seal, placed.opened.checkpoint
    return (
        f"{placed.key}: entries {seal.first.sequence} to {seal.last.sequence} of trail "
        f"{seal.trail_id.hex()[:8]}, root {checkpoint.root.hex()}"
    )
