"""`sealtrail init --succeed` on the embedded log."""

import json

import pytest

from cli.test_onward import publish
from command_line import call
from sealtrail.data_folder import DataFolder
from sealtrail_chainer.anchor import genesis_anchor, genesis_body
from sealtrail_transport.sqlite_log import SqliteLog

pytestmark = pytest.mark.claim("C17")

NEW = ("--data", "next")


def succeed(*arguments, check=0):
    answer = call("init", *NEW, "--succeed", ".sealtrail", "--reason", "a test", "--yes", *arguments)
    assert answer.exit_code == check, answer.output
    return answer


def predecessor(folder):
    (trail,) = DataFolder(folder).policy_trails()
    with SqliteLog(folder / "log.db") as log:
        anchor = genesis_anchor(log, trail, log.topic(trail.chained_topic))
    return genesis_body(anchor.genesis).predecessor


@pytest.fixture
def old(trail):
    publish(3)
    assert call("up", "--drain").exit_code == 0
    return trail


def test_the_new_trail_names_the_old_one_and_takes_its_key_over(old, here):
    answer = succeed()
    assert "from 4 entries, the newest seal in events/0/" in answer.stdout
    named = predecessor(here / "next")
    assert (named.origin, named.size, named.reason) == ("audit.example.com/events/0", 4, "a test")
    assert named.key is None
    for name in ("keys/events-0.key", "policy"):
        assert (here / "next" / name).read_bytes() == (old / name).read_bytes()
    assert call("produce", "-q", *NEW, "-", stdin='{"n":1}\n').exit_code == 0
    assert call("up", "--drain", *NEW).exit_code == 0
    assert json.loads(call("status", "--json", *NEW).stdout)["sealed"] == 2


@pytest.mark.usefixtures("old")
def test_the_old_pipeline_does_not_start_again(here):
    succeed()
    answer = call("up", "--drain")
    assert answer.exit_code == 2
    assert f"others go on from them: {here / 'next'}" in answer.stderr


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize("way", ["continue", "record-gap", "rotate-key"])
def test_nothing_is_added_to_the_old_trail(way):
    succeed()
    answer = call(way, "--dry-run")
    assert (answer.exit_code, "have come to their end" in answer.stderr) == (2, True)


@pytest.mark.usefixtures("old")
def test_a_trail_has_one_successor():
    succeed()
    answer = call("init", "--data", "third", "--succeed", ".sealtrail", "--reason", "a test", "--yes")
    assert (answer.exit_code, "have come to their end" in answer.stderr) == (2, True)


def test_a_lost_key_is_replaced_and_said_aloud(old, here):
    vkey = DataFolder(old).policy_trails()[0].verifier.vkey
    (old / "keys" / "events-0.key").unlink()
    answer = succeed()
    assert "A NEW ONE: the old data folder does not have the old one. Auditors need the new" in answer.stdout
    assert predecessor(here / "next").key == vkey


def test_new_keys_can_be_asked_for(old, here):
    assert "A NEW ONE. Auditors need the new policy" in succeed("--new-keys").stdout
    assert (here / "next" / "policy").read_bytes() != (old / "policy").read_bytes()


@pytest.mark.usefixtures("old")
def test_a_dry_run_makes_nothing(here):
    answer = call("init", *NEW, "--succeed", ".sealtrail", "--dry-run")
    assert answer.exit_code == 0, answer.output
    assert "goes on     from 4 entries" in answer.stdout
    assert not (here / "next").exists()
    planned = json.loads(call("init", *NEW, "--succeed", ".sealtrail", "--dry-run", "--json").stdout)
    assert (planned["size"], planned["new_key"], planned["done"]) == (4, False, False)
    assert call("up", "--drain").exit_code == 0


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--topic", "other"), "a successor keeps the topic of the trail that it goes on from, events"),
        (("--base", "other"), "a successor keeps the base"),
        (("--data", ".sealtrail"), "has trails already: name a new data folder"),
        (("--succeed", "nowhere"), "there is no trail in nowhere"),
    ],
)
def test_what_can_not_be_is_refused(arguments, told):
    answer = call("init", *NEW, "--succeed", ".sealtrail", "--reason", "a test", "--yes", *arguments)
    assert answer.exit_code in {2, 5}
    assert told in answer.stderr


@pytest.mark.usefixtures("old")
def test_a_reason_and_a_confirmation_are_asked_for():
    answer = call("init", *NEW, "--succeed", ".sealtrail", "--yes")
    assert (answer.exit_code, "say why with --reason" in answer.stderr) == (2, True)
    answer = call("init", *NEW, "--succeed", ".sealtrail", "--reason", "a test")
    assert (answer.exit_code, "Say so with --yes" in answer.stderr) == (2, True)
    answer = call("init", "--dry-run", "--data", "other")
    assert (answer.exit_code, "are for --succeed" in answer.stderr) == (2, True)


@pytest.mark.usefixtures("trail")
def test_what_was_never_sealed_has_no_successor():
    assert "is sealed: there is nothing to go on from" in succeed(check=2).stderr


@pytest.mark.usefixtures("old")
def test_a_run_that_was_cut_short_is_completed(here, monkeypatch):
    def fail(*_):
        raise OSError(5, "died")

    with monkeypatch.context() as patch:
        patch.setattr("sealtrail.evidence.mark_succeeded", fail)
        succeed(check=5)
    assert not (here / "next" / "deployment.toml").exists()
    succeed()
    assert predecessor(here / "next").size == 4
    assert "has trails already" in succeed(check=2).stderr
