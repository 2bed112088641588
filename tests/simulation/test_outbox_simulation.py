"""An outbox's shipper, dying at every effect and under every fault: nothing lost, repeated or reordered."""

from __future__ import annotations

import random

import pytest

from sealtrail_producers.shipper import Did
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.memory_log import MemoryLog
from sealtrail_transport.sqlite_log import SqliteLog
from simulation.outbox_world import BAD, PARTITIONS, STRANGER, Death, World


def story(world):
    """Events, one of which is refused, in more than one transaction, with a start in between."""
    for number in range(5):
        world.record(0, b"first %d" % number)
    world.record(1, b"other")
    world.record(0, BAD)
    world.ship_all()
    world.die()
    world.record(0, b"second")
    world.ship_all()


def logs(kind, folder):
    if kind == "sqlite":
        return SqliteLog(folder / "log.db", clock_ms=lambda: 5)
    return MemoryLog(clock_ms=lambda: 5, markers=kind == "markers")


def new_world(kind, folder, **options):
    folder.mkdir()
    world = World(folder, logs(kind, folder), **options)
    if kind != "sqlite":
        world.memory.faults.refuse(lambda record: BAD in record.value)
    return world


def effects_of_the_story(folder):
    world = new_world("markers", folder)
    story(world)
    return len(world.effects)


@pytest.mark.parametrize("power_lost", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_each_effect_loses_and_repeats_nothing(tmp_path, after, power_lost):
    count = effects_of_the_story(tmp_path / "count")
    assert count > 40
    for effect in range(count):
        world = new_world("markers", tmp_path / f"{effect}")
        world.dies_at = (effect, after)

        def attempt(world=world):
            for number in range(5):
                world.live(lambda number=number: world.record(0, b"first %d" % number), power_lost=power_lost)
            world.live(lambda: world.record(1, b"other"), power_lost=power_lost)
            world.live(lambda: world.record(0, BAD), power_lost=power_lost)
            for _ in range(30):
                world.live(world.ship, power_lost=power_lost)
            world.die()
            world.live(lambda: world.record(0, b"second"), power_lost=power_lost)

        attempt()
        world.settle()
        world.check()
        world.release()


class Storm:
    """A random schedule over a world."""

    def __init__(self, seed, kind, folder):
        self.random = random.Random(seed)
        self.world = new_world(kind, folder, transaction_records=self.random.randint(1, 4))
        self.kind = kind
        self.count = 0

    def run(self, steps):
        calm = [self.record] * 4 + [self.ship] * 12 + [self.time_passes] * 2 + [self.stranger_writes] * 2
        storm = [self.dies_soon, self.power_fails, self.dies_at_rest]
        if self.kind != "sqlite":
            storm += [self.append_fails] * 2 + [self.log_is_away, self.offsets_are_burnt]
            storm += [self.stranger_begins, self.stranger_ends]
        for _ in range(steps):
            self.random.choice(calm + storm)()

    def record(self):
        self.count += 1
        value = b"event %d" % self.count
        if self.kind != "sqlite" and self.random.random() < 0.1:
            value = BAD + value
        partition = self.random.randrange(PARTITIONS)
        self.world.live(lambda: self.world.record(partition, value))

    def ship(self):
        self.world.live(self.world.ship)

    def time_passes(self):
        self.world.now_s += self.random.choice([1, 50])

    def stranger_writes(self):
        self.world.memory.append_events(
            "raw", self.random.randrange(PARTITIONS), [NewRecord(None, STRANGER)]
        ) if self.kind == "sqlite" else self.world.memory.faults.write_foreign(
            "raw", self.random.randrange(PARTITIONS), NewRecord(None, STRANGER)
        )

    def dies_soon(self):
        self.world.dies_at = (self.random.randint(0, 8), self.random.random() < 0.5)

    def power_fails(self):
        self.world.die(power_lost=True)

    def dies_at_rest(self):
        self.world.die()

    def append_fails(self):
        self.world.memory.faults.schedule(self.random.choice(list(AppendFault)))

    def log_is_away(self):
        self.world.memory.faults.unavailable(calls=self.random.randint(1, 3))

    def offsets_are_burnt(self):
        self.world.memory.faults.burn_offsets("raw", self.random.randrange(PARTITIONS), 2)

    def stranger_begins(self):
        self.world.memory.faults.open_transaction("raw", self.random.randrange(PARTITIONS))

    def stranger_ends(self):
        self.world.memory.faults.end_transaction("raw", self.random.randrange(PARTITIONS))


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [
        ("markers", range(60)),
        ("plain", range(60, 80)),
        ("sqlite", range(80, 90)),
        pytest.param("markers", range(1_000, 3_000), marks=[pytest.mark.full, pytest.mark.timeout(1_800)]),
    ],
)
def test_every_history_ends_with_every_event_exactly_once_in_order(tmp_path, kind, seeds):
    seen = set()
    for seed in seeds:
        storm = Storm(seed, kind, tmp_path / str(seed))
        storm.run(120)
        storm.world.settle()
        try:
            storm.world.check()
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
        storm.world.release()
        seen |= storm.world.seen
    expected = {Did.OPENED, Did.SCANNED, Did.SHIPPED, Did.IDLE, Did.REFRESHED, "died", "power lost"}
    if kind != "sqlite":
        expected |= {Did.DOUBTED, Did.WAITED, "away"}
    assert seen >= expected  # or the schedule would prove nothing


def test_a_death_is_no_error_that_anybody_catches():
    assert not issubclass(Death, Exception)
