import io
from hashlib import sha256

import avro.datafile
import avro.io
import avro.schema
import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_schemas import batch_header
from sealtrail_schemas.batch import BLOCK_BYTES, ENTRY_SCHEMA, BatchReader, BatchWriter
from sealtrail_schemas.entry import Entry
from sealtrail_schemas.errors import BatchError, OriginError, UnknownFormatError

ORIGIN = "audit.example.com/payments/0"
ENTRIES = [Entry(bytes((number,)) * 145, b"payload %d" % number * 20) for number in range(5)]
LARGE = Entry(bytes(145), bytes(BLOCK_BYTES))

both_codecs = pytest.mark.parametrize("codec", ["deflate", "null"])
codecs = st.sampled_from(["deflate", "null"])
entry_lists = st.lists(
    st.builds(Entry, st.binary(max_size=200), st.binary(max_size=200) | st.just(bytes(100_000))),
    min_size=1,
    max_size=9,
)


def write(entries, codec="deflate"):
    writer = BatchWriter(ORIGIN, codec)
    for entry in entries:
        writer.add(*entry)
    return writer.finish()


def read(data):
    return list(BatchReader(io.BytesIO(data)))


def read_until_damage(data):
    """The entries before the damage, and the error; None where there is no damage."""
    entries, problem = [], None
    try:
        entries.extend(BatchReader(io.BytesIO(data)))
    except BatchError as error:
        problem = error
    assert problem is None or problem.entries_read == len(entries)
    return entries, problem


@given(entry_lists, codecs)
def test_round_trip(entries, codec):
    reader = BatchReader(io.BytesIO(write(entries, codec)))
    assert (reader.origin, reader.codec) == (ORIGIN, codec)
    assert list(reader) == entries


@given(entry_lists, codecs)
def test_avro_libraries_read_the_same(entries, codec):
    data = write(entries, codec)
    rows = [entry._asdict() for entry in entries]
    assert list(fastavro.reader(io.BytesIO(data))) == rows
    with avro.datafile.DataFileReader(io.BytesIO(data), avro.io.DatumReader()) as reader:
        assert list(reader) == rows
        assert reader.get_meta("avro.schema") == ENTRY_SCHEMA
        assert reader.get_meta("sealtrail.origin") == ORIGIN.encode()
        assert reader.get_meta("sealtrail.format") == b"1"


def by_fastavro(codec):
    file = io.BytesIO()
    metadata = {"sealtrail.origin": ORIGIN, "sealtrail.format": "1"}
    schema = avro.schema.parse(ENTRY_SCHEMA.decode()).to_json()
    rows = [entry._asdict() for entry in ENTRIES]
    fastavro.writer(file, schema, rows, codec=codec, sync_interval=500, metadata=metadata)
    return file.getvalue()


def by_stock_avro(codec):
    file = io.BytesIO()
    schema = avro.schema.parse(ENTRY_SCHEMA.decode())
    writer = avro.datafile.DataFileWriter(file, avro.io.DatumWriter(), schema, codec=codec)
    writer.set_meta("sealtrail.origin", ORIGIN.encode())
    writer.set_meta("sealtrail.format", b"1")
    for entry in ENTRIES:
        writer.append(entry._asdict())
        writer.sync()
    writer.flush()
    return file.getvalue()


@pytest.mark.parametrize("by_library", [by_fastavro, by_stock_avro])
def test_what_avro_libraries_write_is_read_but_for_the_schema_text(by_library, monkeypatch):
    file = by_library("null")
    with pytest.raises(BatchError, match="byte for byte"):
        read(file)
    text = fastavro.reader(io.BytesIO(file)).metadata["avro.schema"].encode()
    monkeypatch.setattr(batch_header, "ENTRY_SCHEMA", text)
    assert read(file) == ENTRIES


@pytest.mark.parametrize("by_library", [by_fastavro, by_stock_avro])
def test_pieces_of_a_checksum_that_avro_libraries_leave_behind_deflate_are_refused(by_library, monkeypatch):
    file = by_library("deflate")
    text = fastavro.reader(io.BytesIO(file)).metadata["avro.schema"].encode()
    monkeypatch.setattr(batch_header, "ENTRY_SCHEMA", text)
    with pytest.raises(BatchError, match="bytes follow the compressed data"):
        read(file)


@both_codecs
def test_the_same_entries_give_the_same_bytes(codec):
    assert write(ENTRIES, codec) == write(ENTRIES, codec)


def test_the_sync_marker_follows_from_the_first_leaf():
    assert write(ENTRIES).endswith(sha256(ENTRIES[0].leaf).digest()[:16])


def test_blocks_end_before_they_grow_too_large():
    quarter = Entry(b"", bytes(BLOCK_BYTES // 4 - 4))  # the lengths take 1 and 3 bytes
    data = write([LARGE, *[quarter] * 5, LARGE, quarter], "null")
    blocks = fastavro.block_reader(io.BytesIO(data))
    assert [block.num_records for block in blocks] == [1, 4, 1, 1, 1]


def test_the_writer_counts():
    writer = BatchWriter(ORIGIN, "null")
    assert (writer.count, writer.entry_bytes, writer.compressed_bytes) == (0, 0, 0)
    writer.add(b"l" * 10, b"p" * 100)  # lengths take 1 and 2 bytes
    header_bytes = writer.compressed_bytes
    assert (writer.count, writer.entry_bytes) == (1, 113)
    writer.add(*LARGE)
    assert (writer.count, writer.entry_bytes) == (2, 113 + 2 + 145 + 3 + BLOCK_BYTES)
    assert writer.compressed_bytes == header_bytes + 1 + 2 + 113 + 16
    assert len(writer.finish()) == writer.compressed_bytes


def test_an_empty_batch_is_not_written():
    with pytest.raises(ValueError, match="at least one entry"):
        BatchWriter(ORIGIN).finish()


def test_a_batch_of_no_origin_is_not_written():
    with pytest.raises(OriginError):
        BatchWriter("payments")


class Trickle(io.BytesIO):
    """A stream that hands out one byte at a time, as a connection may."""

    def read(self, size=-1, /):
        return super().read(min(size, 1))


@both_codecs
def test_a_stream_may_give_less_than_was_asked_for(codec):
    assert list(BatchReader(Trickle(write(ENTRIES, codec)))) == ENTRIES


@both_codecs
def test_errors_of_the_stream_pass_through(codec):
    class Broken(io.BytesIO):
        def read(self, size=-1, /):
            if self.tell() == len(self.getvalue()) - 16:
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        list(BatchReader(Broken(write(ENTRIES, codec))))


@both_codecs
def test_every_truncation_is_damage_and_keeps_what_came_before(codec):
    data = write(ENTRIES, codec)
    kept = set()
    for length in range(len(data)):
        entries, error = read_until_damage(data[:length])
        assert error is not None
        assert entries == ENTRIES[: len(entries)]
        kept.add(len(entries))
    assert kept == {0, 1, 2, 3, 4, 5}


def test_every_flipped_bit_is_damage_or_gives_other_entries():
    data = write(ENTRIES[:2], "null")
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        try:
            reader = BatchReader(io.BytesIO(flipped))
            assert reader.origin != ORIGIN or list(reader) != ENTRIES[:2]
        except (BatchError, UnknownFormatError):
            continue


def test_entries_before_a_damaged_place_in_deflated_data_are_kept():
    entries = [
        Entry(sha256(b"leaf %d" % number).digest(), sha256(b"%d" % number).digest()) for number in range(500)
    ]
    data = bytearray(write(entries))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    kept, error = read_until_damage(bytes(data))
    assert error is not None
    same = sum(a == b for a, b in zip(kept, entries, strict=False))
    assert 200 < same < 260
