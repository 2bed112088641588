"""The report of a verification, and its JSON form (docs/verify-json.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.moments import format_moment, time_of_ms
from sealtrail_auditor.scope import WHOLE
from sealtrail_auditor.statements import statement_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sealtrail_auditor.catalogue import FindingCode
    from sealtrail_auditor.findings import Finding, Span
    from sealtrail_auditor.producers import ProducersReport
    from sealtrail_auditor.sample import Sample
    from sealtrail_auditor.scope import Scope
    from sealtrail_auditor.trail_result import Since
    from sealtrail_auditor.verdict import Verdict
    from sealtrail_schemas.body import Predecessor
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.seal import SealedRetention
    from sealtrail_transport.store import LockKnowledge

JSON_FORMAT: Final = "sealtrail/verify/v1"


@dataclass(frozen=True, slots=True)
class TrailReport:
    """What verification came to for one trail.

    Attributes:
        origin: The trail's name; None where the policy does not name it.
        folder: Where it lies in the archive, ending in a slash.
        verdict: On this trail alone.
        size: How many entries it has by its newest valid seal that was looked at.
        root: Its Merkle root at that size, 32 bytes; None where it has no valid seal.
        head: The checkpoint of that size, a signed note, to be kept as a pinned head; None likewise.
        looked_at: The entries of all batches that were looked at, read or not; None: there were none.
        since: What visits before have verified; None: there were none.
        entries_verified: How many entries were verified one by one.
        batches_verified: In how many batches.
        bytes_read: Bytes of batches that were read.
        kinds: How many verified entries there are of each kind, by the kind's name.
        first_time: When the first entry was chained that a valid seal covers.
        last_time: When the newest was.
        retention: The lock that the newest valid seal states.
        heads_uncompared: Sizes of pinned heads that could not be compared with the archive.
        findings: What is wrong, in the order of the walk.
        findings_left_out: How many more findings there were of codes that had too many to keep.
        predecessor: The trail from which this one goes on, as its first entry names it; None: from none, or
            the entry was not read.
        predecessor_folder: Where that one lies; None where it is not here, or not as it was named.
        successor_folder: The folder of the trail that so names this one.
        statements: What control entries state that were read: what was done to the trail.
        statements_left_out: How many older ones there were that were not kept.
        expired: Entries that are gone because their sealed retention has passed.
        in_flight: How many batches wait for their seal.
        producers: What came of producers' numbers; None: no event has any.
        not_checked: What was not checked, in sentences.
    """

    origin: str | None
    folder: str
    verdict: Verdict
    size: int = 0
    root: bytes | None = None
    head: bytes | None = None
    looked_at: Span | None = None
    since: Since | None = None
    entries_verified: int = 0
    batches_verified: int = 0
    bytes_read: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    first_time: datetime | None = None
    last_time: datetime | None = None
    retention: SealedRetention | None = None
    heads_uncompared: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    findings_left_out: Mapping[FindingCode, int] = field(default_factory=dict)
    predecessor: Predecessor | None = None
    predecessor_folder: str | None = None
    successor_folder: str | None = None
    statements: tuple[Control, ...] = ()
    statements_left_out: int = 0
    expired: tuple[Span, ...] = ()
    in_flight: int = 0
    producers: ProducersReport | None = None
    not_checked: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values: 64-bit numbers as strings, hashes in hex, times as RFC 3339."""
        return {
            "origin": self.origin,
            "folder": self.folder,
            "verdict": self.verdict.value,
            "size": str(self.size),
            "root": self.root and self.root.hex(),
            "head": self.head and self.head.decode(),
            "looked_at": self.looked_at
            and {"first": str(self.looked_at.first), "last": str(self.looked_at.last)},
            "since": self.since
            and {"size": str(self.since.size), "time": format_moment(self.since.visited_at)},
            "entries_verified": str(self.entries_verified),
            "batches_verified": str(self.batches_verified),
            "bytes_read": str(self.bytes_read),
            "kinds": {name: str(count) for name, count in sorted(self.kinds.items())},
            "first_time": format_moment(self.first_time),
            "last_time": format_moment(self.last_time),
            "retention": self.retention
            and {"mode": self.retention.mode, "until": format_moment(self.retention.until)},
            "heads_uncompared": [str(size) for size in self.heads_uncompared],
            "findings": [finding.to_json() for finding in self.findings],
            "findings_left_out": {code.code: count for code, count in self.findings_left_out.items()},
            "predecessor": self.predecessor and _predecessor_json(self.predecessor, self.predecessor_folder),
            "successor": self.successor_folder,
            "statements": [statement_json(control) for control in self.statements],
            "statements_left_out": self.statements_left_out,
            "expired": [{"first": str(span.first), "last": str(span.last)} for span in self.expired],
            "in_flight": self.in_flight,
            "producers": self.producers and self.producers.to_json(),
            "not_checked": list(self.not_checked),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What the verification of an archive came to.

    Attributes:
        verdict: On the archive: the verdict that takes precedence among all findings.
        archive: The store's address.
        verified_at: The time by which it was judged.
        lock_knowledge: How the store knows what it says about locks.
        trails: One report for each trail folder that was looked at, in the order of their names.
        findings: What is wrong with the archive as a whole.
        not_checked: What was not checked in the archive as a whole, in sentences.
        scope: What was to be verified.
        sample: The batches that were drawn to be read; None: all of the scope were.
    """

    verdict: Verdict
    archive: str
    verified_at: datetime
    lock_knowledge: LockKnowledge
    trails: tuple[TrailReport, ...]
    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]
    scope: Scope = WHOLE
    sample: Sample | None = None

    @property
    def exit_code(self) -> int:
        """The exit code that says the verdict."""
        return self.verdict.exit_code

    def all_findings(self) -> tuple[Finding, ...]:
        """The archive's findings, then those of each trail."""
        return self.findings + tuple(finding for trail in self.trails for finding in trail.findings)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; docs/verify-json.md describes the shape, which only grows."""
        return {
            "format": JSON_FORMAT,
            "verdict": self.verdict.value,
            "exit_code": self.exit_code,
            "archive": self.archive,
            "verified_at": format_moment(self.verified_at),
            "lock_knowledge": self.lock_knowledge.value,
            "scope": _scope_json(self.scope, self.sample),
            "trails": [trail.to_json() for trail in self.trails],
            "findings": [finding.to_json() for finding in self.findings],
            "not_checked": list(self.not_checked),
        }


def _predecessor_json(named: Predecessor, folder: str | None) -> dict[str, Any]:
    return {
        "origin": named.origin,
        "folder": folder,
        "size": str(named.size),
        "root": named.root.hex(),
        "reason": named.reason,
    }


def _scope_json(scope: Scope, sample: Sample | None) -> dict[str, Any]:
    from_ms, to_ms = scope.chained or (None, None)
    return {
        "is_whole": scope.is_whole,
        "first_sequence": None if scope.first is None else str(scope.first),
        "last_sequence": None if scope.last is None else str(scope.last),
        "chained_from": format_moment(time_of_ms(from_ms)),
        "chained_to": format_moment(time_of_ms(to_ms)),
        "sample": sample and sample.to_json(),
    }
