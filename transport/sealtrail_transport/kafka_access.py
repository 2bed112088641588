"""Opening Kafka; confluent-kafka is loaded only here, when asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_transport.errors import ExtraMissingError

if TYPE_CHECKING:
    from sealtrail_transport.kafka_log import KafkaLog
    from sealtrail_transport.kafka_settings import KafkaSettings
    from sealtrail_transport.kafka_sink import KafkaSink
    from sealtrail_transport.stamper import Stamper


def open_kafka_log(settings: KafkaSettings) -> KafkaLog:
    """Open the log. Nothing is asked of the cluster yet.

    Raises:
        ExtraMissingError: confluent-kafka is not installed.
        LogError: librdkafka does not take a setting.
    """
    require_kafka()
    from sealtrail_transport.kafka_log import KafkaLog

    return KafkaLog(settings)


def open_kafka_sink(settings: KafkaSettings, topic: str, *, stamper: Stamper | None = None) -> KafkaSink:
    """Open a sink for the events of one topic.

    Raises:
        ExtraMissingError: confluent-kafka is not installed.
        LogError: as KafkaSink.
    """
    require_kafka()
    from sealtrail_transport.kafka_sink import KafkaSink

    return KafkaSink(settings, topic, stamper=stamper)


def require_kafka() -> None:
    """Raise ExtraMissingError unless confluent-kafka is installed."""
    try:
        import confluent_kafka  # noqa: F401 - only whether it is there
    except ImportError:
        raise ExtraMissingError(
            "talking to Kafka needs confluent-kafka: pip install 'sealtrail[kafka]'"
        ) from None
