"""Files that an adversary made: nothing they say costs more memory than the limits allow."""

import io
import tracemalloc
import zlib
from contextlib import contextmanager

import pytest

from sealtrail_schemas.batch import BLOCK_BYTES, BatchReader, BatchWriter
from sealtrail_schemas.errors import BatchError, UnknownFormatError
from sealtrail_schemas.varint import encode_varint

pytestmark = pytest.mark.claim("C12")

ORIGIN = "audit.example.com/payments/0"


def header(codec):
    """The beginning of a batch, and its sync marker."""
    writer = BatchWriter(ORIGIN, codec)
    writer.add(b"leaf", b"payload")
    file = writer.finish()
    sync = file[-16:]
    return file[: file.index(sync) + 16], sync


def block(count, data, sync):
    return encode_varint(count) + encode_varint(len(data)) + data + sync


def deflate(data):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()


@contextmanager
def memory_below(limit_bytes):
    tracemalloc.start()
    try:
        yield
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < limit_bytes


def refuse(file, match, **settings):
    with memory_below(8 << 20), pytest.raises(BatchError, match=match):
        for _ in BatchReader(io.BytesIO(file), **settings):
            pass


def test_a_bomb_of_many_entries():
    beginning, sync = header("deflate")
    bomb = block(3, deflate(bytes(64 << 20)), sync)
    refuse(beginning + bomb, f"inflates to more than {BLOCK_BYTES} bytes")


def test_a_bomb_of_one_entry():
    beginning, sync = header("deflate")
    payload = encode_varint(64 << 20) + bytes(64 << 20)
    bomb = block(1, deflate(encode_varint(4) + b"leaf" + payload), sync)
    refuse(beginning + bomb, "inflates to more than 1048576 bytes", max_entry_bytes=1 << 20)


def test_an_entry_as_large_as_allowed():
    beginning, sync = header("deflate")
    entry = encode_varint(0) + encode_varint(1 << 20) + bytes(1 << 20)
    file = beginning + block(1, deflate(entry), sync)
    assert len(list(BatchReader(io.BytesIO(file), max_entry_bytes=len(entry)))) == 1
    with pytest.raises(BatchError, match="inflates to more than"):
        list(BatchReader(io.BytesIO(file), max_entry_bytes=len(entry) - 1))


@pytest.mark.parametrize("codec", ["deflate", "null"])
def test_a_block_that_is_full_and_one_that_is_too_full(codec):
    beginning, sync = header(codec)
    pack = deflate if codec == "deflate" else bytes
    entry = encode_varint(0) + encode_varint(BLOCK_BYTES // 2 - 4) + bytes(BLOCK_BYTES // 2 - 4)
    assert len(entry) == BLOCK_BYTES // 2
    assert len(list(BatchReader(io.BytesIO(beginning + block(2, pack(entry * 2), sync))))) == 2
    refuse(beginning + block(3, pack(entry * 2 + bytes(2)), sync), "262144")


def test_many_empty_deflate_blocks_cost_no_memory():
    beginning, sync = header("deflate")
    entry = encode_varint(4) + b"leaf" + encode_varint(0)
    empty = b"\x00\x00\x00\xff\xff"  # stored, no bytes, not the last
    file = beginning + block(1, empty * (1 << 20) + deflate(entry), sync)
    with memory_below(2 << 20):
        assert len(list(BatchReader(io.BytesIO(file)))) == 1


def test_bytes_that_follow_the_end_of_deflate_are_not_read_in():
    beginning, sync = header("deflate")
    entry = encode_varint(4) + b"leaf" + encode_varint(0)
    refuse(beginning + block(1, deflate(entry) + bytes(64 << 20), sync), "bytes follow the compressed data")


@pytest.mark.parametrize("codec", ["deflate", "null"])
def test_a_block_that_claims_more_than_is_there(codec):
    beginning, _ = header(codec)
    refuse(beginning + encode_varint(1) + encode_varint(1 << 30) + b"x", "the file ends inside a block")


def test_a_payload_that_claims_more_than_is_there():
    beginning, sync = header("null")
    entry = encode_varint(4) + b"leaf" + encode_varint(1 << 62)
    refuse(beginning + block(1, entry, sync), "ends inside an entry")


def metadata(count, size):
    """A header of a later format version, with `count` metadata entries of at most `size` bytes each."""
    pairs = [(b"sealtrail.format", b"2"), *((b"%d" % number, bytes(size)) for number in range(1, count))]
    items = (encode_varint(len(key)) + key + encode_varint(len(value)) + value for key, value in pairs)
    return b"Obj\x01" + encode_varint(count) + b"".join(items) + b"\x00" + bytes(16)


def test_metadata_is_bounded():
    with pytest.raises(UnknownFormatError):
        BatchReader(io.BytesIO(metadata(16, 4096)))
    refuse(metadata(17, 1), "17 metadata entries, where at most 16")
    refuse(metadata(2, 4097), "metadata of 4097 bytes, where at most 4096")
