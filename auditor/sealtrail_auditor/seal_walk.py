"""Steps 1 to 3 of docs/format.md, "Verification": the valid seals of a trail, in order of size."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.archive import gather_names
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog, Span
from sealtrail_auditor.locks import format_time
from sealtrail_auditor.overlaps import find_overlap
from sealtrail_auditor.seals import Relation, is_backdated, read_seal_name
from sealtrail_auditor.stated_changes import stated_change
from sealtrail_auditor.versions import report_stray, report_versions
from sealtrail_schemas.errors import ControlError, FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key, seal_key
from sealtrail_schemas.trail_keys import TrailKeys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.seals import PlacedSeal, Rejected, SealName
    from sealtrail_transport.store import Store


class SealStep(NamedTuple):
    """One valid seal on the way through a trail.

    Attributes:
        placed: The seal.
        before: The seal before it; None for the first of a trail, and behind a gap.
        covered: The size up to which seals before cover its entries, if any: that of `before`. Where it
            overlaps that one, its batch begins with some of them.
        gap: The entries before it that no valid seal covers.
        gap_expired: Whether their retention has passed.
    """

    placed: PlacedSeal
    before: PlacedSeal | None
    covered: int
    gap: Span | None
    gap_expired: bool


class SealWalk:
    """Finds a trail's valid seals and reports what else lies under their names.

    Attributes:
        head: The newest valid seal so far.
        rejected_to: The largest size so far in a name that holds no valid seal; 0 if there is none.
        rejected: How many names hold no valid seal.
        last_key: The last name that was listed; None before the first.
        keys: The trail's keys, as far as they are known.
    """

    def __init__(
        self,
        store: Store,
        folder: str,
        keys: TrailKeys,
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
            keys: The trail's keys.
            now: The time by which retention is judged.
            findings: Takes what is wrong.
            base: A valid seal to begin behind; None: begin at the first.
            last: The entry with whose seal to end; None: end at the newest.
        """
        self.head = base
        self._last = last
        self.rejected_to = 0
        self.rejected = 0
        self._asked = 0  # the size of the trail at whose end a key change was looked for
        self.last_key = None if base is None else base.key
        self._store = store
        self._folder = folder
        self.keys = keys
        self._now = now
        self._findings = findings
        self._doubtful = FindingLog(keys.origin)  # names since the head that hold no valid seal

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
            found = self._read(name, size)
            self._report_contradictions(found)
            if found.seal is None:
                self._put_aside(name, found)
            else:
                yield self._step(name, found, found.seal)
                self.head = found.seal
                if self._last is not None and self.size > self._last:
                    return
        self._settle(goes_on_at=None)

    def _read(self, name: Name, size: int) -> SealName:
        previous = self.head and self.head.opened
        found = read_seal_name(self._store, self._folder, name, size=size, keys=self.keys, previous=previous)
        if found.seal is not None or self.head is None:
            return found
        if self._take_up_key(found):
            return self._read(name, size)
        overlap = find_overlap(self._store, self._folder, self.keys, self.head, found.opened, now=self._now)
        return found if overlap is None else replace(found, seal=overlap, relation=Relation.OVERLAPS)

    def _take_up_key(self, found: SealName) -> bool:
        """Take up the key that the trail itself states, where no note under `keys/` leads to it.

        A seal by another key is looked at so: the newest valid one's batch is read, once.
        """
        is_of_other_key = any(rejected.code is FindingCode.SEAL_KEY for rejected in found.rejected)
        if self.head is None or self._asked == self.size or not is_of_other_key:
            return False
        self._asked = self.size
        key = self.keys.at(self.size)
        change = stated_change(self._store, self._folder, self.head.opened.seal)
        if change is None:
            return False
        before = self.keys
        # Where the key was replaced twice, which change is the true one is not ours to say.
        with suppress(ControlError):
            self.keys = TrailKeys.follow(key, [*self.keys.changes, change])
        return self.keys != before

    def _step(self, name: Name, found: SealName, placed: PlacedSeal) -> SealStep:
        seal = placed.opened.seal
        covered = max(seal.first.sequence, self.size)
        report_versions(name, Span(seal.first.sequence, seal.last.sequence), self._findings)
        self._settle(goes_on_at=covered)
        before, gap, expired = self.head, None, False
        if found.relation is Relation.LEAVES_GAP:
            gap = Span(self.size, seal.first.sequence - 1)
            until = None if seal.previous is None else seal.previous.retain_until
            expired = until is not None and until <= self._now
            if not expired:
                self._report_gap(gap)
            before = None
        self._report_relation(found.relation, placed)
        return SealStep(placed, before, covered, gap, expired)

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
        if head is None or relation in (Relation.EXTENDS, Relation.LEAVES_GAP):
            return
        if relation is Relation.OVERLAPS and not is_backdated(head.opened.seal, seal):
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
        for rejected in found.rejected:
            if rejected.code is FindingCode.SEAL_KEY_TURN:
                self._report_key_turn(found, rejected)
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

    def _report_key_turn(self, found: SealName, rejected: Rejected) -> None:
        """Report a seal by another key of the trail, whatever else lies there: its holder made it."""
        self._add(
            Finding(
                rejected.code,
                key=self._folder + seal_key(found.size),
                version_id=rejected.version_id,
                span=Span(min(self.size, found.size - 1), found.size - 1),
                expected=rejected.expected,
                found=rejected.found,
            )
        )

    def _put_aside(self, name: Name, found: SealName) -> None:
        """Put aside a name without a valid seal: the next valid seal shows whether it stands for entries."""
        report_versions(name, None, self._findings)
        if not found.rejected:
            return
        self.rejected += 1
        others = [one for one in found.rejected if one.code is not FindingCode.SEAL_KEY_TURN]
        oldest = (others or found.rejected)[0]
        first = min(max(self.size, self.rejected_to), found.size - 1)
        if not others:  # it has been reported
            self.rejected_to = found.size
            return
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
        self._doubtful = FindingLog(self.keys.origin)

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
