"""Counting events by name in bounded memory, however many names an adversary makes up."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MAX_NAMES: Final = 20_000
"""So many names are counted at once."""

Name = TypeVar("Name", bound="Hashable")


@dataclass(slots=True)
class Count:
    """What was counted under one name.

    Attributes:
        events: How many.
        failed: How many of them failed or were denied.
        first_ms: The earliest event's time; None where none has one.
        last_ms: The latest's.
    """

    events: int = 0
    failed: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, time_ms: int | None, *, failed: bool) -> None:
        """Count one event."""
        self.events += 1
        self.failed += failed
        if time_ms is not None:
            self.first_ms = time_ms if self.first_ms is None else min(self.first_ms, time_ms)
            self.last_ms = time_ms if self.last_ms is None else max(self.last_ms, time_ms)


class Top(NamedTuple, Generic[Name]):
    """The names with the most events, and what is behind them.

    Attributes:
        rows: Names and counts, the most events first; names in order where they are equal.
        more_names: How many further names there are; at least so many where the tally is not exact.
        more_events: How many events they have.
    """

    rows: list[tuple[Name, Count]]
    more_names: int
    more_events: int


class Tally(Generic[Name]):
    """Counts events by name.

    When there are more than `max_names`, the half with the fewest events is dropped (the idea of Misra and
    Gries, 1982, and of lossy counting after it). So a name that counts is never crowded out, and what a name
    is short of is bounded by `may_miss`.

    Attributes:
        events: Events of all names.
        may_miss: By how much any name's count can fall short; 0: all counts are exact.
    """

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self.events = 0
        self.may_miss = 0
        self._max_names = max_names
        self._counts: dict[Name, Count] = {}

    @property
    def is_exact(self) -> bool:
        """Whether nothing was dropped."""
        return self.may_miss == 0

    def add(self, name: Name, time_ms: int | None = None, *, failed: bool = False) -> None:
        """Count one event."""
        self.events += 1
        count = self._counts.get(name)
        if count is None:
            if len(self._counts) == self._max_names:
                self._drop()
            count = self._counts[name] = Count()
        count.add(time_ms, failed=failed)

    def top(self, most: int, *, fits: Callable[[Name], bool] = lambda _name: True) -> Top[Name]:
        """The names with the most events, of those that fit; what is behind them fits, too."""
        fitting = [(name, count) for name, count in self._counts.items() if fits(name)]
        rows = nsmallest(most, fitting, key=lambda item: (-item[1].events, str(item[0])))
        listed = sum(count.events for _, count in rows)
        total = self.events if len(fitting) == len(self._counts) else sum(c.events for _, c in fitting)
        return Top(rows, len(fitting) - len(rows), total - listed)

    def _drop(self) -> None:
        by_count = sorted(self._counts.items(), key=lambda item: item[1].events)
        half = len(by_count) // 2 or 1
        self.may_miss += by_count[half - 1][1].events
        self._counts = dict(by_count[half:])
