"""Writing views (docs/format.md, "View") as Parquet; it needs pyarrow, which is imported at first use.

Rows come and go in groups, so that memory is that of one group, however long the batch.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, Self

from sealtrail_schemas.view import COLUMNS, ColumnType
from sealtrail_transport.errors import ExtraMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sealtrail_schemas.view import ViewHeader, ViewRow

GROUP_ROWS: Final = 4_096
"""Rows of a row group at most: what a reader skips or reads at once."""
GROUP_CHARS: Final = 4 << 20
"""Characters of keys, headers and values after which a row group is closed; one row can have more."""

_ORIGIN: Final = "origin"
_LARGE: Final = frozenset({"key", "key_base64", "headers", "value", "value_base64"})
_UNIQUE: Final = frozenset({"event_id"})
_STATISTICS: Final = [column.name for column in COLUMNS if column.name not in _LARGE]
_DICTIONARY: Final = [
    column.name
    for column in COLUMNS
    if column.type is ColumnType.TEXT and column.name not in _LARGE | _UNIQUE
]


def write_view(file: IO[bytes], header: ViewHeader, rows: Iterable[ViewRow]) -> int:
    """Write a view and return how many rows it has.

    Args:
        file: where to; it is left open.
        header: what the view says of itself.
        rows: all entries of the batch, in order.

    Raises:
        ExtraMissingError: pyarrow is not installed.
    """
    with RowWriter(file) as writer:
        writer.write(rows)
        writer.add_metadata(header.to_metadata())
    return writer.written


class RowWriter:
    """Writes rows as Parquet.

    Attributes:
        written: how many rows so far.
    """

    def __init__(self, file: IO[bytes], *, with_origin: bool = False) -> None:
        """Begin a file.

        Args:
            file: where to; it is left open.
            with_origin: let a column `origin` stand in front, for rows of several trails.

        Raises:
            ExtraMissingError: pyarrow is not installed.
        """
        require_pyarrow()
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.written = 0
        self._schema = arrow_schema()
        self._with_origin = with_origin
        if with_origin:
            self._schema = self._schema.insert(0, pa.field(_ORIGIN, pa.string(), nullable=False))
        self._writer = pq.ParquetWriter(
            file,
            self._schema,
            compression="zstd",
            use_dictionary=_DICTIONARY + [_ORIGIN] * with_origin,
            write_statistics=_STATISTICS + [_ORIGIN] * with_origin,
            store_schema=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, rows: Iterable[ViewRow], origin: str = "") -> None:
        """Write rows, which are of the trail `origin` where that has a column."""
        import pyarrow as pa

        for group in _groups(rows):
            values: list[Sequence[Any]] = list(zip(*group, strict=True))
            if self._with_origin:
                values.insert(0, [origin] * len(group))
            columns = [
                pa.array(of_column, field.type) for of_column, field in zip(values, self._schema, strict=True)
            ]
            table = pa.Table.from_arrays(columns, schema=self._schema)
            self._writer.write_table(table, row_group_size=len(group))
            self.written += len(group)

    def add_metadata(self, metadata: Mapping[str, str]) -> None:
        """Add names and values to the file's metadata."""
        self._writer.add_key_value_metadata(dict(metadata))


def arrow_schema() -> Any:
    """The schema of a view, for pyarrow."""
    import pyarrow as pa

    text = pa.string()
    parts = [pa.field("key", text, nullable=False), pa.field("value", text), pa.field("value_base64", text)]
    types = {
        ColumnType.INTEGER: pa.int64(),
        ColumnType.TIME: pa.timestamp("ms", tz="UTC"),
        ColumnType.TEXT: text,
        ColumnType.HEADERS: pa.list_(pa.field("header", pa.struct(parts), nullable=False)),
    }
    fields = [pa.field(column.name, types[column.type], nullable=not column.required) for column in COLUMNS]
    return pa.schema(fields)


def require_pyarrow() -> None:
    """Raise ExtraMissingError unless pyarrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401 - whether it can be imported is the question
    except ImportError:
        raise ExtraMissingError("views need pyarrow: pip install 'sealtrail[views]'") from None


def _groups(rows: Iterable[ViewRow]) -> Iterable[list[ViewRow]]:
    group: list[ViewRow] = []
    chars = 0
    for row in rows:
        more = _chars(row)
        if group and (len(group) == GROUP_ROWS or chars + more > GROUP_CHARS):
            yield group
            group, chars = [], 0
        group.append(row)
        chars += more
    if group:
        yield group


def _chars(row: ViewRow) -> int:
    texts = [row.key, row.key_base64, row.value, row.value_base64]
    texts += [part for header in row.headers for part in header]
    return sum(len(text) for text in texts if text is not None)
