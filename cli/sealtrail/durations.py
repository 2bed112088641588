"""Durations as people write them: `30s`, `12h`, `1d`, `7y`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from typing import Any

_DURATION: Final = re.compile(r"([0-9]{1,15})\s*(ms|s|m|h|d|w|y)")
_UNIT_MS: Final = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
    # A retention of a year must not end a day early when the year has a leap day.
    "y": 366 * 86_400_000,
}


def parse_duration(text: str) -> timedelta:
    """Read a whole number and a unit: ms, s, m (minutes), h, d, w or y (366 days).

    Raises:
        ValueError: it is none, or longer than a timedelta holds.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(
            f"{text!r} is no duration: a whole number and a unit, as 30s, 15m, 12h, 1d, 8w or 7y"
        )
    try:
        return timedelta(milliseconds=int(match[1]) * _UNIT_MS[match[2]])
    except OverflowError:
        raise ValueError(f"{text!r} is too long") from None


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads it back, in the largest unit that fits."""
    total_ms = duration // timedelta(milliseconds=1)
    unit = next(unit for unit, size in reversed(_UNIT_MS.items()) if total_ms % size == 0)
    return f"{total_ms // _UNIT_MS[unit]}{unit}"


class DurationType(click.ParamType[timedelta]):
    """An option's value that is a duration, as timedelta."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read the value of an option."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION: Final = DurationType()
