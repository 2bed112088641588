"""A bounded reader of Avro's binary encoding, for bytes that an adversary may have written.

General decoders are built for friendly input: measured on fastavro 1.13.1, a union or enum index of -1 is
taken for the last branch, the last of two equal map keys wins, bytes after the value are left unread, and the
entries of a map are not bounded. Each lets one message mean different things to different readers, or costs
more than its size shows. This reader takes what the specification allows and refuses the rest.

Source: Apache Avro 1.12 specification, "Binary Encoding".
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from sealtrail_schemas.errors import EventError

Schema: TypeAlias = str | list[Any] | dict[str, Any]
"""A schema as JSON has it: a type's name, a union's branches, or a definition."""

_MAX_VARINT_BYTES: Final = 10


class AvroReader:
    """Reads one value after another from bytes; each method raises EventError where the bytes do not fit.

    Recursion is as deep as the schema, never as deep as the data asks: schemas come from this package and
    none refers to itself.
    """

    __slots__ = ("_at", "_bytes", "_max_map_entries")

    def __init__(self, data: bytes, *, max_map_entries: int) -> None:
        self._bytes = data
        self._at = 0
        self._max_map_entries = max_map_entries

    def read(self, schema: Schema) -> Any:
        """Read one value of `schema`: a record and a map become a dict, an enum its symbol."""
        if isinstance(schema, list):
            return self.read(schema[self._index(len(schema), "union branch")])
        if isinstance(schema, str):
            return self._primitive(schema)
        kind = schema["type"]
        if kind == "record":
            return {field["name"]: self.read(field["type"]) for field in schema["fields"]}
        if kind == "enum":
            return schema["symbols"][self._index(len(schema["symbols"]), "enum index")]
        if kind == "map":
            return self._map(schema["values"])
        return self._primitive(kind)

    def end(self) -> None:
        """Refuse bytes after the value."""
        if self._at != len(self._bytes):
            raise EventError(f"{len(self._bytes) - self._at} bytes follow the event")

    def _primitive(self, kind: str) -> Any:
        match kind:
            case "null":
                return None
            case "long":
                return self._long()
            case "bytes":
                return self._take(self._long())
            case "string":
                return self._string()
        raise NotImplementedError(f"no schema of this package has a {kind}")

    def _long(self) -> int:
        zigzag = 0
        for position in range(_MAX_VARINT_BYTES):
            byte = self._take(1)[0]
            zigzag |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                break
        else:
            raise EventError("an integer is longer than ten bytes")
        if zigzag >> 64:
            raise EventError("an integer needs more than 64 bits")
        return (zigzag >> 1) ^ -(zigzag & 1)

    def _index(self, count: int, what: str) -> int:
        index = self._long()
        if not 0 <= index < count:
            raise EventError(f"{what} {index} is not one of 0 to {count - 1}")
        return index

    def _take(self, length: int) -> bytes:
        left = len(self._bytes) - self._at
        if not 0 <= length <= left:
            raise EventError(f"a length of {length} bytes is given where {left} are left")
        start, self._at = self._at, self._at + length
        return self._bytes[start : self._at]

    def _string(self) -> str:
        raw = self._take(self._long())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise EventError("a string is not UTF-8") from None

    def _map(self, values: Schema) -> dict[str, Any]:
        """Read the blocks of a map. After a negative count stands the block's size in bytes."""
        entries: dict[str, Any] = {}
        while (count := self._long()) != 0:
            block_end = None
            if count < 0:
                size = self._long()
                block_end = self._at + size
            if abs(count) > self._max_map_entries - len(entries):
                raise EventError(f"a map has more than {self._max_map_entries} entries")
            for _ in range(abs(count)):
                key = self._string()
                if key in entries:
                    raise EventError(f"a map has the key {key[:64]!r} twice")
                entries[key] = self.read(values)
            if block_end not in {None, self._at}:
                raise EventError("a map's block is not as long as it says")
        return entries
