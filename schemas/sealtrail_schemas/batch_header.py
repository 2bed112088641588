"""The header of a batch (docs/format.md, "Batch"; Avro 1.11, "Object Container Files")."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from sealtrail_schemas.errors import BatchError, OriginError, UnknownFormatError
from sealtrail_schemas.origin import split_origin
from sealtrail_schemas.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Mapping

Codec: TypeAlias = Literal["deflate", "null"]

ENTRY_SCHEMA: Final = files(__package__).joinpath("entry.avsc").read_bytes()
MAGIC: Final = b"Obj\x01"
SYNC_BYTES: Final = 16
BLOCK_BYTES: Final = 1 << 18
"""What the entries of a block take at most before compression, where it holds more than one."""

_FORMAT: Final = b"1"
_KEYS: Final = {b"avro.codec", b"avro.schema", b"sealtrail.format", b"sealtrail.origin"}


class BatchHeader(NamedTuple):
    """What a batch says of itself before its first entry."""

    origin: str
    codec: Codec
    sync: bytes


def encode_header(header: BatchHeader) -> bytes:
    """Encode a header; its metadata is one map block with the keys in their order."""
    metadata = {
        b"avro.codec": header.codec.encode(),
        b"avro.schema": ENTRY_SCHEMA,
        b"sealtrail.format": _FORMAT,
        b"sealtrail.origin": header.origin.encode(),
    }
    parts = [MAGIC, encode_varint(len(metadata))]
    for key, value in metadata.items():
        parts += (encode_varint(len(key)), key, encode_varint(len(value)), value)
    return b"".join((*parts, encode_varint(0), header.sync))


def check_metadata(metadata: Mapping[bytes, bytes], sync: bytes) -> BatchHeader:
    """Make a header of a file's metadata.

    Raises:
        UnknownFormatError: the batch is of a format version or codec that this program does not know.
        BatchError: the file is no batch.
    """
    version = metadata.get(b"sealtrail.format")
    if version is None:
        raise BatchError("not a batch: the Avro file has no metadata sealtrail.format")
    if version != _FORMAT:
        raise UnknownFormatError(f"batch format {version!r} is unknown to this program")
    if metadata.keys() != _KEYS:
        odd = b", ".join(sorted(metadata.keys() ^ _KEYS))
        raise BatchError(f"metadata is missing or unknown: {odd!r}")
    if metadata[b"avro.schema"] != ENTRY_SCHEMA:
        raise BatchError("the file's schema is not entry.avsc byte for byte")
    return BatchHeader(_origin(metadata[b"sealtrail.origin"]), _codec(metadata[b"avro.codec"]), sync)


def _origin(value: bytes) -> str:
    try:
        origin = value.decode()
        split_origin(origin)
    except (UnicodeDecodeError, OriginError):
        raise BatchError(f"metadata sealtrail.origin {value[:64]!r} is no origin") from None
    return origin


def _codec(value: bytes) -> Codec:
    match value:
        case b"deflate":
            return "deflate"
        case b"null":
            return "null"
    raise UnknownFormatError(f"codec {value[:64]!r} is unknown to this version: deflate and null are")
