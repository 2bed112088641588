"""Recognising events: from a record's bytes to who did what to what, when, and how it ended.

A trail takes any bytes. Recognisers read what they can for views and for people; what none of them reads is
in the trail all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from sealtrail_schemas.recognise_audit_event import recognise_audit_event
from sealtrail_schemas.recognise_cloudevents import recognise_cloudevents
from sealtrail_schemas.recognise_cloudtrail import recognise_cloudtrail
from sealtrail_schemas.recognised import Message, Recognised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealtrail_schemas.record import Header

__all__ = ["DEFAULT", "Message", "Recognised", "Recogniser", "describe", "recognise"]

Recogniser: TypeAlias = Callable[[Message], Recognised | None]
"""Reads a message, or answers None where it is not of its kind. Never raises, whatever the bytes."""

# From the most to the least explicit label. An AuditEvent carries its schema's fingerprint: nothing else
# begins so. A CloudEvent declares itself by `specversion`. A CloudTrail event is told by the names of its
# members alone, and can be the data of a CloudEvent, so it comes last.
DEFAULT: Final[tuple[Recogniser, ...]] = (recognise_audit_event, recognise_cloudevents, recognise_cloudtrail)


def recognise(
    key: bytes | None,
    headers: Iterable[Header],
    value: bytes | None,
    recognisers: Iterable[Recogniser] = DEFAULT,
) -> Recognised | None:
    """What the first recogniser that knows this kind of event reads from it; None if none does."""
    message = Message(key, tuple(headers), value)
    return next((found for read in recognisers if (found := read(message)) is not None), None)


def describe(recognised: Recognised) -> str:
    """One plain sentence: `alice did cloudtrail:DeleteTrail on main (success) at 2023-07-10T12:08:04Z`.

    Characters that do not print (line ends, terminal escapes, marks that turn the direction of writing) are
    shown as escapes, so that an event can't forge lines or hide what it says.
    """
    actor = recognised.actor or "somebody"
    action = recognised.action or recognised.event_type or "something"
    words = [actor, "did", action]
    if recognised.resource is not None:
        words += ["on", recognised.resource]
    if recognised.outcome is not None:
        words.append(f"({recognised.outcome})")
    if recognised.time_ms is not None:
        words += ["at", _utc(recognised.time_ms)]
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in " ".join(words))


def _utc(time_ms: int) -> str:
    """RFC 3339 in UTC; with milliseconds only where there are some."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    except OverflowError:
        return f"{time_ms} ms after 1970"
    precision = "milliseconds" if time_ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
