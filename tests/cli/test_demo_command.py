import json

import pytest

from command_line import call, spawn
from sealtrail.attacks import ATTACKS
from sealtrail.data_folder import FOLDER

VERDICTS = {
    "changed-byte": ["tampered"],
    "removed-entry": ["tampered"],
    "cut-tail without head": ["intact"],
    "cut-tail": ["incomplete"],
    "rewritten-history without head": ["intact"],
    "rewritten-history": ["tampered"],
}


@pytest.fixture
def no_embedded_store(monkeypatch):
    """A machine for which there is no wheel of the embedded store: the demo runs on a plain folder."""
    monkeypatch.setattr("sealtrail.stores.embedded_archive", lambda: FOLDER)


@pytest.mark.embedded
def test_the_demo_catches_every_attack(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    result = spawn("demo", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    story = " ".join(result.stdout.split())
    for line in (
        "18:47 ops-2 iam:AttachUserPolicy ops-2 success",
        "102 entries, the first of them the trail's own, in 4 batches",
        "INTACT 102 entries of 1 trail verified, nothing wrong",
        "delete the file refused",
        "delete it, overriding the lock refused",
        "shorten its lock to a minute refused",
        "One byte is changed",
        "TAMPERED an event was changed ST-ENTRY-PAYLOAD, entry 93 office/0/",
        "TAMPERED entries were taken out of a batch ST-ENTRY-MISSING, entry 93 office/0/",
        "without the head INTACT no sign of it with the head INCOMPLETE the trail is shorter",
        "ST-HEAD-CUT, entries 90 to 101",
        "without the head INTACT no sign of it with the head TAMPERED the history was rewritten",
        "ST-HEAD-ROOT, entries 0 to 101",
        "All four were caught",
    ):
        assert line in story, result.stdout
    assert "\x1b" not in result.stdout
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("no_embedded_store")
def test_without_the_embedded_store_it_says_so_and_catches_all_the_same():
    result = call("demo")
    assert result.exit_code == 0, result.output
    assert "NO LOCK" in " ".join(result.stdout.split())
    assert "UNPROTECTED" in result.stdout
    assert "refused" not in result.stdout


@pytest.mark.usefixtures("no_embedded_store")
def test_json_has_a_line_for_each_verdict():
    result = call("demo", "--json")
    steps = [json.loads(line) for line in result.stdout.splitlines()]
    verdicts = {step["step"]: step["verdict"] for step in steps[:-1]}
    assert list(verdicts) == ["verified", "fetched", *VERDICTS]
    for name, [verdict] in VERDICTS.items():
        assert verdicts[name] == ("unprotected" if verdict == "intact" else verdict)
    assert all(step["as_expected"] for step in steps[:-1])
    assert steps[-1]["all_caught"] is True


@pytest.mark.usefixtures("no_embedded_store")
def test_what_is_kept_can_be_looked_at(tmp_path):
    kept = tmp_path / "kept"
    result = call("demo", "--keep", kept)
    assert result.exit_code == 0, result.output
    policy, head = kept / "auditor/policy", kept / "auditor/kept.head"
    assert "sealtrail show copy --policy auditor/policy 93" in result.stdout
    shown = call("show", kept / "copy", "--policy", policy, 93)
    assert "ops-2 did iam:AttachUserPolicy on ops-2" in shown.stdout
    for attack in ATTACKS:
        assert f"sealtrail verify {attack.name} " in result.stdout
        verified = call("verify", kept / attack.name, "--policy", policy, "--head", head)
        assert verified.exit_code == attack.caught_by.verdict.exit_code
        assert attack.caught_by.code in verified.stdout


@pytest.mark.usefixtures("no_embedded_store")
def test_an_attack_that_is_not_seen_fails_the_demo(monkeypatch):
    """A blind verifier: it sees no attack at all."""
    from sealtrail_auditor.verify import verify_archive

    genuine = []

    def blind(store, *arguments, **options):
        if not genuine:
            genuine.append(store)
        return verify_archive(genuine[0], *arguments, **options)

    monkeypatch.setattr("sealtrail.demo_play.verify_archive", blind)
    result = call("demo")
    assert result.exit_code == 1
    assert "That is a defect of sealtrail" in " ".join(result.stdout.split())


def test_a_folder_that_holds_something_is_not_used(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    result = call("demo", "--keep", tmp_path)
    assert result.exit_code == 2
    assert "choose a new folder for --keep" in result.stderr
