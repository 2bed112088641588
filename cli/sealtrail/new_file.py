"""Writing files that people keep: there whole or not at all, and never over something else."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sealtrail.exits import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


def refuse_existing(path: Path) -> None:
    """Refuse a name that is taken.

    Raises:
        CommandError: something lies there.
    """
    if path.exists():
        raise CommandError(f"{path} is there already: name another file, or move it away")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to be written; it gets its name when the context ends well, and vanishes otherwise.

    Raises:
        CommandError: something lies there.
        OSError: it can't be written.
    """
    refuse_existing(path)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to be filled; it gets its name when the context ends well, and vanishes otherwise.

    Raises:
        CommandError: something lies there.
        OSError: it can't be written.
    """
    refuse_existing(path)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _umask() -> int:
    """What this process takes away from the rights of new files; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
