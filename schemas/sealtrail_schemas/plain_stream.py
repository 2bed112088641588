"""Reading streams that may be gzip, from files and from pipes."""

from __future__ import annotations

import io
import zlib
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from sealtrail_schemas.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"\x1f\x8b"


class _Rewound(io.RawIOBase):
    """A stream that gives the bytes of `head` again before what is left of `rest`. Leaves `rest` open."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        # A pipe's read() waits for all that was asked for; read1() returns what is there.
        self._read = getattr(rest, "read1", rest.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] or self._read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def plain_stream(stream: BinaryIO) -> BinaryIO:
    """The stream, decompressed if it begins as gzip does. Never seeks; closing it leaves `stream` open."""
    head = stream.read(len(_MAGIC))
    rewound = io.BufferedReader(_Rewound(head, stream))
    return cast("BinaryIO", GzipFile(fileobj=rewound) if head == _MAGIC else rewound)


@contextmanager
def gzip_damage() -> Iterator[None]:
    """Turn what gzip raises on damaged bytes into EventError; a failing disk or pipe stays what it is."""
    try:
        yield
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise EventError(f"damaged gzip: {error}") from None
