"""Who uses a data folder: an exclusive lock, and a note beside it that says who holds it.

The operating system drops the lock when its holder dies, however it dies. The note may outlive its writer; it
is believed only while somebody holds the lock.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from sealtrail.exits import CommandError, ExitCode
from sealtrail.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sealtrail.data_folder import DataFolder

_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a data folder.

    Attributes:
        pid: The process.
        command: What it runs, as `up`.
        serves: Whether others may use the embedded store that it runs.
    """

    pid: int
    command: str
    serves: bool = False


class FolderInUseError(CommandError):
    """Another process holds the data folder."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        who = f"process {holder.pid} (sealtrail {holder.command})" if holder else "another process"
        super().__init__(
            f"the data folder {folder} is in use by {who}: wait for it, stop it, or name another folder "
            "with --data",
            exit_code=ExitCode.IO,
        )
        self.holder = holder


@contextmanager
def locked(folder: DataFolder, *, command: str, wait_s: float = 0) -> Iterator[None]:
    """Hold a data folder alone, waiting up to `wait_s` seconds for whoever holds it.

    Raises:
        FolderInUseError: it was not free in time.
        OSError: the lock can't be made: a read-only folder, a full disk.
    """
    lock = FileLock(folder.root / "lock", timeout=wait_s, poll_interval=_POLL_S, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise FolderInUseError(folder.root, read_holder(folder)) from None
    try:
        announce(folder, Holder(os.getpid(), command))
        yield
    finally:
        (folder.root / "running.json").unlink(missing_ok=True)
        lock.release()


def announce(folder: DataFolder, holder: Holder) -> None:
    """Tell other processes who holds the folder. Call it while holding the lock."""
    write_private(folder.root / "running.json", json.dumps(asdict(holder)).encode())


def read_holder(folder: DataFolder) -> Holder | None:
    """What the holder of the lock says about itself; None where nothing readable is there."""
    try:
        return Holder(**json.loads((folder.root / "running.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def current_holder(folder: DataFolder) -> Holder | None:
    """Who holds the folder at this moment; None when it is free, or its holder says nothing of itself."""
    lock = FileLock(folder.root / "lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        return read_holder(folder)
    lock.release()
    return None


@contextmanager
def locked_or_served(folder: DataFolder, *, command: str, wait_s: float) -> Iterator[bool]:
    """Hold a data folder alone (False), or find that whoever holds it serves others (True).

    Raises:
        FolderInUseError: somebody holds it for longer than `wait_s` seconds and serves nobody.
    """
    with ExitStack() as held:
        yield _is_served(held, folder, command, time.monotonic() + wait_s)


def _is_served(held: ExitStack, folder: DataFolder, command: str, deadline: float) -> bool:
    while True:
        try:
            held.enter_context(locked(folder, command=command))
        except FolderInUseError as error:
            if error.holder and error.holder.serves:
                return True
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return False
