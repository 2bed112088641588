"""What a check of the probe is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sealtrail_transport.check_result import CheckResult, Severity, Status
from sealtrail_transport.errors import StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.s3_probe_errors import CheckFailedError, NotCheckedError, NotPermittedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_transport.s3_probe_scratch import Scratch

_NARROW = "probe with credentials that may do this"
_LEAST_PRIVILEGE = (
    "nothing, if these are the credentials that sealtrail runs with: they should not be able to; "
    "probe once with wider ones to see the store itself refuse"
)
_IN_THE_WAY = "mend what was found, then probe again"


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a store, and how to see whether it is kept.

    Attributes:
        code: Stable name, `ST-STORE-…`.
        title: What it is about, in a clause.
        severity: How bad a failure is.
        expected: What the store should do.
        fix: What to do about a failure, in one line.
        try_out: Tries it and returns what was found where the store does as expected; raises one of the
            probe's errors, or a StoreError, where it does not or where that can't be seen.
    """

    code: str
    title: str
    severity: Severity
    expected: str
    fix: str
    try_out: Callable[[Scratch], str]

    def run(self, scratch: Scratch) -> CheckResult:
        """Try it. Raises StoreUnavailableError when the store can't be reached any more."""
        try:
            return self._result(Status.PASSED, self.try_out(scratch))
        except CheckFailedError as failure:
            return self._result(Status.FAILED, failure, self.fix, failure.severity)
        except NotPermittedError as refusal:
            return self._result(
                Status.NOT_PERMITTED, refusal, _LEAST_PRIVILEGE if refusal.is_good else _NARROW
            )
        except StoreDeniedError as refusal:
            return self._result(Status.NOT_PERMITTED, refusal, _NARROW)
        except (NotCheckedError, StoreError) as obstacle:
            is_answer = isinstance(obstacle.__cause__, ClientError)
            if isinstance(obstacle, StoreUnavailableError) and not is_answer:
                raise
            return self._result(Status.NOT_CHECKED, obstacle, _IN_THE_WAY)

    def _result(
        self, status: Status, found: object, fix: str = "", severity: Severity | None = None
    ) -> CheckResult:
        severity = severity or self.severity
        return CheckResult(self.code, self.title, status, severity, self.expected, str(found), fix)


def check(
    code: str, *, title: str, expected: str, fix: str, severity: Severity = Severity.ERROR
) -> Callable[[Callable[[Scratch], str]], Check]:
    """Make a function the `try_out` of a Check."""

    def decorate(try_out: Callable[[Scratch], str]) -> Check:
        return Check(f"ST-STORE-{code}", title, severity, expected, fix, try_out)

    return decorate
