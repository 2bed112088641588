"""What producers raise beside EventError and the log port's errors (BufferFullError, DeliveryError)."""

from __future__ import annotations

from sealtrail_transport.errors import DeliveryError, LogError


class UndeliveredError(DeliveryError):
    """Events were not delivered; the first cause is the error's `__cause__`.

    Attributes:
        failed: events given up since the last flush.
        outstanding: events still buffered; they may yet be delivered.
    """

    def __init__(self, *, failed: int, outstanding: int, first_cause: BaseException | None) -> None:
        parts = [f"{failed} failed"] * bool(failed) + [f"{outstanding} still wait"] * bool(outstanding)
        cause = f"; first cause: {first_cause}" if first_cause else ""
        super().__init__(f"audit events not delivered: {', '.join(parts)}{cause}")
        self.failed = failed
        self.outstanding = outstanding
        self.__cause__ = first_cause


class KeptInOutboxError(DeliveryError):
    """An event was not delivered before its producer was closed; the next one on the outbox delivers it."""


class OutboxCopiedError(LogError):
    """Two copies of one outbox are in use: neither can tell what was shipped."""
