"""Where `sealtrail replay` puts records that are for no log: JSON lines, and a folder of raw values."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from sealtrail_schemas.origin import split_origin
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_CREATE, TIMESTAMP_NONE

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from sealtrail_auditor.replay import ReplayRecord

_STAMPS: Final = {TIMESTAMP_NONE: None, TIMESTAMP_CREATE: "create", TIMESTAMP_APPEND: "append"}


class JsonLinesTarget:
    """Writes each record as one JSON object a line, from which it can be restored byte for byte.

    Bytes that are UTF-8 stand under their name, all others in Base64 under that name with `_base64` behind
    it; both are null where there is null.
    """

    def __init__(self, stream: BinaryIO, *, in_base64: bool) -> None:
        """Prepare to write; `in_base64`: write all bytes in Base64."""
        self._stream = stream
        self._in_base64 = in_base64

    def put(self, put: ReplayRecord) -> None:
        """Write a record."""
        record = put.record
        origin = put.trail.origin
        members = {
            "origin": origin,
            "partition": split_origin(origin).partition,
            "sequence": put.sequence,
            "timestamp_ms": None if record.timestamp_ms == NO_TIMESTAMP else record.timestamp_ms,
            "timestamp_type": _STAMPS[put.timestamp_type],
            **self._bytes("key", record.key),
            "headers": [
                {**self._bytes("key", key), **self._bytes("value", value)} for key, value in record.headers
            ],
            **self._bytes("value", record.value),
        }
        self._stream.write(json.dumps(members, separators=(",", ":")).encode() + b"\n")

    def _bytes(self, name: str, data: bytes | None) -> dict[str, Any]:
        if data is None:
            return {name: None, f"{name}_base64": None}
        if not self._in_base64:
            try:
                return {name: data.decode(), f"{name}_base64": None}
            except UnicodeDecodeError:
                pass
        return {name: None, f"{name}_base64": base64.b64encode(data).decode()}


class FolderTarget:
    """Writes the value of each record to a file of its own: `<trail's folder>/<sequence>.value`.

    Null is an empty file that ends in `.null`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, put: ReplayRecord) -> None:
        """Write a record's value."""
        value = put.record.value
        folder = self._folder / put.trail.folder
        folder.mkdir(parents=True, exist_ok=True)
        kind = "null" if value is None else "value"
        (folder / f"{put.sequence:020}.{kind}").write_bytes(value or b"")
