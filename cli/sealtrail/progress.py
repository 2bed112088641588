"""How far a long command has come: a bar where somebody watches, else a line now and then, on stderr."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from sealtrail.console import Output

_LINE_EVERY_S: Final = 10.0


class Meter:
    """Shows work whose size in bytes is known, with its rate and the time left.

    ::

        with Meter(output, "verifying") as meter:
            ...
            meter.show(done_bytes, total_bytes, entries)
    """

    def __init__(self, output: Output, what: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; `what` is one word for what is being done, `clock` tells seconds."""
        self._output = output
        self._what = what
        self._clock = clock
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._began = self._last_line = clock()

    def __enter__(self) -> Self:
        """Show the bar, if there is to be one."""
        self._began = self._last_line = self._clock()
        if self._output.live:
            self._bar = _make_bar(self._output)
            self._task = self._bar.add_task(self._what, total=None, rate="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; what was done is for the caller to say."""
        if self._bar is not None:
            self._bar.stop()

    def show(self, done_bytes: int, total_bytes: int, entries: int | None = None) -> None:
        """Show how much is done; `entries` as far as entries are counted."""
        now = self._clock()
        rate = format_rate(done_bytes, entries, now - self._began)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done_bytes, total=max(done_bytes, total_bytes), rate=rate)
        elif now - self._last_line >= _LINE_EVERY_S:
            self._last_line = now
            share = 100 * done_bytes // max(done_bytes, total_bytes, 1)
            self._output.say(f"{self._what}: {share} %  {rate}")


def format_rate(done_bytes: int, entries: int | None, seconds: float) -> str:
    """Entries and megabytes a second, as far as either is known."""
    if seconds <= 0:
        return ""
    rate = f"{done_bytes / seconds / 1e6:,.1f} MB/s"
    return rate if entries is None else f"{entries / seconds:,.0f} entries/s  {rate}"


def _make_bar(output: Output) -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=output.err,
        transient=True,
    )
