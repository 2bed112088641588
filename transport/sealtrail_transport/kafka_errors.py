"""What confluent-kafka raises, as the log port's errors: one line each that says what to do.

Errors go by their names in librdkafka's `rdkafka.h`, which lists the Kafka protocol's as well; those with an
underscore in front are librdkafka's own.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException

from sealtrail_transport.errors import (
    LogDeniedError,
    LogError,
    LogUnavailableError,
    OffsetOutOfRangeError,
    RecordRefusedError,
    TopicMissingError,
    WriterFencedError,
)
from sealtrail_transport.kafka_settings import READER_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_transport.kafka_client import ClientEvents


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried, for the line that says why it failed.

    Attributes:
        what: goes on after "can't": `read payments/0`.
        topic: the topic that it concerns.
        operation: the ACL operation (KIP-11) that it takes on that topic, or on the cluster if there is none.
        writer: the transactional id.
        group: the consumer group; readers have one, too, since librdkafka asks for it.
    """

    what: str
    topic: str | None = None
    operation: str = "Describe"
    writer: str | None = None
    group: str = READER_GROUP

    def missing_acl(self, code: str) -> str:
        """The permission that a broker misses when it answers with `code`, in the words of its ACLs."""
        if code.startswith("TRANSACTIONAL_ID"):
            return f"Write on transactional id {self.writer!r}"
        if code.startswith("GROUP"):
            return f"Read on group {self.group!r}"
        if code.startswith("TOPIC") and self.topic is not None:
            return f"{self.operation} on topic {self.topic!r}"
        return f"{self.operation} on the cluster"


REFUSED: Final = frozenset({"MSG_SIZE_TOO_LARGE", "INVALID_TIMESTAMP", "INVALID_RECORD"})
"""What a broker answers when it is the record that it does not want."""

FENCED: Final = frozenset({"_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"})
"""That the epoch of a producer has passed, by a newer writer or by the coordinator's own doing (KIP-588)."""

_NOT_AUTHORISED: Final = frozenset(
    f"{resource}_AUTHORIZATION_FAILED" for resource in ("TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID")
)

_KINDS: Final[dict[str, type[LogError]]] = (
    dict.fromkeys(
        ("UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"),
        TopicMissingError,
    )
    | dict.fromkeys(("OFFSET_OUT_OF_RANGE", "_AUTO_OFFSET_RESET", "_LOG_TRUNCATION"), OffsetOutOfRangeError)
    | dict.fromkeys(REFUSED, RecordRefusedError)
    | dict.fromkeys((*FENCED, "FENCED_INSTANCE_ID", "UNRELEASED_INSTANCE_ID"), WriterFencedError)
    | dict.fromkeys(
        (
            "_ALL_BROKERS_DOWN",
            "_DESTROY_BROKER",
            "_DESTROY",
            "_MSG_TIMED_OUT",
            "_RESOLVE",
            "_TIMED_OUT",
            "_TIMED_OUT_QUEUE",
            "_TRANSPORT",
            "_WAIT_CACHE",
            "_WAIT_COORD",
            "_NOENT",  # librdkafka knows no leader of the partition, yet
            "BROKER_NOT_AVAILABLE",
            "CONCURRENT_TRANSACTIONS",
            "COORDINATOR_LOAD_IN_PROGRESS",
            "COORDINATOR_NOT_AVAILABLE",
            "KAFKA_STORAGE_ERROR",
            "LEADER_NOT_AVAILABLE",
            "NETWORK_EXCEPTION",
            "NOT_CONTROLLER",
            "NOT_COORDINATOR",
            "NOT_ENOUGH_REPLICAS",
            "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            "NOT_LEADER_FOR_PARTITION",
            "OFFSET_NOT_AVAILABLE",
            "REPLICA_NOT_AVAILABLE",
            "REQUEST_TIMED_OUT",
            "THROTTLING_QUOTA_EXCEEDED",
        ),
        LogUnavailableError,
    )
    | dict.fromkeys(
        (
            "_AUTHENTICATION",
            "_SSL",
            "DELEGATION_TOKEN_EXPIRED",
            "ILLEGAL_SASL_STATE",
            "SASL_AUTHENTICATION_FAILED",
            "SECURITY_DISABLED",
            "UNSUPPORTED_SASL_MECHANISM",
            *_NOT_AUTHORISED,
        ),
        LogDeniedError,
    )
)

_ADVICE: Final[dict[str, str]] = {
    "_AUTHENTICATION": "the broker refuses the credentials; check sasl.mechanisms, user name and password",
    "SASL_AUTHENTICATION_FAILED": "the broker refuses the credentials; check user name and password",
    "_SSL": "no trusted TLS connection; check security.protocol, ssl.ca.location, the host name, and until "
    "when the broker's certificate is valid",
    "_PURGE_QUEUE": "the sink was closed first",
    "_PURGE_INFLIGHT": "the sink was closed while it was under way",
    "_ALL_BROKERS_DOWN": "no broker answers; check the address and security.protocol",
    "FENCED_INSTANCE_ID": "another process has joined under the same instance name; give each its own",
    "UNRELEASED_INSTANCE_ID": "another process has joined under the same instance name; give each its own",
    "INVALID_TRANSACTION_TIMEOUT": "the broker's transaction.max.timeout.ms is below transaction.timeout.ms",
    "NOT_ENOUGH_REPLICAS": "fewer replicas are in sync than min.insync.replicas asks for",
    "MSG_SIZE_TOO_LARGE": "the record is too large; the topic's max.message.bytes is the most, as compressed",
    "INVALID_REPLICATION_FACTOR": "the cluster has fewer brokers than the replication factor asks for",
}


def log_error(error: KafkaError, attempt: Attempt, events: ClientEvents) -> LogError:
    """The port's error for one of Kafka's.

    A timeout alone says little: the cause that the client reported meanwhile, such as a refused password,
    decides then.
    """
    cause = events.cause
    if cause is not None and kind_of(error) is LogUnavailableError:
        error = cause
    name = error.name()
    kind = kind_of(error)
    said = _line(error.str())
    if name in _NOT_AUTHORISED:
        said = f"not authorised; it takes {attempt.missing_acl(name)}"
    elif name in _ADVICE:
        said = f"{_ADVICE[name]} ({said})"
    elif kind is LogError:
        said = f"{said} ({name})"
    return kind(f"Kafka at {events.where}: can't {attempt.what}: {said}")


def kind_of(error: KafkaError) -> type[LogError]:
    """The class of the port's error; those that librdkafka would try again count as unavailability."""
    return _KINDS.get(error.name(), LogUnavailableError if error.retriable() else LogError)


@contextlib.contextmanager
def kafka_errors(attempt: Attempt, events: ClientEvents) -> Iterator[None]:
    """Turn what confluent-kafka raises into the port's errors."""
    try:
        yield
    except KafkaException as error:
        raise log_error(error.args[0], attempt, events) from error


def _line(said: str) -> str:
    return " ".join(said.split()).rstrip(".")
