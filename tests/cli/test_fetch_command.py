import pytest

from cli.archives import archive_of, json_of, lasting_trail, small_archive
from command_line import call
from sealtrail.stores import open_address
from sealtrail_transport.errors import StoreUnavailableError

OTHER = "audit.example.com/refunds/0"


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A bucket with two trails; commands reach it as s3://bucket."""
    first = lasting_trail(3, 4)
    second = lasting_trail(2, store=first.store, origin=OTHER, seed=b"\x05" * 32)
    first.store.put("format/x/format.md", b"# the format", retention=None)

    def opened(address, **options):
        return first.store if address == "s3://bucket" else open_address(address, **options)

    monkeypatch.setattr("sealtrail.stores.open_address", opened)
    return archive_of(tmp_path / "reference", first, second)


def fetch(folder, *arguments):
    return call("fetch", "s3://bucket", folder, *arguments)


def test_a_copy_verifies_offline_and_says_what_it_can_not_know(bucket, tmp_path):
    copy = tmp_path / "copy"
    result = fetch(copy)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Copied memory://bucket to {copy}: 7 objects")
    verified = call("verify", copy, "--policy", bucket.policy)
    assert verified.exit_code == 0, verified.output
    assert "read from the copy's notes" in verified.stdout


def test_versions_and_markers_are_noted(bucket, tmp_path):
    [trail, _] = bucket.trails
    trail.store.put(trail.placed[0].batch, b"on top", retention=None, only_if_absent=False)
    copy = tmp_path / "copy"
    assert fetch(copy).exit_code == 0
    result = call("verify", copy, "--policy", bucket.policy)
    assert result.exit_code == 13
    assert "ST-OBJECT-VERSIONS" in result.stdout


def test_a_second_run_fetches_only_what_is_new(bucket, tmp_path):
    copy = tmp_path / "copy"
    assert json_of(fetch(copy, "--json"))["fetched"] == 7
    assert json_of(fetch(copy, "--json"))["fetched"] == 0
    bucket.trails[0].event()
    bucket.trails[0].seal()
    again = json_of(fetch(copy, "--json"))
    assert (again["fetched"], again["versions"]) == (2, 9)


def test_an_interrupted_copy_is_none_until_it_is_finished(bucket, tmp_path):
    [trail, _] = bucket.trails
    copy = tmp_path / "copy"

    def fault(operation, key, _phase):
        if operation == "open" and key == trail.placed[1].seal:
            raise StoreUnavailableError("the network is away")

    trail.store.fault = fault
    assert fetch(copy).exit_code == 5
    trail.store.fault = None
    half = call("verify", copy, "--policy", bucket.policy)
    assert half.exit_code == 5
    assert "run `sealtrail fetch` again" in half.stderr
    assert 0 < json_of(fetch(copy, "--json"))["fetched"] < 7


@pytest.mark.usefixtures("bucket")
def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    result = fetch(tmp_path / "mine")
    assert result.exit_code == 5
    assert "holds no copy: choose another folder" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_one_trail_of_several_can_be_fetched(bucket, tmp_path):
    copy = tmp_path / "copy"
    assert fetch(copy, "--trail", "refunds/0").exit_code == 0
    assert sorted(path.name for path in copy.iterdir() if path.name[0] != ".") == ["format", "refunds"]
    assert call("verify", copy, "--policy", bucket.policy, "--trail", "refunds/0").exit_code == 0
    assert fetch(tmp_path / "other", "--trail", "nonsense").exit_code == 2


def test_a_copy_within_its_source_is_refused(tmp_path):
    archive = small_archive(tmp_path)
    result = call("fetch", archive.copy, archive.copy / "inner")
    assert result.exit_code == 2
    assert "choose a folder outside" in result.stderr


def test_a_copy_of_a_copy_says_the_same(tmp_path):
    archive = small_archive(tmp_path)
    again = tmp_path / "again"
    assert call("fetch", archive.copy, again).exit_code == 0
    assert call("verify", again, "--policy", archive.policy).exit_code == 0
