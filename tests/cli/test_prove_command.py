import json

import pytest

from cli.archives import archive_of, json_of, lasting_trail, small_archive
from command_line import call
from sealtrail_schemas.policy import format_policy
from sealtrail_schemas.tlog_proof import TlogProof

ORIGIN = "audit.example.com/payments/0"


@pytest.fixture
def archive(tmp_path):
    return small_archive(tmp_path)


def proven(archive, *arguments):
    result = archive.run("prove", *arguments)
    assert result.exit_code == 0, result.output
    return result


def verify(archive, *arguments):
    return call("verify-proof", *arguments, "--policy", archive.policy)


def test_a_proof_and_a_payload_are_written_and_verify(archive, here):
    result = proven(archive, 5)
    assert sorted(path.name for path in here.glob("payments-*")) == [
        "payments-0-5.payload",
        "payments-0-5.tlog-proof",
    ]
    assert "payments-0-5.tlog-proof and payments-0-5.payload" in result.stdout
    verified = verify(archive, "payments-0-5.tlog-proof")
    assert verified.exit_code == 0, verified.output
    lines = verified.stdout.splitlines()
    assert lines[0] == f"Entry 5 of {ORIGIN}"
    assert '    "n": 5' in lines
    assert lines[-1] == f"INTACT: entry 5 is in {ORIGIN} of 7 entries"


def test_the_archive_is_not_needed(archive, here):
    proven(archive, 5)
    archive.copy.rename(here / "gone")
    assert verify(archive, "payments-0-5.tlog-proof").exit_code == 0


def test_the_value_can_be_taken_out(archive):
    proven(archive, 5)
    assert verify(archive, "payments-0-5.tlog-proof", "--raw").stdout == '{"n":5}'


def test_a_redacted_proof_says_what_was_not_shown(archive, here):
    proven(archive, 5, "--redacted", "-o", "evidence")
    assert [path.name for path in (here / "evidence").iterdir()] == ["payments-0-5.tlog-proof"]
    verified = verify(archive, "evidence/payments-0-5.tlog-proof")
    assert verified.exit_code == 0
    assert "The payload was not shown" in verified.stdout
    assert '"n"' not in verified.stdout
    assert verified.stdout.splitlines()[-1].endswith("its payload not shown")
    report = json_of(verify(archive, "evidence/payments-0-5.tlog-proof", "--json"))
    assert report["checks"]["payload"] == "hidden"
    assert (report["verdict"], report["exit_code"], report["sequence"]) == ("intact", 0, "5")
    assert verify(archive, "evidence/payments-0-5.tlog-proof", "--raw").stdout == ""


def test_the_payload_can_be_shown_later(archive):
    proven(archive, 5, "-o", "full")
    proven(archive, 5, "--redacted", "-o", "a.tlog-proof")
    verified = verify(archive, "a.tlog-proof", "--payload", "full/payments-0-5.payload", "--json")
    assert json_of(verified)["checks"]["payload"] == "good"


def test_nothing_is_written_over(archive, here):
    proven(archive, 5, "-o", "case.tlog-proof")
    for name in ("case.tlog-proof", "case.payload"):
        before = (here / name).read_bytes()
        again = archive.run("prove", 6, "-o", "case.tlog-proof")
        assert again.exit_code == 2
        assert "is there already" in again.stderr
        assert (here / name).read_bytes() == before
        (here / "case.tlog-proof").unlink(missing_ok=True)


def changed(path, old, new):
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def test_changes_are_tampering(archive, here):
    proven(archive, 5)
    changed(here / "payments-0-5.payload", b'"n":5', b'"n":6')
    result = verify(archive, "payments-0-5.tlog-proof")
    assert result.exit_code == 10
    assert "ST-PROOF-PAYLOAD" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("TAMPERED: ")
    assert f"Entry 5 of {ORIGIN}, not proven" in result.stdout
    raw = verify(archive, "payments-0-5.tlog-proof", "--raw")
    assert (raw.exit_code, raw.stdout) == (10, "")
    changed(here / "payments-0-5.tlog-proof", b"\nindex ", b"\nindey ")
    report = json_of(verify(archive, "payments-0-5.tlog-proof", "--json"))
    assert report["checks"]["form"] == "bad"
    assert [finding["code"] for finding in report["findings"]] == ["ST-PROOF-FORM"]


def test_an_unknown_key_is_unverifiable(archive, tmp_path):
    proven(archive, 5)
    policy = tmp_path / "other-policy"
    policy.write_bytes(format_policy([lasting_trail(1, seed=b"\x09" * 32).signer.verifier]))
    result = call("verify-proof", "payments-0-5.tlog-proof", "--policy", policy)
    assert result.exit_code == 12
    assert "UNVERIFIABLE" in result.stdout


def test_what_is_no_proof_is_a_mistake_of_usage(archive, here):
    (here / "other").write_bytes(b"something else\n")
    result = verify(archive, "other")
    assert result.exit_code == 2
    assert "neither a proof" in result.stderr
    without_policy = call("verify-proof", "other")
    assert without_policy.exit_code == 2
    assert "--policy FILE" in without_policy.stderr


def test_a_damaged_batch_proves_nothing(archive, here):
    batch = archive.batch(1)
    batch.write_bytes(batch.read_bytes().replace(b'{"n":5}', b'{"n":7}'))
    result = archive.run("prove", 4)
    assert result.exit_code == 10
    assert "ST-ENTRY-PAYLOAD" in result.stderr
    assert not list(here.glob("payments-*"))


def test_hostile_values_do_not_reach_the_terminal(tmp_path, here):
    trail = lasting_trail()
    trail.event(b"\x1b]0;pwned\x07\x1b[2J")
    trail.seal()
    archive = archive_of(tmp_path, trail)
    proven(archive, 1)
    verified = verify(archive, "payments-0-1.tlog-proof")
    assert "\x1b" not in verified.stdout
    (here / "x.tlog-proof").write_bytes(b"c2sp.org/tlog-proof@\x1b[2J\n")
    assert "\x1b" not in verify(archive, "x.tlog-proof").output
    proof = TlogProof.parse((here / "payments-0-1.tlog-proof").read_bytes())
    hostile = proof.checkpoint.replace(b"audit.example", "evil\u202e".encode())
    (here / "y.tlog-proof").write_bytes(TlogProof(1, proof.path, hostile, proof.extra).encode())
    shown = verify(archive, "y.tlog-proof")
    assert (shown.exit_code, "\u202e" in shown.output) == (12, False)


def test_json_of_prove(archive):
    report = json.loads(proven(archive, 5, "--json").stdout)
    assert report == {
        "proof": "payments-0-5.tlog-proof",
        "payload": "payments-0-5.payload",
        "origin": ORIGIN,
        "sequence": "5",
        "seal": archive.trails[0].placed[1].seal,
    }
