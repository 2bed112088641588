"""Copying a store into a folder for offline work: versions, markers and what the source says about locks.

The order of writes makes a half-made copy show as one, and lets the next run go on where it stopped:

1. `manifest.jsonl` is put away as `manifest.jsonl.part`: without the former the copy is not complete.
2. A version's bytes are written to a temporary file, which then takes its place.
3. Its line is appended to `manifest.jsonl.part`.
4. At the end `manifest.jsonl` is written whole, takes its place, and the `.part` goes.

The oldest version of a key that has bytes lies under the key's own name, since with write-once names it is
the one that counts; every other one, and a key that can't be a path, lies under `.sealtrail-copy/versions/`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, BinaryIO, Self

from sealtrail_transport.copy_notes import (
    COPY_DIR,
    MANIFEST,
    PARTIAL_MANIFEST,
    VERSIONS_DIR,
    CopyHeader,
    CopyLine,
    encode_header,
    encode_line,
    parse_header,
    parse_line,
    raw_lines,
)
from sealtrail_transport.errors import (
    CopyDamagedError,
    ObjectMissingError,
    StoreError,
    StoreUnavailableError,
)
from sealtrail_transport.folder_files import check_file_key, file_errors, make_way, regular_file, sync_folder
from sealtrail_transport.store_keys import whole_seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from sealtrail_transport.store import LockKnowledge, ObjectInfo, ObjectVersion, Store

_TEMP = f"{COPY_DIR}/incoming"
_CHUNK_BYTES = 1 << 20


def copy_store(
    source: Store,
    writer: CopyWriter,
    prefix: str = "",
    *,
    progress: Callable[[ObjectVersion, bool], None] = lambda _version, _fetched: None,
) -> int:
    """Copy every version and marker below `prefix`, finish the copy, and return how many there are.

    `progress` is called after each with whether its bytes were fetched now (False: they were there already).

    Raises:
        StoreError: of the source, or of the folder. The next run goes on from there.
    """
    for _, group in groupby(source.versions(prefix), key=lambda version: version.key):
        versions = list(group)
        oldest = next((version for version in reversed(versions) if not version.is_delete_marker), None)
        for version in versions:
            with contextlib.suppress(
                ObjectMissingError
            ):  # gone since it was listed: left out, as it is there
                progress(version, _copy_version(source, writer, version, under_own_name=version is oldest))
    return writer.finish()


def _copy_version(source: Store, writer: CopyWriter, version: ObjectVersion, *, under_own_name: bool) -> bool:
    if version.is_delete_marker:
        writer.add_marker(version)
        return False
    info = source.head(version.key, version.version_id)
    if writer.holds(version):
        writer.keep(version, info)
        return False
    with source.open(version.key, version.version_id) as body:
        writer.add(version, info, body, under_own_name=under_own_name)
    return True


class CopyWriter:
    """Writes a copy into a folder; use it as a context manager, and call `finish` at the end.

    Versions are to be given in the order of the source's listing. What interrupted runs copied is taken over.

    Args:
        root: the folder: new, empty, or holding an earlier copy of the same source.
        source_url: the source's address, for the notes.
        locks: how the source knows of locks.
        copied_at: now.

    Raises:
        StoreError: the folder holds other files, a copy of another source, or is being copied into.
    """

    def __init__(self, root: Path, *, source_url: str, locks: LockKnowledge, copied_at: datetime) -> None:
        self._root = root
        self._header = CopyHeader(source_url, locks, whole_seconds(copied_at), versions=0)
        self._files: dict[
            tuple[str, str], str
        ] = {}  # by key and version id: what earlier runs and this one wrote
        self._lines: list[CopyLine] = []
        with contextlib.ExitStack() as opened, file_errors(f"copy into {root}"):
            _claim_folder(root)
            self._lock = opened.enter_context((root / COPY_DIR / "lock").open("ab"))
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(f"another process is copying into {root}") from None
            self._journal = opened.enter_context(self._open_journal())
            self._opened = opened.pop_all()

    def holds(self, version: ObjectVersion) -> bool:
        """Whether the bytes of this version are in the folder, of the size that the source tells."""
        file = self._files.get((version.key, version.version_id))
        found = regular_file(self._root, file) if file else None
        return found is not None and found.st_size == version.size

    def add_marker(self, version: ObjectVersion) -> None:
        """Note a delete marker."""
        self._lines.append(CopyLine(version, None, legal_hold=False, file=None))

    def keep(self, version: ObjectVersion, info: ObjectInfo) -> None:
        """Note a version whose bytes are held already; its retention may have been extended since."""
        file = self._files[version.key, version.version_id]
        self._lines.append(CopyLine(version, info.retention, info.legal_hold, file))

    def add(self, version: ObjectVersion, info: ObjectInfo, body: BinaryIO, *, under_own_name: bool) -> None:
        """Copy one version's bytes and note it.

        Raises:
            StoreUnavailableError: the bytes ended early, or the disk is full.
        """
        with file_errors(f"copy {version.key} into {self._root}"):
            file = self._place(version, under_own_name=under_own_name)
            temp = self._root / _TEMP
            with temp.open("wb") as out:
                shutil.copyfileobj(body, out, _CHUNK_BYTES)
                out.flush()
                os.fsync(out.fileno())
            if temp.stat().st_size != version.size:
                raise StoreUnavailableError(
                    f"{version.key} has not the {version.size} bytes that were listed"
                )
            temp.replace(self._root / file)
            sync_folder((self._root / file).parent)
            line = CopyLine(version, info.retention, info.legal_hold, file)
            self._journal.write(encode_line(line))
            self._journal.flush()
        self._files[version.key, version.version_id] = file
        self._lines.append(line)

    def finish(self) -> int:
        """Write the notes, from where on the folder is a copy; return the number of versions and markers."""
        new = self._root / f"{MANIFEST}.new"
        with file_errors(f"write the copy's notes in {self._root}"):
            with new.open("wb") as out:
                out.write(encode_header(replace(self._header, versions=len(self._lines))))
                out.writelines(encode_line(line) for line in self._lines)
                out.flush()
                os.fsync(out.fileno())
            new.replace(self._root / MANIFEST)
            sync_folder(self._root / COPY_DIR)
            (self._root / PARTIAL_MANIFEST).unlink()
            sync_folder(self._root / COPY_DIR)
        return len(self._lines)

    def close(self) -> None:
        """Let go of the folder; without `finish` it stays marked as incomplete."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_journal(self) -> BinaryIO:
        """Open `.part` for appending, behind the last whole line of what is there."""
        path = self._root / PARTIAL_MANIFEST
        if (self._root / MANIFEST).exists():
            (self._root / MANIFEST).replace(path)
        path.touch()
        with path.open("r+b") as earlier:
            earlier.truncate(self._recall(earlier))
        journal = path.open("ab")
        if journal.tell() == 0:
            journal.write(encode_header(self._header))
            journal.flush()
        return journal

    def _recall(self, journal: BinaryIO) -> int:
        """Learn from `.part` what is held, and return the length of its whole lines."""
        length = 0
        try:
            for raw in raw_lines(journal):
                if length == 0:
                    source = parse_header(raw).source
                    if source != self._header.source:
                        raise StoreError(f"{self._root} holds a copy of {source}: choose another folder")
                else:
                    line = parse_line(raw)
                    if line.file is not None:
                        self._files[line.version.key, line.version.version_id] = line.file
                length += len(raw) + 1
        except CopyDamagedError:  # a line that a kill cut short: what it would have named is fetched again
            return length
        return length

    def _place(self, version: ObjectVersion, *, under_own_name: bool) -> str:
        """Choose the file for a version's bytes, and make the folders above it."""
        own, held = version.key, self._files.get((version.key, version.version_id))
        if under_own_name:
            # S3 keys may be no paths, differ by case only, or be a file's and a folder's name at once.
            with contextlib.suppress(StoreError, OSError):
                make_way(self._root, check_file_key(own))
                if held == own or _is_free(self._root / own):
                    return own
        digest = hashlib.sha256(f"{version.key}\0{version.version_id}".encode()).hexdigest()
        file = f"{VERSIONS_DIR}/{digest}"
        make_way(self._root, file)
        return file


def _is_free(path: Path) -> bool:
    """Whether nothing has that name. Unlike `os.path.lexists`, raises OSError for one that can't be."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    return False


def _claim_folder(root: Path) -> None:
    """Make the folder, or make sure that it is ours to copy into."""
    root.mkdir(parents=True, exist_ok=True)
    if not (root / COPY_DIR).exists() and any(root.iterdir()):
        raise StoreError(f"{root} is not empty and holds no copy: choose another folder")
    (root / COPY_DIR).mkdir(exist_ok=True)
