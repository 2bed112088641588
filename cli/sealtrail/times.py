"""Moments as people write them: `2026-11-23T09:30:00Z`, `2026-11-23`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from sealtrail_schemas.recognised import time_ms

if TYPE_CHECKING:
    from typing import Any

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_time_ms(text: str) -> int:
    """Read an RFC 3339 time, or a date, which begins at midnight UTC; milliseconds since the Unix epoch.

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    found = time_ms(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    if found is None:
        raise ValueError(
            f"{text!r} is no time: write 2026-11-23T09:30:00Z, 2026-11-23T10:30:00+01:00 or 2026-11-23"
        )
    return found


def format_time_ms(ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds only where there are some. For the years 1 to 9999."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    precision = "milliseconds" if ms % 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


class TimeType(click.ParamType[int]):
    """An option's value that is a moment, in milliseconds since the Unix epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the value of an option."""
        if isinstance(value, int):
            return value
        try:
            return parse_time_ms(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


TIME: Final = TimeType()
"""What options are declared with."""
