"""From keyword arguments to an AuditEvent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sealtrail_producers.event_fields import EventDefaults, build_event
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, Resource
from sealtrail_schemas.errors import EventError

NOW_MS = 1_700_000_000_123
DEFAULTS = EventDefaults("payments", {"region": "eu"}, lambda: NOW_MS, lambda count: b"\xab" * count)
MINIMAL = {"actor": "u-17", "action": "invoice.approve"}


def build(**fields):
    return build_event(MINIMAL | fields, DEFAULTS)


def test_actor_and_action_are_enough():
    assert build() == AuditEvent(
        id="018bcfe5-687b-7bab-abab-abababababab",
        time_ms=NOW_MS,
        source="payments",
        type="invoice.approve",
        actor=Actor("user", "u-17"),
        action="invoice.approve",
        outcome=Outcome.SUCCESS,
        attributes={"region": "eu"},
    )


def test_everything_can_be_said():
    fields = {
        "id": "e-1",
        "source": "mobile",
        "type": "com.example.invoice.approved",
        "actor": Actor("service", "billing", name="Billing", ip="192.0.2.1"),
        "action": "approve",
        "resource": Resource("invoice", "4711"),
        "outcome": Outcome.DENIED,
        "reason": "over the limit",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": "vendor=1",
        "attributes": {"amount": "12"},
        "data": b"{}",
        "data_content_type": "application/json",
    }
    event = build_event(fields | {"time": 5}, EventDefaults("x", {}, lambda: NOW_MS, bytes))
    assert event == AuditEvent(**fields, time_ms=5)


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("actor", "u-1", Actor("user", "u-1")),
        ("resource", ("invoice", "1"), Resource("invoice", "1")),
        ("resource", None, None),
        ("outcome", "denied", Outcome.DENIED),
        ("source", None, "payments"),
        ("type", None, "invoice.approve"),
        ("attributes", None, {"region": "eu"}),
        ("attributes", {"region": "us", "a": "b"}, {"region": "us", "a": "b"}),
    ],
)
def test_short_forms(field, given, kept):
    assert getattr(build(**{field: given}), field) == kept


@pytest.mark.parametrize(
    ("time", "time_ms"),
    [
        (None, NOW_MS),
        (0, 0),
        (-1, -1),
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (datetime(2100, 1, 1, 0, 0, 0, 1_999, tzinfo=UTC), 4_102_444_800_001),
        (datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC), -1),
    ],
)
def test_times(time, time_ms):
    assert build(time=time).time_ms == time_ms


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time": datetime(2024, 1, 1)}, "event.time needs a time zone"),  # noqa: DTZ001 - the mistake itself
        ({"outcome": "ok"}, "event.outcome must be one of unknown, success, failure, denied, not 'ok'"),
        ({"resource": ("invoice",)}, "event.resource must be a Resource or a pair"),
        ({"actor": ""}, "actor.id must not be empty"),
        ({"action": ""}, "action must not be empty"),
        ({"actor": None}, "event.actor must be Actor, not NoneType"),
        ({"attributes": {"a": 1}}, "a value of event.attributes must be text"),
    ],
)
def test_a_wrong_value_gets_one_clear_line(fields, message):
    with pytest.raises(EventError, match=message) as caught:
        build(**fields)
    assert "\n" not in str(caught.value)


def test_names_are_checked():
    with pytest.raises(TypeError, match=r"unexpected .* acter, tim"):
        build(acter="u-1", tim=1)
    with pytest.raises(TypeError, match=r"missing .* action, actor"):
        build_event({}, DEFAULTS)
