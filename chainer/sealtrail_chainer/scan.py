"""Reading a chained partition forwards: record by record, and along the true chain to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_chainer.true_chain import Linked, Stray, TrueChain
from sealtrail_schemas.leaf import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.chain import ChainState
    from sealtrail_transport.log import Chunk, Log

READ_RECORDS: Final = 1_000
READ_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Scanned:
    """What reading the true chain from an anchor to its end has found.

    Attributes:
        state: The chain's, at its end.
        end: The chained offset up to which was read.
        strays: Those on the way, the first `max_records` of them.
        newest_source: The last entry that stands for a raw record.
        controls: The control entries on the way, the last `max_records` of them.
    """

    state: ChainState
    end: int
    strays: tuple[Stray, ...] = ()
    newest_source: Linked | None = None
    controls: tuple[Linked, ...] = ()


def scan(
    log: Log,
    trail: Trail,
    state: ChainState,
    offset: int,
    *,
    max_records: int = READ_RECORDS,
    max_bytes: int = READ_BYTES,
) -> Scanned:
    """Read the true chain from an anchor to its end, `max_records` and `max_bytes` at a time.

    Raises:
        LineStoppedError: as `TrueChain.take`.
        LogUnavailableError, OffsetOutOfRangeError: as `Log.read`.
    """
    chain = TrueChain(state)
    strays: list[Stray] = []
    controls: list[Linked] = []
    newest: Linked | None = None
    end = log.bounds(trail.chained_topic, trail.partition).end
    for chunk in chunks(log, trail, offset, end, max_records=max_records, max_bytes=max_bytes):
        for record in chunk.records:
            taken = chain.take(record)
            if isinstance(taken, Stray):
                if len(strays) < max_records:
                    strays.append(taken)
            elif taken.leaf.kind.has_source:
                newest = taken
            elif taken.leaf.kind is Kind.CONTROL:
                controls = [*controls[-max_records:], taken]
        offset = chunk.next_offset
    return Scanned(chain.state, offset, tuple(strays), newest, tuple(controls))


def chunks(
    log: Log,
    trail: Trail,
    start: int,
    end: int,
    *,
    max_records: int = READ_RECORDS,
    max_bytes: int = READ_BYTES,
) -> Iterator[Chunk]:
    """What the chained partition holds from `start` on, until `end` was come to."""
    while start < end:
        chunk = log.read(
            trail.chained_topic, trail.partition, start, max_records=max_records, max_bytes=max_bytes
        )
        yield chunk
        start = chunk.next_offset
