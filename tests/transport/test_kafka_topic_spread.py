"""A topic that was created is waited for until every broker has most likely heard of it."""

from __future__ import annotations

import pytest

from sealtrail_transport import kafka_admin
from sealtrail_transport.errors import TopicMissingError
from sealtrail_transport.kafka_admin import KafkaAdmin
from sealtrail_transport.kafka_settings import KafkaSettings


@pytest.fixture
def admin(monkeypatch):
    """An admin of a cluster of `brokers`, whose answers to `describe` are scripted; `asked` counts them."""

    class Scripted(KafkaAdmin):
        def __init__(self, brokers, answers):
            super().__init__(KafkaSettings("127.0.0.1:1"))
            self.asked = 0
            self._brokers = brokers
            self._answers = list(answers)

        def brokers(self):
            return self._brokers

        def describe(self, name):
            self.asked += 1
            known = self._answers.pop(0) if self._answers else True
            if not known:
                raise TopicMissingError(name)
            return b"\0" * 16, 1

    monkeypatch.setattr(kafka_admin, "_PROPAGATION_PAUSE_S", 0)
    return Scripted


def test_one_broker_has_to_answer_once(admin):
    one = admin(1, [False, True])
    one._await_topic("payments")
    assert one.asked == 2


def test_of_three_brokers_a_row_of_answers_is_wanted(admin):
    three = admin(3, [True, True, False, True])
    three._await_topic("payments")
    assert three.asked == 3 + 12


def test_a_broker_that_never_hears_of_it_is_not_waited_for_for_ever(admin, monkeypatch):
    three = admin(3, [False] * 3)
    monkeypatch.setattr(three, "_timeout_s", -1)
    with pytest.raises(TopicMissingError):
        three._await_topic("payments")
