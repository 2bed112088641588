"""Reading the files of a pack, which may be hostile: nothing goes to disk, and nothing is without a limit."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from sealtrail_auditor.pack import MAX_PACK_ENTRIES
from sealtrail_schemas.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

MAX_FILES: Final = 3 * MAX_PACK_ENTRIES + 100
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


class PackFiles:
    """The files of a zip by name.

    Attributes:
        names: In order; each once.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read the zip's directory.

        Raises:
            PackError: it is no zip, has too many files, or two of one name.
        """
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise PackError(f"the pack is no zip that can be read: {error}") from None
        self.names = sorted(info.filename for info in self._zip.infolist() if not info.is_dir())
        if len(self.names) > MAX_FILES:
            raise PackError(f"the pack has {len(self.names):,} files, more than {MAX_FILES:,}")
        if len(set(self.names)) != len(self.names):
            raise PackError("the pack has two files of one name")

    def read(self, name: str, limit: int) -> bytes:
        """A file's bytes.

        Raises:
            PackError: it is not there, is longer than `limit` bytes, or can't be read.
        """
        data = b"".join(self.pieces(name, limit))
        if len(data) > limit:
            raise PackError(f"{name!a} has more than {limit} bytes")
        return data

    def pieces(self, name: str, limit: int) -> Iterator[bytes]:
        """A file's bytes in pieces, at most one piece beyond `limit` bytes. Raises as `read`."""
        try:
            if self._zip.getinfo(name).compress_type not in _METHODS:
                raise PackError(f"{name!a} is packed in a way that packs are not")
            with self._zip.open(name) as stream:
                yield from _pieces(stream, limit)
        except KeyError:
            raise PackError(f"{name!a} is not there") from None
        except _DAMAGED as error:
            raise PackError(f"{name!a} can't be read: {error}") from None


def _pieces(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    left = limit + 1
    while left > 0 and (piece := stream.read(min(left, 1 << 18))):
        left -= len(piece)
        yield piece
