"""The verdict on an archive, and the exit code that says it to scripts."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """What verification comes to. Declared in order of precedence: the first that applies is the verdict."""

    TAMPERED = "tampered"  # something was changed, or the key has signed two histories
    INCOMPLETE = "incomplete"  # a gap, a cut tail, a stale trail
    UNVERIFIABLE = "unverifiable"  # an unknown key or format
    UNPROTECTED = "unprotected"  # a lock missing or weaker than sealed, extra versions, delete markers
    INTACT = "intact"

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this verdict. Frozen."""
        return _EXIT_CODES[self]

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> Verdict:
        """The one that takes precedence; intact where there is none."""
        return min(verdicts, key=_PRECEDENCE.index, default=Verdict.INTACT)


_EXIT_CODES: Final = {
    Verdict.TAMPERED: 10,
    Verdict.INCOMPLETE: 11,
    Verdict.UNVERIFIABLE: 12,
    Verdict.UNPROTECTED: 13,
    Verdict.INTACT: 0,
}
_PRECEDENCE: Final = tuple(Verdict)
