"""`sealtrail.testing`: the producer for other people's tests."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime

import pytest

from sealtrail.testing import FakeAuditProducer
from sealtrail_producers import (
    Actor,
    AuditProducer,
    BufferFullError,
    DeliveryError,
    EventError,
    Resource,
    UndeliveredError,
)


@pytest.fixture
def audit():
    with FakeAuditProducer() as producer:
        yield producer


def test_it_stands_in_wherever_a_producer_is_expected(audit):
    assert isinstance(audit, AuditProducer)
    for name, method in inspect.getmembers(AuditProducer, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(FakeAuditProducer, name)) == inspect.signature(method)


def test_it_keeps_events_in_order(audit):
    receipt = audit.record(actor="u-1", action="login").result(0)
    asyncio.run(audit.arecord(actor="u-1", action="logout"))
    audit.publish(b"not an AuditEvent", key="k")
    assert [event.action for event in audit.events] == ["login", "logout"]
    assert receipt.event_id == audit.events[0].id
    assert [record.key for record in audit.records] == [None, None, b"k"]


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"action": "approve"},
        {"actor": "u-1", "action": "approve", "outcome": "denied"},
        {"actor": Actor("user", "u-1")},
        {"resource": ("invoice", "4711")},
        {"resource": Resource("invoice", "4711")},
        {"time": datetime(1970, 1, 1, tzinfo=UTC)},
        {"attributes": {"a": "1"}},
        {"source": "test", "type": "approve", "reason": None, "data": b"{}"},
    ],
)
def test_assert_recorded_finds_the_event(audit, expected):
    audit.record(actor="u-0", action="other")
    audit.record(
        actor="u-1",
        action="approve",
        resource=("invoice", "4711"),
        outcome="denied",
        time=0,
        attributes={"a": "1", "b": "2"},
        data=b"{}",
    )
    assert audit.assert_recorded(**expected) in audit.events


@pytest.mark.parametrize(
    "expected",
    [
        {"action": "delete"},
        {"actor": "u-2"},
        {"actor": "u-1", "outcome": "failure"},
        {"resource": None},
        {"resource": ("invoice", "1")},
        {"attributes": {"a": "2"}},
        {"time": 1},
        {"reason": "any"},
    ],
)
def test_assert_recorded_shows_what_was_recorded_instead(audit, expected):
    audit.record(actor="u-1", action="approve", resource=("invoice", "4711"), time=0, attributes={"a": "1"})
    with pytest.raises(AssertionError, match=r"(?s)no event with .* was recorded, but:.*approve"):
        audit.assert_recorded(**expected)


def test_assert_recorded_knows_when_nothing_was(audit):
    with pytest.raises(AssertionError, match="was recorded, but: nothing"):
        audit.assert_recorded()


def test_a_misspelt_field_never_passes_unseen(audit):
    audit.record(actor="u-1", action="approve")
    with pytest.raises(TypeError, match="no field acton"):
        audit.assert_recorded(acton="approve")
    with pytest.raises(TypeError, match="acton"):
        audit.record(actor="u-1", acton="approve")


def test_it_refuses_what_the_real_one_refuses(audit):
    with pytest.raises(EventError):
        audit.record(actor="", action="approve")


def test_it_can_be_full(audit):
    audit.full = True
    assert audit.full
    with pytest.raises(BufferFullError):
        audit.record(actor="u-1", action="approve")
    with pytest.raises(BufferFullError):
        asyncio.run(audit.arecord(actor="u-1", action="approve"))
    audit.full = False
    audit.record(actor="u-1", action="approve")
    assert len(audit.events) == 1


def test_it_can_fail(audit):
    audit.failure = OSError("the network is gone")
    assert audit.failure is not None
    with pytest.raises(DeliveryError, match="the network is gone"):
        audit.record(actor="u-1", action="approve").result(0)
    with pytest.raises(UndeliveredError, match="1 failed"):
        audit.flush()
    audit.failure = None
    audit.record(actor="u-1", action="approve")
    audit.flush()
    audit.assert_recorded(action="approve")
