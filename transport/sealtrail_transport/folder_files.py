"""Files of a folder as objects: safe paths, whole-or-nothing writes, and a walk in key order.

Symbolic links are never followed below the folder: a copied archive must not be able to point out of it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from sealtrail_transport.errors import (
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from sealtrail_transport.store_keys import check_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = ".sealtrail-"  # names at the top of the folder that start so hold no objects
TEMP_DIR = f"{OURS}tmp"

_AWAY = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


@contextlib.contextmanager
def file_errors(what: str) -> Iterator[None]:
    """Turn an OSError into the store's own: a full disk is *away*, a missing right *denied*."""
    try:
        yield
    except OSError as error:
        message = f"can't {what}: {error.strerror or error}"
        if error.errno in _AWAY:
            raise StoreUnavailableError(message) from error
        if error.errno in _DENIED:
            raise StoreDeniedError(message) from error
        if error.errno in _MISSING:
            raise ObjectMissingError(message) from error
        raise StoreError(message) from error


def check_file_key(key: str) -> str:
    """Return the key, or refuse it as a file's name. Raises StoreError."""
    if check_key(key).startswith(OURS):
        raise StoreError(f"{key!r} is among the names kept for sealtrail itself")
    return key


def regular_file(root: Path, relative: str) -> os.stat_result | None:
    """Describe a regular file below `root` that is reached without a symbolic link; None if there is none."""
    path = root
    found = None
    for part in relative.split("/"):
        path = path / part
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(found.st_mode):
            return None
    return found if found is not None and stat.S_ISREG(found.st_mode) else None


def open_regular(root: Path, relative: str) -> BinaryIO:
    """Open a regular file below `root` for reading. Raises ObjectMissingError, or as `file_errors` does."""
    with file_errors(f"open {relative}"):
        if regular_file(root, relative) is None:
            raise ObjectMissingError(f"there is no file {relative} in {root}")
        return (root / relative).open("rb")


def walk(root: Path, prefix: str, *, after: str | None = None) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every regular file whose key starts with `prefix` and sorts behind `after`, in key order.

    A folder's name sorts with its `/`: that makes the order of the walk the order of the keys. Names of ours
    at the top, symbolic links and special files are left out.
    """
    yield from _walk(root, "", prefix, after)


def _walk(folder: Path, base: str, prefix: str, after: str | None) -> Iterator[tuple[str, os.stat_result]]:
    names: list[tuple[str, os.DirEntry[str]]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not (base == "" and entry.name.startswith(OURS)):
                names.append((base + _printable(entry.name) + ("/" if is_folder else ""), entry))
    for name, entry in sorted(names, key=lambda pair: pair[0]):
        if entry.is_dir(follow_symlinks=False):
            reachable = name.startswith(prefix) or prefix.startswith(name)
            behind = after is None or after < name or after.startswith(name)
            if reachable and behind:
                yield from _walk(folder / entry.name, name, prefix, after)
        elif (
            entry.is_file(follow_symlinks=False)
            and name.startswith(prefix)
            and (after is None or name > after)
        ):
            with contextlib.suppress(FileNotFoundError):  # removed while we walked
                yield name, entry.stat(follow_symlinks=False)


def _printable(name: str) -> str:
    """A name as text: bytes that are not UTF-8 become escapes, so that a stray file can't stop a listing."""
    return name.encode("utf-8", "backslashreplace").decode()


def write_whole(root: Path, relative: str, body: bytes, *, replace: bool) -> None:
    """Write a file that is there either whole or not at all, and survives a loss of power once this returns.

    Writers take turns by a lock on the folder, so whatever lies among the temporary files is a dead writer's.

    Raises:
        ObjectExistsError: the name is taken and `replace` is false.
        StoreDeniedError: the way to it leads over a symbolic link or through a file.
        StoreError: see `file_errors`.
    """
    target = root / relative
    with file_errors(f"write {relative}"), _turn(root / TEMP_DIR) as temp_dir:
        make_way(root, relative)
        temp = temp_dir / "object"
        with temp.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temp.replace(target)
        else:
            _link(temp, target, relative)
            temp.unlink()
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _turn(temp_dir: Path) -> Iterator[Path]:
    temp_dir.mkdir(exist_ok=True)
    with (temp_dir / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in os.listdir(temp_dir):  # noqa: PTH208 - the names are all that is needed
            if name != "lock":
                (temp_dir / name).unlink()
        yield temp_dir


def make_way(root: Path, relative: str) -> None:
    """Make the folders above a file, each durable in the one above it."""
    folder = root
    for part in relative.split("/")[:-1]:
        above, folder = folder, folder / part
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            sync_folder(above)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise StoreDeniedError(f"{folder} is not a folder, so {relative} can't be written")


def _link(temp: Path, target: Path, relative: str) -> None:
    try:
        os.link(temp, target)
    except FileExistsError:
        raise ObjectExistsError(f"{relative} is there already") from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        raise StoreError(
            f"{target.parent} is on a file system without hard links; use another one"
        ) from error
