"""Errors of the log and store ports.

TransportError
├── LogError
│   ├── LogUnavailableError     away, or can't store: wait and call again
│   │   └── LogBusyError        another process holds the data folder
│   ├── LogDeniedError          credentials or rights are missing, wrong or too narrow
│   ├── TopicMissingError       no such topic or partition
│   ├── OffsetOutOfRangeError   reading past either end
│   ├── RecordRefusedError      the log refuses a record as it is
│   ├── WriterFencedError       a newer writer exists
│   ├── UncertainAppendError    appended or not: unknown
│   ├── BufferFullError         a producer's buffer had no room in time
│   └── DeliveryError           an event could not be delivered
├── ExtraMissingError           a part of sealtrail that is not installed
└── StoreError
    ├── StoreUnavailableError   away: wait and call again
    ├── StoreDeniedError        credentials missing, wrong or too narrow
    ├── ObjectMissingError      no such object or version
    ├── ObjectExistsError       the name is taken (write-once)
    ├── ChecksumMismatchError   what arrived is not what was sent
    ├── LockUnsupportedError    the store can't keep the promise of Object Lock
    ├── CopyIncompleteError     a fetched copy that was not finished
    └── CopyDamagedError        a fetched copy whose notes can't be read
"""

from __future__ import annotations


class TransportError(Exception):
    """Any failure of a log or a store."""


class ExtraMissingError(TransportError):
    """An adapter needs a package that was not installed; the message names the extra that brings it."""


class LogError(TransportError):
    """Any failure of a log."""


class LogUnavailableError(LogError):
    """The log can't be reached or can't store right now; the same call may succeed later."""


class LogBusyError(LogUnavailableError):
    """Another process holds the log in a way that excludes this one."""


class LogDeniedError(LogError):
    """The log refuses these credentials, this connection or this action: trying again will not help."""


class TopicMissingError(LogError):
    """The topic or partition does not exist."""


class OffsetOutOfRangeError(LogError):
    """A read below the first or beyond the last offset of a partition."""


class RecordRefusedError(LogError):
    """The log refuses at least one record of an append as it is, however often it is tried."""


class WriterFencedError(LogError):
    """A newer writer of the same name exists."""


class UncertainAppendError(LogError):
    """Whether an append took effect is not known."""


class BufferFullError(LogError):
    """The producer's buffer had no room within the time allowed."""


class DeliveryError(LogError):
    """An event could not be delivered to the log."""


class StoreError(TransportError):
    """Any failure of a store."""


class StoreUnavailableError(StoreError):
    """The store can't be reached right now; the same call may succeed later."""


class StoreDeniedError(StoreError):
    """The store refuses these credentials or this action."""


class ObjectMissingError(StoreError):
    """There is no such object or version."""


class ObjectExistsError(StoreError):
    """A write-once put found the name taken."""


class ChecksumMismatchError(StoreError):
    """The store received other bytes than were sent."""


class LockUnsupportedError(StoreError):
    """The store or bucket does not keep the promises of Object Lock."""


class CopyIncompleteError(StoreError):
    """A fetched copy was not finished; fetching again goes on where it stopped."""


class CopyDamagedError(StoreError):
    """The notes of a fetched copy can't be read or contradict themselves."""
