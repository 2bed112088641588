from datetime import UTC, date, datetime

import pytest

from sealtrail.story import COLLEAGUE, ELEVATION, INTRUDER, evening_of, the_day, to_cloudtrail, to_fields
from sealtrail.testing import FakeAuditProducer
from sealtrail_schemas.audit_event import Outcome
from sealtrail_schemas.recognise import recognise

DEEDS = the_day(date(2026, 11, 20))


def test_the_day_runs_forward_and_stays_within_the_day():
    moments = [deed.moment for deed in DEEDS]
    assert moments == sorted(moments)
    assert moments[0] >= datetime(2026, 11, 20, tzinfo=UTC)
    assert moments[-1] < datetime(2026, 11, 21, tzinfo=UTC)
    assert 60 <= len(DEEDS) <= 200


def test_the_evening_holds_the_one_elevation_of_rights():
    evening = evening_of(DEEDS)
    assert [deed.action for deed in DEEDS].count(ELEVATION) == 1
    assert ELEVATION in [deed.action for deed in evening]
    assert {deed.actor for deed in evening} == {INTRUDER}


def test_one_byte_tells_the_intruder_from_the_colleague():
    assert len(INTRUDER) == len(COLLEAGUE)
    assert sum(a != b for a, b in zip(INTRUDER, COLLEAGUE, strict=True)) == 1


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: f"{deed.moment:%H%M}-{deed.action}")
def test_every_deed_is_recognised_as_what_it_is(deed):
    with FakeAuditProducer() as producer:
        producer.publish(to_cloudtrail(deed)) if deed.in_cloud else producer.record(**to_fields(deed))
        value = producer.records[0].value
    found = recognise(None, (), value)
    assert found is not None
    assert found.recogniser == ("cloudtrail" if deed.in_cloud else "audit_event")
    assert found.action == deed.action
    assert found.actor.endswith(deed.actor)
    assert found.resource in deed.target
    assert found.outcome == (Outcome.SUCCESS if deed.in_cloud else deed.outcome)
    assert found.time_ms == int(deed.moment.timestamp() * 1000)
