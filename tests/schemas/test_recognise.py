import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealtrail_schemas import json_reader
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, Resource, encode_event
from sealtrail_schemas.json_reader import MAX_JSON_BYTES, MAX_JSON_DEPTH
from sealtrail_schemas.recognise import Recognised, describe, recognise
from sealtrail_schemas.recognised import MAX_TEXT_CHARS, time_ms

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DATA = Path(__file__).parents[3] / "shared" / "data" / "cloudtrail"

AUDIT_EVENT = AuditEvent(
    id="e1",
    time_ms=1688990884123,
    source="s",
    type="com.example.refused",
    actor=Actor("user", "u-17", name="Zoë"),
    action="payment:Approve",
    resource=Resource("payment", "4711"),
    outcome=Outcome.DENIED,
)
OF_AUDIT_EVENT = Recognised(
    recogniser="audit_event",
    time_ms=1688990884123,
    actor="u-17",
    action="payment:Approve",
    resource="payment/4711",
    outcome="denied",
    event_type="com.example.refused",
    event_id="e1",
)
CLOUDTRAIL = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/bert"},
    "eventTime": "2023-07-10T12:08:04Z",
    "eventSource": "cloudtrail.amazonaws.com",
    "eventName": "DeleteTrail",
    "requestParameters": {"name": "main"},
    "responseElements": None,
    "eventID": "e2",
    "eventType": "AwsApiCall",
}
OF_CLOUDTRAIL = Recognised(
    recogniser="cloudtrail",
    time_ms=1688990884000,
    actor="arn:aws:iam::1:user/bert",
    action="cloudtrail:DeleteTrail",
    resource="main",
    outcome="success",
    event_type="AwsApiCall",
    event_id="e2",
)
CLOUDEVENT = {
    "specversion": "1.0",
    "id": "e3",
    "source": "/orders",
    "type": "com.example.order.created",
    "time": "2023-07-10T14:08:04.5+02:00",
    "subject": "order/9",
    "authid": "u-17",
}
OF_CLOUDEVENT = Recognised(
    recogniser="cloudevents",
    time_ms=1688990884500,
    actor="u-17",
    action="com.example.order.created",
    resource="order/9",
    outcome=None,
    event_type="com.example.order.created",
    event_id="e3",
)
BINARY_MODE = tuple((f"ce_{name}".encode(), value.encode()) for name, value in CLOUDEVENT.items())


def recognised(document):
    return recognise(None, (), json.dumps(document).encode())


def cloudtrail(**changes):
    return recognised(CLOUDTRAIL | changes)


def test_audit_event():
    assert recognise(b"k", (), encode_event(AUDIT_EVENT)) == OF_AUDIT_EVENT


def test_damaged_audit_event_is_not_recognised():
    assert recognise(None, (), encode_event(AUDIT_EVENT) + b"\0") is None


def test_cloudtrail():
    assert recognised(CLOUDTRAIL) == OF_CLOUDTRAIL


@pytest.mark.parametrize("missing", ["eventVersion", "eventSource", "eventName"])
def test_cloudtrail_needs(missing):
    assert recognised({name: value for name, value in CLOUDTRAIL.items() if name != missing}) is None
    assert cloudtrail(**{missing: 5}) is None


@pytest.mark.parametrize(
    ("identity", "actor"),
    [
        (
            {"type": "AssumedRole", "principalId": "A:i-0", "arn": "arn:aws:sts::1:assumed-role/r/i-0"},
            "arn:aws:sts::1:assumed-role/r/i-0",
        ),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
        ({"type": "AWSAccount", "principalId": "AIDA", "accountId": "1"}, "AIDA"),
        ({"type": "SAMLUser", "userName": "zoe"}, "zoe"),
        ({"type": "AWSAccount", "accountId": "1"}, "1"),
        ({"type": "Unknown", "arn": ""}, "Unknown"),
        ({"arn": ["x"]}, None),
        ({}, None),
        (None, None),
        ("bert", None),
    ],
)
def test_cloudtrail_actor(identity, actor):
    assert cloudtrail(userIdentity=identity).actor == actor


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"errorCode": "AccessDenied", "errorMessage": "no"}, "denied"),
        ({"errorCode": "AccessDeniedException"}, "denied"),
        ({"errorCode": "Client.UnauthorizedOperation"}, "denied"),
        ({"errorCode": "NoSuchBucketPolicy"}, "failure"),
        ({"errorCode": "Client.VpcLimitExceeded"}, "failure"),
        ({"errorMessage": "Failed authentication"}, "failure"),
        ({"responseElements": {"ConsoleLogin": "Failure"}}, "failure"),
        ({"responseElements": {"ConsoleLogin": "Success"}}, "success"),
        ({"responseElements": "Failure"}, "success"),
        ({"errorCode": None, "errorMessage": ""}, "success"),
    ],
)
def test_cloudtrail_outcome(changes, outcome):
    assert cloudtrail(**changes).outcome == outcome


@pytest.mark.parametrize(
    ("parameters", "resource"),
    [
        ({"policyDocument": "{}", "policyName": "p", "roleName": "r"}, "r"),
        ({"userName": "u", "policyArn": "arn:p"}, "u"),
        ({"roleName": "r", "instanceProfileName": "i"}, "i"),
        ({"bucket": "b", "Host": "h"}, "b"),
        ({"routeTableId": "rtb", "subnetId": "subnet"}, "rtb"),
        ({"resourceIdList": ["arn:1", "arn:2"]}, "arn:1"),
        ({"trailNameList": []}, None),
        ({"instancesSet": {"items": [{"instanceId": "i-05c3"}]}, "filterSet": {}}, "i-05c3"),
        ({"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-064e"}}}, "fl-064e"),
        ({"filterSet": {"items": [{"vpcId": "vpc-1"}]}}, None),
        ({"Filter": [{"Name": "vpc-id"}]}, None),
        ({"clientTokenId": "t", "maxResults": 5}, None),
        ({"a": {"b": {"c": {"d": {"eId": "near"}}}}}, "near"),
        ({"a": {"b": {"c": {"d": {"e": {"fId": "far"}}}}}}, None),
        ({"name": "", "userName": 5, "keyId": "k"}, "k"),
        ([], None),
        (None, None),
    ],
)
def test_cloudtrail_resource_from_the_request(parameters, resource):
    assert cloudtrail(requestParameters=parameters).resource == resource


@pytest.mark.parametrize(
    ("resources", "resource"),
    [
        ([{"ARN": "arn:1"}, {"ARN": "arn:2"}], "arn:1"),
        ([{"type": "AWS::S3::Object"}, {"ARN": "arn:2"}], "arn:2"),
        ([None, 5, {"ARN": 5}], "main"),
        ({"ARN": "arn:1"}, "main"),
        ([], "main"),
    ],
)
def test_cloudtrail_resource_from_its_resources(resources, resource):
    assert cloudtrail(resources=resources).resource == resource


def test_cloudevent_in_structured_mode():
    assert recognised(CLOUDEVENT) == OF_CLOUDEVENT


def test_cloudevent_in_binary_mode():
    assert recognise(None, BINARY_MODE, b"\xff") == OF_CLOUDEVENT
    assert recognise(None, BINARY_MODE, None) == OF_CLOUDEVENT


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_cloudevent_needs(missing):
    assert recognised({name: value for name, value in CLOUDEVENT.items() if name != missing}) is None
    assert recognise(None, [h for h in BINARY_MODE if h[0] != b"ce_" + missing.encode()], b"") is None


def test_last_of_equal_headers_counts():
    assert recognise(None, (*BINARY_MODE, (b"ce_id", b"later"), (b"ce_id", None)), b"").event_id == "later"


def test_headers_that_are_not_utf8():
    assert (
        recognise(None, (*BINARY_MODE, (b"ce_id", b"\xff\xed\xa0\x80"), (b"\xff", b"")), b"").event_id
        == "\ufffd" * 4
    )


@pytest.mark.parametrize(
    ("headers", "document"),
    [
        (BINARY_MODE, CLOUDTRAIL),
        ((), CLOUDEVENT | {"data": CLOUDTRAIL}),
        ((), CLOUDEVENT | {"data_base64": b64encode(json.dumps(CLOUDTRAIL).encode()).decode()}),
    ],
    ids=["binary", "structured", "base64"],
)
def test_cloudtrail_within_a_cloudevent(headers, document):
    found = recognise(None, headers, json.dumps(document).encode())
    assert found == Recognised(
        recogniser="cloudevents+cloudtrail",
        time_ms=OF_CLOUDTRAIL.time_ms,
        actor=OF_CLOUDTRAIL.actor,
        action=OF_CLOUDTRAIL.action,
        resource=OF_CLOUDTRAIL.resource,
        outcome=OF_CLOUDTRAIL.outcome,
        event_type=OF_CLOUDTRAIL.event_type,
        event_id=OF_CLOUDTRAIL.event_id,
    )


def test_audit_event_within_a_cloudevent():
    data = b64encode(encode_event(AUDIT_EVENT)).decode()
    found = recognised(CLOUDEVENT | {"data_base64": data})
    assert (found.recogniser, found.actor, found.outcome) == ("cloudevents+audit_event", "u-17", "denied")


def test_envelope_fills_what_the_data_leaves_open():
    data = {name: CLOUDTRAIL[name] for name in ("eventVersion", "eventSource", "eventName")}
    found = recognised(CLOUDEVENT | {"data": data})
    assert (found.action, found.actor, found.resource, found.event_id, found.time_ms) == (
        "cloudtrail:DeleteTrail",
        "u-17",
        "order/9",
        "e3",
        1688990884500,
    )


@pytest.mark.parametrize("data", ["not base64!", "é", "", 5])
def test_cloudevent_with_bad_base64_keeps_its_envelope(data):
    assert recognised(CLOUDEVENT | {"data_base64": data}) == OF_CLOUDEVENT


def test_other_recognisers_can_be_given():
    mine = Recognised(recogniser="mine")
    assert (
        recognise(b"k", (), b"", [lambda _: None, lambda message: mine if message.key == b"k" else None])
        == mine
    )
    assert recognise(None, (), encode_event(AUDIT_EVENT), []) is None


def nested(depth, opening=b"[", closing=b"]"):
    return opening * depth + closing * depth


def with_extra(extra):
    return json.dumps(CLOUDTRAIL).encode()[:-1] + b', "x": ' + extra + b"}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"null",
        b"[]",
        b'"eventName"',
        b"\xff\xfe{\x00}\x00",
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        nested(1_000_000),
        with_extra(nested(MAX_JSON_DEPTH)),
        b'{"eventName": "' + b"[" * 1_000_000,
        b'"' + b"\\" * 1_000_001,
        with_extra(b'"\xed\xa0\x80"'),
        with_extra(b'"' + b" " * MAX_JSON_BYTES + b'"'),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_not_recognised(value):
    assert recognise(None, (), value) is None


@pytest.mark.parametrize(
    "extra",
    [
        nested(MAX_JSON_DEPTH - 1),
        b"[" + b"[]," * 1000 + b"[]]",
        json.dumps("[{" * 1000 + '\\"').encode(),
        b"9" * 100_000,
        b"-" + b"9" * 5000,
        b"1e999999",
        b"NaN",
        b"-Infinity",
        b'{"a": 1, "a": 2}',
        b'"\\u0000"',
    ],
    ids=lambda value: repr(value)[:24],
)
def test_recognised_all_the_same(extra):
    assert recognise(None, (), with_extra(extra)) == OF_CLOUDTRAIL


def test_last_of_equal_members_counts():
    assert recognise(None, (), with_extra(b'1, "eventID": "later"')).event_id == "later"


def test_lone_surrogates_are_replaced():
    assert cloudtrail(eventID="a\ud800b", eventTime="\ud800").event_id == "a?b"


def test_long_text_is_cut():
    found = cloudtrail(eventID="x" * MAX_TEXT_CHARS, eventName="y" * 5000)
    assert found.event_id == "x" * MAX_TEXT_CHARS
    assert len(found.action) == MAX_TEXT_CHARS
    assert found.action.endswith("y…")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2023-07-10T14:08:04.123456+02:00", 1688990884123),
        ("2023-07-10t12:08:04z", 1688990884000),
        ("9999-12-31T23:59:59-23:59", 253402387139000),
        ("2023-07-10T12:08:04", None),
        ("2023-07-10", None),
        ("2023-07-10T12:08:60Z", None),
        ("yesterday", None),
        ("2023-07-10T12:08:04." + "0" * 1000 + "Z", None),
        ("", None),
        (1688990884, None),
    ],
)
def test_times(written, expected):
    assert time_ms(written) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
members = sorted({*CLOUDTRAIL, *CLOUDEVENT, "data", "data_base64", "resources", "errorCode"})


def check(found):
    assert found is None or isinstance(found, Recognised)
    if found is not None:
        describe(found).encode()
        for value in (found.actor, found.action, found.resource, found.event_type, found.event_id):
            assert value is None or len(value.encode()) > 0
        assert found.outcome in {None, "success", "failure", "denied", "unknown"}


@unhurried
@given(
    st.none() | st.binary(),
    st.lists(st.tuples(st.sampled_from([h[0] for h in BINARY_MODE]) | st.binary(), st.none() | st.binary())),
    st.none() | st.binary(),
)
def test_arbitrary_bytes_never_raise(key, headers, value):
    check(recognise(key, headers, value))


@unhurried
@given(st.dictionaries(st.sampled_from(members), json_values))
def test_arbitrary_members_never_raise(changes):
    check(recognised(CLOUDTRAIL | changes))
    check(recognised(CLOUDEVENT | changes))


@unhurried
@given(st.integers(0, 2000), st.binary(max_size=4))
def test_damaged_documents_never_raise(position, damage):
    value = json.dumps(CLOUDEVENT | {"data": CLOUDTRAIL}).encode()
    check(recognise(None, (), value[:position] + damage + value[position + 1 :]))


def test_a_stack_that_ends_while_reading_is_no_error(monkeypatch):
    monkeypatch.setattr(json_reader, "MAX_JSON_DEPTH", 1 << 30)
    assert recognise(None, (), nested(1_000_000)) is None


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            OF_CLOUDTRAIL,
            "arn:aws:iam::1:user/bert did cloudtrail:DeleteTrail on main (success) at 2023-07-10T12:08:04Z",
        ),
        (OF_AUDIT_EVENT, "u-17 did payment:Approve on payment/4711 (denied) at 2023-07-10T12:08:04.123Z"),
        (Recognised(recogniser="r"), "somebody did something"),
        (
            Recognised(recogniser="r", event_type="t", time_ms=-1),
            "somebody did t at 1969-12-31T23:59:59.999Z",
        ),
        (
            Recognised(recogniser="r", time_ms=2**63 - 1),
            "somebody did something at 9223372036854775807 ms after 1970",
        ),
        (
            Recognised(recogniser="r", actor="a\nb\x1b[2J\u202e", action="\u2028"),
            r"a\nb\x1b[2J\u202e did \u2028",
        ),
    ],
)
def test_describe(found, sentence):
    assert describe(found) == sentence


@pytest.mark.skipif(not DATA.is_dir(), reason="the CloudTrail files are not there")
def test_every_real_event_is_recognised():
    records = [
        record for path in sorted(DATA.glob("*.json")) for record in json.loads(path.read_bytes())["Records"]
    ]
    found = [recognised(record) for record in records]
    assert len(found) == 1469
    assert all(
        each.recogniser == "cloudtrail" and each.actor and each.action and each.time_ms for each in found
    )
    assert sum(each.outcome == "denied" for each in found) == 7
    assert sum(each.outcome == "failure" for each in found) == 136
    # Those without are lists and descriptions of whatever there is, and calls that name nothing.
    assert sum(each.resource is not None for each in found) > 950
    assert any(
        describe(each) == "arn:aws:iam::123837392027:user/bert-jan did cloudtrail:DeleteTrail on "
        "stratus-red-team-ctlr-trail-zqfsvooxqj (success) at 2023-07-10T12:08:04Z"
        for each in found
    )
