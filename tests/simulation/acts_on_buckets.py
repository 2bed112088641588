"""What somebody with the bucket's credentials can do to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sealtrail_chainer.chain_step import chain_event
from sealtrail_schemas.batch import BatchWriter
from sealtrail_schemas.chain import ChainState
from sealtrail_schemas.layout import batch_key, seal_key
from sealtrail_schemas.leaf import split_link
from sealtrail_schemas.payload import encode_payload
from sealtrail_schemas.record import TIMESTAMP_CREATE
from sealtrail_transport.log import LogRecord
from sealtrail_transport.store import LockMode, Retention
from simulation.looks import body_of, folder_of, keys_inside, sealed_size, true_chain

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.world import World

JUNK: Final = b"\x00not what belongs here"


def mark(inside: str, kind: str) -> Callable[[World], bool]:
    def act(world: World) -> bool:
        keys = keys_inside(world, inside)
        if not keys:
            return False
        world.bucket.delete(world.random.choice(keys[-2:]))
        world.strike(kind)
        return True

    return act


def shadow(inside: str, kind: str) -> Callable[[World], bool]:
    def act(world: World) -> bool:
        keys = keys_inside(world, inside)
        if not keys:
            return False
        key, other = world.random.choice(keys[-2:]), world.random.choice(keys)
        body = world.random.choice([JUNK, body_of(world, other)])
        world.bucket.put(key, body, retention=None, only_if_absent=False)
        world.strike(kind)
        return True

    return act


def squat_batch(world: World) -> bool:
    """Lock something in where the next batch is to be: junk, or a real entry and then a forged one."""
    folder, size = folder_of(world), sealed_size(world)
    if folder is None:
        return False
    key = folder + batch_key(size)
    if key in keys_inside(world, "batches/"):
        return False
    body = world.random.choice([JUNK, _forged_batch(world) or JUNK])
    until = world.clock.now() + timedelta(days=10)
    world.bucket.put(key, body, retention=Retention(LockMode.COMPLIANCE, until))
    world.strike("batch-squatted")
    return True


def _forged_batch(world: World) -> bytes | None:
    """A batch that begins with the trail's next entry and goes on with one that only links to it."""
    scanned = true_chain(world)
    if scanned is None:
        return None
    chain, entries = scanned
    state = chain.state
    if entries:
        leaf = entries[0].leaf
        state = ChainState(
            leaf.trail_id,
            leaf.sequence + 1,
            entries[0].entry_hash,
            leaf.chained_at_ms,
            leaf.next_source_offset,
        )
    source = LogRecord(state.next_source_offset, None, b"forged", (), world.clock.now_ms, TIMESTAMP_CREATE)
    after = source.offset + 1
    salt = world.random.randbytes(16)
    forged, _ = chain_event(state, source, next_source_offset=after, now_ms=world.clock.now_ms, salt=salt)
    writer = BatchWriter(world.trail.origin, codec="null")
    if entries:
        writer.add(entries[0].leaf_bytes, entries[0].payload)
    writer.add(split_link(forged.headers[-1][1])[0], encode_payload(salt, None, (), b"forged"))
    return writer.finish()


def squat_seals(world: World) -> bool:
    folder, size = folder_of(world), sealed_size(world)
    if folder is None:
        return False
    seals = keys_inside(world, "seals/")
    for following in range(size + 1, size + 1 + world.random.randint(1, 6)):
        key = folder + seal_key(following)
        if key not in seals:
            body = world.random.choice([JUNK, *([body_of(world, seals[-1])] if seals else [])])
            world.bucket.put(key, body, retention=None)
    world.strike("seal-squatted")
    return True
