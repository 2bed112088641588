"""Two archivers of one trail that do not take the same thing for the batch: still one row of seals."""

from dataclasses import replace

import pytest

from archiver.archived import folder_of, ready, sealed_entries, verify
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.layout import SEALS, seal_key
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
