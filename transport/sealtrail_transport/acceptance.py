"""What the embedded logs refuse, and how they stamp what they accept: one rule for SQLite and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_CREATE, TIMESTAMP_NONE
from sealtrail_transport.errors import RecordRefusedError
from sealtrail_transport.record_size import record_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_transport.log import NewRecord

_TIMESTAMP_LIMIT: Final = 2**63


def refuse_unacceptable(records: Sequence[NewRecord], *, max_record_bytes: int) -> None:
    """Raise RecordRefusedError, naming the first record that is too large or has an impossible timestamp."""
    for index, record in enumerate(records):
        size = record_bytes(record)
        if size > max_record_bytes:
            raise RecordRefusedError(
                f"record {index} takes {size} bytes; the topic allows {max_record_bytes}"
            )
        time_ms = record.timestamp_ms
        if time_ms is not None and not -_TIMESTAMP_LIMIT <= time_ms < _TIMESTAMP_LIMIT:
            raise RecordRefusedError(f"record {index} has a timestamp beyond 64 bits: {time_ms}")


def stamp(record: NewRecord, *, append_time: bool, now_ms: int) -> tuple[int, int]:
    """The timestamp a log keeps for a record, in milliseconds, and its type (TIMESTAMP_…)."""
    if append_time:
        return now_ms, TIMESTAMP_APPEND
    if record.timestamp_ms is None:
        return now_ms, TIMESTAMP_CREATE
    if record.timestamp_ms == NO_TIMESTAMP:
        return NO_TIMESTAMP, TIMESTAMP_NONE
    return record.timestamp_ms, TIMESTAMP_CREATE
