"""What a check of the probe is, and the ways in which one can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sealtrail_transport.errors import StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.s3_probe_report import CheckResult, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_transport.s3_probe_scratch import Scratch

_NARROW = "probe with credentials that may do this"
_LEAST_PRIVILEGE = (
    "nothing, if these are the credentials that sealtrail runs with: they should not be able to; "
    "probe once with wider ones to see the store itself refuse"
)
_IN_THE_WAY = "mend what was found, then probe again"


class CheckFailedError(Exception):
    """The store does not do what the check expects; the message is what was found.

    Args:
        found: what was found.
        severity: how bad that is, where it is not as bad as the check says for all its failures.
    """

    def __init__(self, found: str, severity: Severity | None = None) -> None:
        super().__init__(found)
        self.severity = severity


class NotPermittedError(Exception):
    """The credentials may not do what the check has to try; the message is what was refused.

    Args:
        found: what was refused.
        is_good: whether sealtrail's own credentials should lack that right.
    """

    def __init__(self, found: str, *, is_good: bool = False) -> None:
        super().__init__(found)
        self.is_good = is_good


class NotCheckedError(Exception):
    """Something else is in the way of the check; the message says what."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a store, and how to see whether it is kept.

    Attributes:
        code: Stable name, `ST-STORE-…`.
        title: What it is about, in a clause.
        severity: How bad a failure is.
        expected: What the store should do.
        fix: What to do about a failure, in one line.
        try_out: Tries it and returns what was found where the store does as expected; raises one of this
            module's errors, or a StoreError, where it does not or where that can't be seen.
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
