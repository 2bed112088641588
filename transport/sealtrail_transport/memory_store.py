"""The store in memory: a versioned bucket with Object Lock, for tests.

It keeps S3's rules as Amazon's documentation states them ("How S3 Object Lock works", "Conditional writes").
Beside the port it offers what an operator or an attacker can do to a bucket (markers, deleted versions,
changed retention) and what only somebody below the API can do (rot, erasure). A fault hook stands for the
network.
"""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, replace
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, BinaryIO, Protocol

from sealtrail_transport.errors import ObjectExistsError, ObjectMissingError, StoreDeniedError, StoreError
from sealtrail_transport.store import LockKnowledge, LockMode, ObjectInfo, ObjectVersion, Retention
from sealtrail_transport.store_keys import VIEW_CONTENT_TYPE, check_view_key, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from _typeshed import WriteableBuffer


class Fault(Protocol):
    """Called around every operation of the port; it misbehaves by raising StoreUnavailableError.

    `operation` is `put`, `versions`, `head`, `open`, `read` (one read from an opened version) or
    `read_range`; `phase` is `before` (the call failed) or `after` (it took effect, and the answer was lost).
    """

    def __call__(self, operation: str, key: str, phase: str) -> None:
        """Return to let the operation go on."""
        ...


@dataclass(slots=True)
class _Version:
    """One version as the bucket holds it; `body` is None for a delete marker."""

    version_id: str
    body: bytes | None
    last_modified: datetime
    retention: Retention | None = None
    legal_hold: bool = False


class MemoryStore:
    """A versioned bucket with Object Lock, in memory; safe to call from several threads.

    Args:
        clock: the bucket's own time, aware of its zone.
        fault: called around every operation of the port; it may also be set later, as the attribute.
    """

    def __init__(self, clock: Callable[[], datetime], *, fault: Fault | None = None) -> None:
        self.fault = fault
        self._clock = clock
        self._objects: dict[str, list[_Version]] = {}  # oldest version first
        self._keys: list[str] = []  # of _objects, sorted
        self._made = 0
        self._guard = RLock()

    @property
    def lock_knowledge(self) -> LockKnowledge:
        """Always ENFORCED: the methods below refuse what Object Lock refuses."""
        return LockKnowledge.ENFORCED

    @property
    def url(self) -> str:
        """A name for messages; it leads nowhere."""
        return "memory://bucket"

    def ensure_bucket(self) -> bool:
        """See `StoreAdmin.ensure_bucket`: the bucket is always there."""
        return False

    def put(
        self,
        key: str,
        body: bytes,
        *,
        retention: Retention | None,
        only_if_absent: bool = True,
        content_type: str = "application/octet-stream",  # noqa: ARG002 - part of the port; nothing here serves it
    ) -> str:
        """See `Store.put`. A retention in the past raises StoreError, as S3 answers it."""
        self._trouble("put", key, "before")
        with self._guard:
            held = self._objects.get(key, [])
            if only_if_absent and held and held[-1].body is not None:
                raise ObjectExistsError(f"{key} is there already")
            if retention is not None:
                retention = replace(retention, until=whole_seconds(retention.until))
                if retention.until <= self._clock():
                    raise StoreError(f"the retention of {key} ends in the past")
            version_id = self._add(key, bytes(body), retention)
        self._trouble("put", key, "after")
        return version_id

    def put_view(self, key: str, body: bytes) -> str:
        """See `Store.put_view`."""
        return self.put(
            check_view_key(key), body, retention=None, only_if_absent=False, content_type=VIEW_CONTENT_TYPE
        )

    def versions(
        self, prefix: str, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectVersion]:
        """See `Store.versions`: a snapshot, taken by the call."""
        self._trouble("versions", prefix, "before")
        with self._guard:
            lines = list(islice(self._lines(prefix, after), limit))
        self._trouble("versions", prefix, "after")
        return iter(lines)

    def head(self, key: str, version_id: str) -> ObjectInfo:
        """See `Store.head`."""
        self._trouble("head", key, "before")
        with self._guard:
            version, body = self._present(key, version_id)
            info = ObjectInfo(
                key=key,
                version_id=version_id,
                size=len(body),
                last_modified=version.last_modified,
                retention=version.retention,
                legal_hold=version.legal_hold,
            )
        self._trouble("head", key, "after")
        return info

    def open(self, key: str, version_id: str) -> BinaryIO:
        """See `Store.open`."""
        self._trouble("open", key, "before")
        with self._guard:
            _, body = self._present(key, version_id)
        self._trouble("open", key, "after")
        return io.BufferedReader(_Reader(body, lambda: self._trouble("read", key, "before")))

    def read_range(self, key: str, version_id: str, *, start: int, length: int) -> bytes:
        """See `Store.read_range`."""
        self._trouble("read_range", key, "before")
        with self._guard:
            _, body = self._present(key, version_id)
        self._trouble("read_range", key, "after")
        return body[start : start + length]

    # What an operator or an attacker with the bucket's credentials can do.

    def delete(self, key: str) -> str:
        """Delete the name, as a plain DELETE does: a marker on top. Returns the marker's version id."""
        with self._guard:
            return self._add(key, None, None)

    def delete_version(self, key: str, version_id: str, *, bypass_governance: bool = False) -> None:
        """Delete one version or marker for good.

        Raises:
            ObjectMissingError: there is no such version.
            StoreDeniedError: the version is locked: COMPLIANCE until its retention ends, GOVERNANCE unless
                bypassed, and any version under a legal hold.
        """
        with self._guard:
            version = self._version(key, version_id)
            if version.legal_hold or self._is_locked(version, bypass_governance=bypass_governance):
                raise StoreDeniedError(f"version {version_id} of {key} is locked")
            self._forget(key, version)

    def set_retention(
        self, key: str, version_id: str, retention: Retention | None, *, bypass_governance: bool = False
    ) -> None:
        """Change one version's retention.

        Raises:
            ObjectMissingError: there is no such version.
            StoreDeniedError: this would shorten or weaken a lock that is still in force.
        """
        with self._guard:
            version, _ = self._present(key, version_id)
            if self._is_locked(version, bypass_governance=bypass_governance) and (
                version.retention is None
                or retention is None
                or retention.until < version.retention.until
                or (version.retention.mode, retention.mode) == (LockMode.COMPLIANCE, LockMode.GOVERNANCE)
            ):
                raise StoreDeniedError(f"the lock of version {version_id} of {key} can only be extended")
            if retention is not None:
                retention = replace(retention, until=whole_seconds(retention.until))
            version.retention = retention

    def set_legal_hold(self, key: str, version_id: str, *, held: bool) -> None:
        """Put one version under legal hold, or release it."""
        with self._guard:
            self._present(key, version_id)[0].legal_hold = held

    # What only somebody below the API can do.

    def corrupt(self, key: str, version_id: str, body: bytes) -> None:
        """Replace one version's bytes, lock or no lock, and leave everything else as it was."""
        with self._guard:
            self._present(key, version_id)[0].body = bytes(body)

    def erase(self, key: str, version_id: str | None = None) -> None:
        """Remove one version, or all of a key, as if they had never been, lock or no lock."""
        with self._guard:
            if version_id is None:
                for version in tuple(self._objects.get(key, ())):
                    self._forget(key, version)
            else:
                self._forget(key, self._version(key, version_id))

    def _lines(self, prefix: str, after: str | None) -> Iterator[ObjectVersion]:
        start = bisect_left(self._keys, prefix)
        if after is not None:
            start = max(start, bisect_right(self._keys, after))
        for key in islice(self._keys, start, None):
            if not key.startswith(prefix):
                return
            held = self._objects[key]
            for version in reversed(held):
                yield ObjectVersion(
                    key=key,
                    version_id=version.version_id,
                    is_delete_marker=version.body is None,
                    is_latest=version is held[-1],
                    size=len(version.body or b""),
                    last_modified=version.last_modified,
                )

    def _add(self, key: str, body: bytes | None, retention: Retention | None) -> str:
        self._made += 1
        version_id = f"{self._made:032x}"
        version = _Version(version_id, body, whole_seconds(self._clock()), retention)
        if key not in self._objects:
            self._objects[key] = []
            insort(self._keys, key)
        self._objects[key].append(version)
        return version_id

    def _version(self, key: str, version_id: str) -> _Version:
        for version in self._objects.get(key, []):
            if version.version_id == version_id:
                return version
        raise ObjectMissingError(f"there is no version {version_id} of {key}")

    def _present(self, key: str, version_id: str) -> tuple[_Version, bytes]:
        version = self._version(key, version_id)
        if version.body is None:
            raise ObjectMissingError(f"version {version_id} of {key} is a delete marker")
        return version, version.body

    def _forget(self, key: str, version: _Version) -> None:
        held = self._objects[key]
        held.remove(version)
        if not held:
            del self._objects[key]
            self._keys.remove(key)

    def _is_locked(self, version: _Version, *, bypass_governance: bool) -> bool:
        if version.retention is None or version.retention.until <= self._clock():
            return False
        return version.retention.mode is LockMode.COMPLIANCE or not bypass_governance

    def _trouble(self, operation: str, key: str, phase: str) -> None:
        if self.fault is not None:
            self.fault(operation, key, phase)


class _Reader(io.RawIOBase):
    """One version's bytes, with the fault hook called before every read."""

    def __init__(self, body: bytes, before_read: Callable[[], None]) -> None:
        self._body = io.BytesIO(body)
        self._before_read = before_read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._before_read()
        return self._body.readinto(buffer)
