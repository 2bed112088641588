"""sealtrail: audit logs that nobody can quietly rewrite.

    from sealtrail import AuditProducer          # services record events
    from sealtrail import open_archive, verify   # auditors check an archive

Names are loaded when they are used (PEP 562): a service that imports the producer loads neither the command
line nor an object store's client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sealtrail.public import open_archive, verify
    from sealtrail_auditor.report import Report
    from sealtrail_auditor.verdict import Verdict
    from sealtrail_producers import (
        Actor,
        AuditEvent,
        AuditProducer,
        BufferFullError,
        DeliveryError,
        EventError,
        KeptInOutboxError,
        Outcome,
        Receipt,
        Resource,
        UndeliveredError,
    )
    from sealtrail_schemas.policy import Policy

__version__ = "0.1.0"

_PRODUCERS: Final = "sealtrail_producers"
_HOME: Final = {
    "Actor": _PRODUCERS,
    "AuditEvent": _PRODUCERS,
    "AuditProducer": _PRODUCERS,
    "BufferFullError": _PRODUCERS,
    "DeliveryError": _PRODUCERS,
    "EventError": _PRODUCERS,
    "KeptInOutboxError": _PRODUCERS,
    "Outcome": _PRODUCERS,
    "Policy": "sealtrail_schemas.policy",
    "Receipt": _PRODUCERS,
    "Report": "sealtrail_auditor.report",
    "Resource": _PRODUCERS,
    "UndeliveredError": _PRODUCERS,
    "Verdict": "sealtrail_auditor.verdict",
    "open_archive": "sealtrail.public",
    "verify": "sealtrail.public",
}

__all__ = [
    "Actor",
    "AuditEvent",
    "AuditProducer",
    "BufferFullError",
    "DeliveryError",
    "EventError",
    "KeptInOutboxError",
    "Outcome",
    "Policy",
    "Receipt",
    "Report",
    "Resource",
    "UndeliveredError",
    "Verdict",
    "open_archive",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load a public name at its first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
