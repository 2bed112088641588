"""A whole deployment under a random schedule of work, crashes, faults and zombies, reproducible from its
seed.

The shipped step machines run unchanged; only log, store, clock and randomness are the simulator's. Each
history ends with a calm in which everything is worked off, and then: every published event is in the archive
exactly once, in order.
"""

import random
from concurrent.futures import Future

import pytest

from deployment import Deployment, at_once, finish
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.policy import Policy
from sealtrail_schemas.seal import open_seal
from sealtrail_transport.errors import LogUnavailableError, StoreUnavailableError, WriterFencedError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.trail_folders import trail_folders

APPEND_FAULTS = [fault for fault in AppendFault if fault is not AppendFault.FENCED]


class World:
    """One history: what was published, and the processes that are alive."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.deployment = Deployment(seed=seed % 256)
        self.published = []
        self.zombies = []
        self.chainer = self.new_chainer()
        self.archivers = [self.new_archiver(), self.new_archiver()]
        self.store_work = []
        self.seen = set()

    def new_chainer(self):
        return self.deployment.chainer(
            transaction_records=self.random.randint(1, 5), heartbeat_after_ms=self.random.choice([50, 10**9])
        )

    def submit(self, call):
        """Do store work some time later, as a thread would."""
        future = Future()
        self.store_work.append((call, future))
        return future

    def new_archiver(self, submit=None):
        return self.deployment.archiver(
            submit=submit or self.submit,
            batch_entries=self.random.randint(1, 6),
            batch_age_ms=self.random.choice([1, 100]),
            read_records=self.random.randint(1, 5),
            trim_after_ms=self.random.choice([None, 200]),
        )

    # What may happen -----------------------------------------------------------------------------------

    def publish(self):
        value = b"event %d" % len(self.published)
        self.deployment.log.faults.write_foreign("events", 0, NewRecord(None, value))  # spared by the faults
        self.published.append(value)

    def chain(self):
        self.attempt(lambda: self.chainer.step(now_ms=self.deployment.clock.now_ms))

    def archive(self):
        archiver, flush = self.random.choice(self.archivers), self.random.random() < 0.3
        self.attempt(lambda: archiver.step(now_ms=self.deployment.clock.now_ms, flush=flush))

    def store_works(self):
        if self.store_work:
            call, future = self.store_work.pop(self.random.randrange(len(self.store_work)))
            finish(call, future)

    def time_passes(self):
        self.deployment.clock.now_ms += self.random.randint(1, 60)

    def clock_goes_back(self):
        self.deployment.clock.now_ms -= self.random.randint(1, 30)

    def chainer_dies(self):
        self.zombies.append(self.chainer)
        self.chainer = self.new_chainer()

    def archiver_dies(self):
        """Its work under way may still be done: a thread in the store does not hear of it."""
        self.archivers[self.random.randrange(2)] = self.new_archiver()

    def zombie_wakes(self):
        if self.zombies:
            zombie = self.random.choice(self.zombies)
            if zombie.state is not None:  # it believes that it still runs
                self.attempt(lambda: zombie.step(now_ms=self.deployment.clock.now_ms))

    def append_fails(self):
        self.deployment.log.faults.schedule(self.random.choice(APPEND_FAULTS))

    def late_records_land(self):
        self.deployment.log.faults.land_delayed()

    def offsets_are_burnt(self):
        topic = self.random.choice(["events", "events.chained"])
        self.deployment.log.faults.burn_offsets(topic, 0, self.random.randint(1, 3))

    def log_is_away(self):
        self.deployment.log.faults.unavailable(calls=self.random.randint(1, 3))

    def store_fails(self):
        phase, left = self.random.choice(["before", "after"]), [self.random.randint(1, 6)]

        def fault(_operation, _key, when):
            if when == phase:
                left[0] -= 1
                if left[0] == 0:
                    self.deployment.store.fault = None
                    raise StoreUnavailableError("the store is away (scheduled)")

        self.deployment.store.fault = fault

    # -----------------------------------------------------------------------------------------------------

    def attempt(self, step):
        try:
            done = step()
        except (LogUnavailableError, StoreUnavailableError, WriterFencedError) as error:
            self.seen.add(type(error).__name__)
        else:
            self.seen.add(str(done.did))

    def run(self, steps):
        calm = (
            [self.chain] * 6
            + [self.archive] * 8
            + [self.store_works] * 5
            + [self.publish] * 4
            + [self.time_passes] * 3
        )
        storm = [
            self.clock_goes_back,
            self.chainer_dies,
            self.archiver_dies,
            self.zombie_wakes,
            self.append_fails,
            self.late_records_land,
            self.offsets_are_burnt,
            self.log_is_away,
            self.store_fails,
        ]
        for _ in range(steps):
            self.random.choice(calm + storm)()

    def settle(self):
        deployment = self.deployment
        deployment.log.faults.clear()
        deployment.store.fault = None
        deployment.log.faults.land_delayed()
        deployment.chain(deployment.chainer())
        while self.store_work:
            self.store_works()
        deployment.archive(self.new_archiver(submit=at_once))

    def archived(self):
        (folder,) = trail_folders(self.deployment.store)
        values = []
        for line in self.deployment.store.versions(folder + "seals/"):
            with self.deployment.store.open(line.key, line.version_id) as stream:
                batch = open_seal(stream.read(), self.deployment.signer.verifier).seal.batch
            with self.deployment.store.open(folder + batch.key, batch.version_id) as stream:
                for leaf, payload in BatchReader(stream):
                    if Leaf.parse(leaf).kind is Kind.EVENT:
                        values.append(decode_payload(payload).value)
        return values


@pytest.mark.parametrize("block", range(8))
def test_every_history_ends_with_every_event_exactly_once_in_order(block):
    seen = set()
    for seed in range(block * 25, block * 25 + 25):
        world = World(seed)
        world.run(steps=150)
        world.settle()
        assert world.archived() == world.published, f"seed {seed}"
        policy = Policy.parse(f"log {world.deployment.signer.verifier.vkey}\nquorum none\n".encode())
        report = verify_archive(world.deployment.store, policy, now=world.deployment.clock.now())
        assert report.verdict is Verdict.INTACT, f"seed {seed}: {report}"
        seen |= world.seen
    # The schedule would prove nothing if it never got into trouble.
    assert {
        "doubted",
        "chained",
        "heartbeat",
        "sealed",
        "LogUnavailableError",
        "StoreUnavailableError",
    } <= seen
    assert "WriterFencedError" in seen


@pytest.mark.full
@pytest.mark.parametrize("block", range(1, 21))
def test_many_histories(block):
    for seed in range(block * 1_000, block * 1_000 + 100):
        world = World(seed)
        world.run(steps=300)
        world.settle()
        assert world.archived() == world.published, f"seed {seed}"
