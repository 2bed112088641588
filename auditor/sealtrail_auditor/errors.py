"""Errors of the auditor: what stops it from giving a verdict. What is wrong with an archive is a finding.

AuditError
├── PinnedHeadError         a pinned head is not a checkpoint of a trail of the policy
├── TrailSelectionError     a selected trail is not in the policy
├── ScopeError              what is to be verified can hold no entry
├── StateError              a state file can't be read
├── ListingOrderError       the store lists names out of order, so that an archive can't be walked
├── EntryMissingError       no seal covers the entry that was asked for
├── ProofUnavailableError   what is needed to prove an entry is gone
├── PackTooLargeError       a selection is too large for an evidence pack
├── TooManyStepsError       somebody did more than can be put in order at once
├── ReplayTargetError       a topic can't take a replay, or holds something else than its beginning
└── EntryDamagedError       the entry that was asked for does not verify; carries the findings

WorkerLostError             a worker process ended before its work
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


class ScopeError(AuditError):
    """What is to be verified can hold no entry, or holds none."""


class StateError(AuditError):
    """The file is not the state of a visit."""


class ListingOrderError(AuditError):
    """The store lists names out of order."""


class EntryMissingError(AuditError):
    """No valid seal covers the entry."""


class ProofUnavailableError(AuditError):
    """What is needed to prove an entry is gone from the archive."""


class PackTooLargeError(AuditError):
    """A selection is too large for an evidence pack."""


class ReplayTargetError(AuditError):
    """A topic can't take a replay, or holds something else than its beginning."""


class EntryDamagedError(AuditError):
    """The entry does not verify."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class WorkerLostError(Exception):
    """A worker process was killed, or could not begin. It says nothing about the archive."""


class TooManyStepsError(AuditError):
    """An actor did more than can be put in order at once."""
