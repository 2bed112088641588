"""Ctrl-C and SIGTERM for a command that ends in good order: the first asks for it, the second ends it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Counts signals while its context lasts. Until `expected` is set, a signal raises KeyboardInterrupt.

    A handler runs between any two steps of the main thread, so it only counts; whoever waits looks at it.
    """

    def __init__(self) -> None:
        self.expected = False
        self.count = 0
        self.first: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _take(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        self.count += 1
        self.first = self.first or signal.Signals(number)
        if not self.expected:
            self.expected = True  # a second one must not cut short what the first has begun to end
            raise KeyboardInterrupt
