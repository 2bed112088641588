"""Calling back when a process ends or has forked: a producer must know, to lose and to repeat nothing."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class AtExit:
    """Calls `callback` once, when this process ends, unless cancelled before.

    Children that `multiprocessing` forks end without running `atexit`; they have finalizers of their own.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        atexit.register(callback)
        self._cancel_finalizer = _finalize_multiprocessing_child(callback)

    def cancel(self) -> None:
        """Forget the callback."""
        atexit.unregister(self._callback)
        self._cancel_finalizer()


def _finalize_multiprocessing_child(callback: Callable[[], None]) -> Callable[[], object]:
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None:
        return lambda: None
    from multiprocessing.util import Finalize

    return Finalize(None, callback, exitpriority=0).cancel


class ForkAware(Protocol):
    """What holds threads or locks that a forked child must replace."""

    def after_fork_in_child(self) -> None:
        """Called in the child, before any other code of it runs."""
        ...


_fork_aware: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def watch_forks(owner: ForkAware) -> None:
    """Have `owner.after_fork_in_child` called in every child forked while `owner` lives."""
    _fork_aware.add(owner)


def _after_fork_in_child() -> None:
    for owner in list(_fork_aware):
        owner.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
