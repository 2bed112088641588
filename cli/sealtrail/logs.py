"""Opening the log of a deployment: SQLite under the data folder, or a Kafka cluster."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from sealtrail.data_folder import SQLITE
from sealtrail.exits import CommandError
from sealtrail_transport.kafka_address import parse_kafka_address
from sealtrail_transport.log import Log, LogAdmin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail_transport.kafka_settings import KafkaSettings, Property

_LEAST_READERS: Final = 32


class DeployedLog(Log, LogAdmin, Protocol):
    """A log that can also make its topics."""


@contextmanager
def open_log(
    folder: DataFolder, deployment: Deployment, librdkafka: Mapping[str, Property]
) -> Iterator[DeployedLog]:
    """Open the log of a deployment for as long as the context lasts. Of Kafka, nothing is asked yet.

    Raises:
        ExtraMissingError: what Kafka needs is not installed.
        LogError: the log can't be opened, or librdkafka does not take a setting.
    """
    if deployment.is_kafka:
        from sealtrail_transport.kafka_access import open_kafka_log

        settings = kafka_settings(deployment.log, librdkafka, partitions=deployment.partitions)
        with open_kafka_log(settings) as kafka:
            yield kafka
        return
    from sealtrail_transport.sqlite_log import SqliteLog

    with SqliteLog(folder.log) as sqlite:
        yield sqlite


def kafka_settings(address: str, librdkafka: Mapping[str, Property], *, partitions: int = 1) -> KafkaSettings:
    """Settings of the adapter for a `kafka://` address. Raises LogError as `open_log`."""
    from sealtrail_transport.kafka_settings import KafkaSettings

    # One process may be given every partition, and reads both of its topics.
    readers = max(_LEAST_READERS, 2 * partitions)
    return KafkaSettings(parse_kafka_address(address), librdkafka, max_readers=readers)


def sink_address(folder: DataFolder, deployment: Deployment) -> str:
    """The address of a deployment's log, as `sealtrail_producers.connect` takes it."""
    return deployment.log if deployment.is_kafka else f"sqlite:{folder.log}"


def choose_address(fixed: str, wanted: str | None) -> str:
    """The address under which a log is reached now: `wanted`, if any, for the same log as `fixed`.

    Raises:
        CommandError: they are not of one kind.
        LogError: `wanted` is no address.
    """
    if wanted is None or wanted == fixed:
        return fixed
    if SQLITE in {wanted, fixed}:
        raise CommandError(f"the log of this deployment is {fixed}, not {wanted}: leave --log out")
    parse_kafka_address(wanted)
    return wanted
