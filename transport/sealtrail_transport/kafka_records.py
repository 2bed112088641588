"""Records between the port and confluent-kafka."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_NONE
from sealtrail_transport.errors import RecordRefusedError
from sealtrail_transport.log import LogRecord

if TYPE_CHECKING:
    from confluent_kafka import Message

    from sealtrail_schemas.record import Header
    from sealtrail_transport.log import NewRecord

# Headers with a key that is not UTF-8 come as a broken list with an exception pending. Python notices that
# and raises SystemError, but not where it has specialised a frequent call `message.headers()` (PEP 659):
# there it goes on, and crashes. A call from C is always checked.
_headers_of: Final = methodcaller("headers")
_NO_HEADERS: Final[tuple[Header, ...]] = ()
_new_tuple: Final = tuple.__new__  # what LogRecord._make calls, at half its cost


def log_record(message: Message) -> LogRecord:
    """A message as a LogRecord.

    confluent-kafka can't hand over headers with a key that is not UTF-8; such a record is unreadable. It cuts
    a key short at a NUL character, which can't be told from here.

    To be called once for each message: to be asked for such headers again crashes the interpreter.
    """
    kind, time_ms = message.timestamp()
    if time_ms == NO_TIMESTAMP:
        kind = TIMESTAMP_NONE
    unreadable = None
    headers = _NO_HEADERS
    try:
        found = _headers_of(message)
        if found:
            headers = tuple([(key.encode(), value) for key, value in found])
    except SystemError:
        unreadable = "a header key is not UTF-8"
    offset: Any = message.offset()  # only an event without a message has none
    return _new_tuple(LogRecord, (offset, message.key(), message.value(), headers, time_ms, kind, unreadable))


def message_headers(record: NewRecord, index: int) -> list[tuple[str, str | bytes | None]]:
    """Headers as confluent-kafka takes them.

    Raises:
        RecordRefusedError: a key is not UTF-8 or holds NUL, which librdkafka's Python client crashes on or
            cuts short.
    """
    try:
        return [(_decoded(key), value) for key, value in record.headers]
    except ValueError as error:
        raise RecordRefusedError(
            f"record {index} has a header key that Kafka's client can't send: {error}"
        ) from error


def message_time(record: NewRecord, index: int) -> int:
    """The timestamp as confluent-kafka takes it, in milliseconds; 0 lets it choose.

    Raises:
        RecordRefusedError: the timestamp is 0, which can't be told from none, or beyond 64 bits.
    """
    time_ms = record.timestamp_ms
    if time_ms is None:
        return 0
    if not -(2**63) <= time_ms < 2**63:
        raise RecordRefusedError(f"record {index} has a timestamp beyond 64 bits: {time_ms}")
    if time_ms == 0:
        raise RecordRefusedError(
            f"record {index} has the timestamp 0, which Kafka's client sends as the present"
        )
    return time_ms


def _decoded(key: bytes) -> str:
    if 0 in key:
        raise ValueError(f"{key!r} holds a NUL byte")
    return key.decode()
