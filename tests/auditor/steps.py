"""Steps for the tests of timelines, and trails that hold them."""

from __future__ import annotations

import json

from sealtrail_auditor.notable import mark_of
from sealtrail_auditor.timeline import Step, Timeline, in_order, make_sessions
from sealtrail_schemas.circumstances import Circumstances

NOON_MS = 1_688_990_400_000  # 2023-07-10T12:00:00Z
ORIGIN = "audit.example.com/payments/0"


def step(second: float | None, action: str = "iam:GetUser", **fields) -> Step:
    """One step, so many seconds after noon; what says how somebody acted may stand among the fields."""
    how = {name: fields.pop(name) for name in Circumstances._fields if name in fields}
    return Step(
        **{
            "time_ms": None if second is None else NOON_MS + round(1000 * second),
            "origin": ORIGIN,
            "sequence": int(second or 0),
            "actor": "alice",
            "action": action,
            "resource": None,
            "outcome": "success",
            "mark": mark_of(action),
            "how": Circumstances(**how),
        }
        | fields
    )


def timeline_of(*steps: Step, unread=()) -> Timeline:
    sessions = make_sessions(in_order(steps))
    return Timeline(
        tuple(in_order(step for session in sessions for step in session.steps)),
        sessions,
        tuple(unread),
        tuple(sorted({step.origin for step in steps})),
        entries=len(steps),
        names=frozenset(),
    )


def event(second: int, action: str, *, actor: str = "alice", key: str = "AKIA1", **members) -> bytes:
    """One CloudTrail event."""
    service, name = action.split(":")
    return json.dumps(
        {
            "eventVersion": "1.08",
            "eventTime": f"2023-07-10T12:{second // 60:02}:{second % 60:02}Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "userIdentity": {"arn": actor, "accessKeyId": key},
            "sourceIPAddress": "192.0.2.7",
        }
        | members
    ).encode()
