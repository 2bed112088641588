"""What a record weighs: one count for the limits of reads, records and buffers, the same in every adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sealtrail_schemas.record import Header
    from sealtrail_transport.log import NewRecord

# Upper bounds of what Kafka's record format v2 adds (a batch of one record; the two lengths of a header).
# Counting as Kafka does keeps a record that fits one log fitting the other.
RECORD_OVERHEAD_BYTES: Final = 61 + 21
HEADER_OVERHEAD_BYTES: Final = 10

STAMP_ROOM_BYTES: Final = 200 + HEADER_OVERHEAD_BYTES
"""What a producer's stamp adds to a record at the most, void numbers aside: it counts before it is put on."""


def content_bytes(key: bytes | None, value: bytes | None, headers: tuple[Header, ...]) -> int:
    """Length of the key, the value and all headers together; null weighs nothing."""
    size = len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name) + len(content or b"")
    return size


def record_bytes(record: NewRecord) -> int:
    """What a record counts against `TopicInfo.max_record_bytes`: its content and the log's overhead."""
    content = content_bytes(record.key, record.value, record.headers)
    return content + RECORD_OVERHEAD_BYTES + HEADER_OVERHEAD_BYTES * len(record.headers)
