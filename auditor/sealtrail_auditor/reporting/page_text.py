"""How the page writes times, numbers and durations of report.json."""

from __future__ import annotations

from typing import Final

NONE: Final = "\N{EN DASH}"
"""Stands where there is nothing to say."""

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


def when(time: str | None) -> str:
    """`2026-11-23T09:30:00.208Z` as `2026-11-23 09:30:00`; the page says that it is UTC. A dash for None."""
    return NONE if time is None else exactly(time).partition(".")[0]


def exactly(time: str) -> str:
    """The same with milliseconds, where there are some."""
    return time.replace("T", " ").removesuffix("Z").removesuffix(".000")


def number(decimal: str) -> str:
    """Digits in groups of three."""
    return f"{int(decimal):,}"


def count(decimal: str, thing: str, things: str | None = None) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number(decimal)} {thing if int(decimal) == 1 else things or thing + 's'}"


def duration(length_ms: str) -> str:
    """A length of time in its two greatest units: `1 h 12 min`."""
    rest = int(length_ms)
    parts: list[str] = []
    for unit, size in _UNITS:
        if rest >= size and len(parts) < 2:
            parts.append(f"{rest // size:,} {unit}")
            rest %= size
        elif parts:
            break
    return " ".join(parts) or "less than 1 s"
