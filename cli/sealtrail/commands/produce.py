"""`sealtrail produce`: publish events from files."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final

import click
from rich.markup import escape

from sealtrail import logs
from sealtrail.archive_option import data_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import SQLITE, DataFolder
from sealtrail.exits import CommandError, ExitCode, one_line
from sealtrail.help_text import examples
from sealtrail.kafka_option import librdkafka_option, log_option
from sealtrail.settings import setting
from sealtrail.wording import plural
from sealtrail_producers.connect import sink_factory
from sealtrail_producers.errors import UndeliveredError
from sealtrail_producers.producer import AuditProducer
from sealtrail_schemas.errors import EventError
from sealtrail_schemas.split import EVENT_FORMATS, EventFormat, split_events
from sealtrail_transport.kafka_address import parse_kafka_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path
    from typing import Any

    from sealtrail.console import Output
    from sealtrail_transport.kafka_settings import Property

STDIN: Final = "-"
_MAX_BLOCK_S: Final = 60.0


@click.command(
    epilog=examples(
        "sealtrail produce audit.jsonl",
        "sealtrail produce --format cloudtrail logs/*.json.gz",
        "journalctl -o json | sealtrail produce -",
        "sealtrail produce --log kafka://broker:9092 --topic payments audit.jsonl",
    )
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option(
    "--format",
    "event_format",
    type=click.Choice(EVENT_FORMATS),
    default="jsonl",
    show_default=True,
    help="How each file holds events.",
)
@log_option
@setting("--topic", metavar="NAME", help="Topic to publish to.  [default: that of the data folder]")
@librdkafka_option
@data_option
@output_options
def command(
    *,
    files: tuple[str, ...],
    event_format: EventFormat,
    log: str | None,
    topic: str | None,
    librdkafka: Mapping[str, Property],
    data: Path,
) -> None:
    """Publish events from files.

    Each event is published as it stands in its file, byte for byte. FILE may be gzip, and - is standard
    input. It does not matter whether the pipeline runs. Where a file can't be read to its end, what was
    published before stays published. With --log and --topic it takes no data folder.

    Formats: jsonl, one JSON text a line; cloudevents, one or more CloudEvents in JSON; cloudtrail, a log file
    of AWS CloudTrail; raw, the whole file as one event.
    """
    output = current_output()
    address, topic = _destination(DataFolder(data), log, topic)
    tally = _Tally()
    producer = AuditProducer(
        sink_factory(address, topic, librdkafka=librdkafka),
        source="sealtrail",
        max_block_s=_MAX_BLOCK_S,
        flush_at_exit=False,
    )
    try:
        with suppress(UndeliveredError), _progress(output, tally), producer:
            for name in files:
                _publish(producer, name, event_format, tally)
    finally:
        _report(output, tally, topic)
    if tally.failed:  # which says more than UndeliveredError does
        raise CommandError(
            f"{plural(tally.failed, 'event was', 'events were')} not published: {tally.first_failure}",
            exit_code=ExitCode.IO,
        )


def _destination(folder: DataFolder, log: str | None, topic: str | None) -> tuple[str, str]:
    """The log's address and the topic."""
    if log is not None and log != SQLITE and not folder.exists:
        parse_kafka_address(log)
        if topic is None:
            raise CommandError("say with --topic where to publish to")
        return log, topic
    deployment = folder.deployment()
    reached = replace(deployment, log=logs.choose_address(deployment.log, log))
    return logs.sink_address(folder, reached), topic or deployment.topic


class _Tally:
    """How many events were handed over, acknowledged by the log, and refused."""

    def __init__(self) -> None:
        self.published = 0
        self.acknowledged = 0
        self.failed = 0
        self.first_failure = ""
        self._lock = threading.Lock()

    def follow(self, receipt: Future[Any], name: str, number: int) -> None:
        """Count an event when the log has answered."""

        def answered(receipt: Future[Any]) -> None:
            error = receipt.exception()
            with self._lock:
                if error is None:
                    self.acknowledged += 1
                    return
                self.failed += 1
                cause = error.__cause__ or error
                self.first_failure = (
                    self.first_failure or f"{_label(name)}, event {number}: {one_line(cause)}"
                )

        self.published += 1
        receipt.add_done_callback(answered)


def _publish(producer: AuditProducer, name: str, event_format: EventFormat, tally: _Tally) -> None:
    with _opened(name) as stream:
        try:
            for number, event in enumerate(split_events(stream, event_format), 1):
                receipt = producer.publish(event.value, key=event.key, headers=event.headers)
                tally.follow(receipt, name, number)
        except EventError as error:
            raise CommandError(f"{_label(name)}: {error}") from None


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    with open(name, "rb") as stream:  # noqa: PTH123 - "-" is no path
        yield stream


def _label(name: str) -> str:
    return "standard input" if name == STDIN else name


@contextmanager
def _progress(output: Output, tally: _Tally) -> Iterator[None]:
    if not output.live:
        yield
        return
    from rich.live import Live

    def line() -> str:
        return f"{plural(tally.published, 'event')} read · {tally.acknowledged:,} acknowledged"

    with Live(get_renderable=line, console=output.err, transient=True, refresh_per_second=8):
        yield


def _report(output: Output, tally: _Tally, topic: str) -> None:
    output.record(
        topic=topic, published=tally.published, acknowledged=tally.acknowledged, failed=tally.failed
    )
    if tally.acknowledged:
        events = plural(tally.acknowledged, "event")
        output.result(f"Published {events} to topic {escape(topic)}, acknowledged by the log.")
    else:
        output.result("Published nothing.")
