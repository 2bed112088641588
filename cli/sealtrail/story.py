"""The day that `sealtrail demo` plays: who does what at Larch & Vale, read from `story.txt`.

What a service publishes of it is either an AuditEvent or, from the cloud account, a record as AWS CloudTrail
writes them. Account number, addresses and domain are those that are reserved for documentation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from sealtrail_schemas.audit_event import Actor, Outcome

if TYPE_CHECKING:
    from datetime import date

    from sealtrail_producers.event_fields import EventFields

BASE: Final = "audit.larchvale.example"
"""The base of the trail's origin."""
TOPIC: Final = "office"
SOURCE: Final = "https://services.larchvale.example"
"""Who reports what happens in the office's own services."""
INTRUDER: Final = "ops-2"
"""Who elevates their rights, reads what they should not, and wipes the logs."""
COLLEAGUE: Final = "ops-1"
"""Whom the rewritten history accuses; a name as long as the intruder's, so that one byte tells them apart."""
ELEVATION: Final = "iam:AttachUserPolicy"
"""The action by which the rights are elevated; it occurs once."""

_ACCOUNT: Final = "111122223333"
_MACHINES: Final = frozenset({"scheduler", "bank-link"})
_COLUMNS: Final = re.compile(" {2,}")


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the story."""

    moment: datetime
    actor: str
    action: str
    target: str
    outcome: Outcome

    @property
    def in_cloud(self) -> bool:
        """Whether the cloud account reports it, not one of the office's own services."""
        return ":" in self.action


def the_day(day: date) -> list[Deed]:
    """All that happens on that day, in order; the clock is UTC."""
    text = files("sealtrail").joinpath("story.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [_read_deed(day, line) for line in lines]


def evening_of(deeds: list[Deed]) -> list[Deed]:
    """What the intruder does in the evening: the part that somebody wants to be forgotten."""
    return [deed for deed in deeds if deed.actor == INTRUDER and deed.moment.hour >= 18]


def to_fields(deed: Deed) -> EventFields:
    """A deed as one of the office's own services records it, with `AuditProducer.record`."""
    kind, _, name = deed.target.partition("/")
    return {
        "actor": Actor("service" if deed.actor in _MACHINES else "user", deed.actor),
        "action": deed.action,
        "resource": (kind, name),
        "outcome": deed.outcome,
        "time": deed.moment,
    }


def to_cloudtrail(deed: Deed) -> bytes:
    """A deed as the cloud account reports it: one record of a CloudTrail log file, as JSON."""
    service, _, call = deed.action.partition(":")
    record = {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{_ACCOUNT}:user/{deed.actor}",
            "accountId": _ACCOUNT,
            "userName": deed.actor,
        },
        "eventTime": f"{deed.moment:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": call,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.17",
        "userAgent": "aws-cli/2",
        "requestParameters": dict(pair.split("=", 1) for pair in deed.target.split(" ")),
        "responseElements": None,
        "eventID": str(uuid5(NAMESPACE_URL, f"{_ACCOUNT}/{deed.moment:%Y%m%dT%H%M}")),
        "eventType": "AwsApiCall",
        "recipientAccountId": _ACCOUNT,
    }
    return json.dumps(record).encode()


def _read_deed(day: date, line: str) -> Deed:
    clock, actor, action, target, outcome = _COLUMNS.split(line)
    moment = datetime.combine(day, time.fromisoformat(clock), UTC)
    return Deed(moment, actor, action, target, Outcome(outcome))
