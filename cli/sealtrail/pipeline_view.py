"""What a running pipeline shows: a live line on a terminal, log lines elsewhere, with --json its seals."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.live import Live
from rich.markup import escape
from rich.text import Text

from sealtrail.pipeline_events import Away, Back, Raised, Rejected, Sealed
from sealtrail.wording import age, plural, utc

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sealtrail.console import Output
    from sealtrail.pipeline import Pipeline
    from sealtrail.pipeline_events import Event


class PipelineView:
    """Shows a pipeline while the context lasts. Only the thread that made it calls its methods."""

    def __init__(self, output: Output, pipeline: Pipeline) -> None:
        self._output = output
        self._pipeline = pipeline
        self._newest_seal: datetime | None = None
        self._away: set[str] = set()
        self.ending = False
        self._live = Live(get_renderable=self._line, console=output.err, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._output.live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def refresh(self) -> None:
        """Show what has happened since the last call."""
        for event in self._pipeline.events():
            self._tell(event)
        if self._output.live:
            self._live.refresh()

    def end(self, how: str) -> None:
        """Say that the pipeline is about to end."""
        self.ending = True
        self._log(how)

    @property
    def chained(self) -> int:
        """Entries of all trails."""
        return sum(line.chained_size for line in self._pipeline.lines)

    @property
    def sealed(self) -> int:
        """Sealed entries of all trails."""
        return sum(line.sealed_size for line in self._pipeline.lines)

    def _tell(self, event: Event) -> None:
        match event:
            case Sealed():
                self._tell_sealed(event)
            case Raised(origin, alarm):
                self._warn(f"{origin}: {alarm.message} ({alarm.code})")
            case Rejected(origin, reason):
                self._warn(f"{origin}: a record could not be chained as it is: {reason}")
            case Away(who, error):
                self._away.add(who)
                self._warn(f"{who} waits and tries again: {error}")
            case Back(who):
                self._away.discard(who)
                self._log(f"{who} goes on")

    def _tell_sealed(self, event: Sealed) -> None:
        opened = event.batch.placed.opened
        seal = opened.seal
        self._newest_seal = seal.batch.last_modified
        self._output.record(
            event="sealed",
            origin=event.origin,
            size=opened.checkpoint.size,
            entries=event.batch.entries,
            seal=event.batch.placed.key,
            batch=seal.batch.key,
            retain_until=utc(seal.retention.until) if seal.retention.until else None,
            adopted=event.batch.adopted,
        )
        if not self._output.live:
            found = ", found written already" if event.batch.adopted else ""
            entries = plural(event.batch.entries, "entry", "entries")
            self._log(f"{event.origin} sealed to {opened.checkpoint.size:,} (+{entries}{found})")

    @property
    def _stamp(self) -> str:
        """What a line of a log begins with."""
        return "" if self._output.live else f"{utc(datetime.now(UTC))} "

    def _warn(self, text: str) -> None:
        self._output.warn(escape(text), stamp=self._stamp)

    def _log(self, text: str) -> None:
        self._output.say(self._stamp + escape(text))

    def _line(self) -> Text:
        parts = ["starting"]
        if self.chained:
            parts = [plural(self.chained, "entry", "entries") + " chained", f"{self.sealed:,} sealed"]
        if self._newest_seal is not None:
            parts.append(f"newest seal {age(datetime.now(UTC) - self._newest_seal)} ago")
        if self._away:
            parts.append("waiting")
        if self.ending:
            parts.append("ending")
        mark = "◐◓◑◒"[int(time.monotonic() * 4) % 4]
        return Text(f"{mark} {' · '.join(parts)}", style="yellow" if self._away else "")
