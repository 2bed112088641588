"""Text and times as a report states them: fit to show, and bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

MAX_NAME_CHARS: Final = 160
MAX_TEXT_CHARS: Final = 400

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TAG_CHARS: Final = 8


def shown_name(name: str) -> str:
    """A name out of an event with all that does not print as escapes, and cut if it is long.

    What was cut ends in the start of its SHA-256, so that two names stay two.
    """
    if len(name) <= MAX_NAME_CHARS and name.isprintable():
        return name
    escaped = _escaped(name)
    if len(escaped) <= MAX_NAME_CHARS:
        return escaped
    tag = sha256(name.encode(errors="surrogatepass")).hexdigest()[:_TAG_CHARS]
    return f"{escaped[: MAX_NAME_CHARS - _TAG_CHARS - 2]}…#{tag}"


def shown_text(text: str, most: int = MAX_TEXT_CHARS) -> str:
    """Text with all that does not print as escapes, cut to `most` characters."""
    escaped = _escaped(text)
    return escaped if len(escaped) <= most else escaped[: most - 1] + "…"


def shown_time(time_ms: int | None) -> str | None:
    """RFC 3339 in UTC with milliseconds; None for None, and for what no calendar has."""
    if time_ms is None:
        return None
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_ms(time: datetime) -> int:
    """Milliseconds since the Unix epoch."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
