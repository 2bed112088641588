"""What the probe of a store came to: frozen values, and their form in JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

JSON_FORMAT: Final = "sealtrail/store-probe/v1"


class Severity(StrEnum):
    """What it means that a check failed; the worst comes first."""

    ERROR = "error"  # the store breaks a promise that sealtrail gives in its name
    WARNING = "warning"  # no promise is broken yet, but something should be changed
    INFO = "info"  # worth knowing; sealtrail is built for it


class Status(StrEnum):
    """How a check ended. Only PASSED says that the store was seen to do as it should."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PERMITTED = "not_permitted"  # the credentials may not do what the check has to try
    NOT_CHECKED = "not_checked"  # something else was in the way; `found` says what


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended.

    Attributes:
        code: Which check, `ST-STORE-…`; frozen, so that scripts may refer to it.
        title: What the check is about, in a clause.
        status: How it ended.
        severity: How bad this failure is; where the check did not fail, how bad one would be.
        expected: What the store should do.
        found: What it did, or why that could not be seen.
        fix: What to do, in one line; empty where there is nothing to do.
    """

    code: str
    title: str
    status: Status
    severity: Severity
    expected: str
    found: str
    fix: str

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "code": self.code,
            "title": self.title,
            "status": self.status.value,
            "severity": self.severity.value,
            "expected": self.expected,
            "found": self.found,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the probe of a store came to.

    Attributes:
        store: The store's address.
        scratch: The prefix in the bucket under which everything was tried, ending in a slash.
        started_at: When the probe began, by the caller's clock.
        results: One for each check, in the order in which they ran.
        removed: How many versions and delete markers of earlier runs were deleted.
        left_behind: How many of this run's could not be deleted; None where they can't be listed.
        unlocked_at: When the last lock of what was left behind ends, by the store's clock.
    """

    store: str
    scratch: str
    started_at: datetime
    results: tuple[CheckResult, ...]
    removed: int
    left_behind: int | None
    unlocked_at: datetime

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that failed, at whatever severity."""
        return tuple(result for result in self.results if result.status is Status.FAILED)

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the failures; None where nothing failed."""
        failed = {result.severity for result in self.failures}
        return next((severity for severity in Severity if severity in failed), None)

    @property
    def unseen(self) -> tuple[CheckResult, ...]:
        """The checks that did not see what the store does: not permitted, or not checked."""
        unseen = {Status.NOT_PERMITTED, Status.NOT_CHECKED}
        return tuple(result for result in self.results if result.status in unseen)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, times as RFC 3339. The shape only grows."""
        counts = Counter(result.status for result in self.results)
        return {
            "format": JSON_FORMAT,
            "store": self.store,
            "scratch": self.scratch,
            "started_at": _rfc3339(self.started_at),
            "worst": self.worst and self.worst.value,
            "counts": {status.value: counts[status] for status in Status},
            "results": [result.to_json() for result in self.results],
            "removed": self.removed,
            "left_behind": self.left_behind,
            "unlocked_at": _rfc3339(self.unlocked_at),
        }


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
