"""The points at which a crash is tried, and what to put around the ports to get there.

A point is a label `<part>.<call>.<when>`: `chainer.append.before` is passed when the chainer is about to call
`append`, `archiver.put-seal.after` when the store has returned from the put of a seal and the archiver has
not gone on yet. Between two calls of a port a part only computes, so a crash anywhere is a crash at one of
these points.

The simulation and the runs on real parts share this list. `at` is what happens at a point: it returns, or
never does (it raises what nobody catches, or kills the process).
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS: Final = {
    "chainer": (
        "topic",  # identity of a topic
        "bounds",  # both ends of a partition
        "read-raw",
        "read-chained",
        "writer",  # open the one writer: older ones are fenced
        "append",  # one transaction
        "close",  # of the writer
        "list-trails",  # which trails the store holds
        "list-seal",
        "open-seal",
    ),
    "archiver": (
        "topic",
        "bounds",
        "read-chained",
        "trim",  # free what is sealed
        "list-trails",
        "list-batch",
        "put-batch",
        "head-batch",
        "open-batch",
        "list-seal",
        "put-seal",
        "head-seal",
        "open-seal",
    ),
}
"""The calls that each part makes. What they name of a store is told apart by the key."""

POINTS: Final = tuple(
    f"{part}.{call}.{when}" for part, calls in CALLS.items() for call in calls for when in ("before", "after")
)
"""Every label, in the order of the list above."""


class Watch:
    """Calls something, and `at` before and after it."""

    def __init__(self, part: str, at: Callable[[str], None]) -> None:
        self.part = part
        self.at = at

    def __call__(self, name, call, /, *arguments, **keywords):
        self.at(f"{self.part}.{name}.before")
        answer = call(*arguments, **keywords)
        self.at(f"{self.part}.{name}.after")
        return answer


class Watched:
    """What an adapter has beside the calls that are watched goes to the adapter itself."""

    def __init__(self, target, watch: Watch) -> None:
        self._target = target
        self._watch = watch

    def __getattr__(self, name):
        return getattr(self._target, name)


class WatchedLog(Watched):
    """A log of one part. `is_chained` tells by its name whether a topic is a chained one."""

    def __init__(
        self,
        log,
        part: str,
        at: Callable[[str], None],
        *,
        is_chained: Callable[[str], bool] = lambda topic: topic.endswith(".chained"),
    ) -> None:
        super().__init__(log, Watch(part, at))
        self._is_chained = is_chained

    def topic(self, name):
        return self._watch("topic", self._target.topic, name)

    def bounds(self, topic, partition):
        return self._watch("bounds", self._target.bounds, topic, partition)

    def read(self, topic, partition, offset, *, max_records, max_bytes):
        name = "read-chained" if self._is_chained(topic) else "read-raw"
        return self._watch(
            name, self._target.read, topic, partition, offset, max_records=max_records, max_bytes=max_bytes
        )

    def writer(self, topic, partition, **keywords):
        writer = self._watch("writer", self._target.writer, topic, partition, **keywords)
        return WatchedWriter(writer, self._watch)

    def trim(self, topic, partition, offset):
        return self._watch("trim", self._target.trim, topic, partition, offset)


class WatchedWriter(Watched):
    """A writer that a WatchedLog has opened."""

    def append(self, records):
        return self._watch("append", self._target.append, records)

    def close(self):
        return self._watch("close", self._target.close)


class WatchedStore(Watched):
    """A store of one part. Views are not watched: they are no part of a trail."""

    def __init__(self, store, part: str, at: Callable[[str], None]) -> None:
        super().__init__(store, Watch(part, at))

    def put(self, key, body, **keywords):
        return self._watch(f"put-{_kind(key)}", self._target.put, key, body, **keywords)

    def versions(self, prefix, **keywords):
        """A store asks for the first page when its first line is wanted; so that belongs to the call."""

        def first_and_rest():
            lines = iter(self._target.versions(prefix, **keywords))
            return list(islice(lines, 1)), lines

        return chain(*self._watch(f"list-{_kind(prefix)}", first_and_rest))

    def head(self, key, version_id):
        return self._watch(f"head-{_kind(key)}", self._target.head, key, version_id)

    def open(self, key, version_id):
        return self._watch(f"open-{_kind(key)}", self._target.open, key, version_id)


def _kind(key: str) -> str:
    if "/batches/" in key:
        return "batch"
    return "seal" if "/seals/" in key else "trails"
