"""Connections to one SQLite database, shared by threads and never carried across a fork.

SQLite keeps its locks' bookkeeping per process, not per connection. A child that inherits it believes to hold
locks that it does not hold, even through a connection of its own (https://sqlite.org/howtocorrupt.html, 2.6).
So a pool closes every connection just before the process forks, and both sides open new ones on demand.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator


class ConnectionPool:
    """Lends connections; a thread that finds none idle gets a new one."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._changed = threading.Condition()  # guards all below
        self._idle: list[sqlite3.Connection] = []
        self._lent = 0
        self._forking = False
        self._closed = False
        _pools.add(self)

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread alone, outside any transaction.

        After an exception it is closed, which rolls back what is open, and never lent again.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._forking)
            self._lent += 1
            connection = self._idle.pop() if self._idle else None
        try:
            connection = connection or self._connect()
            yield connection
        except BaseException:
            if connection is not None:
                connection.close()
            self._take_back(None)
            raise
        else:
            self._take_back(connection)

    def _take_back(self, connection: sqlite3.Connection | None) -> None:
        with self._changed:
            self._lent -= 1
            if connection is not None and self._closed:
                connection.close()
            elif connection is not None:
                self._idle.append(connection)
            self._changed.notify_all()

    def close(self) -> None:
        """Close every connection: idle ones now, lent ones when they come back."""
        with self._changed:
            self._closed = True
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def before_fork(self) -> None:
        """Wait for lent connections, close all, and lend none until the fork is over."""
        with self._changed:
            self._forking = True
            self._changed.wait_for(lambda: not self._lent)
            self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Lend again."""
        with self._changed:
            self._forking = False
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        """Lend again. The condition is new: a thread that exists in the parent only may have held the old."""
        self._changed = threading.Condition()
        self._forking = False


_pools: weakref.WeakSet[ConnectionPool] = weakref.WeakSet()


def _for_each_pool(action: Callable[[ConnectionPool], None]) -> Callable[[], None]:
    def run() -> None:
        for pool in list(_pools):
            action(pool)

    return run


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_for_each_pool(ConnectionPool.before_fork),
        after_in_parent=_for_each_pool(ConnectionPool.after_fork_in_parent),
        after_in_child=_for_each_pool(ConnectionPool.after_fork_in_child),
    )
