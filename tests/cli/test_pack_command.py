import json

import pytest

from cli.archives import archive_of, json_of, lasting_trail, small_archive
from command_line import call
from packs import flipped, member, rezipped

ALL_GOOD = dict.fromkeys(("form", "leaf", "payload", "inclusion", "signature", "seal"), "good")


def cloudtrail(actor, name):
    return json.dumps(
        {
            "eventVersion": "1.08",
            "userIdentity": {"arn": actor},
            "eventTime": "2026-11-20T18:53:00Z",
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": name,
        }
    ).encode()


@pytest.fixture
def archive(tmp_path):
    trail = lasting_trail()
    trail.event(cloudtrail("alice", "DeleteTrail"))
    trail.event(cloudtrail("bob", "StopLogging"))
    trail.seal()
    trail.event(cloudtrail("alice", "CreateUser"))
    trail.seal()
    return archive_of(tmp_path, trail)


def packed(archive, *arguments):
    result = archive.run("pack", "-o", "case-17.zip", *arguments)
    assert result.exit_code == 0, result.output
    return result


def verify(archive, *arguments):
    return call("verify-proof", "case-17.zip", "--policy", archive.policy, *arguments)


def test_what_fits_is_packed_and_verifies(archive, here):
    result = packed(archive, "--actor", "alice", "--title", "Who was it?")
    assert "2 entries, each with its proof, under 2 seals" in result.stdout
    verified = verify(archive)
    assert verified.exit_code == 0, verified.output
    lines = verified.stdout.splitlines()
    assert lines[:2] == ["Who was it?", "  actor alice; of audit.example.com/payments/0"]
    assert "  - 2 of 2 entries proven." in lines
    assert "  - index.html shows the data of the files, and no other." in lines
    assert lines[-1] == "INTACT: 2 entries proven, nothing wrong"
    report = json_of(verify(archive, "--json"))
    assert [(entry["sequence"], entry["checks"]) for entry in report["entries"]] == [
        ("1", ALL_GOOD),
        ("3", ALL_GOOD),
    ]
    assert (report["page"], report["verdict"]) == ("same", "intact")
    assert "<title>Who was it?</title>" in member((here / "case-17.zip").read_bytes(), "index.html").decode()


def test_the_selection_is_told_in_words(archive):
    packed(archive, "--from", "2026-11-20", "--to", "2026-11-21", "--action", "cloudtrail:*", "--last", "2")
    selection = json_of(verify(archive, "--json"))["selection"]
    assert selection == (
        "action cloudtrail:*; happened from 2026-11-20T00:00:00Z before 2026-11-21T00:00:00Z; "
        "entries 0 to 2; of audit.example.com/payments/0"
    )


def test_a_redacted_pack(archive):
    packed(archive, "--redacted")
    verified = verify(archive)
    assert verified.exit_code == 0
    assert "The content of 4 entries" in verified.stdout


def test_an_empty_selection_writes_nothing(archive, here):
    result = archive.run("pack", "--actor", "carol", "-o", "case-17.zip")
    assert result.exit_code == 2
    assert "no entry fits" in result.stderr
    assert not list(here.glob("*case-17*"))


def test_nothing_is_written_over(archive, here):
    (here / "case-17.zip").write_bytes(b"mine")
    result = archive.run("pack", "-o", "case-17.zip")
    assert (result.exit_code, (here / "case-17.zip").read_bytes()) == (2, b"mine")


def test_a_title_is_one_line(archive):
    assert archive.run("pack", "-o", "case-17.zip", "--title", "a\nb").exit_code == 2


def test_a_damaged_batch_is_named_and_the_rest_is_packed(tmp_path):
    archive = small_archive(tmp_path)
    batch = archive.batch(0)
    batch.write_bytes(batch.read_bytes().replace(b'{"n":2}', b'{"n":7}'))
    result = archive.run("pack", "-o", "case-17.zip")
    assert result.exit_code == 10, result.output
    assert "Not in the pack" in result.stderr
    assert "entries 0 to 2" in result.stderr
    verified = verify(archive)
    assert verified.exit_code == 0
    assert "Not in the pack: audit.example.com/payments/0, entries 0 to 2" in verified.stdout
    assert len(json_of(verify(archive, "--json"))["entries"]) == 4


def test_a_changed_pack_is_tampered(archive, here):
    packed(archive)
    file = here / "case-17.zip"
    data = file.read_bytes()
    payload = f"entries/{archive.trails[0].folder}{3:020}.payload"
    file.write_bytes(rezipped(data, **{payload: flipped(member(data, payload), -1)}))
    result = verify(archive)
    assert result.exit_code == 10
    assert "ST-PROOF-PAYLOAD" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("TAMPERED: ")
    page = member(data, "index.html").replace(b"main().catch", b"0;main().catch")
    file.write_bytes(rezipped(data, **{"index.html": page}))
    assert "do not rely on it" in verify(archive).stdout
    file.write_bytes(data[:-40])
    assert verify(archive).exit_code == 2


def test_a_mapping_of_the_settings_is_in_the_pack(tmp_path, here):
    trail = lasting_trail()
    trail.event(b'{"who": "carol", "did": "login"}')
    trail.seal()
    archive = archive_of(tmp_path, trail)
    (here / "sealtrail.toml").write_text('[recognise]\nactor = "who"\naction = "did"\n')
    packed(archive, "--actor", "carol")
    (here / "sealtrail.toml").unlink()
    report = json_of(verify(archive, "--json"))
    assert (report["page"], len(report["entries"])) == ("same", 1)


def test_options_of_single_proofs_are_refused(archive):
    packed(archive)
    assert verify(archive, "--raw").exit_code == 2


def test_json_of_pack(archive):
    report = json_of(packed(archive, "--json"))
    assert (report["entries"], report["seals"], report["verdict"], report["missing"]) == (4, 2, "intact", [])
