"""Whether work flows: not whether anything is perfect, but whether somebody has to look.

A process is healthy while nothing stops it and every backlog moves. One without a backlog is healthy, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Flow(NamedTuple):
    """A piece of work that is to move on while there is some.

    Attributes:
        name: what it is, in words that can begin a sentence.
        mark: how far it has come; any change is progress.
        has_backlog: whether there is anything to do.
    """

    name: str
    mark: int
    has_backlog: bool


class StallWatch:
    """Finds flows that have a backlog and do not move. Times are seconds of one monotonic clock.

    Args:
        patience_s: for how long a backlog may lie still.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._seen: dict[str, tuple[Flow, float]] = {}  # with the time since when it lies still

    def observe(self, flows: Iterable[Flow], *, now_s: float) -> None:
        """Note where everything stands. Flows that are not among these are forgotten."""
        before = self._seen
        self._seen = {flow.name: (flow, _still_since(flow, before.get(flow.name), now_s)) for flow in flows}

    def stalled(self, *, now_s: float) -> str | None:
        """What does not move, in one line; None where everything does."""
        for flow, since_s in self._seen.values():
            if flow.has_backlog and now_s - since_s > self._patience_s:
                return f"{flow.name} has not moved for {now_s - since_s:.0f} s"
        return None


def _still_since(flow: Flow, before: tuple[Flow, float] | None, now_s: float) -> float:
    if before is None or not flow.has_backlog or not before[0].has_backlog or before[0].mark != flow.mark:
        return now_s
    return before[1]
