"""Copying an archive, or some of its trails, into a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail_transport.store import ObjectVersion, Store


def fetch(store: Store, folder: Path, prefixes: list[str], output: Output) -> dict[str, int]:
    """Copy what lies under the prefixes into a folder; returns the counts `versions`, `bytes` and `fetched`.

    Raises:
        StoreError: of the store, or of the folder: it holds something else, or can't be written.
    """
    from sealtrail.progress import Meter
    from sealtrail_transport.copy_writer import CopyWriter, copy_store

    source = _Selected(store, prefixes)
    total = sum(version.size for version in source.versions(""))
    done = {"versions": 0, "bytes": 0, "fetched": 0}

    def show(version: ObjectVersion, fetched: bool) -> None:
        done["versions"] += 1
        done["bytes"] += version.size
        done["fetched"] += fetched
        meter.show(done["bytes"], total)

    now = datetime.now(UTC)
    with (
        Meter(output, "copying") as meter,
        CopyWriter(folder, source_url=store.url, locks=store.lock_knowledge, copied_at=now) as writer,
    ):
        copy_store(source, writer, progress=show)
    return done


class _Selected:
    """A store of which only some prefixes are seen."""

    def __init__(self, store: Store, prefixes: list[str]) -> None:
        self._store = store
        self._prefixes = prefixes
        self.lock_knowledge = store.lock_knowledge
        self.url = store.url
        self.put, self.put_view = store.put, store.put_view
        self.head, self.open, self.read_range = store.head, store.open, store.read_range

    def versions(
        self, prefix: str, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectVersion]:
        """See `Store.versions`; asked for the whole store only."""
        del prefix, after, limit
        for selected in self._prefixes:
            yield from self._store.versions(selected)
