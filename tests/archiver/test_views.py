"""Writing views as Parquet."""

from __future__ import annotations

import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.builders import make_trail
from auditor.viewed import fill, rows_of, view_bytes
from sealtrail_archiver.views import GROUP_CHARS, GROUP_ROWS, require_pyarrow
from sealtrail_schemas.view import COLUMNS, ViewRow, header_of
from sealtrail_transport.errors import ExtraMissingError


@pytest.fixture
def trail():
    return make_trail(3)


def written(trail, rows):
    return pq.ParquetFile(io.BytesIO(view_bytes(header_of(trail.opened(0)), rows)))


def many(trail, count, **changes):
    row = rows_of(trail.entries_of[0])[1]
    return [row._replace(sequence=number, **changes) for number in range(count)]


def test_any_reader_finds_the_rows_and_what_the_view_is_of(trail):
    trail = fill(trail, 10)
    rows = rows_of(trail.entries_of[3])
    file = pq.ParquetFile(io.BytesIO(view_bytes(header_of(trail.opened(1)), rows)))
    table = file.read()
    assert table.column_names == list(ViewRow._fields)
    assert table.column("sequence").to_pylist() == list(range(3, 13))
    assert table.column("value").to_pylist() == [row.value for row in rows]
    assert table.column("time").cast(pa.int64()).to_pylist() == [row.time for row in rows]
    said = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    assert said == header_of(trail.opened(1)).to_metadata()


def test_columns_are_of_the_types_that_the_format_names(trail):
    schema = written(trail, many(trail, 1)).schema
    leaves = {schema.column(place).path: schema.column(place) for place in range(len(schema))}
    kinds = {
        "integer, 64 bits": ("INT64", "None"),
        "time in UTC, milliseconds": ("INT64", "Timestamp(isAdjustedToUTC=true, timeUnit=milliseconds"),
        "text": ("BYTE_ARRAY", "String"),
    }
    for column in COLUMNS:
        if column.name == "headers":
            continue
        physical, logical = kinds[column.type.value]
        assert leaves[column.name].physical_type == physical
        assert str(leaves[column.name].logical_type).startswith(logical)
        assert (leaves[column.name].max_definition_level == 0) is column.required


def test_groups_are_bounded_by_rows(trail):
    metadata = written(trail, many(trail, 2 * GROUP_ROWS + 1)).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [
        GROUP_ROWS,
        GROUP_ROWS,
        1,
    ]


def test_groups_are_bounded_by_size(trail):
    metadata = written(trail, many(trail, 10, value="x" * (GROUP_CHARS // 3))).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [3, 3, 3, 1]


def test_an_event_of_five_megabytes_is_a_group_of_its_own(trail):
    rows = many(trail, 5)
    rows[2] = rows[2]._replace(value="x" * 5_000_000)
    file = written(trail, rows)
    assert [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)] == [2, 1, 2]
    assert len(file.read_row_group(1, columns=["value"]).column("value")[0].as_py()) == 5_000_000


def test_statistics_are_kept_of_what_is_searched_and_of_no_content(trail):
    group = written(trail, many(trail, 3, actor="alice", value="secret", key="secret")).metadata.row_group(0)
    chunks = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert (chunks["actor"].statistics.min, chunks["actor"].statistics.max) == ("alice", "alice")
    assert chunks["resource"].statistics.null_count == 3
    for name, chunk in chunks.items():
        content = name.partition(".")[0] in {"key", "key_base64", "headers", "value", "value_base64"}
        assert (chunk.statistics is None) is content


def test_without_the_extra_one_line_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'sealtrail\[views\]'"):
        require_pyarrow()
