"""A stream that hashes what is read from it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sealtrail_schemas.batch_reader import ByteStream

_CHUNK_BYTES: Final = 1 << 18


class HashingStream:
    """Passes reads on and keeps count and SHA-256 of the bytes.

    Attributes:
        length: How many bytes were read.
        at_end: Whether the stream has ended.
    """

    def __init__(self, stream: ByteStream) -> None:
        self.length = 0
        self.at_end = False
        self._stream = stream
        self._hash = sha256()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end of the stream only."""
        data = self._stream.read(size)
        self._hash.update(data)
        self.length += len(data)
        self.at_end = self.at_end or (not data and size > 0)
        return data

    def drain(self, limit: int) -> None:
        """Read to the end, but no further than one piece beyond `limit` bytes in all."""
        while not self.at_end and self.length <= limit:
            self.read(_CHUNK_BYTES)

    def digest(self) -> bytes:
        """The SHA-256 of what was read."""
        return self._hash.digest()
