"""Settings of the Kafka adapter, and which settings of librdkafka are not the user's to change.

Property names and defaults: librdkafka's CONFIGURATION.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from sealtrail_transport.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Mapping

Property: TypeAlias = str | int | float | bool

READER_GROUP: Final = "sealtrail-reader"
"""The group of consumers that are told what to read. It exists in name only, and takes no permission."""

USUAL_RECORD_BYTES: Final = 1_048_588
"""Kafka's default for `max.message.bytes`, for where a producer is not allowed to ask."""

_MIB: Final = 2**20
_BATCH_BYTES: Final = 1_000_000
_MAX_UNCOMPRESSED_BYTES: Final = 96 * _MIB
"""Just below what a broker takes in one request (`socket.request.max.bytes`, 100 MiB by default)."""

_TRUE: Final = ("true",)
_FALSE: Final = ("false",)
_NEVER: Final[tuple[str, ...]] = ()

_BOUND: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "bootstrap.servers": (_NEVER, "the brokers are a setting of their own"),
    "metadata.broker.list": (_NEVER, "the brokers are a setting of their own"),
    "enable.idempotence": (_TRUE, "records could be stored twice or out of order"),
    "acks": (("all", "-1"), "an acknowledged record could be lost with one broker"),
    "request.required.acks": (("all", "-1"), "an acknowledged record could be lost with one broker"),
    "transactional.id": (_NEVER, "it is derived from the trail; any other would not fence older writers"),
    "isolation.level": (("read_committed",), "records of aborted transactions would be read"),
    "auto.offset.reset": (("error",), "reading past either end would skip records without a word"),
    "check.crcs": (_TRUE, "a record damaged on its way would be taken as it is"),
    "enable.auto.commit": (_FALSE, "the chained topic says where reading goes on, not the group's offsets"),
    "enable.auto.offset.store": (
        _FALSE,
        "the chained topic says where reading goes on, not the group's offsets",
    ),
    "enable.partition.eof": (_FALSE, "the end of a partition is asked for, not announced"),
    "delivery.report.only.error": (_FALSE, "a delivered record must say where it went"),
    "group.id": (_NEVER, "the group is a setting of its own"),
    "group.instance.id": (_NEVER, "the instance is a setting of its own"),
    "group.protocol": (("classic",), "static membership is kept with the classic protocol"),
    "partition.assignment.strategy": (
        ("cooperative-sticky",),
        "other strategies stop every trail whenever one process comes or goes",
    ),
    "default.topic.config": (_NEVER, "topic properties are given like all others"),
}
"""Properties that carry a promise: the values allowed, and what any other would break."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where Kafka is and how to talk to it.

    Attributes:
        bootstrap_servers: `HOST:PORT`, several separated by commas.
        librdkafka: any property of librdkafka, e.g. `security.protocol`. They win over the defaults made
            here, save for those that a promise of the log port rests on. Never shown: they hold passwords.
        request_timeout_s: for one question to the cluster.
        open_timeout_s: for opening a writer, which waits until an older one's transaction is settled.
        append_timeout_s: for one transaction, after which its outcome counts as unknown.
        max_readers: partitions that are read at one time; each holds a consumer with up to 16 MiB fetched.

    Raises:
        LogError: a property would break a promise, or is none that librdkafka could take.
    """

    bootstrap_servers: str
    librdkafka: Mapping[str, Property] = field(default_factory=dict, repr=False)
    request_timeout_s: float = 15.0
    open_timeout_s: float = 60.0
    append_timeout_s: float = 60.0
    max_readers: int = 32

    def __post_init__(self) -> None:
        for name, value in self.librdkafka.items():
            if not isinstance(value, str | int | float):
                raise LogError(f"the Kafka setting {name} must be a text or a number")
            allowed, harm = _BOUND.get(name, (None, ""))
            if allowed is not None and str(value).lower() not in allowed:
                advice = f"leave it at {allowed[0]}" if allowed else "leave it out"
                raise LogError(f"the Kafka setting {name} can't be changed: {harm}; {advice}")

    def common(self) -> dict[str, Property]:
        """Properties of every client."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": "sealtrail",
            "reconnect.backoff.max.ms": 2_000,
            "socket.keepalive.enable": True,
            **self.librdkafka,
        }

    def reader(self) -> dict[str, Property]:
        """Properties of a consumer that is told what to read."""
        return {
            "fetch.message.max.bytes": 4 * _MIB,
            # By default a full queue is looked at again after a second, and a fetch that finds nothing holds
            # up the next one for half a second.
            "fetch.queue.backoff.ms": 5,
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 100,
            "queued.max.messages.kbytes": 16 * 1024,
            "allow.auto.create.topics": False,
            **self.common(),
            "group.id": READER_GROUP,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "check.crcs": True,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }

    def member(self, group: str, instance: str) -> dict[str, Property]:
        """Properties of a consumer that joins `group` as the static member `instance` (KIP-345, KIP-429)."""
        return {
            "allow.auto.create.topics": False,
            **self.common(),
            "group.id": group,
            "group.instance.id": instance,
            "group.protocol": "classic",
            "partition.assignment.strategy": "cooperative-sticky",
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }

    def writer(self, name: str, *, max_record_bytes: int) -> dict[str, Property]:
        """Properties of a transactional producer for a topic that takes records of `max_record_bytes`."""
        return {
            "compression.type": "lz4",
            # The broker weighs compressed batches, librdkafka single records before: let the broker judge.
            "message.max.bytes": _MAX_UNCOMPRESSED_BYTES,
            # A batch of good records must not be refused as too large.
            "batch.size": min(_BATCH_BYTES, max(1, max_record_bytes)),
            # Each transaction waits for the markers of the one before; by default 100 ms at a time.
            "retry.backoff.ms": 1,
            "retry.backoff.max.ms": 5,
            "transaction.timeout.ms": 60_000,
            **self.common(),
            "transactional.id": name,
            "enable.idempotence": True,
            "acks": "all",
        }

    def sink(self, *, max_record_bytes: int = USUAL_RECORD_BYTES) -> dict[str, Property]:
        """Properties of a producer of events: idempotent, without transactions."""
        return {
            "compression.type": "lz4",
            "message.max.bytes": _MAX_UNCOMPRESSED_BYTES,
            "batch.size": min(_BATCH_BYTES, max(1, max_record_bytes)),
            # A buffer that is smaller than an event never has room for it.
            "queue.buffering.max.kbytes": _MAX_UNCOMPRESSED_BYTES // 1024,
            "delivery.timeout.ms": 120_000,
            "partitioner": "murmur2_random",  # as Kafka's own clients place keys
            **self.common(),
            "enable.idempotence": True,
            "acks": "all",
        }
