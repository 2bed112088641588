"""An outbox and its log under a schedule of work, faults and deaths, and what must hold at its end.

A death comes at an effect: a call of the log port, or a commit of the outbox, just before it or just after.
After a loss of power the outbox is as it was when its file was flushed last.
"""

from __future__ import annotations

from itertools import pairwise

from sealtrail_producers.outbox import Outbox
from sealtrail_producers.shipper import Did, Shipper, ShipperSettings
from sealtrail_schemas.producer_stamp import STAMP_HEADER, read_stamp
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_log import MemoryLog

PARTITIONS = 2
BAD = b"bad"
STRANGER = b"stranger"


class Death(BaseException):
    """The process dies here."""


class DyingLog:
    """A log whose caller may die at any call."""

    def __init__(self, log, world):
        self._log = log
        self._world = world

    def __getattr__(self, name):
        method = getattr(self._log, name)

        def call(*arguments, **named):
            if name == "writer" and isinstance(self._log, MemoryLog):
                self._log.faults.land_delayed()  # what an older writer has in flight is settled by fencing
            result = self._world.at_effect(name, lambda: method(*arguments, **named))
            return DyingLog(result, self._world) if name == "writer" else result

        return call


class DyingOutbox(Outbox):
    world = None

    def _commit(self, connection):
        self.world.at_effect("commit", lambda: super(DyingOutbox, self)._commit(connection))
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        if synchronous == 2:
            self.world.flushed = connection.serialize()


class World:
    """One history.

    Attributes:
        acknowledged: the values that were recorded, of each partition, in order.
        doubtful: those whose recording died: they may be there or not.
        dies_at: the effect at which the process dies, and whether after it; counted down.
    """

    def __init__(self, folder, log=None, *, transaction_records=3, shipper=Shipper):
        self.folder = folder
        self.memory = log or MemoryLog(clock_ms=lambda: 5, markers=True)
        self.memory.create_topic("raw", partitions=PARTITIONS, append_time=False)
        self.acknowledged = {partition: [] for partition in range(PARTITIONS)}
        self.doubtful = set()
        self.refused = set()
        self.told = []
        self.effects = []
        self.dies_at = None
        self.flushed = None
        self.now_s = 0.0
        self.lives = 0
        self.seen = set()
        self.settings = ShipperSettings(transaction_records=transaction_records, refresh_after_s=10)
        self.shipper_class = shipper
        self.begin()

    # Lives and deaths

    def begin(self):
        """Start the process, as often as it takes."""
        while True:
            self.lives += 1
            try:
                DyingOutbox.world = self
                self.outbox = DyingOutbox(self.folder / "outbox.db", producer="p", topic="raw", entropy=bytes)
                if not self.outbox.partitions:
                    self.outbox.learn(self.memory.topic("raw"))
                self.shipper = self.shipper_class(
                    DyingLog(self.memory, self),
                    self.outbox,
                    self.settings,
                    on_shipped=self.on_shipped,
                    on_refused=lambda _partition, _number, error: self.refused.add(str(error)),
                )
            except Death:
                self.release()
            else:
                return

    def release(self):
        """What the operating system does for a dead process."""
        if getattr(self, "outbox", None) is not None:
            self.outbox.close()

    def die(self, *, power_lost=False):
        self.seen.add("power lost" if power_lost else "died")
        self.release()
        if power_lost and self.flushed is not None:
            for name in ("outbox.db-wal", "outbox.db-shm"):
                (self.folder / name).unlink(missing_ok=True)
            (self.folder / "outbox.db").write_bytes(self.flushed)
        self.begin()

    def at_effect(self, name, effect):
        self.effects.append(name)
        if self.dies_at is not None:
            number, after = self.dies_at
            self.dies_at = (number - 1, after)
            if number == 0:
                self.dies_at = None
                if after:
                    effect()
                raise Death(name)
        return effect()

    def live(self, act, *, power_lost=False):
        try:
            return act()
        except Death:
            self.die(power_lost=power_lost)

    # What may happen

    def record(self, partition, value):
        try:
            self.outbox.add([(partition, NewRecord(b"k", value, ((b"h", b"v"),), 7))])
        except Death:
            self.doubtful.add(value)
            self.acknowledged[partition].append(value)
            raise
        self.acknowledged[partition].append(value)

    def ship(self):
        try:
            step = self.shipper.step(now_s=self.now_s)
        except LogUnavailableError:
            self.seen.add("away")
            return None
        self.seen.add(str(step.did))
        return step.did

    def on_shipped(self, partition, numbers, offsets):
        self.told += [(partition, number, offset) for number, offset in zip(numbers, offsets, strict=True)]

    def settle(self):
        """Let everything that is wrong pass, and ship all; a last event declares what is void."""
        self.dies_at = None
        faults = getattr(self.memory, "faults", None)
        if faults is not None:
            faults.clear()
            faults.refuse(lambda record: BAD in record.value)
            for partition in range(PARTITIONS):
                faults.end_transaction("raw", partition)
        self.ship_all()
        for partition in range(PARTITIONS):
            self.record(partition, b"last %d" % partition)
        self.ship_all()

    def ship_all(self):
        for _ in range(10_000):
            if self.ship() is Did.IDLE:
                assert self.outbox.waiting == {}
                assert self.outbox.waiting_bytes == 0
                return
        raise AssertionError("it does not come to an end")

    # What must hold

    def raw(self, partition):
        bounds = self.memory.bounds("raw", partition)
        chunk = self.memory.read("raw", partition, bounds.start, max_records=100_000, max_bytes=1 << 30)
        return [record for record in chunk.records if record.value != STRANGER]

    def check(self):
        for partition, acknowledged in self.acknowledged.items():
            records = self.raw(partition)
            values = [record.value for record in records]
            expected = [value for value in acknowledged if BAD not in value]
            assert len(set(values)) == len(values), "repeated"
            lost = set(expected) - set(values) - self.doubtful
            assert not lost, f"lost: {lost}"
            assert values == [value for value in expected if value in set(values)], "out of order"
            self.check_numbers(records)
            self.check_content(records)
        offsets = {
            (partition, read_stamp(record.headers)[0].number): record.offset
            for partition in self.acknowledged
            for record in self.raw(partition)
        }
        for partition, number, offset in self.told:
            assert offsets[partition, number] == offset

    def check_numbers(self, records):
        """They rise, and what is missing was declared void."""
        stamps = [read_stamp(record.headers) for record in records]
        numbers = [stamp.number for stamp, _ in stamps]
        assert all(first < second for first, second in pairwise(numbers))
        void = {number for _, runs in stamps for run in runs for number in range(run.first, run.last + 1)}
        assert set(numbers) | void == set(range(numbers[-1] + 1))
        assert not set(numbers) & void
        assert {stamp[:2] for stamp, _ in stamps} == {("p", "00" * 8)}

    def check_content(self, records):
        for record in records:
            assert (record.key, record.timestamp_ms) == (b"k", 7)
            assert record.headers[0] == (b"h", b"v")
            assert record.headers[1][0] == STAMP_HEADER
