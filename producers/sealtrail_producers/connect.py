"""From a log's address to the sink of one of its topics, with an outbox before it or without.

`sqlite:PATH` is the embedded log in that file, as `sealtrail init` makes it. `kafka://HOST:PORT[,HOST:PORT…]`
is a Kafka cluster; it takes the extra `kafka`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from sealtrail_schemas.producer_stamp import INCARNATION_BYTES, check_stamp_name
from sealtrail_transport.buffered_sink import BufferedSink, SinkSettings
from sealtrail_transport.errors import LogError
from sealtrail_transport.kafka_address import KAFKA_SCHEME, parse_kafka_address
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.log import Log
from sealtrail_transport.stamper import Stamper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.log import EventSink
    from sealtrail_transport.sqlite_log import SqliteLog

DEFAULT_MAX_OUTBOX_BYTES: Final = 256 * 2**20

_NO_PROPERTIES: Final[Mapping[str, Property]] = MappingProxyType({})
_TRANSACTION_TIMEOUT_MS: Final = 15_000
"""How long a killed service's transaction may hold up everybody who reads what is committed behind it."""
_PATIENCE_S: Final = 30.0


def sink_factory(
    address: str,
    topic: str,
    *,
    settings: SinkSettings | None = None,
    librdkafka: Mapping[str, Property] = _NO_PROPERTIES,
    producer: str | None = None,
) -> Callable[[], EventSink]:
    """What opens a sink for `topic` of the log at `address`; callable again in a forked child.

    Args:
        address: which log.
        topic: what to publish to.
        settings: bounds of the buffer in front of the embedded log.
        librdkafka: properties of librdkafka for Kafka, which has a buffer of its own.
        producer: the name for stamps, of which each opened sink is one incarnation; None: none are made.

    Raises:
        StampError: a stamp can't hold the name.
        LogError: the address is of no kind known here, or a property can't be changed. The factory raises
            what the sink raises, and ExtraMissingError where confluent-kafka is not installed.
    """
    if producer is not None:
        check_stamp_name(producer)
    if address.startswith(KAFKA_SCHEME):
        kafka = KafkaSettings(parse_kafka_address(address), dict(librdkafka))
        return partial(_open_kafka_sink, kafka, topic, producer)
    return partial(_open_sqlite_sink, _sqlite_path(address), topic, settings, producer)


def outbox_sink_factory(
    address: str,
    topic: str,
    outbox: str | os.PathLike[str],
    *,
    producer: str,
    max_outbox_bytes: int = DEFAULT_MAX_OUTBOX_BYTES,
    librdkafka: Mapping[str, Property] = _NO_PROPERTIES,
) -> Callable[[], EventSink]:
    """What opens a sink for `topic` of the log at `address` with the outbox at a path before it.

    Args:
        address: which log.
        topic: what to publish to.
        outbox: the file, which is made if there is none.
        producer: the producer's name, which stamps carry.
        max_outbox_bytes: see `OutboxSettings`.
        librdkafka: properties of librdkafka for Kafka.

    Raises:
        LogError: as `sink_factory`. The factory raises what Outbox and OutboxSink raise, and
            ExtraMissingError where confluent-kafka is not installed.
    """
    path = Path(outbox).absolute()
    if address.startswith(KAFKA_SCHEME):
        kafka = KafkaSettings(
            parse_kafka_address(address),
            {"transaction.timeout.ms": _TRANSACTION_TIMEOUT_MS, **librdkafka},
            open_timeout_s=_PATIENCE_S,
            append_timeout_s=_PATIENCE_S,
        )
        open_log: Callable[[], _ClosableLog] = partial(_open_kafka_log, kafka)
    else:
        open_log = partial(_open_sqlite_log, _sqlite_path(address))
    return partial(_open_outbox_sink, open_log, topic, path, producer, max_outbox_bytes)


class _ClosableLog(Log, Protocol):
    def close(self) -> None: ...


def _open_outbox_sink(
    open_log: Callable[[], _ClosableLog], topic: str, path: Path, producer: str, max_outbox_bytes: int
) -> EventSink:
    from sealtrail_producers.outbox import Outbox
    from sealtrail_producers.outbox_sink import OutboxSettings, OutboxSink

    settings = OutboxSettings(max_outbox_bytes=max_outbox_bytes)
    with ExitStack() as opened:
        log = open_log()
        opened.callback(log.close)
        outbox = Outbox(path, producer=producer, topic=topic)
        opened.callback(outbox.close)
        sink = OutboxSink(outbox, log, settings=settings, on_close=log.close)
        opened.pop_all()  # they are the sink's now
    return sink


def _open_kafka_log(settings: KafkaSettings) -> _ClosableLog:
    from sealtrail_transport.kafka_access import open_kafka_log

    return open_kafka_log(settings)


def _open_sqlite_log(path: Path) -> SqliteLog:
    from sealtrail_transport.sqlite_log import SqliteLog

    if not path.exists():
        raise LogError(f"there is no log at {path}; `sealtrail init` makes one")
    return SqliteLog(path)


def _sqlite_path(address: str) -> Path:
    scheme, _, place = address.partition(":")
    if scheme != "sqlite" or not place:
        raise LogError(f"{address!r} is not the address of a log; write sqlite:PATH or kafka://HOST:PORT")
    return Path(place).absolute()


def _open_kafka_sink(settings: KafkaSettings, topic: str, producer: str | None) -> EventSink:
    from sealtrail_transport.kafka_access import open_kafka_sink

    return open_kafka_sink(settings, topic, stamper=_new_stamper(producer))


def _new_stamper(producer: str | None) -> Stamper | None:
    """Of a new incarnation."""
    return None if producer is None else Stamper(producer, os.urandom(INCARNATION_BYTES))


def _open_sqlite_sink(
    path: Path, topic: str, settings: SinkSettings | None, producer: str | None
) -> EventSink:
    log = _open_sqlite_log(path)
    try:
        return BufferedSink(log, topic, settings=settings, stamper=_new_stamper(producer), on_close=log.close)
    except BaseException:
        log.close()
        raise
