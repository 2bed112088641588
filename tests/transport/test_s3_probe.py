"""The store probe on three servers; what it leaves behind, and what it can't talk to."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.store_contract import a_day, keys, put
from fixtures.minio import running_minio
from sealtrail_transport import s3_probe
from sealtrail_transport.check_result import Severity, Status
from sealtrail_transport.errors import StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.s3_access import S3Access, connect, open_s3
from sealtrail_transport.s3_probe import CHECKS, probe_store
from sealtrail_transport.s3_probe_report import JSON_FORMAT
from sealtrail_transport.s3_store import S3Store

pytest_plugins = ["fixtures.seaweed"]

WORD = secrets.token_hex(12)  # user and password of a server that lives as long as a test
KNOWN_OF_MOTO = {
    "VERSIONING-SUSPENDED",
    "SHORTENED",
    "SHORTENED-BYPASS",
    "CLEARED",
    "CLEARED-BYPASS",
    "DOWNGRADED",
    "DOWNGRADED-BYPASS",
    "LOCK-DATE-PAST",
    "LOCK-DATE-MISSING",
    "DAMAGE-ACCEPTED",
}


def probe(store, **options):
    return probe_store(store, now=lambda: datetime.now(UTC), entropy=secrets.token_bytes, **options)


def failures(report):
    return {result.code.removeprefix("ST-STORE-"): result.severity for result in report.failures}


@pytest.mark.embedded
def test_seaweedfs_passes(s3_store):
    seen = []
    report = probe(s3_store, progress=seen.append)
    assert failures(report) == {"MARKER-REOPENS": Severity.INFO}
    assert report.unseen == ()
    assert report.worst is Severity.INFO
    assert seen == list(report.results)
    assert [result.code for result in seen] == [check.code for check in CHECKS]


@pytest.mark.embedded
def test_the_report_is_told_in_json(s3_store):
    report = probe(s3_store)
    told = json.loads(json.dumps(report.to_json()))
    assert told["format"] == JSON_FORMAT
    assert told["store"] == s3_store.url
    assert told["scratch"].startswith(f"{s3_store.url}/doctor/probe-")
    assert told["started_at"].endswith("Z")
    assert told["worst"] == "info"
    assert told["counts"] == {"passed": len(CHECKS) - 1, "failed": 1, "not_permitted": 0, "not_checked": 0}
    assert [result["code"] for result in told["results"]] == [check.code for check in CHECKS]
    first = told["results"][0]
    assert (first["status"], first["severity"], first["fix"]) == ("passed", "warning", "")


def test_every_check_has_a_code_of_its_own_and_one_line_of_each_text():
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.code.startswith("ST-STORE-")
        assert all(
            "\n" not in text and 0 < len(text) < 120 for text in (check.title, check.expected, check.fix)
        )


@pytest.fixture
def moto():
    """A store on moto, which is known to keep few of Object Lock's promises."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = connect(S3Access(endpoint_url=f"http://{host}:{port}", access_key=WORD, secret_key=WORD))
    client.create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
    yield S3Store("audit", "", client)
    client.close()
    server.stop()


@pytest.mark.embedded
def test_moto_fails(moto):
    report = probe(moto)
    assert failures(report) == dict.fromkeys(KNOWN_OF_MOTO, Severity.ERROR) | {
        "MARKER-REOPENS": Severity.INFO
    }
    assert report.unseen == ()
    assert report.worst is Severity.ERROR
    assert moto.ensure_bucket() is False, "versioning was not enabled again"


@pytest.fixture
def minio():
    """A store on a MinIO in a container."""
    with running_minio() as server:
        client = connect(server.access)
        yield S3Store(server.bucket(locked=True), "prod", client)
        client.close()


@pytest.mark.containers
def test_minio_passes(minio):
    report = probe(minio)
    assert failures(report) == {"MARKER-REOPENS": Severity.INFO}
    assert report.unseen == ()


@pytest.mark.embedded
def test_a_bucket_without_object_lock_fails_and_keeps_what_it_has(seaweed, s3_client):
    s3_client.create_bucket(Bucket="no-lock")
    store = seaweed.open("no-lock")
    put(store, "mine")
    report = probe(store)
    assert failures(report) == {"NO-OBJECT-LOCK": Severity.ERROR}
    passed = {result.code for result in report.results if result.status is Status.PASSED}
    assert passed == {"ST-STORE-CLOCK", "ST-STORE-UPLOADS-IN-PARTS"}
    assert "Status" not in s3_client.get_bucket_versioning(Bucket="no-lock")
    assert (report.left_behind, keys(store.versions(""))) == (0, ["mine"])


@pytest.mark.embedded
def test_only_objects_under_a_short_lock_stay(s3_store):
    report = probe(s3_store)
    folder = report.scratch.removeprefix(f"{s3_store.url}/")
    left = list(s3_store.versions(""))
    assert len(left) == report.left_behind > 0
    for line in left:
        assert line.key.startswith(folder)
        assert s3_store.head(line.key, line.version_id).retention.until <= report.unlocked_at
    assert (report.unlocked_at - datetime.now(UTC)).total_seconds() < 150


@pytest.mark.embedded
def test_a_later_probe_deletes_what_earlier_ones_left_and_nothing_else(s3_store, s3_client, monkeypatch):
    others = ["doctor/0/0123abcd/batches/0", "doctor/probe-mine/0", "prod/0/0123abcd/seals/1"]
    for key in others:
        put(s3_store, key)
    put(s3_store, f"doctor/probe-{'0' * 16}/free")
    locked = f"doctor/probe-{'0' * 16}/locked"
    put(s3_store, locked, retention=a_day())
    held = f"doctor/probe-{'1' * 16}/hold"
    bucket, _, prefix = s3_store.url.removeprefix("s3://").partition("/")
    place = {"Bucket": bucket, "Key": f"{prefix}/{held}", "VersionId": put(s3_store, held)}
    s3_client.put_object_legal_hold(**place, LegalHold={"Status": "ON"})

    def before_this(report):
        folder = report.scratch.removeprefix(f"{s3_store.url}/")
        return [key for key in keys(s3_store.versions("")) if not key.startswith(folder)]

    young = probe(s3_store)
    assert young.removed == 0, "it could belong to a probe that is running"
    left = set(others) | {locked}
    monkeypatch.setattr(s3_probe, "IN_USE_S", -5.0)
    later = probe(s3_store)
    assert later.removed == 2
    assert {key for key in before_this(later) if key not in keys_of(young, s3_store)} == left


def keys_of(report, store):
    return keys(store.versions(report.scratch.removeprefix(f"{store.url}/")))


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("url", "wrong", "error", "message"),
    [
        ("s3://tests", {"access_key": "nobody"}, StoreDeniedError, "access key"),
        ("s3://tests", {"secret_key": "nothing"}, StoreDeniedError, "secret key"),
        ("s3://nowhere", {}, StoreError, "there is no such bucket"),
        (
            "s3://tests",
            {"endpoint_url": "http://127.0.0.1:9", "attempts": 1},
            StoreUnavailableError,
            "connect",
        ),
    ],
)
def test_a_store_that_cannot_be_talked_to_is_an_error(seaweed, url, wrong, error, message):
    with pytest.raises(error, match=message):
        probe(open_s3(url, replace(seaweed.access, **wrong)))
