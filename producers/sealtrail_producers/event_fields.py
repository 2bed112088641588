"""The keyword arguments of `AuditProducer.record`, and how an AuditEvent is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, Required, TypeAlias, TypedDict

from sealtrail_producers.uuid7 import RANDOM_BYTES, uuid7
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, Resource
from sealtrail_schemas.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sealtrail_schemas.record import Header

OutcomeName: TypeAlias = Literal["unknown", "success", "failure", "denied"]
HeaderLike: TypeAlias = "tuple[bytes | str, bytes | str | None]"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EventFields(TypedDict, total=False):
    """What can be said of one event; only actor and action must be.

    Attributes:
        actor: who did it; a plain string is the id of a user.
        action: what was done or tried.
        resource: what it was done to; a pair is (type, id).
        outcome: how it ended; success unless said otherwise.
        reason: why it ended so, or why it was done.
        type: the kind of event; the action unless said otherwise.
        source: the system that saw it happen; the producer's unless said otherwise.
        time: when it happened, with a time zone or in milliseconds since the Unix epoch; now unless said
            otherwise.
        id: unique within the source; a new UUIDv7 unless said otherwise.
        traceparent: W3C Trace Context.
        tracestate: W3C Trace Context.
        attributes: further facts; they go before the producer's own of the same name.
        data: the event's own content.
        data_content_type: the media type of `data`.
        key: the record's key, which chooses the partition. Nothing can be erased before its retention ends:
            no personal data here.
        headers: headers of the record.
    """

    actor: Required[Actor | str]
    action: Required[str]
    resource: Resource | tuple[str, str] | None
    outcome: Outcome | OutcomeName
    reason: str | None
    type: str | None
    source: str | None
    time: datetime | int | None
    id: str | None
    traceparent: str | None
    tracestate: str | None
    attributes: Mapping[str, str] | None
    data: bytes | None
    data_content_type: str | None
    key: bytes | str | None
    headers: Iterable[HeaderLike]


_NAMES: Final = frozenset(EventFields.__annotations__)


def as_actor(actor: Actor | str) -> Actor:
    """An actor as it is, or the user of that id."""
    return Actor("user", actor) if isinstance(actor, str) else actor


def as_resource(resource: Resource | tuple[str, str] | None) -> Resource | None:
    """A resource as it is, or the one of a pair (type, id)."""
    if not isinstance(resource, tuple):
        return resource
    if len(resource) != 2:
        raise EventError("event.resource must be a Resource or a pair of type and id")
    return Resource(*resource)


def as_outcome(outcome: Outcome | str) -> Outcome:
    """An outcome by its name."""
    try:
        return Outcome(outcome)
    except ValueError:
        names = ", ".join(Outcome)
        raise EventError(f"event.outcome must be one of {names}, not {outcome!r}") from None


def as_time_ms(time: datetime | int) -> int:
    """Milliseconds since the Unix epoch, rounded down."""
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise EventError("event.time needs a time zone: datetime.now(timezone.utc), not datetime.now()")
    return (time - _EPOCH) // timedelta(milliseconds=1)


def as_bytes(text: bytes | str | None) -> bytes | None:
    """Text as UTF-8; bytes and None as they are."""
    return text.encode() if isinstance(text, str) else text


def as_headers(headers: Iterable[HeaderLike]) -> tuple[Header, ...]:
    """Headers as the log takes them."""
    return tuple((as_bytes(key) or b"", as_bytes(value)) for key, value in headers)


@dataclass(frozen=True, slots=True)
class EventDefaults:
    """What a producer says of every event that does not say it itself."""

    source: str
    attributes: Mapping[str, str]
    clock_ms: Callable[[], int]
    entropy: Callable[[int], bytes]


def build_event(fields: EventFields, defaults: EventDefaults) -> AuditEvent:
    """The event of these fields.

    Raises:
        EventError: a value is not what AuditEvent allows.
        TypeError: actor or action is missing, or a name is unknown.
    """
    _check_names(fields)
    if not fields["action"]:  # it would be told of the type, which nobody gave
        raise EventError("event.action must not be empty")
    now_ms = defaults.clock_ms()
    time = fields.get("time")
    return AuditEvent(
        id=fields.get("id") or str(uuid7(now_ms, defaults.entropy(RANDOM_BYTES))),
        time_ms=now_ms if time is None else as_time_ms(time),
        source=fields.get("source") or defaults.source,
        type=fields.get("type") or fields["action"],
        actor=as_actor(fields["actor"]),
        action=fields["action"],
        resource=as_resource(fields.get("resource")),
        outcome=as_outcome(fields.get("outcome", Outcome.SUCCESS)),
        reason=fields.get("reason"),
        traceparent=fields.get("traceparent"),
        tracestate=fields.get("tracestate"),
        attributes={**defaults.attributes, **(fields.get("attributes") or {})},
        data=fields.get("data"),
        data_content_type=fields.get("data_content_type"),
    )


def _check_names(fields: EventFields) -> None:
    """Python checks the names of real parameters; `**fields` must be checked by hand."""
    if unknown := fields.keys() - _NAMES:
        raise TypeError(f"unexpected keyword argument of an audit event: {', '.join(sorted(unknown))}")
    if missing := {"actor", "action"} - fields.keys():
        raise TypeError(f"missing keyword argument of an audit event: {', '.join(sorted(missing))}")
