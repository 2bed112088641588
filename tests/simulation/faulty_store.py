"""A MemoryStore that answers as badly as real ones have been seen to, on request.

A fault is armed by its kind and strikes at the next call that it fits.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sealtrail_transport.errors import ObjectExistsError, StoreError, StoreUnavailableError
from sealtrail_transport.store import LockMode, Retention

if TYPE_CHECKING:
    from simulation.world import World

PUT_FAULTS = (
    "put-failed",
    "put-unanswered",
    "put-412-own",
    "put-409",
    "put-late",
    "put-damaged",
    "put-unlocked",
)
READ_FAULTS = ("read-torn", "read-short")


class FaultyStore:
    """What has no fault of its own goes to the MemoryStore.

    Attributes:
        due: kinds of faults that are armed, in order.
        late: puts that time out here and arrive there later.
    """

    def __init__(self, world: World, store) -> None:
        self._world = world
        self._store = store
        self.due: list[str] = []
        self.late: list[tuple[tuple, dict]] = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _take(self, *kinds: str) -> str | None:
        """The first armed fault that is one of these; it is used up."""
        kind = next((kind for kind in self.due if kind in kinds), None)
        if kind is not None:
            self.due.remove(kind)
        return kind

    def put(self, key, body, **keywords):
        conditional = keywords.get("only_if_absent", True)
        kind = self._take(
            *(kind for kind in PUT_FAULTS if conditional or kind not in {"put-412-own", "put-409"})
        )
        if kind is None:
            return self._store.put(key, body, **keywords)
        self._world.strike(kind)
        if kind == "put-damaged":
            place = self._world.random.randrange(len(body))
            return self._store.put(
                key, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :], **keywords
            )
        if kind == "put-unlocked":
            return self._store.put(key, body, **(keywords | {"retention": None}))
        if kind == "put-late":
            self.late.append(((key, body), keywords))
        elif kind in {"put-unanswered", "put-412-own"} or (
            kind == "put-409" and self._world.random.random() < 0.5
        ):
            # For a 409, another conditional put of the same name was under way, of the same batch.
            self._store.put(key, body, **keywords)
        if kind == "put-412-own":  # the client library tried again by itself, and met its own first try
            raise ObjectExistsError(f"{key} is there already")
        raise StoreUnavailableError(f"{kind} (scheduled)")

    def land_late(self) -> None:
        """Let the puts that timed out arrive, if their condition still holds."""
        late, self.late = self.late, []
        for arguments, keywords in late:
            try:
                self._store.put(*arguments, **keywords)
            except StoreError:
                self._world.tell("a late put was refused")

    def versions(self, prefix, **keywords):
        lines = self._store.versions(prefix, **keywords)
        if "list-stale" not in self.due:
            return lines
        # The newest objects do not show. A limit is kept: it may cut off what would have been hidden.
        newest = self._store._made - self._world.random.randint(0, 2)
        lines = list(lines)
        shown = [line for line in lines if int(line.version_id, 16) < newest]
        if len(shown) < len(lines):
            self._take("list-stale")
            self._world.strike("list-stale")
        return iter(shown)

    def head(self, key, version_id):
        info = self._store.head(key, version_id)
        if info.retention is None or self._take("retention-echoed-wrong") is None:
            return info
        self._world.strike("retention-echoed-wrong")
        shorter = Retention(LockMode.COMPLIANCE, info.retention.until - timedelta(hours=1))
        weaker = Retention(LockMode.GOVERNANCE, info.retention.until)
        return replace(info, retention=self._world.random.choice([None, shorter, weaker]))

    def open(self, key, version_id):
        stream = self._store.open(key, version_id)
        kind = self._take(*READ_FAULTS)
        if kind is None:
            return stream
        self._world.strike(kind)
        body = stream.read()
        body = body[: self._world.random.randrange(len(body))]
        return io.BytesIO(body) if kind == "read-short" else io.BufferedReader(_Torn(body))


class _Torn(io.RawIOBase):
    """A connection that breaks in the middle."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer, /) -> int:
        count = self._body.readinto(buffer)
        if not count:
            raise StoreUnavailableError("the connection broke (scheduled)")
        return count
