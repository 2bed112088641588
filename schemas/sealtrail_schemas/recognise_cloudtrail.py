"""Recognises AWS CloudTrail events, one record of a log file each.

Source: AWS CloudTrail user guide, "CloudTrail record contents" and "userIdentity element". What a call was
aimed at stands in `resources` for a few services only; for the rest it is looked for in `requestParameters`,
which every AWS service names in its own way.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sealtrail_schemas.recognised import Recognised, first_text, text, time_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_schemas.recognised import Message

_DENIED_CODES: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "Forbidden",
        "ForbiddenException",
        "NotAuthorized",
        "NotAuthorizedException",
        "UnauthorizedException",
        "UnauthorizedOperation",
    }
)

# Where a call names several things, the one it is aimed at: AttachRolePolicy names a role and a policy, and
# changes the role; CreateTrail names a trail and a bucket, and makes the trail.
_TARGETS: Final = (
    "name",
    "roleArn",
    "instanceProfileName",
    "userName",
    "roleName",
    "groupName",
    "policyArn",
    "bucketName",
    "bucket",
    "secretId",
    "functionName",
    "dBInstanceIdentifier",
    "instanceId",
)
_IDENTIFIER: Final = re.compile(r".(Arn|ARN|Id|Identifier|Name|Url)(s|List)?\Z")
_NO_TARGET: Final = re.compile(r"[Ff]ilter|attributeName|[Tt]oken")
_SEARCH_DEPTH: Final = 4
_SEARCH_ITEMS: Final = 100


def recognise_cloudtrail(message: Message) -> Recognised | None:
    """Read a CloudTrail event; None for anything else."""
    return read_cloudtrail(message.document)


def read_cloudtrail(document: object) -> Recognised | None:
    """Read a CloudTrail event that has been decoded from JSON; None for anything else.

    The action is written as IAM writes it: `cloudtrail:DeleteTrail`.
    """
    if not isinstance(document, dict):
        return None
    source, name = text(document.get("eventSource")), text(document.get("eventName"))
    if source is None or name is None or text(document.get("eventVersion")) is None:
        return None
    return Recognised(
        recogniser="cloudtrail",
        time_ms=time_ms(document.get("eventTime")),
        actor=_actor(document.get("userIdentity")),
        action=text(f"{source.removesuffix('.amazonaws.com')}:{name}"),
        resource=_resource(document),
        outcome=_outcome(document),
        event_type=text(document.get("eventType")),
        event_id=text(document.get("eventID")),
    )


def _actor(identity: object) -> str | None:
    """The ARN (of an assumed role: of its session), else the service, else what tells the caller apart."""
    if not isinstance(identity, dict):
        return None
    return first_text(identity, "arn", "invokedBy", "principalId", "userName", "accountId", "type")


def _outcome(document: dict[str, Any]) -> str:
    code = text(document.get("errorCode"))
    if code is not None and code.rpartition(".")[2] in _DENIED_CODES:
        return "denied"
    if code is not None or text(document.get("errorMessage")) is not None:
        return "failure"
    # A refused sign-in is no API error; it stands in the response alone.
    response = document.get("responseElements")
    if isinstance(response, dict) and response.get("ConsoleLogin") == "Failure":
        return "failure"
    return "success"


def _resource(document: dict[str, Any]) -> str | None:
    resources = document.get("resources")
    if isinstance(resources, list):
        for resource in resources[:_SEARCH_ITEMS]:
            if isinstance(resource, dict) and (arn := text(resource.get("ARN"))):
                return arn
    parameters = document.get("requestParameters")
    if not isinstance(parameters, dict):
        return None
    return first_text(parameters, *_TARGETS) or next(_identifiers(parameters, _SEARCH_DEPTH), None)


def _identifiers(members: dict[str, Any], depth: int) -> Iterator[str]:
    """What is named like an identifier: own members first, then those of members within.

    EC2 wraps them: `{"instancesSet": {"items": [{"instanceId": "i-05c3"}]}}` and
    `{"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-064e"}}}`.
    """
    named = [(n, v) for n, v in islice(members.items(), _SEARCH_ITEMS) if not _NO_TARGET.search(n)]
    for name, value in named:
        content = value.get("content") if isinstance(value, dict) else value
        if _IDENTIFIER.search(name) and (found := text(_first(content))):
            yield found
    if depth > 0:
        for _, value in named:
            if isinstance(within := _first(value), dict):
                yield from _identifiers(within, depth - 1)


def _first(value: object) -> object:
    """The first item of a list, anything else as it is."""
    if isinstance(value, list):
        return value[0] if value else None
    return value
