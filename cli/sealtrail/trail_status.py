"""How far a trail has come, as log and store say. Quick to find out, and no verdict: only `verify` checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.errors import LineStoppedError
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import LINK_HEADER, Leaf, split_link

if TYPE_CHECKING:
    from datetime import datetime

    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.seal import Seal
    from sealtrail_transport.log import Log, LogRecord
    from sealtrail_transport.store import Store

_LOOK_BACK: Final = 100


@dataclass(frozen=True, slots=True)
class TrailStatus:
    """One trail.

    Attributes:
        origin: The trail.
        published: Records of the raw partition so far, gaps in its offsets included.
        chained: Entries so far.
        unchained: Records that are published and not chained.
        sealed: Sealed entries.
        newest_seal_at: When the store took the newest seal's batch.
        locked_until: The newest seal's retention date; None where the store can't lock.
        stopped: Why the line can't go on; None where nothing speaks against it.
    """

    origin: str
    published: int
    chained: int
    unchained: int
    sealed: int = 0
    newest_seal_at: datetime | None = None
    locked_until: datetime | None = None
    stopped: str | None = None

    @property
    def unsealed(self) -> int:
        """Entries that are chained and not sealed."""
        return max(0, self.chained - self.sealed)


def trail_status(log: Log, store: Store, trail: Trail) -> TrailStatus:
    """Ask log and store about a trail.

    Raises:
        TransportError: one of them can't be reached.
    """
    published = log.bounds(trail.raw_topic, trail.partition).end
    newest = _newest_leaf(log, trail)
    chained, position = (newest.sequence + 1, newest.next_source_offset) if newest else (0, 0)
    seal: Seal | None = None
    stopped = None
    try:
        anchor = find_anchor(log, store, trail)
        seal = anchor.seal.opened.seal if anchor and anchor.seal else None
    except LineStoppedError as error:
        stopped = str(error)
    return TrailStatus(
        trail.origin,
        published=published,
        # Where the log trims what is sealed, the newest entry may be in the archive only.
        chained=max(chained, seal.size if seal else 0),
        unchained=max(0, published - max(position, seal.source.next_offset if seal else 0)),
        sealed=seal.size if seal else 0,
        newest_seal_at=seal.batch.last_modified if seal else None,
        locked_until=seal.retention.until if seal else None,
        stopped=stopped,
    )


def _newest_leaf(log: Log, trail: Trail) -> Leaf | None:
    """The leaf of the last chained record that carries one, among the last few."""
    bounds = log.bounds(trail.chained_topic, trail.partition)
    start = max(bounds.start, bounds.end - _LOOK_BACK)
    newest = None
    while start < bounds.end:
        chunk = log.read(
            trail.chained_topic, trail.partition, start, max_records=_LOOK_BACK, max_bytes=1 << 22
        )
        for record in chunk.records:
            newest = _leaf(record) or newest
        if chunk.next_offset <= start:
            break
        start = chunk.next_offset
    return newest


def _leaf(record: LogRecord) -> Leaf | None:
    name, link = record.headers[-1] if record.headers else (b"", None)
    if name != LINK_HEADER or link is None:
        return None
    try:
        return Leaf.parse(split_link(link)[0])
    except FormatError:
        return None
