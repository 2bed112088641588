import json
import stat

import pytest

from auditor.viewed import fill
from cli.archives import archive_of, json_of, lasting_trail, small_archive
from command_line import call

NAME = "auditor.example.com/alice"


@pytest.fixture
def archive(tmp_path):
    return small_archive(tmp_path)


@pytest.fixture
def key(archive, here):
    """The auditor's key, made on first use."""
    made = archive.run("report", "--make-key", "alice.key", "--auditor", NAME, "-o", "first")
    assert made.exit_code == 0, made.output
    return here / "alice.key"


def members_of(folder):
    return json.loads((folder / "report.json").read_text("utf-8").split("\n")[0])


def change_an_event(archive):
    file = archive.batch(1)
    content = file.read_bytes()
    assert content.count(b'{"n":4}') == 1
    file.write_bytes(content.replace(b'{"n":4}', b'{"n":9}'))


def test_the_first_report_makes_a_key_that_only_its_owner_can_read(archive, here):
    result = archive.run("report", "--make-key", "alice.key", "--auditor", NAME, "-o", "first")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "INTACT: 7 entries of 1 trail verified, nothing wrong"
    assert stat.S_IMODE((here / "alice.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in (here / "first").iterdir()) == ["heads", "report.html", "report.json"]
    members = members_of(here / "first")
    assert members["auditor"]["name"] == NAME
    assert members["auditor"]["fingerprint"] in result.stderr


def test_a_key_is_not_made_over_something(archive, key):
    content = key.read_bytes()
    result = archive.run("report", "--make-key", key, "--auditor", NAME, "-o", "second")
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert key.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--make-key FILE --auditor NAME makes one"),
        (("--make-key", "new.key"), "--make-key needs a name"),
        (("--key", "a.key", "--make-key", "b.key"), "--make-key FILE --auditor NAME makes one"),
        (("--key", "missing.key"), "No such file"),
        (("--from", "2026-11-02", "--to", "2026-11-01", "--key", "a.key"), "the range is empty"),
        (("--make-key", "new.key", "--auditor", "no name"), "key name"),
    ],
)
def test_what_is_missing_is_one_line(archive, here, arguments, says):
    result = archive.run("report", *arguments, "-o", "out")
    assert result.exit_code in {2, 5}
    assert says in result.stderr.splitlines()[-1]
    assert not (here / "out").exists()


def test_a_trails_own_key_does_not_sign_reports(archive, here):
    from sealtrail_schemas.keys import encode_signing_key

    trail = archive.trails[0]
    (here / "trail.key").write_text(encode_signing_key(trail.origin, trail.seed))
    result = archive.run("report", "--key", "trail.key", "-o", "out")
    assert result.exit_code == 2
    assert "key of a trail" in result.stderr


def test_a_folder_that_is_there_is_left_alone(archive, key):
    result = archive.run("report", "--key", key, "-o", "first")
    assert result.exit_code == 2
    assert "is there already" in result.stderr


def test_a_bad_verdict_is_reported_all_the_same(archive, key, here):
    change_an_event(archive)
    result = archive.run("report", "--key", key, "-o", "bad", "--json")
    told = json_of(result)
    assert (result.exit_code, told["exit_code"], told["verdict"]) == (10, 10, "tampered")
    assert told["heads"] is None
    assert (here / "bad/report.html").exists()
    assert not (here / "bad/heads").exists()
    members = members_of(here / "bad")
    [finding] = members["findings"]
    assert (finding["code"], finding["places"][0]["first_sequence"]) == ("ST-ENTRY-PAYLOAD", "4")
    assert [gap["what"] for gap in members["gaps"]["rows"]] == ["damaged"]
    assert "supported" not in {control["state"] for control in members["controls"]}


@pytest.mark.usefixtures("key")
def test_locks_in_a_copy_are_hearsay(here):
    states = {check["name"]: check["state"] for check in members_of(here / "first")["checks"]}
    assert states["locks"] == states["retention"] == "not made"
    supported = [each for each in members_of(here / "first")["controls"] if each["state"] == "supported"]
    assert not any("locks" in each["checks"] for each in supported)


def test_the_heads_of_one_report_are_held_against_the_next(archive, key, here):
    result = archive.run("report", "--key", key, "--head", here / "first/heads", "-o", "second")
    assert result.exit_code == 0, result.output
    states = {check["name"]: check["state"] for check in members_of(here / "second")["checks"]}
    assert states["head"] == "passed"
    archive.seal(1).unlink()
    archive.batch(1).unlink()
    result = archive.run("report", "--key", key, "--head", here / "first/heads", "-o", "third")
    assert result.exit_code == 11, result.output
    states = {check["name"]: check["state"] for check in members_of(here / "third")["checks"]}
    assert (states["head"], states["complete"]) == ("failed", "failed")


def test_a_period_chooses_events_and_not_what_is_verified(tmp_path):
    archive = archive_of(tmp_path, fill(lasting_trail(1), 10, 10))
    bounds = ("--from", "2026-11-01T00:05:00Z", "--to", "2026-11-01T00:15:00Z")
    result = archive.run(
        "report", "--make-key", "k", "--auditor", NAME, *bounds, "-o", "out", "--title", "Q4"
    )
    assert result.exit_code == 0, result.output
    members = members_of(tmp_path / "out")
    assert (members["events"]["count"], members["entries"]["verified"]) == ("10", "21")
    assert members["title"] == "Q4"
    assert members["scope"]["is_whole"] is True


def test_a_part_of_the_trail_is_verified_and_counted(tmp_path):
    archive = archive_of(tmp_path, fill(lasting_trail(1), 10, 10))
    result = archive.run(
        "report", "--make-key", "k", "--auditor", NAME, "--first", 13, "--last", 15, "-o", "out"
    )
    assert result.exit_code == 0, result.output
    members = members_of(tmp_path / "out")
    assert members["events"]["count"] == "3"
    assert (members["entries"]["verified"], members["scope"]["is_whole"]) == ("10", False)
    assert "Only a part of the archive" in (tmp_path / "out/report.html").read_text("utf-8")
    assert not (tmp_path / "out/heads").exists()


@pytest.mark.usefixtures("key")
class TestVerifyReport:
    def test_the_fingerprint_and_the_key_do(self, here):
        auditor = members_of(here / "first")["auditor"]
        for given in (auditor["fingerprint"], auditor["key"]):
            result = call("verify-report", "first/report.json", "--key", given)
            assert result.exit_code == 0, result.output
            assert result.stdout.splitlines()[-1] == f"INTACT: signed by {NAME}"
            assert "it states    intact" in result.stdout

    def test_without_a_key_nothing_is_known(self):
        result = call("verify-report", "first/report.json")
        assert result.exit_code == 12
        assert "say with --key" in result.stdout

    def test_another_key_is_not_the_auditors(self):
        result = call("verify-report", "first/report.json", "--key", "SHA256:" + "A" * 43)
        assert result.exit_code == 12
        assert "by another key than yours" in result.stdout

    def test_a_changed_report_is_tampered_with(self, here):
        file = here / "first/report.json"
        content = file.read_text("utf-8")
        assert content.count('"verdict":"intact"') == 2
        file.write_text(content.replace('"verdict":"intact"', '"verdict":"tampered"'), "utf-8")
        result = call(
            "verify-report", file, "--key", members_of(here / "first")["auditor"]["fingerprint"], "--json"
        )
        assert (result.exit_code, json_of(result)["verdict"]) == (10, "tampered")

    def test_an_edited_page_is_found(self, here):
        page = here / "first/report.html"
        content = page.read_bytes()
        assert b"<h2>Intact</h2>" in content
        page.write_bytes(content.replace(b"<h2>Intact</h2>", b"<h2>Perfect</h2>"))
        fingerprint = members_of(here / "first")["auditor"]["fingerprint"]
        result = call("verify-report", "first/report.json", "--key", fingerprint)
        assert result.exit_code == 10
        assert "is not the page of this report" in result.stdout.splitlines()[-1]

    def test_the_page_of_another_version_can_not_be_compared(self, here, monkeypatch):
        page = here / "first/report.html"
        page.write_bytes(page.read_bytes().replace(b"<style>", b"<style>/* older */"))
        monkeypatch.setattr("sealtrail.commands.verify_report.version", lambda _name: "9.9.9")
        fingerprint = members_of(here / "first")["auditor"]["fingerprint"]
        result = call("verify-report", "first/report.json", "--key", fingerprint)
        assert result.exit_code == 12
        assert "make it again with --html" in result.stdout.splitlines()[-1]

    def test_the_page_can_be_made_again(self, here):
        fingerprint = members_of(here / "first")["auditor"]["fingerprint"]
        result = call("verify-report", "first/report.json", "--key", fingerprint, "--html", "again.html")
        assert result.exit_code == 0, result.output
        assert (here / "again.html").read_bytes() == (here / "first/report.html").read_bytes()

    def test_something_else_is_no_report(self, here):
        (here / "other.json").write_text("{}\n")
        result = call("verify-report", "other.json")
        assert result.exit_code == 2
        assert "is no report" in result.stderr
