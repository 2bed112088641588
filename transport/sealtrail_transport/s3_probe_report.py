"""What the probe of a store came to: frozen values, and their form in JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sealtrail_transport.check_result import Severity, Status

if TYPE_CHECKING:
    from datetime import datetime

    from sealtrail_transport.check_result import CheckResult

JSON_FORMAT: Final = "sealtrail/store-probe/v1"


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
