"""Reading a view as far as a search needs it: its footer, then single columns of single row groups.

A view is not believed, so nothing in it may stop a search: whatever is wrong with one is a ViewError. It
needs pyarrow, which is imported at first use.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from sealtrail_schemas.errors import ViewError
from sealtrail_schemas.view import COLUMNS, ColumnType, ViewHeader
from sealtrail_transport.errors import ExtraMissingError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _typeshed import WriteableBuffer

    from sealtrail_auditor.query import Query, TextPattern
    from sealtrail_auditor.reading import TimeRange
    from sealtrail_transport.store import ObjectVersion, Store

MAX_FOOTER_BYTES: Final = 16 << 20
MAX_CHUNK_BYTES: Final = 256 << 20
"""Of one column in one row group. A view has more only where one event is larger: then it is not read."""

_LEAST_MS: Final = -62_135_596_800_000  # 0001-01-01T00:00:00Z
_GREATEST_MS: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8  # the footer's length, then the magic
_GUESS_BYTES: Final = 16 << 10  # read at first; most footers are shorter


class ViewFile:
    """One view in a store. Opening it reads its footer only.

    Attributes:
        header: what the view says of itself.
        starts: for each row group the sequence of its first row.
    """

    def __init__(self, store: Store, version: ObjectVersion) -> None:
        """Open a version of a view.

        Raises:
            ViewError: it is no view that can be read.
            ExtraMissingError: pyarrow is not installed.
            TransportError: the store fails.
        """
        require_pyarrow()
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._source = _RangedFile(store, version)
        with _view_errors():
            footer = _read_footer(self._source)
            metadata = pq.read_metadata(pa.BufferReader(footer))
            self._file = pq.ParquetFile(
                pa.PythonFile(self._source, mode="r"),
                metadata=metadata,
                pre_buffer=True,
                read_dictionary=[name for name, kind in _TYPES.items() if kind is ColumnType.TEXT],
            )
            self._metadata = metadata
            self.header = ViewHeader.parse(_decoded(metadata.metadata or {}))
            self._chunks = self._find_chunks()
            counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            self.starts = list(accumulate(counts, initial=self.header.first))[:-1]

    def may_hold(self, group: int, query: Query) -> bool:
        """Whether a row group can hold what is asked for, by its statistics."""
        with _view_errors():
            return all(self._may_hold(group, column, query) for column in query.columns)

    def read(self, group: int, columns: Sequence[str]) -> dict[str, list[Any]]:
        """Some columns of a row group, as lists of equal length, in the types of `ViewRow`.

        Raises:
            ViewError: they can't be read.
            TransportError: the store fails.
        """
        import pyarrow as pa

        with _view_errors():
            table = self._file.read_row_group(group, columns=list(columns), use_threads=False)
            rows = self._metadata.row_group(group).num_rows
            found: dict[str, list[Any]] = {}
            for name in columns:
                column = table.column(name)
                if len(column) != rows:
                    raise ViewError(f"{len(column)} values of {name} in {rows} rows")
                if _TYPES[name] is ColumnType.TIME:
                    column = column.cast(pa.int64())
                values: list[Any] = _texts(column) if _TYPES[name] is ColumnType.TEXT else column.to_pylist()
                if _TYPES[name] is ColumnType.TIME and not all(_is_time(value) for value in values):
                    raise ViewError(f"a {name} that is none")
                if _TYPES[name] is ColumnType.HEADERS:
                    values = [tuple(tuple(header.values()) for header in headers) for headers in values]
                found[name] = values
            return found

    def _find_chunks(self) -> list[dict[str, Any]]:
        """The column chunks of each row group by name; refuses what is not as a view has it."""
        import pyarrow as pa

        schema = self._metadata.schema.to_arrow_schema()
        for column in COLUMNS:
            kind = schema.field(column.name).type
            fits = {
                ColumnType.INTEGER: kind == pa.int64(),
                ColumnType.TIME: kind == pa.timestamp("ms", tz="UTC"),
                ColumnType.TEXT: kind == pa.string(),
                ColumnType.HEADERS: _is_headers(kind),
            }
            if not fits[column.type]:
                raise ViewError(f"the column {column.name} is of type {kind}")
        if self._metadata.num_rows != self.header.rows:
            raise ViewError(f"{self._metadata.num_rows} rows instead of {self.header.rows}")
        return [self._chunks_of(group) for group in range(self._metadata.num_row_groups)]

    def _chunks_of(self, number: int) -> dict[str, Any]:
        group = self._metadata.row_group(number)
        chunks = {}
        for place in range(group.num_columns):
            chunk = group.column(place)
            if chunk.total_uncompressed_size > MAX_CHUNK_BYTES:
                raise ViewError(f"a column of {chunk.total_uncompressed_size} bytes")
            chunks[chunk.path_in_schema] = chunk
        return chunks

    def _may_hold(self, group: int, column: str, query: Query) -> bool:
        statistics = self._chunks[group][column].statistics
        if statistics is None:
            return True
        if statistics.has_null_count and statistics.null_count == self._metadata.row_group(group).num_rows:
            return False
        if not statistics.has_min_max:
            return True
        if column in query.patterns:
            return _text_between(query.patterns[column], statistics.min, statistics.max)
        least, greatest = statistics.min_raw, statistics.max_raw
        if column == "sequence":
            return query.span is None or (least <= query.span.last and greatest >= query.span.first)
        return _time_between(query.time if column == "time" else query.chained, least, greatest)


def require_pyarrow() -> None:
    """Raise ExtraMissingError unless pyarrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401 - whether it can be imported is the question
    except ImportError:
        raise ExtraMissingError(
            "views need pyarrow: pip install 'sealtrail[views]', or search without views by --full"
        ) from None


_TYPES: Final = {column.name: column.type for column in COLUMNS}


def _is_headers(kind: Any) -> bool:
    """Whether a type is that of a list of groups of three texts."""
    import pyarrow as pa

    if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
        return False
    return [(member.name, member.type) for member in kind.value_type] == [
        (name, pa.string()) for name in ("key", "value", "value_base64")
    ]


def _is_time(ms: int | None) -> bool:
    """Whether it is null or in the years 1 to 9999."""
    return ms is None or _LEAST_MS <= ms <= _GREATEST_MS


def _texts(column: Any) -> list[str | None]:
    """The values of a column of text, which is read as a dictionary: one text there may be that of each row.

    A few bytes in a file can stand for any length, and so that is counted before it is written out.
    """
    import pyarrow.compute as pc

    length = sum(
        pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0 for chunk in column.chunks
    )
    if length > MAX_CHUNK_BYTES:
        raise ViewError(f"a column of {length} bytes when written out")
    return [text for chunk in column.chunks for text in chunk.dictionary_decode().to_pylist()]


def _text_between(patterns: tuple[TextPattern, ...], least: str, greatest: str) -> bool:
    return any(pattern.may_lie_between(least, greatest) for pattern in patterns)


def _time_between(wanted: TimeRange | None, least: int, greatest: int) -> bool:
    if wanted is None:
        return True
    return (wanted.to_ms is None or least < wanted.to_ms) and (
        wanted.from_ms is None or greatest >= wanted.from_ms
    )


def _read_footer(source: _RangedFile) -> bytes:
    """The footer as a Parquet file of its own, without any rows."""
    size = source.size
    if size < _TAIL_BYTES + len(_MAGIC):
        raise ViewError(f"a file of {size} bytes")
    end = source.range(max(0, size - _GUESS_BYTES), _GUESS_BYTES)
    length = int.from_bytes(end[-_TAIL_BYTES:-4], "little") + _TAIL_BYTES
    if end[-4:] != _MAGIC or length > min(size, MAX_FOOTER_BYTES):
        raise ViewError("no Parquet file")
    if length > len(end):
        end = source.range(size - length, length - len(end)) + end
    return _MAGIC + end[-length:]


def _decoded(metadata: dict[bytes, bytes]) -> dict[str, str]:
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in metadata.items()}


@contextmanager
def _view_errors() -> Iterator[None]:
    """Whatever pyarrow makes of a file that somebody else wrote is the file's fault; the store's is not."""
    try:
        yield
    except (ViewError, TransportError):
        raise
    except Exception as error:  # a MemoryError, too: few bytes of a file can ask for any amount of it
        raise ViewError(f"a view that can't be read: {' '.join(str(error).split())[:200]}") from error


class _RangedFile(io.RawIOBase):
    """A version in a store as a file of which only the ranges that are asked for are read."""

    def __init__(self, store: Store, version: ObjectVersion) -> None:
        self.size = version.size
        self._store = store
        self._version = version
        self._position = 0

    def range(self, start: int, length: int) -> bytes:
        version = self._version
        return self._store.read_range(version.key, version.version_id, start=start, length=length)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with memoryview(buffer).cast("B") as view:
            if not len(view):
                return 0
            data = self.range(self._position, len(view))
            view[: len(data)] = data
        self._position += len(data)
        return len(data)
