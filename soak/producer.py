"""The producer of a soak, a process of its own: `python -m soak.producer ORDER`.

It publishes at a steady rate until its standard input ends, and catches up after what kept it. Each second it
writes one line of JSON to standard output, and at the end one with `outcome`: what it was told of each event.
"""

from __future__ import annotations

import json
import select
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sealtrail_transport.errors import BufferFullError
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.kafka_sink import KafkaSink
from sealtrail_transport.log import NewRecord
from soak.events import event_key, event_value

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sealtrail_transport.log import Position

_SLICE_S: Final = 0.02
_FLUSH_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Order:
    """Where to publish, how many events a second, and of what length."""

    kafka: str
    topic: str
    rate: float
    event_bytes: int

    def to_argument(self) -> str:
        """As the command line has it."""
        return json.dumps(asdict(self))


class Outcomes:
    """What became of events, by number: acknowledged, or failed, whose fate nobody knows."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.failed: list[int] = []

    def note(self, number: int, future: Future[Position]) -> None:
        """Take the answer of one event. Called by the sink's thread, one at a time."""
        if future.exception() is None:
            self.acknowledged += 1
        else:
            self.failed.append(number)


def produce(order: Order) -> None:
    """Publish until nobody wants more."""
    sink = KafkaSink(KafkaSettings(order.kafka), order.topic)
    outcomes = Outcomes()
    published, began_s, told_s = 0, time.monotonic(), 0.0
    while not select.select([sys.stdin], [], [], _SLICE_S)[0]:
        due = int((time.monotonic() - began_s) * order.rate)
        published = _publish(sink, order, published, due, outcomes)
        if time.monotonic() - told_s >= 1:
            told_s = time.monotonic()
            _tell(published=published, acknowledged=outcomes.acknowledged)
    outstanding = sink.flush(timeout_s=_FLUSH_S)
    sink.close()  # what is outstanding fails now
    outcome = {"acknowledged": outcomes.acknowledged, "failed": sorted(outcomes.failed)}
    _tell(published=published, acknowledged=outcomes.acknowledged, outstanding=outstanding, outcome=outcome)


def _publish(sink: KafkaSink, order: Order, published: int, due: int, outcomes: Outcomes) -> int:
    """Publish up to the event `due`, as long as the buffer has room; returns how many are published."""
    for number in range(published, due):
        record = NewRecord(event_key(number), event_value(number, order.event_bytes))
        try:
            future = sink.publish(record, max_block_s=0)
        except BufferFullError:
            return number
        future.add_done_callback(lambda done, number=number: outcomes.note(number, done))  # type: ignore[misc]
    return due


def _tell(**fields: Any) -> None:
    sys.stdout.write(f"{json.dumps(fields)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    produce(Order(**json.loads(sys.argv[1])))
