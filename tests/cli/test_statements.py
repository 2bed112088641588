"""What was done to a trail, as the commands tell it, whichever key of the trail the policy names."""

from __future__ import annotations

import pytest

from auditor.builders import make_rotated, policy_with
from cli.archives import LASTING, archive_of, json_of
from command_line import call
from sealtrail_schemas.body import Predecessor
from sealtrail_schemas.control import Continuation
from sealtrail_schemas.policy import format_policy

ONE, TWO = b"\x01" * 32, b"\x02" * 32


@pytest.fixture(params=[ONE, TWO], ids=["old key", "new key"])
def archive(request, tmp_path):
    """A copy of a trail whose key was changed at entry 4; a continuation is entry 8, a gap entry 9."""
    trail = make_rotated(TWO, until=LASTING)
    trail.go_on()
    trail.lose(3)
    trail.seal()
    archive = archive_of(tmp_path, trail)
    archive.policy.write_bytes(format_policy(policy_with(trail, request.param).logs.values()))
    return archive


def test_verify_tells_what_was_done_and_calls_the_trail_intact(archive):
    result = archive.run("verify")
    assert result.exit_code == 0, result.output
    old, new = (placed.signer.verifier.fingerprint for placed in archive.trails[0].placed[1:3])
    told = " ".join(result.stdout.split())
    assert f"entry 4, 2026-11-23T09:20:00Z: the key was changed from {old} to {new} (as agreed)" in told
    assert "the trail goes on in topic payments.chained" in told
    assert "after chained-topic-lost (as agreed)" in told
    assert "3 records at most, at offsets 6 to 8 of topic payments, were lost" in told
    assert result.stdout.splitlines()[-1].startswith("INTACT: 10 entries")


def test_verify_tells_scripts_what_was_done(archive):
    [part] = json_of(archive.run("verify", "--json"))["trails"]
    change, continuation, gap = part["statements"]
    assert (change["sequence"], change["control"], change["reason"]) == ("4", "key-change", "as agreed")
    assert change["old"]["vkey"] == archive.trails[0].placed[0].signer.verifier.vkey
    assert change["new"]["fingerprint"] == archive.trails[0].placed[2].signer.verifier.fingerprint
    assert (continuation["stop"], continuation["chained_topic"]["name"]) == (
        "chained-topic-lost",
        "payments.chained",
    )
    assert (gap["first_lost"], gap["first_kept"], gap["raw_topic"]["name"]) == ("6", "9", "payments")
    assert change["at"].startswith("2026-11-23T09:20:00.")
    assert (part["statements_left_out"], part["predecessor"], part["successor"]) == (0, None, None)


def test_show_says_in_words_what_an_entry_states(archive):
    result = archive.run("show", 4)
    assert result.exit_code == 0, result.output
    assert "sealtrail: a control entry: the key was changed from SHA256:" in result.stdout
    assert "Its statement is signed by the trail's key" in " ".join(result.stdout.split())
    assert "to which the policy's leads" in " ".join(result.stdout.split())


@pytest.mark.parametrize("is_moved", [False, True])
def test_show_warns_of_a_statement_that_was_not_signed_for_this_entry(tmp_path, is_moved):
    trail = make_rotated(TWO, until=LASTING)
    reason = "as agreed" if not is_moved else "as I like"
    changes = {"sequence": 5} if is_moved else {}
    note = trail.statement(Continuation(trail.raw, "lost"), trail.signer, reason=reason, **changes)
    trail.state("continuation", note.replace(b"as agreed", b"as I like"))
    trail.seal()
    result = archive_of(tmp_path, trail).run("show", 8)
    assert result.exit_code == 0
    assert "as I like" in result.stdout
    assert "is not signed by the trail's key for this entry" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    "command",
    [("show", 6), ("export", "--output", "OUT.csv"), ("prove", 6, "--output", "OUT"), ("search", "--full")],
    ids=lambda command: command[0],
)
def test_other_commands_read_across_the_change(archive, tmp_path, command):
    arguments = [tmp_path / part if str(part).startswith("OUT") else part for part in command]
    result = archive.run(*arguments)
    assert result.exit_code == 0, result.output


def test_a_trail_and_the_one_that_goes_on_from_it_are_told_of_each_other(tmp_path):
    trail = make_rotated(TWO, until=LASTING, clock_ms=1_790_000_000_000)
    named = Predecessor(
        trail.origin, trail.size, trail.edge.root(), trail.opened(-1).text_sha256, "topic lost"
    )
    second = make_rotated(
        b"\x03" * 32, store=trail.store, until=LASTING, seed=TWO, incarnation=b"\x07" * 16, predecessor=named
    )
    result = archive_of(tmp_path, second).run("verify")
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    assert f"predecessor {trail.origin} of 8 entries, {trail.folder} (topic lost)" in told
    assert f"successor {second.folder}" in told


class TestProofs:
    @pytest.fixture
    def proof(self, archive, tmp_path):
        """Of entry 1, which the old key has signed."""
        file = tmp_path / "entry.tlog-proof"
        assert archive.run("prove", 1, "--output", file).exit_code == 0
        return file

    def test_a_key_change_leads_to_the_key_that_signed(self, archive, proof):
        note = archive.copy / archive.trails[0].folder / "keys/00000000000000000005.note"
        result = call("verify-proof", proof, "--policy", archive.policy, "--key-change", note)
        assert result.exit_code == 0, result.output

    def test_without_it_the_key_is_unknown_and_it_says_what_to_do(self, archive, proof, tmp_path):
        policy = tmp_path / "new.policy"
        policy.write_bytes(format_policy(policy_with(archive.trails[0], TWO).logs.values()))
        result = call("verify-proof", proof, "--policy", policy)
        assert result.exit_code == 12
        assert "--key-change" in " ".join(result.stdout.split())

    def test_what_is_no_key_change_is_a_mistake(self, archive, proof):
        result = call("verify-proof", proof, "--policy", archive.policy, "--key-change", proof)
        assert result.exit_code == 2
        assert "is no key change that both of its keys signed" in result.stderr
