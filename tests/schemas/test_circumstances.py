"""From where and with what somebody acted."""

import json

import pytest

from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, encode_event
from sealtrail_schemas.circumstances import UNKNOWN, Circumstances, circumstances
from sealtrail_schemas.recognise import Message


def of(document):
    return circumstances(Message(None, (), json.dumps(document).encode()))


CALL = {
    "userIdentity": {
        "accessKeyId": "ASIA1",
        "sessionContext": {"attributes": {"creationDate": "2023-07-10T12:13:16Z"}},
    },
    "sourceIPAddress": "192.0.2.7",
}


def test_a_cloudtrail_event():
    assert of(CALL) == Circumstances("ASIA1", 1_688_991_196_000, "192.0.2.7")
    refused = of(CALL | {"errorCode": "AccessDenied", "errorMessage": "not authorized"})
    assert (refused.reason, refused.detail) == ("AccessDenied", "not authorized")


def test_within_a_cloudevent():
    assert of({"specversion": "1.0", "data": CALL}) == of(CALL)


def test_a_service_acts_in_somebodys_name_only_with_their_credential():
    in_their_name = CALL["userIdentity"] | {"invokedBy": "AWS Internal"}
    assert of(CALL | {"userIdentity": in_their_name}).through == "AWS Internal"
    assert of({"userIdentity": {"type": "AWSService", "invokedBy": "rds.amazonaws.com"}}).through is None


@pytest.mark.parametrize(
    ("response", "gained"),
    [
        ({"assumedRoleUser": {"arn": "arn:aws:sts::1:assumed-role/r/s"}}, "arn:aws:sts::1:assumed-role/r/s"),
        ({"accessKey": {"accessKeyId": "AKIA2"}}, "AKIA2"),
        ({"accessKey": "AKIA2"}, None),
        (None, None),
    ],
)
def test_whom_they_can_act_as_from_now_on(response, gained):
    assert of(CALL | {"responseElements": response}).gained == gained


def test_an_audit_event():
    event = AuditEvent(
        id="1",
        time_ms=0,
        source="s",
        type="t",
        actor=Actor(type="user", id="alice", ip="192.0.2.7"),
        action="login",
        outcome=Outcome.FAILURE,
        reason="bad password",
    )
    found = circumstances(Message(None, (), encode_event(event)))
    assert found == Circumstances(address="192.0.2.7", reason="bad password")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {},
        {"userIdentity": []},
        {"userIdentity": {"accessKeyId": 7, "sessionContext": {"attributes": "x"}}},
        {"userIdentity": {"sessionContext": []}, "sourceIPAddress": {}, "responseElements": [1]},
        {"specversion": "1.0", "data": "text"},
    ],
)
def test_where_an_event_does_not_say(document):
    assert of(document) == UNKNOWN


def test_what_is_no_event():
    assert circumstances(Message(None, (), None)) == UNKNOWN
    assert circumstances(Message(None, (), b"\xc3\x01 no event")) == UNKNOWN
