"""Splitting files into the events to publish, byte for byte as they stand in the file.

What is published is a slice of the file, never something written anew from what was decoded: whoever holds
the file can find its bytes in the trail. Keys are null: a key decides the partition and is archived with the
event, so it must hold no direct identifier, and a splitter can't know what holds one.

Formats whose file is one JSON document are read whole before the first event comes out, so that a damaged
file yields nothing. JSON lines are read line by line, in bounded memory.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, TypeAlias, get_args

from sealtrail_schemas.errors import EventError
from sealtrail_schemas.json_reader import parse_json
from sealtrail_schemas.json_slices import Slice, record_slices, value_slices
from sealtrail_schemas.plain_stream import gzip_damage, plain_stream
from sealtrail_schemas.recognise_cloudevents import missing_attribute
from sealtrail_schemas.recognised import time_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_schemas.record import Header

EventFormat: TypeAlias = Literal["jsonl", "cloudevents", "cloudtrail", "raw"]
"""How a file holds events: one JSON text a line; CloudEvents in JSON (one, several, or a batch); a CloudTrail
log file; or the whole file as one event."""
EVENT_FORMATS: Final[tuple[EventFormat, ...]] = get_args(EventFormat)

MAX_FILE_BYTES: Final = 1 << 27
"""A file that is read whole is at most 128 MiB, decompressed."""
MAX_LINE_BYTES: Final = 1 << 24
"""A line of JSON lines is at most 16 MiB."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CLOUDEVENTS_HEADERS: Final = ((b"content-type", b"application/cloudevents+json; charset=UTF-8"),)


@dataclass(frozen=True, slots=True)
class Published:
    """An event as it will be published. `time_ms` is when it happened, where the format says so."""

    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes
    time_ms: int | None


def split_events(data: bytes | BinaryIO, event_format: EventFormat) -> Iterator[Published]:
    """Split a file, or what is read from a stream, into events.

    Gzip is recognised by its first bytes and undone, except in `raw`. The stream is not closed.

    Raises:
        EventError: the file is not what the format says, or too large. The message says where, in one line.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    match event_format:
        case "raw":
            return iter([Published(None, (), _read_whole(stream), None)])
        case "jsonl":
            return _split_lines(stream)
        case "cloudtrail":
            return iter(_split_cloudtrail(_read_text(stream)))
        case "cloudevents":
            return iter(_split_cloudevents(_read_text(stream)))
    raise EventError(f"no event format is called {event_format!r}; there are {', '.join(EVENT_FORMATS)}")


def _split_lines(stream: BinaryIO) -> Iterator[Published]:
    for number, line in enumerate(_lines(stream), 1):
        if not line.strip():
            continue
        try:
            parse_json(line, max_bytes=MAX_LINE_BYTES)
        except EventError as error:
            raise EventError(f"line {number}: {error}; to publish other bytes use the format raw") from None
        yield Published(None, (), line, None)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream without their ends."""
    source = plain_stream(stream)
    number = 0
    while True:
        with gzip_damage():
            line = source.readline(MAX_LINE_BYTES + 1)
        number += 1
        if not line:
            return
        if len(line) > MAX_LINE_BYTES:
            raise EventError(f"line {number} is longer than {MAX_LINE_BYTES} bytes")
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def _split_cloudtrail(text: str) -> list[Published]:
    try:
        return [_cloudtrail_event(*numbered) for numbered in enumerate(record_slices(text, "Records"), 1)]
    except EventError as error:
        raise EventError(f"not a CloudTrail log file: {error}") from None


def _cloudtrail_event(number: int, record: Slice) -> Published:
    if not isinstance(record.value, dict):
        raise EventError(f"record {number} is not an object")
    return Published(None, (), record.text.encode(), time_ms(record.value.get("eventTime")))


def _split_cloudevents(text: str) -> list[Published]:
    return [_cloudevent(*numbered) for numbered in enumerate(value_slices(text), 1)]


def _cloudevent(number: int, event: Slice) -> Published:
    """One event in structured mode, with the header by which the Kafka protocol binding tells that mode."""
    if not isinstance(event.value, dict):
        raise EventError(f"event {number} is not a CloudEvent: not an object")
    missing = missing_attribute(event.value)
    if missing is not None:
        raise EventError(f'event {number} is not a CloudEvent: no "{missing}"')
    return Published(None, _CLOUDEVENTS_HEADERS, event.text.encode(), time_ms(event.value.get("time")))


def _read_text(stream: BinaryIO) -> str:
    """The whole of a stream as text, without the byte order mark that some tools put in front."""
    with gzip_damage():
        data = _read_whole(plain_stream(stream))
    try:
        return data.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise EventError(f"not UTF-8 at byte {error.start + 1}") from None


def _read_whole(stream: BinaryIO) -> bytes:
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise EventError(f"the file is larger than {MAX_FILE_BYTES} bytes; split it, or use the format jsonl")
    return data
