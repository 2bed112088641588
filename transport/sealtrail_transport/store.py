"""The store port: what sealtrail needs of a versioned object store with Object Lock.

Object Lock protects *versions*, never names: a second put makes a newer version and a plain delete puts a
marker on top. So every reader names the version it wants, and listings are of versions.

Adapters: `sealtrail_transport.s3_store`, `sealtrail_transport.folder_store` (no lock, or a fetched copy that
knows what the lock was), `sealtrail_transport.memory_store`. `tests/contracts/store_contract.py` runs over
every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime


class LockMode(StrEnum):
    """Object Lock modes, spelt as S3 spells them."""

    COMPLIANCE = "COMPLIANCE"
    GOVERNANCE = "GOVERNANCE"


class LockKnowledge(StrEnum):
    """How a store knows what it says about locks."""

    ENFORCED = "enforced"  # the store itself holds the lock and was asked
    NOTED = "noted"  # a copy's notes say what the lock was when the copy was made
    NONE = "none"  # a plain folder: nothing is known and nothing is enforced


@dataclass(frozen=True, slots=True)
class Retention:
    """One version's lock: mode and the moment (UTC, whole seconds) until which it can't be deleted."""

    mode: LockMode
    until: datetime


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One line of a listing of versions. `size` is in bytes; 0 for a delete marker."""

    key: str
    version_id: str
    is_delete_marker: bool
    is_latest: bool
    size: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version as the store describes it; `last_modified` is UTC, whole seconds."""

    key: str
    version_id: str
    size: int
    last_modified: datetime
    retention: Retention | None
    legal_hold: bool


class Store(Protocol):
    """A bucket and prefix. Keys are relative to the prefix and use `/`.

    Every method may raise StoreUnavailableError (the caller waits and calls again) or StoreDeniedError.
    """

    @property
    def lock_knowledge(self) -> LockKnowledge:
        """How this store knows what `head` says about retention."""
        ...

    @property
    def url(self) -> str:
        """The store's address as a person would write it: `s3://bucket/prefix` or a folder."""
        ...

    def put(
        self,
        key: str,
        body: bytes,
        *,
        retention: Retention | None,
        only_if_absent: bool = True,
        content_type: str = "application/octet-stream",
    ) -> str:
        """Write one object with its SHA-256 as the checksum, durably, and return its version id.

        `only_if_absent` puts with `If-None-Match: *`, which heeds the *current* version only: under a delete
        marker it succeeds, so callers list the versions too. Without it, a new version is made on top of what
        is there (a store without versions replaces it). The call may be repeated after StoreUnavailableError,
        and may then find what it wrote itself. `retention.until` is cut to whole seconds.

        Raises:
            ObjectExistsError: `only_if_absent` and the name has a current version.
            ChecksumMismatchError: the bytes were damaged on their way.
            LockUnsupportedError: `retention` was asked of a store that can't lock.
            StoreError: the retention ends in the past, or the key can't be a name here.
        """
        ...

    def put_view(self, key: str, body: bytes) -> str:
        """Write a view, without a lock and over what is there; return its version id.

        The only names that this writes are those of views (`sealtrail_schemas.layout.parse_view_key`), none
        of which lies in a trail's folder.

        Raises:
            StoreError: the key is none of a view.
        """
        ...

    def versions(
        self, prefix: str, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectVersion]:
        """List versions and delete markers of keys that start with `prefix`: by key, newest first within one.

        `after` lists only keys that sort behind it (all versions of `after` itself are left out); `limit`
        bounds the number of lines. Memory stays bounded by one page, and errors may come while iterating.
        """
        ...

    def head(self, key: str, version_id: str) -> ObjectInfo:
        """Describe one version. Raises ObjectMissingError."""
        ...

    def open(self, key: str, version_id: str) -> BinaryIO:
        """Open one version for streaming; the caller closes it. Raises ObjectMissingError.

        A connection that breaks while reading raises StoreUnavailableError from `read`.
        """
        ...

    def read_range(self, key: str, version_id: str, *, start: int, length: int) -> bytes:
        """Read at most `length` bytes (1 or more) of one version, from the byte `start` on.

        What comes back is shorter only at the version's end, and empty behind it. Raises ObjectMissingError.
        """
        ...


@runtime_checkable
class Reopenable(Protocol):
    """A store that another process can open as well."""

    @property
    def opener(self) -> Callable[[], Store] | None:
        """Opens the same store again. It can be pickled, where the store itself has connections; None: can't.

        It may hold credentials, so it is for pipes to child processes and not for files.
        """
        ...


class StoreAdmin(Protocol):
    """What `init` needs beside `Store`."""

    def ensure_bucket(self) -> bool:
        """Create the bucket with Object Lock, or check the one that is there; returns True if it was created.

        Raises:
            LockUnsupportedError: the bucket is there without Object Lock.
        """
        ...
