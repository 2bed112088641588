"""From a log's address to the sink of one of its topics.

`sqlite:PATH` is the embedded log in that file, as `sealtrail init` makes it. `kafka://HOST:PORT[,HOST:PORT…]`
is a Kafka cluster; it takes the extra `kafka`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sealtrail_transport.buffered_sink import BufferedSink, SinkSettings
from sealtrail_transport.errors import LogError
from sealtrail_transport.kafka_address import KAFKA_SCHEME, parse_kafka_address
from sealtrail_transport.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.log import EventSink

_NO_PROPERTIES: Final[Mapping[str, Property]] = MappingProxyType({})


def sink_factory(
    address: str,
    topic: str,
    *,
    settings: SinkSettings | None = None,
    librdkafka: Mapping[str, Property] = _NO_PROPERTIES,
) -> Callable[[], EventSink]:
    """What opens a sink for `topic` of the log at `address`; callable again in a forked child.

    Args:
        address: which log.
        topic: what to publish to.
        settings: bounds of the buffer in front of the embedded log.
        librdkafka: properties of librdkafka for Kafka, which has a buffer of its own.

    Raises:
        LogError: the address is of no kind known here, or a property can't be changed. The factory raises
            what the sink raises, and ExtraMissingError where confluent-kafka is not installed.
    """
    if address.startswith(KAFKA_SCHEME):
        from sealtrail_transport.kafka_access import open_kafka_sink

        kafka = KafkaSettings(parse_kafka_address(address), dict(librdkafka))
        return partial(open_kafka_sink, kafka, topic)
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        return partial(_open_sqlite_sink, Path(place).absolute(), topic, settings)
    raise LogError(f"{address!r} is not the address of a log; write sqlite:PATH or kafka://HOST:PORT")


def _open_sqlite_sink(path: Path, topic: str, settings: SinkSettings | None) -> EventSink:
    from sealtrail_transport.sqlite_log import SqliteLog

    if not path.exists():
        raise LogError(f"there is no log at {path}; `sealtrail init` makes one")
    log = SqliteLog(path)
    try:
        return BufferedSink(log, topic, settings=settings, on_close=log.close)
    except BaseException:
        log.close()
        raise
