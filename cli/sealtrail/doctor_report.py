"""What `doctor` found, as values: promises, how each was kept, and what that means for the exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sealtrail.exits import ExitCode
from sealtrail_transport.check_result import CheckResult, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON_FORMAT: Final = "sealtrail/doctor/v1"


class Group(StrEnum):
    """What a check looks at, in the order in which it is told."""

    STORE = "store"
    TOPICS = "topics"
    TRANSACTIONS = "transactions"
    TRAILS = "trails"
    KEYS = "keys"
    POLICY = "policy"
    PERMISSIONS = "permissions"


_VERDICTS: Final = {
    ExitCode.LINE_STOPPED: "in doubt",
    ExitCode.UNPROTECTED: "unprotected",
    ExitCode.IO: "unreached",
    ExitCode.OK: "sound",
}
"""The exit codes of an examination, the one that wins first, and each one's name."""


@dataclass(frozen=True, slots=True)
class Examined:
    """How one check ended.

    Attributes:
        group: What it looks at.
        result: How it ended.
        exit_code: What it makes of the exit code if it failed as an error.
    """

    group: Group
    result: CheckResult
    exit_code: ExitCode = ExitCode.UNPROTECTED

    @property
    def is_finding(self) -> bool:
        """Whether there is more to say of it than that all is well."""
        return self.result.status is not Status.PASSED

    def counts(self, *, strict: bool) -> bool:
        """Whether it has a say in the exit code. Whoever may not try a thing has not failed."""
        if self.result.status is Status.NOT_CHECKED:
            return strict
        blamed = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return self.result.status is Status.FAILED and self.result.severity in blamed

    def to_json(self) -> dict[str, Any]:
        """The check as JSON values."""
        return {"group": self.group.value, **self.result.to_json()}


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that is looked at; its methods say how that ended.

    Attributes:
        group: What it belongs to.
        code: Stable name, `ST-…`.
        title: What is promised, in a clause.
        expected: What should be found.
        fix: What to do where it is not, in one line.
        severity: How bad that is.
        exit_code: What it makes of the exit code, if that is an error.
    """

    group: Group
    code: str
    title: str
    expected: str
    fix: str
    severity: Severity = Severity.ERROR
    exit_code: ExitCode = ExitCode.UNPROTECTED

    def kept(self, found: object) -> Examined:
        """It was seen to be kept."""
        return self._examined(Status.PASSED, found, "")

    def broken(self, found: object) -> Examined:
        """It was seen not to be kept."""
        return self._examined(Status.FAILED, found, self.fix)

    def not_permitted(self, found: object) -> Examined:
        """It could not be seen, for want of a right."""
        return self._examined(Status.NOT_PERMITTED, found, "look once with credentials that may do this")

    def not_checked(self, found: object) -> Examined:
        """It could not be seen, since something else was in the way."""
        return self._examined(Status.NOT_CHECKED, found, "mend what is in the way, then look again")

    def _examined(self, status: Status, found: object, fix: str) -> Examined:
        result = CheckResult(
            self.code, self.title, status, self.severity, self.expected, " ".join(str(found).split()), fix
        )
        return Examined(self.group, result, self.exit_code)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was examined.

    Attributes:
        examined: One for each check, in the order in which they were made.
        strict: Whether warnings and what could not be checked count as errors.
        subjects: What each group is about, where that has a name: an address.
        probe: The store probe's own account as JSON values, without its results; None where none was made.
    """

    examined: Sequence[Examined]
    strict: bool
    subjects: dict[Group, str]
    probe: dict[str, Any] | None = None

    @property
    def exit_code(self) -> ExitCode:
        """3 before 13 before 5 before 0."""
        codes = {each.exit_code for each in self.examined if each.counts(strict=self.strict)}
        return next(code for code in _VERDICTS if code in codes or code is ExitCode.OK)

    @property
    def verdict(self) -> str:
        """The exit code in a word or two."""
        return _VERDICTS[self.exit_code]

    def counts(self) -> dict[str, int]:
        """How many checks passed, failed at each severity, and were not seen."""
        kinds = Counter(kind_of(each.result) for each in self.examined)
        names = ["passed", *Severity, Status.NOT_PERMITTED, Status.NOT_CHECKED]
        return {str(name): kinds[str(name)] for name in names}

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values. The shape only grows."""
        return {
            "format": JSON_FORMAT,
            "verdict": self.verdict,
            "exit_code": int(self.exit_code),
            "strict": self.strict,
            "counts": self.counts(),
            "subjects": {group.value: subject for group, subject in self.subjects.items()},
            "results": [each.to_json() for each in self.examined],
            "probe": self.probe,
        }


def kind_of(result: CheckResult) -> str:
    """`passed`, the severity of a failure, or why nothing was seen."""
    return str(result.severity if result.status is Status.FAILED else result.status)
