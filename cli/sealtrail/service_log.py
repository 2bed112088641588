"""The log of a service: one line per thing that happened, on stderr, through Python's own logging.

    2026-11-23T09:30:00.123Z INFO audit.example.com/payments/0 sealed size=120 entries=20 …
    {"time": "2026-11-23T09:30:00.123Z", "level": "info", "origin": …, "event": "sealed", "size": 120, …}

A line has a time in UTC, a level, the trail's origin (`-` where it is about none), the event's name, and
fields. Whatever comes from elsewhere is escaped: no record can begin a line of its own.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Field: TypeAlias = "str | int | float | bool | None"
LogFormat: TypeAlias = Literal["text", "json"]

_LOGGER: Final = logging.getLogger("sealtrail")
_LIBRDKAFKA: Final = logging.getLogger("sealtrail_transport.kafka")
_PLAIN: Final = re.compile(r"[!#-<>-~]+")  # visible ASCII but for the quotation mark and the equals sign


def tell(
    event: str,
    *,
    origin: str | None = None,
    level: int = logging.INFO,
    fields: Mapping[str, Field] | None = None,
) -> None:
    """Log one event. Fields that are None are left out."""
    kept = {name: value for name, value in (fields or {}).items() if value is not None}
    _LOGGER.log(level, event, extra={"sealtrail_event": (origin, kept)})


def write_to_stderr(log_format: LogFormat, *, verbose: bool = False) -> logging.Handler:
    """Send what is told, and warnings of libraries, to stderr; returns the handler, for `stop_writing`.

    librdkafka has a line for each connection that is refused, many times a second. What they mean is told by
    who had to wait, so they are written only if `verbose`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.getLogger().addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LIBRDKAFKA.setLevel(logging.DEBUG if verbose else logging.ERROR)
    return handler


def stop_writing(handler: logging.Handler) -> None:
    """Undo `write_to_stderr`."""
    logging.getLogger().removeHandler(handler)
    _LOGGER.setLevel(logging.NOTSET)
    _LIBRDKAFKA.setLevel(logging.NOTSET)
    handler.close()


class TextLines(logging.Formatter):
    """`time LEVEL origin event name=value …`; values with anything but visible ASCII are JSON strings."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        origin, event, fields = _parts(record)
        pairs = [f"{name}={_text(value)}" for name, value in fields.items()]
        return " ".join([_time(record), record.levelname, _text(origin or "-"), event, *pairs])


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        origin, event, fields = _parts(record)
        head = {"time": _time(record), "level": record.levelname.lower(), "origin": origin, "event": event}
        return json.dumps(head | fields)


def _parts(record: logging.LogRecord) -> tuple[str | None, str, dict[str, Field]]:
    told = getattr(record, "sealtrail_event", None)
    if told is not None:
        origin, fields = told
        return origin, record.getMessage(), fields
    return None, "message", {"logger": record.name, "text": " ".join(record.getMessage().split())}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: Field) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value)
    return json.dumps(value)
