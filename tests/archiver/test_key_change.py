"""Changing a trail's key, over memory log and store: who seals what, and what readers find."""

import contextlib
import itertools
from dataclasses import replace

import pytest

from archiver.archived import folder_of, sealed_entries, verify
from archiver.stopped import crashed_at, sealed, site
from deployment import Deployment, values
from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.errors import KeyChangedError
from sealtrail_archiver.onward import change_key
from sealtrail_auditor.verdict import Verdict
from sealtrail_chainer.diagnosis import NotThisWayError
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import key_change_key
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.seal import open_seal
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.key_shelf import key_changes, read_trail_keys
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.store import LockMode, Retention

pytestmark = pytest.mark.claim("C18")


def new_key(deployment, seed=b"n") -> Signer:
    return Signer.from_seed(deployment.origin, seed * 32)


def change(deployment, new=None, reason="a test"):
    return change_key(site(deployment), new or new_key(deployment), reason=reason)


def under(deployment, signer) -> Deployment:
    """The same deployment with another key and policy."""
    changed = replace(deployment)
    for name in ("log", "store", "random"):
        setattr(changed, name, getattr(deployment, name))
    changed.signer = signer
    changed.trail = replace(deployment.trail, verifier=signer.verifier)
    return changed


def signers_of_seals(deployment, *signers) -> list[tuple[int, int]]:
    """Each seal's size, and which of the keys signed it."""
    found = []
    for line in deployment.store.versions(folder_of(deployment) + "seals/"):
        with deployment.store.open(line.key, line.version_id) as stream:
            note = stream.read()
        for number, signer in enumerate(signers):
            with contextlib.suppress(Exception):
                found.append((open_seal(note, signer.verifier).checkpoint.size, number))
    return found


def test_the_old_key_seals_up_to_the_change_and_the_new_one_what_comes_behind():
    deployment = sealed()
    stated = change(deployment)
    assert stated.size == 13
    renewed = under(deployment, new_key(deployment))
    renewed.publish(*values(3, 50))
    renewed.chain()
    renewed.archive()
    assert signers_of_seals(deployment, deployment.signer, renewed.signer) == [(10, 0), (13, 0), (16, 1)]
    for trusted in (deployment, renewed):
        report = verify(trusted)
        assert report.verdict is Verdict.INTACT
        assert [control.name for trail in report.trails for control in trail.statements] == ["key-change"]


@pytest.mark.parametrize("trusted", [0, 1])
def test_from_either_key_the_other_is_found(trusted):
    deployment = sealed()
    change(deployment)
    new = new_key(deployment)
    key = (deployment.signer, new)[trusted].verifier
    keys = read_trail_keys(deployment.store, folder_of(deployment), key)
    assert (keys.at(13), keys.at(14)) == (deployment.signer.verifier, new.verifier)


def test_the_note_is_the_one_of_the_entry_and_locked_like_its_seal():
    deployment = sealed()
    stated = change(deployment)
    (placed,) = key_changes(deployment.store, folder_of(deployment))
    assert placed.key == folder_of(deployment) + key_change_key(13)
    with deployment.store.open(placed.key, placed.version_id) as stream:
        assert stream.read() == stated.note
    lock = deployment.store.head(placed.key, placed.version_id).retention
    assert lock == Retention(LockMode.COMPLIANCE, deployment.clock.now() + deployment.retention)


def test_an_archiver_with_the_old_key_seals_nothing_behind_the_change():
    deployment = sealed()
    change(deployment)
    under(deployment, new_key(deployment)).publish(*values(3, 50))
    deployment.chain()
    for _ in range(2):
        with pytest.raises(KeyChangedError, match="changed by entry 12: this archiver has the old one"):
            deployment.archive()
    assert len(sealed_entries(deployment)) == 13


def test_an_archiver_that_runs_meanwhile_ends_its_batch_at_the_change():
    deployment = sealed()
    archiver = deployment.archiver()
    archiver.step(now_ms=deployment.clock.now_ms)
    deployment.store.fault = fail_to_put("keys/")
    with pytest.raises(LogUnavailableError):
        change(deployment)
    deployment.store.fault = None
    deployment.publish(*values(3, 50))
    deployment.chain()
    with pytest.raises(KeyChangedError, match="by entry 12"):
        deployment.archive(archiver)
    leaves = [Leaf.parse(leaf) for leaf, _ in sealed_entries(deployment)]
    assert leaves[-1].sequence == 12


def fail_to_put(part):
    def fault(operation, key, phase):
        if operation == "put" and part in key:
            raise LogUnavailableError(phase)

    return fault


def test_a_lagging_archiver_seals_the_change_itself_and_ends():
    """It reads the entry in the middle of a chunk, with entries behind it."""
    deployment = Deployment()
    deployment.publish(*values(9))
    deployment.chain()
    archiver = deployment.archiver(batch_entries=4)
    archiver.step(now_ms=deployment.clock.now_ms)
    deployment.store.fault = fail_to_put("batches/")
    with pytest.raises(LogUnavailableError):
        change(deployment)
    deployment.store.fault = None
    deployment.publish(*values(9, 20))
    deployment.chain()
    with pytest.raises(KeyChangedError, match="by entry 10"):
        deployment.archive(archiver)
    assert [size for size, _ in signers_of_seals(deployment, deployment.signer)] == [4, 8, 11]


def test_an_archiver_with_the_new_key_refuses_where_the_old_one_has_not_sealed():
    deployment = sealed()
    stated = change(deployment)
    store = deployment.store
    key = folder_of(deployment) + "seals/00000000000000000013.seal"
    store.erase(key)
    renewed = under(deployment, new_key(deployment))
    with pytest.raises(KeyChangedError, match=f"up to {stated.control.sequence} are to be sealed"):
        renewed.archive()


def test_a_chainer_that_has_the_old_policy_goes_on():
    deployment = sealed()
    change(deployment)
    deployment.publish(*values(3, 50))
    deployment.chain()
    renewed = under(deployment, new_key(deployment))
    renewed.archive()
    deployment.publish(*values(3, 60))
    deployment.chain()
    renewed.archive()
    assert signers_of_seals(deployment, deployment.signer, renewed.signer)[2:] == [(16, 1), (19, 1)]


def test_keys_can_be_changed_again():
    deployment = sealed()
    change(deployment)
    second = under(deployment, new_key(deployment))
    change(second, new_key(deployment, b"o"))
    third = under(deployment, new_key(deployment, b"o"))
    third.publish(*values(2, 70))
    third.chain()
    third.archive()
    keys = read_trail_keys(deployment.store, folder_of(deployment), second.signer.verifier)
    assert keys.last_sizes == (13, 14)
    found = signers_of_seals(deployment, deployment.signer, second.signer, third.signer)
    assert found == [(10, 0), (13, 0), (14, 1), (16, 2)]


def test_a_key_is_not_changed_twice():
    deployment = sealed()
    change(deployment)
    with pytest.raises(NotThisWayError, match=r"was changed to .* by entry 12, not to"):
        change(deployment, new_key(deployment, b"x"))
    assert len(list(key_changes(deployment.store, folder_of(deployment)))) == 1


def test_a_change_is_found_when_the_new_key_has_sealed_since():
    deployment = sealed()
    stated = change(deployment)
    renewed = under(deployment, new_key(deployment))
    renewed.publish(*values(3, 50))
    renewed.chain()
    renewed.archive()
    before = deployment.log.bounds("events.chained", 0)
    assert change(deployment) == stated
    assert deployment.log.bounds("events.chained", 0) == before


def test_a_batch_that_goes_on_beyond_the_change_is_gone_around(monkeypatch):
    """As an archiver would leave one that does not know what a key change is."""
    deployment = sealed()
    deployment.store.fault = fail_to_put("batches/")
    with pytest.raises(LogUnavailableError):
        change(deployment)
    deployment.publish(*values(3, 50))
    deployment.chain()
    deployment.store.fault = fail_to_put("seals/")
    with monkeypatch.context() as patch:
        patch.setattr(Archiver, "_changes_key", lambda *_: False)
        with pytest.raises(LogUnavailableError):
            deployment.archive()
    deployment.store.fault = None
    change(deployment)
    assert signers_of_seals(deployment, deployment.signer) == [(10, 0), (13, 0)]


def test_a_squatted_name_of_the_note_is_gone_around():
    deployment = sealed()
    deployment.store.put(
        folder_of(deployment) + key_change_key(13), b"squatted", retention=None, content_type="text/plain"
    )
    change(deployment)
    keys = read_trail_keys(deployment.store, folder_of(deployment), new_key(deployment).verifier)
    assert keys.last_sizes == (13,)


@pytest.mark.parametrize("fault", [fault for fault in AppendFault if fault is not AppendFault.FENCED])
def test_each_fault_of_the_append_leaves_one_change(fault):
    deployment = sealed()
    deployment.log.faults.schedule(fault)
    with contextlib.suppress(LogUnavailableError):
        change(deployment)
    change(deployment)
    deployment.log.faults.land_delayed()
    renewed = under(deployment, new_key(deployment))
    renewed.chain()
    renewed.archive()
    assert len(list(key_changes(deployment.store, folder_of(deployment)))) == 1


def test_a_crash_at_any_effect_is_completed_by_the_next_run():
    for at in itertools.count():
        deployment = sealed(count=2)
        if not crashed_at(deployment, at, lambda deployment=deployment: change(deployment)):
            break
        change(deployment)
        renewed = under(deployment, new_key(deployment))
        renewed.publish(*values(2, 30))
        renewed.chain()
        renewed.archive()
        assert signers_of_seals(deployment, deployment.signer, renewed.signer) == [(3, 0), (6, 0), (8, 1)]
        assert verify(renewed).verdict is Verdict.INTACT
    assert at == 12
