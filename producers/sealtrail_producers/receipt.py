"""Receipts: what a producer hands out for each event, and its account of what failed."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_producers.errors import KeptInOutboxError, UndeliveredError

if TYPE_CHECKING:
    from sealtrail_transport.log import Position


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an event is stored durably. `event_id` is None for bytes given to `publish`."""

    event_id: str | None
    topic: str
    partition: int
    offset: int


class Receipts:
    """Turns the log's answers into receipts and counts failures until they are asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed = 0
        self._first_cause: BaseException | None = None

    def follow(self, delivery: Future[Position], event_id: str | None) -> Future[Receipt]:
        """A future that resolves as `delivery` does."""
        receipt: Future[Receipt] = Future()
        receipt.set_running_or_notify_cancel()  # an event once given can't be taken back

        def answer(delivery: Future[Position]) -> None:
            error = delivery.exception()
            if error is not None:
                if not isinstance(error, KeptInOutboxError):
                    self._count(error)
                receipt.set_exception(error)
                return
            position = delivery.result()
            receipt.set_result(Receipt(event_id, position.topic, position.partition, position.offset))

        delivery.add_done_callback(answer)
        return receipt

    def _count(self, error: BaseException) -> None:
        with self._lock:
            self._failed += 1
            self._first_cause = self._first_cause or error

    def raise_undelivered(self, *, outstanding: int) -> None:
        """Raise UndeliveredError if events are outstanding or have failed since the last call."""
        with self._lock:
            failed, self._failed = self._failed, 0
            first_cause, self._first_cause = self._first_cause, None
        if failed or outstanding:
            raise UndeliveredError(failed=failed, outstanding=outstanding, first_cause=first_cause)
