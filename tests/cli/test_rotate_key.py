"""`sealtrail rotate-key` on the embedded log: files, reruns, and archivers that have the old key."""

import json
import shutil

import pytest

from cli.test_onward import cut_off, publish, stop
from command_line import call
from sealtrail.data_folder import DataFolder
from sealtrail.rotation import begin_rotation, keep_new_key, switch
from sealtrail_schemas.policy import Policy
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.key_shelf import read_trail_keys
from sealtrail_transport.trail_folders import trail_folders

pytestmark = pytest.mark.claim("C18")

ORIGIN = "audit.example.com/events/0"


def trusted(trail):
    return Policy.parse((trail / "policy").read_bytes()).logs[ORIGIN]


def keys_of(trail, verifier):
    store = FolderStore(trail / "store")
    (folder,) = trail_folders(store)
    return read_trail_keys(store, folder, verifier)


def rotate(*arguments, check=0):
    answer = call("rotate-key", "--yes", *arguments)
    assert answer.exit_code == check, answer.output
    return answer


@pytest.fixture
def office(trail):
    publish(3)
    assert call("up", "--drain").exit_code == 0
    return trail


def test_policy_and_key_file_name_the_new_key_and_the_pipeline_goes_on(office):
    old = trusted(office)
    (office / "policy.old").write_bytes((office / "policy").read_bytes())
    answer = rotate()
    new = trusted(office)
    assert new != old
    assert f"the key was changed from {old.fingerprint} to {new.fingerprint}" in answer.stdout
    assert DataFolder(office).signer(ORIGIN).verifier == new
    kept = office / "keys" / f"events-0.key.old-{old.key_id.hex()}"
    assert sorted(path.name for path in (office / "keys").iterdir()) == ["events-0.key", kept.name]
    assert {path.stat().st_mode & 0o777 for path in (office / "keys").iterdir()} == {0o600}
    assert (office / "policy").stat().st_mode & 0o777 == 0o644
    publish(2, 3)
    assert call("up", "--drain").exit_code == 0
    assert keys_of(office, old).keys == keys_of(office, new).keys == (old, new)
    told = json.loads(call("status", "--json").stdout)
    assert (told["sealed"], told["unsealed"], told["stopped"]) == (7, 0, None)
    assert call("doctor").exit_code == 0
    for policy in ("policy.old", "policy"):
        told = json.loads(call("verify", "--json", "--policy", str(office / policy)).stdout)["trails"][0]
        assert [finding["code"] for finding in told["findings"]] == ["ST-LOCK-NONE"]  # it is a plain folder
        assert [stated["control"] for stated in told["statements"]] == ["key-change"]


def test_a_dry_run_changes_nothing(office):
    before = {
        path: path.read_bytes() for path in office.rglob("*") if path.is_file() and path.suffix != ".db"
    }
    shown = call("rotate-key", "--dry-run")
    assert shown.exit_code == 0
    assert "key-change, as entry 4" in shown.stdout
    after = {path: path.read_bytes() for path in office.rglob("*") if path.is_file() and path.suffix != ".db"}
    assert after == before


def test_a_data_folder_that_has_the_old_key_seals_nothing_more(office, here):
    other = here / "other"
    shutil.copytree(office, other)
    rotate()
    publish(2, 3)
    for name in ("log.db", "store"):
        shutil.rmtree(other / name) if (other / name).is_dir() else (other / name).unlink()
        (other / name).symlink_to(office / name)
    answer = call("up", "--drain", "--data", str(other))
    assert answer.exit_code == 2
    assert "was changed by entry 4: this archiver has the old one" in answer.stderr
    again = call("rotate-key", "--yes", "--data", str(other))
    assert (again.exit_code, "not to" in again.stderr) == (2, True)


def test_a_run_that_had_only_made_the_new_key_is_completed(office):
    folder = DataFolder(office)
    rotation = begin_rotation(folder, folder.policy_trails()[0])
    keep_new_key(folder, rotation)
    rotate()
    assert trusted(office) == rotation.new.verifier
    assert keys_of(office, trusted(office)).keys == (rotation.old.verifier, rotation.new.verifier)


def test_a_run_that_died_between_policy_and_key_file_is_completed(office):
    folder = DataFolder(office)
    trail = folder.policy_trails()[0]
    begun = begin_rotation(folder, trail)
    keep_new_key(folder, begun)
    text = (office / "keys" / "events-0.key.next").read_bytes()
    old_key = (office / "keys" / "events-0.key").read_bytes()
    rotate()
    (office / "keys" / "events-0.key").write_bytes(old_key)
    (office / "keys" / "events-0.key.next").write_bytes(text)
    assert call("up", "--drain").exit_code == 2  # policy and key differ
    rotate()
    assert DataFolder(office).signer(ORIGIN).verifier == trusted(office) == begun.new.verifier
    assert keys_of(office, trusted(office)).last_sizes == (5,)


def test_of_several_trails_each_key_is_changed_once(here):
    """A run that died behind the first trail is completed; the first is not changed again."""
    assert (
        call("init", "--archive", "folder", "--base", "audit.example.com", "--partitions", "3").exit_code == 0
    )
    office = here / ".sealtrail"
    assert call("up", "--drain").exit_code == 0
    folder = DataFolder(office)
    rotations = [begin_rotation(folder, trail) for trail in folder.policy_trails()]
    for rotation in rotations:
        keep_new_key(folder, rotation)
    rotate("--trail", "events/0")
    assert "A change of keys was begun here" in rotate().stderr
    logs = Policy.parse((office / "policy").read_bytes()).logs
    assert list(logs.values()) == [rotation.new.verifier for rotation in rotations]
    assert "begun here" not in rotate().stderr
    assert call("up", "--drain").exit_code == 0


def test_keys_that_do_not_belong_together_are_refused(office):
    folder = DataFolder(office)
    rotation = begin_rotation(folder, folder.policy_trails()[0])
    keep_new_key(folder, rotation)
    switch(folder, rotation)
    third = begin_rotation(folder, folder.policy_trails()[0])
    (office / "keys" / "events-0.key").write_text(f"{third.text}\n")
    (office / "keys" / "events-0.key.next").write_text(f"{third.text}\n")
    assert "restore the right files from their backup" in rotate(check=2).stderr


def test_a_secret_is_not_shown(office):
    folder = DataFolder(office)
    rotation = begin_rotation(folder, folder.policy_trails()[0])
    assert "PRIVATE" not in repr(rotation)
    assert rotation.text not in repr(rotation)


def test_a_line_that_stopped_is_mended_first(office):
    publish(2, 3)
    cut_off(office)
    stop()
    assert "see `sealtrail continue --dry-run`" in rotate(check=2).stderr
    assert not list((office / "keys").glob("*.next"))
