"""Errors of the auditor: what stops it from giving a verdict. What is wrong with an archive is a finding.

AuditError
├── PinnedHeadError         a pinned head is not a checkpoint of a trail of the policy
├── TrailSelectionError     a selected trail is not in the policy
├── ListingOrderError       the store lists names out of order, so that an archive can't be walked
├── EntryMissingError       no seal covers the entry that was asked for
└── EntryDamagedError       the entry that was asked for does not verify; carries the findings
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_auditor.findings import Finding


class AuditError(Exception):
    """The auditor can't do what it was asked."""


class PinnedHeadError(AuditError):
    """A pinned head is not a checkpoint that a key of the policy signed."""


class TrailSelectionError(AuditError):
    """A trail was selected that the policy does not name, or the selection fits several trails."""


class ListingOrderError(AuditError):
    """The store lists names out of order."""


class EntryMissingError(AuditError):
    """No valid seal covers the entry."""


class EntryDamagedError(AuditError):
    """The entry does not verify."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message)
        self.findings = tuple(findings)
