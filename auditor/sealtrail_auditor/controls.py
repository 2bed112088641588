"""What rules and standards ask of audit logs, and which checks of a report support it.

A report supports a control where all the checks named here passed. It never shows that a rule is met:
organisation, access and much else belong to that, which no program sees. Clauses are named as in their
publications, their subjects are told in our own words.

Sources: 17 CFR 240.17a-4(f) as amended in 2022 (87 FR 66412); 45 CFR 164.312(b) and (c)(1); PCI DSS v4.0.1,
requirement 10.3; ISO/IEC 27001:2022, Annex A; Regulation (EU) 2016/679.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.reporting.checks import CheckName as Name
from sealtrail_auditor.reporting.checks import CheckState

if TYPE_CHECKING:
    from collections.abc import Mapping


class ControlState(StrEnum):
    """What a report says of a control."""

    SUPPORTED = "supported"  # all of its checks passed
    NOT_SUPPORTED = "not supported"  # a check failed
    OPEN = "open"  # none failed, and one was not made
    NOT_COVERED = "not covered"  # nothing in a report speaks of it


class Control(NamedTuple):
    """A clause, what it is about, and the checks that support it; none: a report says nothing of it."""

    framework: str
    clause: str
    subject: str
    checks: tuple[Name, ...]


_INTEGRITY: Final = (Name.SEALS, Name.ENTRIES, Name.ORDER, Name.COMPLETE)

CONTROLS: Final = (
    Control(
        "SEC Rule 17a-4",
        "(f)(2)(i)(A)",
        "Audit-trail alternative: who did what to a record and when, with what it takes to re-create it",
        (*_INTEGRITY, Name.ACCEPTED, Name.WHO_WHAT_WHEN),
    ),
    Control(
        "SEC Rule 17a-4",
        "(f)(2)(i)(B)",
        "Records are kept in a form that can be neither rewritten nor erased until their time is over",
        (*_INTEGRITY, Name.LOCKS, Name.RETENTION),
    ),
    Control(
        "SEC Rule 17a-4",
        "(f)(2)(ii)",
        "The system itself verifies that what was stored is complete and accurate",
        (*_INTEGRITY, Name.ACCEPTED, Name.HEAD),
    ),
    Control(
        "HIPAA Security Rule",
        "164.312(b)",
        "Activity in systems with health information is recorded and can be examined",
        (*_INTEGRITY, Name.RECORDING, Name.ACCEPTED, Name.WHO_WHAT_WHEN),
    ),
    Control(
        "HIPAA Security Rule",
        "164.312(c)(1)",
        "Health information is protected from improper change and destruction",
        (*_INTEGRITY, Name.HISTORY, Name.LOCKS, Name.RETENTION),
    ),
    Control("PCI DSS 4.0.1", "10.3.1", "Only those whose work needs it can read audit logs", ()),
    Control(
        "PCI DSS 4.0.1",
        "10.3.2",
        "Nobody can modify audit logs",
        (*_INTEGRITY, Name.LOCKS, Name.RETENTION),
    ),
    Control(
        "PCI DSS 4.0.1",
        "10.3.3",
        "Audit logs are copied promptly to a central place where they are hard to modify",
        (Name.COMPLETE, Name.FRESH, Name.ACCEPTED, Name.LOCKS),
    ),
    Control(
        "PCI DSS 4.0.1",
        "10.3.4",
        "A change to what was logged is noticed",
        (*_INTEGRITY, Name.HISTORY, Name.HEAD),
    ),
    Control(
        "ISO/IEC 27001:2022",
        "A.8.15",
        "Activities, failures and other events are logged; the logs are stored, protected and looked at",
        (*_INTEGRITY, Name.LOCKS, Name.RECORDING, Name.ACCEPTED, Name.WHO_WHAT_WHEN),
    ),
    Control(
        "GDPR",
        "Article 30",
        "There are records of what is done with personal data, and for how long it is kept",
        (*_INTEGRITY, Name.RETENTION, Name.WHO_WHAT_WHEN),
    ),
    Control(
        "GDPR",
        "Article 32(1)(b)",
        "Integrity and availability of what processes personal data last",
        (*_INTEGRITY, Name.RECORDING, Name.LOCKS),
    ),
    Control(
        "GDPR",
        "Article 32(1)(d)",
        "Whether protective measures work is tested regularly: this report is such a test",
        (*_INTEGRITY, Name.HISTORY),
    ),
)
"""All controls of which a report speaks."""


def state_of(control: Control, checks: Mapping[Name, CheckState]) -> ControlState:
    """What the checks of a report say of a control."""
    states = {checks[name] for name in control.checks}
    if not states:
        return ControlState.NOT_COVERED
    if CheckState.FAILED in states:
        return ControlState.NOT_SUPPORTED
    return ControlState.OPEN if CheckState.NOT_MADE in states else ControlState.SUPPORTED
