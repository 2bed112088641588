"""Topics that lose what they held, at either end or altogether."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_chainer.errors import StopCode
from sealtrail_chainer.raw_check import newest_source
from simulation.looks import chained_records, cut, newest, restart_archivers, true_chain
from simulation.world import CHAINED, RAW, Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.world import World


def lose_tail(world: World) -> bool:
    restart_archivers(world)
    seal = newest(world)
    if seal is not None:
        least = seal.opened.seal.chained.next_offset
    else:  # the genesis stays
        least = min((record.offset + 1 for record in chained_records(world)), default=1)
    end = world.log.bounds(CHAINED, 0).end
    if end <= least:
        return False
    least_lost = world.random.randrange(least, end)
    cut(world, CHAINED, least_lost)
    world.strike("chained-tail-lost")
    if world.random.random() < 0.5:
        _must_notice(world, least_lost)
    return True


def _must_notice(world: World, least_lost: int) -> None:
    """Who was told that more is stored than there is has to say so with its next append."""
    world.due_appends.clear()
    world.away_at = world.crash_at = world.meanwhile_at = None
    author = world.chainer
    if author.machine.state is None or author.machine._acknowledged_end <= least_lost:
        return
    world.publish()
    for _ in range(4):
        if author is world.chainer:
            world.step(author)
    if ("chainer", StopCode.ACKNOWLEDGED_LOST) not in world.stops:
        raise Violation("silent: the chainer goes on after the log has lost what it had acknowledged")


def lose_sealed_tail(world: World) -> bool:
    seal = newest(world)
    if seal is None:
        return False
    start = world.log.bounds(CHAINED, 0).start
    below = seal.opened.seal.chained.next_offset
    if start >= below:
        return False
    cut(world, CHAINED, world.random.randrange(start, below))
    world.strike("sealed-tail-lost")
    if world.random.random() < 0.5:  # whoever wants to free space may be the first to notice
        world.clock.now_ms += 400
        for archiver in list(world.archivers):
            world.step(archiver)
    return True


def overtake_chained(world: World) -> bool:
    restart_archivers(world)
    seal = newest(world)
    sealed = seal.opened.seal.chained.next_offset if seal else 0
    world.publish()
    for _ in range(2):
        world.step(world.chainer)
    lost = [record.offset for record in chained_records(world) if record.offset >= sealed]
    if not lost:
        return False
    world.log.faults.lose_start(CHAINED, 0, world.random.choice(lost) + 1)
    world.strike("chained-overtaken")
    return True


def lose_raw_tail(world: World) -> bool:
    world.may_trim = False  # what was freed can't be compared any more: see docs/claims.md
    restart_archivers(world)
    scanned = true_chain(world)
    if scanned is None:
        return False
    state = scanned[0].state
    end = world.log.bounds(CHAINED, 0).end
    sources = [offset for offset in world.acknowledged if offset < state.next_source_offset]
    newest_entry = newest_source(world.log, world.trail, state.last_hash, end)
    if not sources or newest_entry is None:
        return False
    first_lost = world.random.choice(sources[-4:])
    cut(world, RAW, first_lost)
    if (newest_entry.leaf.source_offset - first_lost) % 2:  # a record is to lie there again, and not a marker
        world.log.faults.burn_offsets(RAW, 0, 1)
    world.clock.now_ms += 1_000  # of a rejected record, no more than the time is known
    world.strike("raw-tail-lost")
    if world.random.random() < 0.5:  # the offsets are given away again
        for _ in range(world.random.randint(1, 8)):
            world.publish()
    return True


def overtake_raw(world: World) -> bool:
    if not world.states:
        return False
    world.publish()
    world.log.faults.lose_start(RAW, 0, world.publish())
    world.strike("raw-overtaken")
    return True


def recreate(topic: str, kind: str) -> Callable[[World], bool]:
    def act(world: World) -> bool:
        if newest(world) is None or not any(world.acknowledged):
            return False
        world.log.faults.recreate_topic(topic)
        for process in world.alive():
            process.log.lose_end(topic, 0)
        world.strike(kind)
        return True

    return act
