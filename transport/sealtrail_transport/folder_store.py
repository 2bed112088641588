"""The store in a plain folder: without versions, without locks; or a fetched copy that notes what both were.

As an archive of its own it is for machines without the embedded store: objects are written once and whole,
but whoever may write to the folder may rewrite it. A copy made by `sealtrail fetch` is only ever read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from sealtrail_transport.copy_notes import load_notes
from sealtrail_transport.errors import LockUnsupportedError, ObjectMissingError, StoreDeniedError, StoreError
from sealtrail_transport.folder_files import (
    check_file_key,
    file_errors,
    open_regular,
    regular_file,
    walk,
    write_whole,
)
from sealtrail_transport.store import LockKnowledge, ObjectInfo, ObjectVersion
from sealtrail_transport.store_keys import VIEW_CONTENT_TYPE, check_view_key

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sealtrail_transport.copy_notes import CopyLine
    from sealtrail_transport.store import Retention, Store

UNVERSIONED = "null"  # S3's version id for an object of a bucket without versions


class FolderStore:
    """A folder as a store.

    A file that a copy's notes do not name is listed too, with version id `null`, unless they know its key; a
    file that they name and that is gone is left out of listings. Sizes are those of the files as they lie.

    Args:
        root: the folder. It need not exist yet: `ensure_bucket` makes it.

    Raises:
        CopyIncompleteError: the folder holds a copy that was not finished.
        CopyDamagedError: the copy's notes can't be read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._notes = load_notes(root)

    @property
    def lock_knowledge(self) -> LockKnowledge:
        """NONE for a plain folder; NOTED for a copy, if its source knew of locks."""
        if self._notes is None or self._notes.header.locks is LockKnowledge.NONE:
            return LockKnowledge.NONE
        return LockKnowledge.NOTED

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self._root)

    @property
    def opener(self) -> Callable[[], Store]:
        """See `Reopenable.opener`."""
        return partial(FolderStore, self._root)

    def ensure_bucket(self) -> bool:
        """Make the folder if need be; returns True if it was made. It never has Object Lock."""
        with file_errors(f"make the folder {self._root}"):
            if self._root.is_dir():
                return False
            self._root.mkdir(parents=True)
            return True

    def put(
        self,
        key: str,
        body: bytes,
        *,
        retention: Retention | None,
        only_if_absent: bool = True,
        content_type: str = "application/octet-stream",  # noqa: ARG002 - part of the port; a folder keeps none
    ) -> str:
        """See `Store.put`; without `only_if_absent` the file is replaced, since a folder has no versions.

        Raises:
            LockUnsupportedError: `retention` was given.
            StoreDeniedError: the folder is a fetched copy.
        """
        check_file_key(key)
        if retention is not None:
            raise LockUnsupportedError(f"the folder {self._root} can't lock {key}")
        if self._notes is not None:
            raise StoreDeniedError(f"{self._root} is a copy of {self._notes.header.source} and is only read")
        write_whole(self._root, key, body, replace=not only_if_absent)
        return UNVERSIONED

    def put_view(self, key: str, body: bytes) -> str:
        """See `Store.put_view`."""
        return self.put(
            check_view_key(key), body, retention=None, only_if_absent=False, content_type=VIEW_CONTENT_TYPE
        )

    def versions(
        self, prefix: str, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectVersion]:
        """See `Store.versions`. Raises StoreError if the folder is not there."""
        if not self._root.is_dir():
            raise StoreError(f"there is no folder {self._root}")
        both = merge(self._noted(prefix, after), self._found(prefix, after), key=lambda version: version.key)
        return islice(both, limit)

    def head(self, key: str, version_id: str) -> ObjectInfo:
        """See `Store.head`."""
        file, line = self._locate(key, version_id)
        with file_errors(f"describe {file}"):
            found = regular_file(self._root, file)
        if found is None:
            raise ObjectMissingError(f"there is no file {file} in {self._root}")
        return ObjectInfo(
            key=key,
            version_id=version_id,
            size=found.st_size,
            last_modified=line.version.last_modified if line else _modified(found),
            retention=line.retention if line else None,
            legal_hold=line.legal_hold if line else False,
        )

    def open(self, key: str, version_id: str) -> BinaryIO:
        """See `Store.open`."""
        file, _ = self._locate(key, version_id)
        return open_regular(self._root, file)

    def read_range(self, key: str, version_id: str, *, start: int, length: int) -> bytes:
        """See `Store.read_range`."""
        with self.open(key, version_id) as file, file_errors(f"read {key}"):
            file.seek(start)
            return file.read(length)

    def _locate(self, key: str, version_id: str) -> tuple[str, CopyLine | None]:
        """Name the file that holds a version, and its line in the notes if they know the key."""
        noted = self._notes.by_key.get(key) if self._notes else None
        if noted is None:
            if version_id != UNVERSIONED:
                raise ObjectMissingError(f"there is no version {version_id} of {key} in {self._root}")
            return check_file_key(key), None
        line = noted.get(version_id)
        if line is None or line.file is None:
            raise ObjectMissingError(f"there is no version {version_id} of {key} in the copy {self._root}")
        return line.file, line

    def _noted(self, prefix: str, after: str | None) -> Iterator[ObjectVersion]:
        """The versions that the notes name and the folder holds, and the markers, which have no file."""
        for key, lines in self._notes.by_key.items() if self._notes else ():
            if not key.startswith(prefix) or (after is not None and key <= after):
                continue
            for line in lines.values():
                if line.file is None:
                    yield line.version
                elif found := regular_file(self._root, line.file):
                    yield replace(line.version, size=found.st_size)

    def _found(self, prefix: str, after: str | None) -> Iterator[ObjectVersion]:
        """The files that no note speaks of."""
        with file_errors(f"list the folder {self._root}"):
            for key, found in walk(self._root, prefix, after=after):
                if self._notes is None or not (key in self._notes.by_key or key in self._notes.files):
                    yield ObjectVersion(
                        key=key,
                        version_id=UNVERSIONED,
                        is_delete_marker=False,
                        is_latest=True,
                        size=found.st_size,
                        last_modified=_modified(found),
                    )


def _modified(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(int(found.st_mtime), UTC)
