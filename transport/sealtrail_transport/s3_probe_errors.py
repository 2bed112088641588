"""How a check of the probe ends where it does not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealtrail_transport.check_result import Severity


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
