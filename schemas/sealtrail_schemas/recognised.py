"""What recognisers are given and what they find, and the rules for text and times that they share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import EventError
from sealtrail_schemas.json_reader import parse_json

if TYPE_CHECKING:
    from sealtrail_schemas.record import Header

MAX_TEXT_CHARS: Final = 2048
"""Longer text is cut: a column of a view is for reading. The longest ARN is as long as this."""

_MAX_TIME_CHARS: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What could be read from an event. Never evidence: the event's bytes are.

    All text can be encoded as UTF-8 and is at most `MAX_TEXT_CHARS` long. It comes from the event as it is,
    control characters included; `describe` makes it safe to show.

    Attributes:
        recogniser: who read it: `audit_event`, `cloudevents`, `cloudtrail`, or `cloudevents+…` where another
            one read what a CloudEvent held.
        time_ms: when it happened, by the event's own word, in milliseconds since the Unix epoch.
        actor: who did it.
        action: what was done.
        resource: what it was done to.
        outcome: `success`, `failure`, `denied` or `unknown`; None where the event has no such notion.
        event_type: the kind of event, in its producer's words.
        event_id: the event's own identifier.
    """

    recogniser: str
    time_ms: int | None = None
    actor: str | None = None
    action: str | None = None
    resource: str | None = None
    outcome: str | None = None
    event_type: str | None = None
    event_id: str | None = None


@dataclass(frozen=True)
class Message:
    """An event as recognisers see it; its JSON is decoded at most once."""

    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None

    @cached_property
    def document(self) -> object:
        """The value as JSON, or None where it is none (or null)."""
        if self.value is None:
            return None
        try:
            return parse_json(self.value)
        except EventError:
            return None

    def header(self, key: bytes) -> str | None:
        """The last header of that key as text: Kafka's own clients take the last of several."""
        for name, value in reversed(self.headers):
            if name == key and value is not None:
                return text(value.decode(errors="replace"))
        return None


def text(value: object) -> str | None:
    """Text that is not empty, cut to `MAX_TEXT_CHARS`, lone surrogates replaced; None for anything else."""
    if not isinstance(value, str) or not value:
        return None
    cut = value if len(value) <= MAX_TEXT_CHARS else value[: MAX_TEXT_CHARS - 1] + "…"
    return cut.encode(errors="replace").decode()


def first_text(members: dict[str, object], *names: str) -> str | None:
    """The first of the named members that is text."""
    return next((found for name in names if (found := text(members.get(name)))), None)


def time_ms(value: object) -> int | None:
    """An RFC 3339 time in milliseconds since the Unix epoch; None where it is none or has no zone."""
    if not isinstance(value, str) or len(value) > _MAX_TIME_CHARS:
        return None
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        return None
    return None if moment.tzinfo is None else (moment - _EPOCH) // timedelta(milliseconds=1)
