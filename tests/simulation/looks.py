"""What the acts look at in a world, and what several of them do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.true_chain import Linked, TrueChain
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.seal_shelf import newest_seal
from sealtrail_transport.trail_folders import trail_folders
from simulation.world import CHAINED

if TYPE_CHECKING:
    from sealtrail_transport.log import LogRecord
    from sealtrail_transport.seal_shelf import PlacedSeal
    from simulation.world import World


def chained_records(world: World) -> tuple[LogRecord, ...]:
    start = world.log.bounds(CHAINED, 0).start
    return world.log.read(CHAINED, 0, start, max_records=10**6, max_bytes=10**9).records


def true_chain(world: World) -> tuple[TrueChain, list[Linked]] | None:
    """The true chain at its end, and its entries that are not sealed; None where there is none yet."""
    anchor = find_anchor(world.log, world.bucket, world.trail)
    if anchor is None:
        return None
    chain = TrueChain(anchor.state)
    entries = [anchor.genesis] if anchor.genesis else []
    for record in chained_records(world):
        if record.offset >= anchor.chained_offset:
            taken = chain.take(record)
            if isinstance(taken, Linked):
                entries.append(taken)
    return chain, entries


def folder_of(world: World) -> str | None:
    return next(trail_folders(world.bucket), None)


def newest(world: World) -> PlacedSeal | None:
    folder = folder_of(world)
    return newest_seal(world.bucket, folder, TrailKeys.only(world.signer.verifier)) if folder else None


def sealed_up_to(world: World) -> int:
    """Below which raw offset everything is sealed."""
    seal = newest(world)
    return seal.opened.seal.source.next_offset if seal else 0


def sealed_size(world: World) -> int:
    seal = newest(world)
    return seal.opened.checkpoint.size if seal else 0


def keys_inside(world: World, inside: str) -> list[str]:
    folder = folder_of(world)
    return list(dict.fromkeys(line.key for line in world.bucket.versions(folder + inside))) if folder else []


def body_of(world: World, key: str) -> bytes:
    oldest = [line for line in world.bucket.versions(key) if line.key == key][-1]
    with world.bucket.open(key, oldest.version_id) as stream:
        return stream.read()


def cut(world: World, topic: str, offset: int) -> None:
    """Lose what a partition holds from an offset on; those that have read further are told (KIP-320)."""
    world.log.faults.land_delayed()
    world.log.faults.lose_end(topic, 0, offset)
    for process in world.alive():
        process.log.lose_end(topic, offset)


def restart_archivers(world: World) -> None:
    """With all that they have read and had under way."""
    world.store.late.clear()
    for process in world.alive():
        if process.part == "archiver":
            world.kill(process)
