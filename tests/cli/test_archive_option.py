"""The options of S3 where the archive is that of a data folder: heeded, or refused, and never passed over."""

import pytest

from command_line import call

NOWHERE = "http://127.0.0.1:9"
READERS = [("verify",), ("show", "0"), ("fetch", "copy")]


@pytest.fixture
def in_s3(trail):
    """A data folder whose archive is a bucket at an address that nobody can reach."""
    file = trail / "deployment.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("archive")]
    lines += ['archive = "s3://audit/trails"', 'endpoint_url = "http://127.0.0.1:7"']
    file.write_text("\n".join(lines))
    return {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
@pytest.mark.parametrize("said", ["option", "environment"])
def test_an_endpoint_wins_over_the_one_that_init_was_told(in_s3, reader, said):
    options = ["--endpoint-url", NOWHERE] if said == "option" else []
    environment = in_s3 if options else in_s3 | {"SEALTRAIL_ENDPOINT_URL": NOWHERE}
    answer = call(*reader, *options, env=environment)
    assert answer.exit_code == 5
    assert "127.0.0.1:9" in answer.stderr
    assert "127.0.0.1:7" not in answer.stderr


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
def test_without_one_it_is_what_init_was_told(in_s3, reader):
    answer = call(*reader, env=in_s3)
    assert answer.exit_code == 5
    assert "127.0.0.1:7" in answer.stderr


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
@pytest.mark.parametrize("option", [("--endpoint-url", NOWHERE), ("--profile", "audit")])
@pytest.mark.usefixtures("trail")
def test_it_is_refused_where_the_archive_is_not_in_s3(reader, option):
    answer = call(*reader, *option)
    assert answer.exit_code == 2
    assert answer.stderr == f"Error: {option[0]} is for an archive in S3; .sealtrail is none: leave it out\n"


def test_it_is_refused_for_a_folder_that_was_named(trail):
    answer = call("verify", trail / "store", "--policy", trail / "policy", "--endpoint-url", NOWHERE)
    assert answer.exit_code == 2
    assert "store is none: leave it out" in answer.stderr


def test_a_setting_for_other_commands_is_no_mistake(trail):
    assert call("up", "--drain", "-q").exit_code == 0
    environment = {"SEALTRAIL_ENDPOINT_URL": NOWHERE, "SEALTRAIL_PROFILE": "audit"}
    assert call("show", "0", "--data", trail, env=environment).exit_code == 0
