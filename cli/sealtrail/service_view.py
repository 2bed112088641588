"""What a service tells of its pipeline: a line when something goes away, one when it is back, one per seal.

Nothing is told per transaction. What many threads meet at once, a broker that is away, is told of once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from sealtrail.pipeline_events import Away, Back, Raised, Recovered, Rejected, Sealed
from sealtrail.service_log import tell
from sealtrail.wording import utc
from sealtrail_transport.errors import StoreError, WriterFencedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail.pipeline import Pipeline
    from sealtrail.pipeline_events import Event
    from sealtrail_transport.errors import LogError

_GROUP: Final = "group"
_LOG: Final = "log"
_STORE: Final = "store"


class ServiceView:
    """Tells what happens in a pipeline, whenever `refresh` is called."""

    def __init__(self, pipeline: Pipeline, *, clock_ms: Callable[[], int]) -> None:
        self._pipeline = pipeline
        self._clock_ms = clock_ms
        self._away: dict[str, str] = {}  # which thread waits for what

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is waited for."""
        return not self._away and not self._pipeline.away

    @property
    def waits_for(self) -> str | None:
        """What is waited for, in one line; None where nothing is. For any thread."""
        for who, what in self._away.copy().items():
            return f"{who} waits for the {what}"
        return None

    def refresh(self) -> None:
        """Tell what has happened since the last call."""
        for event in self._pipeline.events():
            self._tell(event)
        for who in self._away.keys() - self._pipeline.away - {_GROUP}:  # their lines have left
            if self._away.pop(who) == _LOG:
                self._away[_GROUP] = _LOG  # the group is the next to know

    def group_away(self, error: LogError) -> None:
        """The consumer group can't be reached. Where lines run, they notice and tell by themselves."""
        if not self._pipeline.lines:
            self._tell_away(_GROUP, _LOG, error)

    def group_back(self) -> None:
        """The consumer group has answered."""
        self._tell_back(_GROUP)

    def _tell(self, event: Event) -> None:
        match event:
            case Recovered(who, origin, size):
                tell("recovered", origin=origin, fields={"by": who.split()[0], "size": size})
            case Sealed():
                self._tell_sealed(event)
            case Raised(origin, alarm):
                fields = {"code": alarm.code, "text": alarm.message}
                tell("alarm", origin=origin, level=logging.WARNING, fields=fields)
            case Rejected(origin, reason):
                tell("rejected", origin=origin, level=logging.WARNING, fields={"reason": reason})
            case Away(who, WriterFencedError() as error):
                _tell_fenced(who, error)
            case Away(who, error):
                self._tell_away(who, _STORE if isinstance(error, StoreError) else _LOG, error)
            case Back(who):
                self._tell_back(who)

    def _tell_sealed(self, event: Sealed) -> None:
        opened = event.batch.placed.opened
        seal = opened.seal
        until = seal.retention.until
        tell(
            "sealed",
            origin=event.origin,
            fields={
                "size": opened.checkpoint.size,
                "entries": event.batch.entries,
                "bytes": seal.batch.length,
                "batch": seal.batch.key,
                "seal": event.batch.placed.key,
                "retain_until": utc(until) if until else None,
                "lag_s": round(max(0, self._clock_ms() - seal.time.first_ms) / 1000, 3),
                "adopted": event.batch.adopted or None,
            },
        )

    def _tell_away(self, who: str, what: str, error: Exception) -> None:
        if what not in self._away.values():
            tell("away", level=logging.WARNING, fields={"what": what, "by": who, "error": str(error)})
        self._away[who] = what

    def _tell_back(self, who: str) -> None:
        what = self._away.pop(who, None)
        if what is not None and what not in self._away.values():
            tell("back", fields={"what": what})


def _tell_fenced(who: str, error: WriterFencedError) -> None:
    role, origin = who.split(" ", 1)
    advice = (
        "either another chainer works on this trail, or the broker gave up a transaction that took too long "
        "(KIP-588); recovering"
    )
    tell(
        "fenced",
        origin=origin,
        level=logging.WARNING,
        fields={"by": role, "error": str(error), "text": advice},
    )
