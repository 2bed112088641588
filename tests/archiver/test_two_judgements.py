"""Two archivers of one trail that do not take the same thing for the batch: still one row of seals."""

from contextlib import suppress
from dataclasses import replace

import pytest

from archiver.archived import folder_of, ready, sealed_entries, verify
from deployment import values
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.layout import SEALS, seal_key
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.seal_shelf import following_seal

pytestmark = pytest.mark.claim("C3")


class UnlockedToEverybody:
    """A store that says of each batch that it is not locked, as one that lost the lock's date might."""

    def __init__(self, store) -> None:
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)

    def head(self, key, version_id):
        info = self.store.head(key, version_id)
        return replace(info, retention=None) if "/batches/" in key and key.endswith("0.avro") else info


@pytest.mark.parametrize("batch_entries", [3, 6], ids=["shorter", "longer"])
def test_an_archiver_that_finds_a_batch_spoiled_goes_on_from_the_seal_that_names_it(batch_entries):
    """Both read the same entries; one has sealed four of them before the other comes to its first batch."""
    deployment = ready(9)
    honest = deployment.store
    deployment.store = UnlockedToEverybody(honest)
    deceived = deployment.archiver(batch_entries=batch_entries, read_records=batch_entries)
    for _ in range(2):
        deceived.step(now_ms=deployment.clock.now_ms)
    deployment.store = honest
    first = deployment.archiver(batch_entries=4, read_records=4)
    while not first.sealed_size:
        first.step(now_ms=deployment.clock.now_ms)
    assert first.sealed_size == 4
    told = deployment.archive(deceived)
    assert [alarm.code for step in told for alarm in step.alarms].count("name-spoiled") >= 1
    deployment.archive(first)
    keys = [line.key for line in deployment.store.versions(folder_of(deployment) + SEALS)]
    assert keys[0].endswith(seal_key(4))
    assert len(sealed_entries(deployment)) == 10
    report = verify(deployment)
    assert report.verdict is Verdict.UNPROTECTED  # the orphan that the lie has left
    assert {finding.code.code for finding in report.trails[0].findings} == {"ST-OBJECT-SQUATTED"}


class LateSeals(UnlockedToEverybody):
    """Besides, its puts of seals time out, and arrive when they are told to."""

    def __init__(self, store) -> None:
        super().__init__(store)
        self.late = []

    def put(self, key, body, **options):
        if SEALS in key:
            self.late.append(lambda: self.store.put(key, body, **options))
            raise StoreUnavailableError("timed out")
        return self.store.put(key, body, **options)


class SlowSeal(UnlockedToEverybody):
    """A store that takes long for the first seal: meanwhile, something else happens."""

    def __init__(self, store, meanwhile) -> None:
        super().__init__(store)
        self._meanwhile = meanwhile

    def head(self, key, version_id):
        return self.store.head(key, version_id)

    def put(self, key, body, **options):
        if SEALS in key and self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
        return self.store.put(key, body, **options)


def test_a_late_seal_of_the_same_size_is_gone_on_from():
    """It begins elsewhere and says the same; a second one under its name would be one too many."""
    deployment = ready(2)
    honest = deployment.store
    deployment.store = slow = LateSeals(honest)
    late = deployment.archiver(batch_entries=3, read_records=3)

    def seal_late():
        while not slow.late:
            with suppress(StoreUnavailableError):
                late.step(now_ms=deployment.clock.now_ms)

    deployment.store = SlowSeal(honest, seal_late)
    faster = deployment.archiver(batch_entries=2, read_records=2)
    while not faster.sealed_size:
        faster.step(now_ms=deployment.clock.now_ms)
    assert faster.sealed_size == 2
    slow.late[0]()
    told = deployment.archive(faster)
    assert [alarm.code for step in told for alarm in step.alarms] == []
    deployment.store = honest
    deployment.publish(*values(2))
    deployment.chain()
    deployment.archive(deployment.archiver(batch_entries=4))
    keys = [line.key[-8:] for line in honest.versions(folder_of(deployment) + SEALS)]
    assert keys == ["002.seal", "003.seal", "005.seal"]
    report = verify(deployment)
    assert {finding.code.code for finding in report.trails[0].findings} == {"ST-OBJECT-SQUATTED"}
    assert report.trails[0].entries_verified == 5


def test_the_following_seal_is_found_behind_a_few_squatted_names():
    deployment = ready(9)
    deployment.archive(deployment.archiver(batch_entries=5))
    folder, keys = folder_of(deployment), deployment.keys
    for size in range(1, 5):
        deployment.store.put(folder + seal_key(size), b"junk", retention=None)
    found = following_seal(deployment.store, folder, None, keys)
    assert found.opened.checkpoint.size == 5
    after = following_seal(deployment.store, folder, found.opened, keys)
    assert after.opened.checkpoint.size == 10
    assert following_seal(deployment.store, folder, after.opened, keys) is None
