"""From a log's address to the sink of one of its topics.

`sqlite:PATH` is the embedded log in that file, as `sealtrail init` makes it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sealtrail_transport.buffered_sink import BufferedSink, SinkSettings
from sealtrail_transport.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_transport.log import EventSink


def sink_factory(
    address: str, topic: str, *, settings: SinkSettings | None = None
) -> Callable[[], EventSink]:
    """What opens a sink for `topic` of the log at `address`; callable again in a forked child.

    Raises:
        LogError: the address is of no kind known here. The factory raises what the sink raises.
    """
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        return partial(_open_sqlite_sink, Path(place).absolute(), topic, settings)
    raise LogError(f"{address!r} is not the address of a log; write sqlite:PATH")


def _open_sqlite_sink(path: Path, topic: str, settings: SinkSettings | None) -> EventSink:
    from sealtrail_transport.sqlite_log import SqliteLog

    if not path.exists():
        raise LogError(f"there is no log at {path}; `sealtrail init` makes one")
    log = SqliteLog(path)
    try:
        return BufferedSink(log, topic, settings=settings, on_close=log.close)
    except BaseException:
        log.close()
        raise
