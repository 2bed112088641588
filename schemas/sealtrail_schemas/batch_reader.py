"""Reading batches that an adversary may have written (docs/format.md, "Batch").

An own reader, since general Avro decoders act on the schema that a file brings along, which can crash them.
This one knows one schema, takes nothing from the file but lengths and bytes, and holds one block at a time.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sealtrail_schemas.batch_header import BLOCK_BYTES, MAGIC, SYNC_BYTES, check_metadata
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.errors import BatchError
from sealtrail_schemas.leaf import LEAF_BYTES
from sealtrail_schemas.payload import MAX_PAYLOAD_BYTES
from sealtrail_schemas.varint import MAX_VARINT_BYTES, decode_varint, encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_schemas.batch_header import BatchHeader, Codec

MAX_ENTRY_BYTES: Final = MAX_PAYLOAD_BYTES + (1 << 17)
"""More than any entry of the format takes: the largest payload, the largest leaf and their lengths."""

_MAX_METADATA: Final = 16  # keys
_MAX_METADATA_BYTES: Final = 1 << 12  # of one key or value
_CHUNK_BYTES: Final = 1 << 18  # read at once: what a file claims is not allocated before it is there
_LEAF_LENGTH: Final = encode_varint(LEAF_BYTES)  # before nearly every leaf
_LEAF_START: Final = len(_LEAF_LENGTH)
_new_tuple: Final = tuple.__new__  # what Entry._make calls, at half its cost


class ByteStream(Protocol):
    """What a batch is read from: a file, or the body of a response."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end of the stream only."""
        ...


class _Block(NamedTuple):
    """A block as far as it could be read: `problem` says what is wrong with what comes after `data`."""

    entries: int
    data: bytes
    problem: str | None


class BatchReader:
    """Reads a batch once, from its beginning to its end, holding no more than one block of it.

    Iterating yields the entries; what precedes a damaged place is still yielded before BatchError is raised.
    Leaves and payloads are not checked. Errors of the stream's own `read` pass through.

    """

    def __init__(self, stream: ByteStream, *, max_entry_bytes: int = MAX_ENTRY_BYTES) -> None:
        """Read the header. An entry of more than `max_entry_bytes` is refused as damage.

        Raises:
            UnknownFormatError: the batch is of a format version or codec that this program does not know.
            BatchError: the file is no batch.
        """
        self._stream = stream
        self._max_entry_bytes = max_entry_bytes
        self._entries_read = 0
        self._header = self._read_header()

    @property
    def origin(self) -> str:
        """The trail that the file says it belongs to."""
        return self._header.origin

    @property
    def codec(self) -> Codec:
        """How the file's blocks are compressed."""
        return self._header.codec

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries that were not read yet.

        Raises:
            BatchError: the file is damaged here; its `entries_read` tells how many entries came before.
        """
        while (block := self._read_block()) is not None:
            yield from self._entries(block)
        if not self._entries_read:
            raise BatchError("the batch holds no entry")

    def _entries(self, block: _Block) -> Iterator[Entry]:
        # The verifier's longest loop: usual lengths are read without a call of `decode_varint`.
        data = block.data
        position = 0
        for number in range(block.entries):
            try:
                if data.startswith(_LEAF_LENGTH, position):
                    length, leaf_start = LEAF_BYTES, position + _LEAF_START
                else:
                    length, leaf_start = decode_varint(data, position)
                leaf_end = leaf_start + length
                low = data[leaf_end]
                if low & 0x81 == 0x80 and 0 < (high := data[leaf_end + 1]) < 0x80:  # two bytes, not negative
                    length, payload_start = low >> 1 & 0x3F | high << 6, leaf_end + 2
                else:
                    length, payload_start = decode_varint(data, leaf_end)
                position = payload_start + length
                data[position - 1]  # the payload's last byte is there
            except IndexError:
                self._entries_read += number
                raise self._damage(block.problem or "a block ends inside an entry") from None
            except ValueError as error:
                self._entries_read += number
                raise self._damage(f"the length of a leaf or payload is {error}") from None
            yield _new_tuple(Entry, (data[leaf_start:leaf_end], data[payload_start:position]))
        self._entries_read += block.entries
        if block.problem:
            raise self._damage(block.problem)
        if position != len(data):
            raise self._damage(f"{len(data) - position} bytes follow the last entry of a block")

    def _read_block(self) -> _Block | None:
        """Read the next block and the sync marker after it; None at the end of the file."""
        count = self._read_number()
        if count is None:
            return None
        size = self._read_length()
        limit = self._max_entry_bytes if count == 1 else BLOCK_BYTES
        read = self._read_deflated if self.codec == "deflate" else self._read_stored
        data, problem = read(size, limit)
        if problem is None and not count:
            problem = "a block without entries"
        if problem is None and self._read(SYNC_BYTES) != self._header.sync:
            problem = "the sync marker after a block is wrong or cut off"
        return _Block(count, data, problem)

    def _read_stored(self, size: int, limit: int) -> tuple[bytes, str | None]:
        data = self._read(min(size, limit))
        if size > limit:
            return data, f"a block has {size} bytes, where at most {limit} are allowed"
        return data, None if len(data) == size else "the file ends inside a block"

    def _read_deflated(self, size: int, limit: int) -> tuple[bytes, str | None]:
        """Inflate `size` bytes of the file to at most `limit`; returns them, and what is wrong after them."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        pieces: list[bytes] = []
        room = limit
        problem = None
        while size and not inflater.eof and not problem:
            chunk = self._read(min(size, _CHUNK_BYTES))
            size -= len(chunk)
            before = inflater.copy()
            try:
                piece = inflater.decompress(chunk, room + 1)
            except zlib.error:
                piece, problem = _inflate_until_error(before, chunk), "a block does not inflate"
            if not chunk:
                problem = "the file ends inside a block"
            elif len(piece) > room:
                piece, problem = piece[:room], f"a block inflates to more than {limit} bytes"
            room -= len(piece)
            pieces.append(piece)
        if not problem and not inflater.eof:
            problem = "the compressed data of a block is cut off"
        elif not problem and (size or inflater.unused_data):
            problem = "bytes follow the compressed data of a block"
        return b"".join(pieces), problem

    def _read_header(self) -> BatchHeader:
        if self._read(len(MAGIC)) != MAGIC:
            raise BatchError("not a batch: it does not begin as an Avro object container file")
        metadata: dict[bytes, bytes] = {}
        count = self._read_length()
        if count > _MAX_METADATA:
            raise BatchError(f"{count} metadata entries, where at most {_MAX_METADATA} are allowed")
        for _ in range(count):
            key = self._read_metadata()
            if key in metadata:
                raise BatchError(f"metadata {key[:64]!r} is there twice")
            metadata[key] = self._read_metadata()
        if self._read_length():
            raise BatchError("the metadata has more than one block")
        return check_metadata(metadata, self._read_exactly(SYNC_BYTES))

    def _read_metadata(self) -> bytes:
        length = self._read_length()
        if length > _MAX_METADATA_BYTES:
            raise BatchError(f"metadata of {length} bytes, where at most {_MAX_METADATA_BYTES} are allowed")
        return self._read_exactly(length)

    def _read_length(self) -> int:
        number = self._read_number()
        if number is None:
            raise self._damage("the file ends early")
        return number

    def _read_number(self) -> int | None:
        """Read a varint; None at the end of the file."""
        encoded = b""
        while len(encoded) < MAX_VARINT_BYTES:
            byte = self._stream.read(1)
            encoded += byte
            if not byte or byte < b"\x80":
                break
        if not encoded:
            return None
        try:
            number, _ = decode_varint(encoded, 0)
        except IndexError:
            raise self._damage("the file ends inside a number") from None
        except ValueError as error:
            raise self._damage(f"a count or length is {error}") from None
        return number

    def _read_exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            raise self._damage("the file ends early")
        return data

    def _read(self, size: int) -> bytes:
        """Read `size` bytes, or fewer at the end of the stream."""
        chunks = []
        while size and (chunk := self._stream.read(min(size, _CHUNK_BYTES))):
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def _damage(self, what: str) -> BatchError:
        return BatchError(f"{what}, after {self._entries_read} entries", entries_read=self._entries_read)


def _inflate_until_error(inflater: zlib._Decompress, chunk: bytes) -> bytes:
    """What comes before the damage in a chunk: zlib gives it out only where it is fed byte by byte."""
    output = bytearray()
    with suppress(zlib.error):
        for byte in chunk:
            output += inflater.decompress(bytes((byte,)))
    return bytes(output)
