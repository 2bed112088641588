"""A service that publishes, as a process of its own: `python -m faults.producer`, until SIGTERM.

Killed and begun again, it goes on behind the last number that it noted. It notes what it
was told of each event; that file is all that the checker knows of it.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faults.launch import arm_outbox, trigger_of
from faults.records import Notes, read_record, value_of
from sealtrail_producers.connect import outbox_sink_factory, sink_factory
from sealtrail_transport.errors import BufferFullError, LogError, LogUnavailableError
from sealtrail_transport.log import NewRecord

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sealtrail_transport.log import EventSink, Position

FLUSH_S = 120.0


@click.command()
@click.option("--log", required=True, help="Address of the log.")
@click.option("--topic", required=True)
@click.option("--notes", type=click.Path(path_type=Path), required=True, help="Where to note answers.")
@click.option("--rate", type=float, required=True, help="Events a second.")
@click.option("--padding", type=int, default=100, help="Bytes that each value is longer.")
@click.option("--keys", type=int, default=1, help="How many keys it publishes under.")
@click.option("--outbox", type=click.Path(path_type=Path), help="Publish through an outbox in this file.")
def main(  # noqa: PLR0917 - options
    log: str, topic: str, notes: Path, rate: float, padding: int, keys: int, outbox: Path | None
) -> None:
    """Publish at a rate until SIGTERM, then wait for all answers."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    number = max(read_record(notes).acks, default=-1) + 1 if notes.exists() else 0
    noted, producer = Notes(notes), notes.stem
    if outbox is None:
        open_sink = sink_factory(log, topic)
    else:
        if (trigger := trigger_of(os.environ)) is not None:
            arm_outbox(trigger)
        open_sink = outbox_sink_factory(log, topic, outbox, producer=producer)
    sink = open_patiently(open_sink, over)
    while sink is not None and not over.wait(1 / rate):
        noted.sending(number)
        key = f"{producer}-{number % keys}".encode()
        try:
            future = sink.publish(NewRecord(key, value_of(producer, number, padding)), max_block_s=1.0)
        except BufferFullError as error:
            noted.failed(number, str(error))
        else:
            if outbox is not None:
                noted.kept(number)
            future.add_done_callback(lambda done, number=number: _note(noted, number, done))
        number += 1
    if sink is not None:
        sink.flush(timeout_s=FLUSH_S)
        sink.close()


def open_patiently(open_sink, over: threading.Event) -> EventSink | None:
    """Open a sink, however long the log is away; None: it was over before."""
    while not over.is_set():
        try:
            return open_sink()
        except LogUnavailableError:
            over.wait(0.2)
    return None


def _note(noted: Notes, number: int, done: Future[Position]) -> None:
    try:
        position = done.result()
    except LogError as error:
        noted.failed(number, str(error))
    else:
        noted.acknowledged(number, position.partition, position.offset)


if __name__ == "__main__":
    main()
