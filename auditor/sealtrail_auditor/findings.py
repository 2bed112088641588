"""Findings: what is wrong with an archive, and where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_auditor.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail_auditor.catalogue import FindingCode

MAX_FINDINGS: Final = 1_000
"""How many findings of one code and trail are kept whole; of the others, only the number is.

Each code has room of its own: who floods a trail with junk can't push out the one event that was changed.
"""


class Span(NamedTuple):
    """A run of entries by their sequences, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"entry {self.first}" if self.first == self.last else f"entries {self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, at its place.

    Attributes:
        code: What kind of thing; see the catalogue.
        origin: The trail, where it is known.
        key: The object, or the folder, relative to the archive; the first of several.
        version_id: The version of the object, where it matters.
        span: The entries that it is about, where it is about entries.
        expected: What should have been there, for people.
        found: What was there, for people.
        objects: How many objects in a row this finding stands for; the fields above are of the first, but for
            `span`, which is that of all.
    """

    code: FindingCode
    origin: str | None = None
    key: str | None = None
    version_id: str | None = None
    span: Span | None = None
    expected: str = ""
    found: str = ""
    objects: int = 1

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON values; the shape is that of docs/verify-json.md."""
        return {
            "code": self.code.code,
            "verdict": self.code.verdict.value,
            "title": self.code.title,
            "origin": self.origin,
            "key": self.key,
            "version_id": self.version_id,
            "first_sequence": None if self.span is None else str(self.span.first),
            "last_sequence": None if self.span is None else str(self.span.last),
            "objects": self.objects,
            "expected": self.expected,
            "found": self.found,
            "meaning": self.code.meaning,
            "advice": self.code.advice,
        }


class FindingLog:
    """The findings of one trail, in bounded memory.

    A finding about the entries that follow on those of the one before, of objects of the same kind, is joined
    to it: a million missing or unlocked batches in a row are one finding. What was tampered with is joined
    only where expected and found are the same too, since there each object is evidence.
    """

    def __init__(self, origin: str | None) -> None:
        self._origin = origin
        self._clear()

    def _clear(self) -> None:
        self._kept: list[Finding] = []
        self._left_out: Counter[FindingCode] = Counter()
        self._last: dict[tuple[FindingCode, str], int] = {}
        self._count: Counter[FindingCode] = Counter()

    def add(self, finding: Finding) -> None:
        """Record a finding; its origin is set to the trail's where it has none."""
        if finding.origin is None:
            finding = replace(finding, origin=self._origin)
        code, kind = finding.code, (finding.code, (finding.key or "").rpartition("/")[0])
        index = self._last.get(kind)
        if index is not None and (joined := _join(self._kept[index], finding)):
            self._kept[index] = joined
        elif self._count[code] < MAX_FINDINGS:
            self._last[kind] = len(self._kept)
            self._count[code] += 1
            self._kept.append(finding)
        else:
            self._left_out[finding.code] += 1

    def leave_out(self, counts: Mapping[FindingCode, int]) -> None:
        """Count findings that another log could not keep."""
        self._left_out.update(counts)

    def merge(self, later: FindingLog) -> None:
        """Record all that a later log holds, and count what it could not keep."""
        for finding in later.kept:
            self.add(finding)
        self.leave_out(later.left_out)

    def take(self) -> FindingLog:
        """Hand out all that it holds, and hold nothing any more."""
        taken = self.copy()
        self._clear()
        return taken

    def copy(self) -> FindingLog:
        """An independent log of the same findings."""
        copy = FindingLog(self._origin)
        copy._kept, copy._left_out = list(self._kept), self._left_out.copy()
        copy._last, copy._count = dict(self._last), self._count.copy()
        return copy

    @property
    def kept(self) -> tuple[Finding, ...]:
        """The findings in the order in which they were made."""
        return tuple(self._kept)

    @property
    def left_out(self) -> Mapping[FindingCode, int]:
        """How many more there were of each code, beyond `MAX_FINDINGS`."""
        return dict(self._left_out)

    @property
    def verdict(self) -> Verdict:
        """What the findings come to, those left out included."""
        codes = {finding.code for finding in self._kept} | set(self._left_out)
        return Verdict.worst(code.verdict for code in codes)


def _join(before: Finding, after: Finding) -> Finding | None:
    """Both findings as one, if they are of entries that follow on each other and may be joined."""
    if before.span is None or after.span is None or after.span.first != before.span.last + 1:
        return None
    says_the_same = (before.expected, before.found) == (after.expected, after.found)
    if before.code.verdict is Verdict.TAMPERED and not says_the_same:
        return None
    return replace(
        before, span=Span(before.span.first, after.span.last), objects=before.objects + after.objects
    )
