"""docker-compose.yml as its users run it: events from the host end in an archive that verifies."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.split import split_events
from sealtrail_transport.folder_store import FolderStore
from stack.stack import BUCKET, ROOT, Stack

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

CLOUDTRAIL = sorted((ROOT.parent / "shared" / "data" / "cloudtrail").glob("*.json"))


@pytest.fixture
def files(tmp_path):
    """CloudTrail's log files: real ones where they are, else one with a few records."""
    if CLOUDTRAIL:
        return CLOUDTRAIL
    file = tmp_path / "cloudtrail.json"
    file.write_text(json.dumps({"Records": [{"eventID": str(number)} for number in range(300)]}))
    return [file]


def test_what_the_host_publishes_ends_in_an_intact_archive(files, tmp_path):
    published = values_of(files)
    with Stack(tmp_path) as stack:
        done = stack.produce(*files)
        assert done.returncode == 0, done.stderr
        code, verdict = stack.await_verified(len(published) + 1)
        assert (code, verdict["verdict"]) == (0, "intact"), verdict
        assert [*archived_events(stack.fetch()).values()] == [published]

        check_confinement(stack)
        check_metrics(stack)
        check_rights_in_kafka(stack, files[0])
        check_rights_in_the_bucket(stack)
        check_that_a_second_up_changes_nothing(stack)


@pytest.mark.full
def test_three_trails_between_two_chainers_and_two_archivers(files, tmp_path):
    published = values_of(files)
    with Stack(tmp_path, ROOT / "deploy" / "three-partitions.yml") as stack:
        done = stack.produce(*files)
        assert done.returncode == 0, done.stderr
        code, verdict = stack.await_verified(len(published) + 3)
        assert (code, verdict["verdict"], len(verdict["trails"])) == (0, "intact", 3), verdict
        archived = archived_events(stack.fetch())
        assert Counter(value for trail in archived.values() for value in trail) == Counter(published)
        for service in ("chainer", "chainer-2", "archiver", "archiver-2"):
            assert " assigned partitions=" in stack.compose("logs", service)


def check_confinement(stack):
    for service in ("chainer", "archiver"):
        assert stack.inside(service, "touch /x 2>&1; id -u") == (
            "touch: cannot touch '/x': Read-only file system\n10001\n"
        )
        assert "CapEff:\t0000000000000000" in stack.inside(service, "cat /proc/1/status")
    assert stack.inside("archiver", "find / -name '*.key' 2>/dev/null; true") != ""
    assert stack.inside("chainer", "find / -name '*.key' 2>/dev/null; true") == ""
    for line in stack.compose("ps", "--format", "{{.Ports}}").split():
        assert "->" not in line or line.startswith("127.0.0.1:")


def check_metrics(stack):
    """Each is reached from the network of the stack, under its name."""
    for service in ("chainer", "archiver"):
        ask = f"from urllib.request import urlopen; print(urlopen('http://{service}:9464/healthz').read())"
        assert stack.inside("archiver", f'python -c "{ask}"') == "b'ok\\n'\n"


def check_rights_in_kafka(stack, file):
    done = stack.produce(file, topic="events.chained")
    assert done.returncode == 5
    assert "not authorised" in done.stderr
    settings = stack.folder / "clients" / "producer.toml"
    settings.write_text(settings.read_text().replace('sasl.password" = "', 'sasl.password" = "x'))
    assert "refuses the credentials" in stack.produce(file).stderr


def check_rights_in_the_bucket(stack):
    """That the archiver can write and all can read what they must was seen: the archive is intact."""
    archiver, chainer = stack.s3("archiver"), stack.s3("chainer")
    versions = archiver.list_object_versions(Bucket=BUCKET)["Versions"]
    seal = next(line for line in versions if line["Key"].endswith(".seal"))
    batch = next(line for line in versions if line["Key"].endswith(".avro"))
    at_seal, at_batch = ({"Bucket": BUCKET, "Key": line["Key"]} for line in (seal, batch))
    for call in (
        lambda: archiver.delete_object(**at_seal),
        lambda: archiver.delete_object(**at_seal, VersionId=seal["VersionId"]),
        lambda: archiver.put_object_legal_hold(**at_seal, LegalHold={"Status": "ON"}),
        lambda: archiver.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}),
        lambda: archiver.create_bucket(Bucket="another-one"),
        lambda: chainer.put_object(**at_seal, Body=b"", ChecksumAlgorithm="SHA256"),
        lambda: chainer.get_object(**at_batch),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    chainer.get_object(**at_seal)


def check_that_a_second_up_changes_nothing(stack):
    policy = (stack.folder / "clients" / "policy").read_bytes()
    stack.compose("up", "--wait", "--force-recreate", "minio", "init", "chainer", "archiver")
    stack.compose("cp", "init:/volumes/clients", stack.folder / "again")
    assert (stack.folder / "again" / "policy").read_bytes() == policy
    assert stack.verify().returncode == 0


def values_of(files):
    return [event.value for file in files for event in split_events(Path(file).read_bytes(), "cloudtrail")]


def archived_events(copy):
    """By trail's folder, the values of all events in a copy of an archive that is intact, in order."""
    store = FolderStore(copy)
    batches = sorted((line.key, line.version_id) for line in store.versions("") if line.key.endswith(".avro"))
    values = {}
    for key, version_id in batches:
        trail, _, _ = key.partition("/batches/")
        with store.open(key, version_id) as stream:
            for leaf, payload in BatchReader(stream):
                if Leaf.parse(leaf).kind is Kind.EVENT:
                    values.setdefault(trail, []).append(decode_payload(payload).value)
    return values
