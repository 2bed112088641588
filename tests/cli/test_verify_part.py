"""`verify` of a part, by sample, since the last visit, in several processes."""

from __future__ import annotations

import os
import signal

import pytest

from cli.archives import archive_of, json_of, lasting_trail, small_archive
from command_line import call
from sealtrail_auditor import workers
from sealtrail_transport.folder_store import FolderStore

OTHER = "audit.example.com/refunds/0"


@pytest.fixture
def archive(tmp_path):
    return small_archive(tmp_path)


def last_line(result):
    return result.stdout.splitlines()[-1]


def damage(archive, number=1):
    file = archive.batch(number)
    file.write_bytes(file.read_bytes()[:-20])


def test_a_part_says_so_beside_the_verdict(archive):
    result = archive.run("verify", "--first", "4", "--last", "5")
    assert result.exit_code == 0, result.output
    assert last_line(result) == (
        "INTACT in entries 4 to 5: 4 entries of 1 trail verified, nothing wrong; the rest was not looked at"
    )
    assert "looked at   entries 3 to 6" in result.stdout
    assert "Entries up to 2 were not looked at" in result.stdout
    damage(archive)
    assert archive.run("verify", "--last", "2").exit_code == 0
    result = archive.run("verify", "--first", "4", "--last", "4")
    assert result.exit_code == 10
    assert last_line(result).startswith("TAMPERED in entry 4: ")


def test_a_part_by_time(archive):
    time = archive.trails[0].leaves[4].chained_at_ms
    moment = f"2026-11-23T09:20:00.{time % 1000:03}Z"
    result = archive.run("verify", "--chained-from", moment, "--json")
    scope = json_of(result)["scope"]
    assert scope == {
        "is_whole": False,
        "first_sequence": None,
        "last_sequence": None,
        "chained_from": moment,
        "chained_to": None,
        "sample": None,
    }
    text = archive.run("verify", "--chained-from", moment, "--chained-to", "2026-11-24")
    assert last_line(text).startswith(
        f"INTACT in what was chained from {moment} before 2026-11-24T00:00:00Z: 4 entries"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--first", "5", "--last", "4"], "lies behind the last"),
        (["--chained-from", "2026-11-24", "--chained-to", "2026-11-23"], "ends before it begins"),
        (["--first", "700"], "nothing was verified"),
        (["--chained-to", "2001-01-01"], "nothing was verified"),
        (["--seed", "x"], "--seed is for --sample"),
        (["--sample", "0"], "is no sample"),
        (["--sample", "101%"], "is no sample"),
        (["--sample", "many"], "is no sample"),
        (["--sample", "1", "--save-head", "head"], "--save-head keeps what was verified whole"),
        (["--first", "1", "--state", "state"], "--state keeps what was verified whole"),
        (["--state", "nowhere/state"], "there is no folder"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_what_can_not_be_meant_is_one_line(archive, options, message):
    result = archive.run("verify", *options)
    assert result.exit_code in {2, 5}
    assert message in result.stderr
    assert result.stdout == ""


def test_sequences_are_those_of_one_trail(tmp_path):
    first = lasting_trail(3)
    archive = archive_of(
        tmp_path, first, lasting_trail(2, store=first.store, origin=OTHER, seed=b"\x05" * 32)
    )
    assert "--trail which one" in archive.run("verify", "--first", "1").stderr
    assert archive.run("verify", "--first", "1", "--trail", "refunds/0").exit_code == 0


def test_a_sample_tells_its_seed_and_what_it_is_worth(tmp_path):
    archive = archive_of(tmp_path, lasting_trail(*[2] * 11))
    result = archive.run("verify", "--sample", "30%")
    assert result.exit_code == 0, result.output
    assert last_line(result) == (
        "INTACT as sampled: 8 entries in 4 batches read of 1 trail, nothing wrong; "
        "the other batches were not read"
    )
    assert "3 of 10 batches, and the first of each trail; seed " in result.stdout
    assert "1 with 30 %, 2 with 53.33 %" in result.stdout
    assert "not drawn for the sample" in result.stdout
    seed = result.stdout.split("seed ")[1].split()[0]
    again = json_of(archive.run("verify", "--sample", "3", "--seed", seed, "--json"))
    assert again["scope"]["sample"]["seed"] == seed
    assert again["scope"]["sample"]["drawn"] == "3"
    assert again["scope"]["is_whole"] is False
    assert (
        archive.run("verify", "--sample", "3", "--seed", seed).stdout.splitlines()[5:]
        == (result.stdout.splitlines()[5:])
    )


def test_a_damaged_batch_of_the_sample_is_met(archive):
    damage(archive)
    result = archive.run("verify", "--sample", "1")
    assert result.exit_code == 10
    assert last_line(result).startswith("TAMPERED as sampled: ")


# Visits


def test_the_next_visit_says_what_it_rests_on(archive, tmp_path):
    state = tmp_path / "state"
    assert archive.run("verify", "--state", state).exit_code == 0
    assert state.stat().st_mode & 0o777 == 0o600
    result = archive.run("verify", "--state", state)
    assert result.exit_code == 0
    assert last_line(result) == (
        "INTACT: 0 entries of 1 trail verified, nothing wrong; 7 were verified by visits before"
    )
    assert "Entries up to 6 were verified by visits before" in result.stdout


def test_a_cut_tail_is_seen_and_the_state_stays(archive, tmp_path):
    state = tmp_path / "state"
    archive.run("verify", "--state", state)
    kept = state.read_bytes()
    archive.batch(1).unlink()
    archive.seal(1).unlink()
    result = archive.run("verify", "--state", state)
    assert result.exit_code == 11
    assert "ST-HEAD-CUT" in result.stdout
    assert "The state was not moved on" in result.stderr
    assert state.read_bytes() == kept


def test_ctrl_c_keeps_what_was_verified(tmp_path, monkeypatch):
    archive = archive_of(tmp_path, lasting_trail(*[2] * 9))
    state, opened = tmp_path / "state", []
    open_ = FolderStore.open

    def interrupting(self, key, version_id):
        if "/batches/" in key:
            opened.append(key)
            if len(opened) == 5:
                os.kill(os.getpid(), signal.SIGINT)
        return open_(self, key, version_id)

    monkeypatch.setattr(FolderStore, "open", interrupting)
    result = archive.run("verify", "--state", state, "--jobs", "1")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "verify again with it to go on" in " ".join(result.stderr.split())
    result = archive.run("verify", "--state", state, "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert "Going on with the visit that was interrupted" in " ".join(result.stderr.split())
    assert last_line(result) == "INTACT: 18 entries of 1 trail verified, nothing wrong"
    assert len(opened) == 10  # the one that was being opened, twice


def test_no_resume_begins_the_visit_anew(tmp_path, monkeypatch):
    archive = archive_of(tmp_path, lasting_trail(*[2] * 9))
    state = tmp_path / "state"
    with monkeypatch.context() as patch:
        patch.setattr("sealtrail_auditor.trail.other_names", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        assert archive.run("verify", "--state", state).exit_code == 130
    result = archive.run("verify", "--state", state, "--no-resume", "--json")
    assert json_of(result)["trails"][0]["batches_verified"] == "9"
    assert "Going on" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 1000])
def test_what_is_no_state_is_left_alone(archive, tmp_path, content):
    state = tmp_path / "state"
    state.write_bytes(content)
    result = archive.run("verify", "--state", state)
    assert result.exit_code == 2
    assert "can't be gone on from" in result.stderr
    assert state.read_bytes() == content


def test_an_error_is_no_reason_to_begin_a_state(archive, tmp_path):
    state = tmp_path / "state"
    assert archive.run("verify", "--state", state, "--head", archive.policy).exit_code == 2
    assert not state.exists()


@pytest.mark.embedded
def test_jobs_make_no_difference(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "START_AFTER_BYTES", 0)
    archive = archive_of(tmp_path, lasting_trail(*[3] * 12))
    damage(archive, 4)
    one, three = (archive.run("verify", "--jobs", number).stdout.splitlines() for number in (1, 3))
    assert [line for line in one if "judged at" not in line] == [
        line for line in three if "judged at" not in line
    ]


def test_a_lost_worker_is_an_internal_error(archive, monkeypatch):
    from sealtrail_auditor.errors import WorkerLostError

    def lose(*_args, **_options):
        raise WorkerLostError("a worker process ended")

    monkeypatch.setattr("sealtrail_auditor.verify.verify_archive", lose)
    result = call("verify", archive.copy, "--policy", archive.policy)
    assert (result.exit_code, result.stderr) == (1, "Error: a worker process ended\n")
