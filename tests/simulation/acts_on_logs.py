"""What may happen to records, processes and clocks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sealtrail_chainer.chain_step import chain_event
from sealtrail_schemas.leaf import LINK_HEADER
from sealtrail_schemas.record import TIMESTAMP_CREATE
from sealtrail_transport.log import LogRecord, NewRecord
from simulation.looks import chained_records, true_chain
from simulation.world import CHAINED, RAW

if TYPE_CHECKING:
    from simulation.world import World


def burn(world: World) -> bool:
    world.log.faults.burn_offsets(world.random.choice([RAW, CHAINED]), 0, world.random.randint(1, 3))
    world.strike("offsets-burnt")
    return True


def branch(world: World) -> bool:
    """Chain raw records once more, from a state that the chain had."""
    if not world.states:
        return False
    state = world.random.choice(world.states)
    held = world.log.bounds(RAW, 0)
    if not held.start <= state.next_source_offset < held.end:
        return False
    chunk = world.log.read(RAW, 0, state.next_source_offset, max_records=3, max_bytes=10**6)
    if not chunk.records:
        return False
    following = [*(record.offset for record in chunk.records[1:]), chunk.next_offset]
    branch: list[NewRecord] = []
    for record, after in zip(chunk.records, following, strict=True):
        if record.unreadable or b"refused" in record.value:
            break
        salt = world.random.randbytes(16)
        chained, state = chain_event(
            state, record, next_source_offset=after, now_ms=world.clock.now_ms, salt=salt
        )
        branch.append(chained)
    if not branch:
        return False
    world.log.faults.write_foreign(CHAINED, 0, *branch)
    world.strike("strays-linked")
    return True


def foreign(world: World) -> bool:
    if not world.states:
        return False  # a trail begins only in a topic that never held anything else
    headers = world.random.choice([(), ((LINK_HEADER, None),), ((LINK_HEADER, b"\x07" * 150),)])
    world.log.faults.write_foreign(CHAINED, 0, NewRecord(b"key", b"of somebody else", headers))
    world.strike("foreign-record")
    return True


def repeat_chained(world: World) -> bool:
    records = chained_records(world)[-world.random.randint(1, 3) :]
    if not records:
        return False
    copies = [NewRecord(record.key, record.value, record.headers) for record in records]
    world.log.faults.write_foreign(CHAINED, 0, *copies)
    world.strike("chained-repeated")
    return True


def repeat_raw(world: World) -> bool:
    if not world.acknowledged:
        return False
    value, chainable = world.acknowledged[max(world.acknowledged)]
    if not chainable:
        return False
    world.publish(value)
    world.strike("raw-repeated")
    return True


def refused(world: World) -> bool:
    world.publish(b"refused %d" % world.published, chainable=False)
    world.strike("record-refused")
    return True


def unreadable(world: World) -> bool:
    offset = world.publish(chainable=False)
    world.log.faults.make_unreadable(RAW, 0, offset, "a header key that is no text")
    world.strike("record-unreadable")
    return True


def zombie(world: World) -> bool:
    """SIGSTOP: the schedule wakes it later."""
    if world.chainer.machine.state is None:
        return False
    world.sleepers.append(world.chainer)
    world.chainer = world.new_chainer()
    world.meanwhile_at = "chainer.writer.before"  # it wakes just as its successor starts
    world.strike("chainer-zombie")
    return True


def slow(world: World) -> bool:
    """An archiver hands work to the store and is replaced; a thread in the store does not hear of it."""
    archiver = world.random.choice(world.archivers)
    world.publish()
    for _ in range(6):
        if archiver.work:
            world.replace(archiver)
            world.sleepers.append(archiver)
            world.strike("store-slow")
            return True
        world.step(world.chainer)
        world.step(archiver, flush=True)
        if archiver not in world.archivers:
            return False
    return False


def clock_back(world: World) -> bool:
    world.clock.now_ms -= world.random.randint(1, 300)
    world.strike("clock-back")
    return True


def store_clock(world: World) -> bool:
    if world.store_skew:
        return False
    world.store_skew = timedelta(hours=1)
    world.strike("store-clock-apart")
    return True


def machine_clock(world: World) -> bool:
    if world.store_skew:
        return False
    world.clock.now_ms += 3_600_000
    world.store_skew = -timedelta(hours=1)
    world.strike("machine-clock-apart")
    return True


def contradict(world: World) -> bool:
    """Claim, off the chain, a raw record that was not chained yet, with content that it never had."""
    scanned = true_chain(world)
    if scanned is None or not world.states:
        return False
    offset = world.publish()
    stale = world.states[0]._replace(size=world.states[0].size + 10**6)
    source = LogRecord(offset, None, b"never published", (), world.clock.now_ms, TIMESTAMP_CREATE)
    stray, _ = chain_event(
        stale,
        source,
        next_source_offset=offset + 1,
        now_ms=world.clock.now_ms,
        salt=world.random.randbytes(16),
    )
    world.log.faults.write_foreign(CHAINED, 0, stray)
    world.strike("stray-contradicts")
    return True
