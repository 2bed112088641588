"""From where and with what somebody acted, by an event's own word: what tells one session from another.

Source for CloudTrail: AWS CloudTrail user guide, "CloudTrail userIdentity element" (`accessKeyId`,
`sessionContext`, `invokedBy`) and "CloudTrail record contents" (`sourceIPAddress`, `errorCode`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sealtrail_schemas.audit_event import decode_event, is_audit_event
from sealtrail_schemas.errors import EventError
from sealtrail_schemas.recognised import Message, text, time_ms


class Circumstances(NamedTuple):
    """How somebody acted. All text is as `Recognised` has it; None where the event does not say.

    Attributes:
        credential: what they signed with, such as the id of an access key.
        signed_in_ms: when they signed in, in ms since the Unix epoch: one sign-in hands out many credentials.
        address: where the call came from: an address, or the name of a service.
        through: the service that made the call in their name, as a result of another call.
        gained: whom they can act as from now on: the session of a role that they took, or the key they made.
        reason: why it ended as it did, in the words of the system that saw it; a code, where there is one.
        detail: the same at length.
    """

    credential: str | None = None
    signed_in_ms: int | None = None
    address: str | None = None
    through: str | None = None
    gained: str | None = None
    reason: str | None = None
    detail: str | None = None


UNKNOWN = Circumstances()
"""Where the event says nothing."""


def circumstances(message: Message) -> Circumstances:
    """Those of an AuditEvent or a CloudTrail event, also within a CloudEvent; nothing of any other."""
    if message.value is not None and is_audit_event(message.value):
        return _of_audit_event(message.value)
    document = message.document
    if isinstance(document, dict) and "specversion" in document:
        document = document.get("data")
    return _of_cloudtrail(document) if isinstance(document, dict) else UNKNOWN


def _of_audit_event(value: bytes) -> Circumstances:
    try:
        event = decode_event(value)
    except EventError:
        return UNKNOWN
    return Circumstances(address=text(event.actor.ip), reason=text(event.reason))


def _of_cloudtrail(document: dict[str, Any]) -> Circumstances:
    identity = _members(document.get("userIdentity"))
    session = _members(_members(identity.get("sessionContext")).get("attributes"))
    response = _members(document.get("responseElements"))
    return Circumstances(
        credential=text(identity.get("accessKeyId")),
        signed_in_ms=time_ms(session.get("creationDate")),
        address=text(document.get("sourceIPAddress")),
        # A service that acts for itself is the actor; in somebody's name, it acts with their credential.
        through=text(identity.get("invokedBy")) if text(identity.get("accessKeyId")) else None,
        gained=text(_members(response.get("assumedRoleUser")).get("arn"))
        or text(_members(response.get("accessKey")).get("accessKeyId")),
        reason=text(document.get("errorCode")) or text(document.get("errorMessage")),
        detail=text(document.get("errorMessage")),
    )


def _members(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
