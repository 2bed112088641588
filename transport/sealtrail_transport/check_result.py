"""How one check of a server or of a deployment ended: a frozen value, and its form in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What it means that a check failed; the worst comes first."""

    ERROR = "error"  # a promise that sealtrail gives is broken, or would be
    WARNING = "warning"  # no promise is broken yet, but something should be changed
    INFO = "info"  # worth knowing; sealtrail is built for it


class Status(StrEnum):
    """How a check ended. Only PASSED says that all was seen to be as it should."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PERMITTED = "not_permitted"  # the credentials may not do what the check has to try
    NOT_CHECKED = "not_checked"  # something else was in the way; `found` says what


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended.

    Attributes:
        code: Which check, `ST-…`; frozen, so that scripts may refer to it.
        title: What the check is about, in a clause.
        status: How it ended.
        severity: How bad this failure is; where the check did not fail, how bad one would be.
        expected: What should be seen.
        found: What was seen, or why nothing could be.
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
