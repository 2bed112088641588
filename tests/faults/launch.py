"""The program `sealtrail` with one fault inside: `python -m faults.launch chain …`. For tests only.

What is to happen comes from the environment, which nothing in the shipped code reads:

    FAULTS_POINT     a label, as of `crash_points.POINTS` or `WRITER_POINTS`
    FAULTS_PASSAGE   at which passage of it, from 1 on
    FAULTS_ACTION    `kill` (SIGKILL to itself), `stop` (SIGSTOP to itself), `note` (only say so, and go on)
    FAULTS_NOTE      a file that gets the label before the action
    FAULTS_CLOCK     a file that holds by how many milliseconds this process's clock is wrong

So the process dies exactly where it says, between two instructions of its own, and nobody else decides when.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sealtrail.logs
import sealtrail.service
import sealtrail.stores
import sealtrail_producers.connect
import sealtrail_transport.kafka_writer
from crash_points import Watch, WatchedLog, WatchedStore
from sealtrail.__main__ import main
from sealtrail_producers.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS: Final = {"chain": "chainer", "archive": "archiver"}
WRITER_CALLS: Final = {
    "init_transactions": "init",
    "begin_transaction": "begin",
    "produce": "produce",
    "flush": "flush",
    "commit_transaction": "commit",
}
"""Calls of librdkafka inside one `append`, or inside the opening of a writer, and their names in labels."""

WRITER_POINTS: Final = tuple(
    f"chainer.kafka-{name}.{when}" for name in WRITER_CALLS.values() for when in ("before", "after")
)
OUTBOX_POINTS: Final = tuple(
    f"outbox.{call}.{when}"
    for call in (
        *("topic", "bounds", "read-raw", "writer", "append", "commit"),  # the last one of its file
        *(f"kafka-{name}" for name in WRITER_CALLS.values()),
    )
    for when in ("before", "after")
)
_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Trigger:
    """What happens at the chosen passage of the chosen label; anything else passes."""

    def __init__(self, point: str, passage: int, action: str, note: Path) -> None:
        self._point = point
        self._left = passage
        self._action = action
        self._note = note
        self._lock = threading.Lock()

    def __call__(self, label: str) -> None:
        if label != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left:
                return
            self._note.write_text(label)
            if self._action in _SIGNALS:
                os.kill(os.getpid(), _SIGNALS[self._action])


class WatchedProducer:
    """librdkafka's producer as KafkaWriter uses it, with a point before and after each call that matters."""

    def __init__(self, target, part: str, at) -> None:
        self._target = target
        self._part = part
        self._at = at

    def __getattr__(self, name):
        found, label = getattr(self._target, name), WRITER_CALLS.get(name)
        if label is None:
            return found

        def call(*arguments, **keywords):
            self._at(f"{self._part}.kafka-{label}.before")
            answer = found(*arguments, **keywords)
            self._at(f"{self._part}.kafka-{label}.after")
            return answer

        return call


def arm(part: str, at) -> None:
    """Put the points around the ports of this process."""
    open_log, open_store = sealtrail.logs.open_log, sealtrail.stores.opened_for_work
    producer = sealtrail_transport.kafka_writer.Producer

    @contextmanager
    def watched_log(*arguments, **keywords):
        with open_log(*arguments, **keywords) as log:
            yield WatchedLog(log, part, at)

    @contextmanager
    def watched_store(*arguments, **keywords):
        with open_store(*arguments, **keywords) as (store, access):
            yield WatchedStore(store, part, at), access

    sealtrail.logs.open_log = watched_log
    sealtrail.stores.opened_for_work = watched_store
    sealtrail_transport.kafka_writer.Producer = lambda *arguments: WatchedProducer(
        producer(*arguments), part, at
    )


def arm_outbox(at) -> None:
    """Put the points around the log and the commits of an outbox of this process."""
    open_log, commit = sealtrail_producers.connect._open_kafka_log, Outbox._commit
    producer = sealtrail_transport.kafka_writer.Producer

    def watched_commit(outbox, connection):
        Watch("outbox", at)("commit", commit, outbox, connection)

    sealtrail_producers.connect._open_kafka_log = lambda settings: WatchedLog(
        open_log(settings), "outbox", at
    )
    sealtrail_transport.kafka_writer.Producer = lambda *arguments: WatchedProducer(
        producer(*arguments), "outbox", at
    )
    Outbox._commit = watched_commit


def set_clock_wrong(file: Path) -> None:
    """Let the services' clock go wrong by what the file says at each moment."""
    right = sealtrail.service.system_clock_ms

    def wrong() -> int:
        return right() + int(file.read_text())

    sealtrail.service.system_clock_ms = wrong


def trigger_of(environment: Mapping[str, str]) -> Trigger | None:
    """The fault that the environment asks for."""
    if "FAULTS_POINT" not in environment:
        return None
    return Trigger(
        environment["FAULTS_POINT"],
        int(environment.get("FAULTS_PASSAGE", "1")),
        environment["FAULTS_ACTION"],
        Path(environment["FAULTS_NOTE"]),
    )


def launch() -> None:
    trigger = trigger_of(os.environ)
    if trigger is not None:
        arm(PARTS[sys.argv[1]], trigger)
    if "FAULTS_CLOCK" in os.environ:
        set_clock_wrong(Path(os.environ["FAULTS_CLOCK"]))
    main()


if __name__ == "__main__":
    launch()
