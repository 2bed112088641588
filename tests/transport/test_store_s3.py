"""S3Store: the contract, over the embedded store."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from types import SimpleNamespace

import pytest

from contracts.store_contract import LockingStoreContract, StoreContract, VersionedStoreContract, a_day, put
from sealtrail_transport.errors import (
    ChecksumMismatchError,
    LockUnsupportedError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from sealtrail_transport.s3_access import open_s3
from sealtrail_transport.s3_errors import store_errors
from sealtrail_transport.s3_store import S3Store
from sealtrail_transport.store import LockKnowledge

pytest_plugins = ["fixtures.seaweed"]
pytestmark = pytest.mark.embedded


def place(store, key: str) -> dict[str, str]:
    bucket, _, prefix = store.url.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": f"{prefix}/{key}"}


class TestS3Store(LockingStoreContract, VersionedStoreContract, StoreContract):
    knowledge = LockKnowledge.ENFORCED

    @pytest.fixture
    def store(self, s3_store):
        return s3_store

    @pytest.fixture(autouse=True)
    def client(self, s3_client):
        self.client = s3_client

    def delete(self, store, key):
        self.client.delete_object(**place(store, key))

    def delete_version(self, store, key, version_id):
        with store_errors("delete", store.url):
            self.client.delete_object(
                **place(store, key), VersionId=version_id, BypassGovernanceRetention=True
            )

    def set_retention(self, store, key, version_id, retention):
        lock = {"Mode": retention.mode.value, "RetainUntilDate": retention.until}
        with store_errors("lock", store.url):
            self.client.put_object_retention(**place(store, key), VersionId=version_id, Retention=lock)


@pytest.mark.parametrize(("status", "sent"), [(206, b"cdefgh"), (200, b"abcdefgh"), (206, b"cd")])
def test_no_more_of_a_range_is_read_than_was_asked_for(status, sent):
    """From a server that does not know ranges, or one that sends what it likes; it may be without an end."""
    body = io.BytesIO(sent)
    answer = {"Body": body, "ResponseMetadata": {"HTTPStatusCode": status}}
    store = S3Store("bucket", "", SimpleNamespace(get_object=lambda **_: answer))
    asked = []
    body.read = lambda size=-1, read=body.read: (asked.append(size), read(size))[1]
    assert store.read_range("key", "version", start=2, length=3) == b"cde"[: len(sent)]
    assert all(0 <= size <= 2**20 for size in asked)
    assert body.closed


def test_a_store_that_is_away_is_unavailable(seaweed):
    store = open_s3("s3://tests", replace(seaweed.access, endpoint_url="http://127.0.0.1:9", attempts=1))
    with pytest.raises(StoreUnavailableError, match=r"s3://tests: can't write key: Could not connect"):
        put(store, "key")
    with pytest.raises(StoreUnavailableError):
        list(store.versions(""))
    with pytest.raises(StoreUnavailableError):
        store.head("key", "version")
    with pytest.raises(StoreUnavailableError):
        store.ensure_bucket()


@pytest.mark.parametrize("wrong", [{"access_key": "nobody"}, {"secret_key": "nothing"}])
def test_wrong_credentials_are_denied(seaweed, wrong):
    store = open_s3("s3://tests", replace(seaweed.access, **wrong))
    for call in [
        lambda: put(store, "key"),
        lambda: list(store.versions("")),
        lambda: store.head("key", "version"),
        lambda: store.open("key", "version"),
        store.ensure_bucket,
    ]:
        with pytest.raises(StoreDeniedError, match="key"):
            call()


def test_a_bucket_that_is_not_there_is_said_so(seaweed):
    store = seaweed.open("nowhere")
    for call in [
        lambda: put(store, "key"),
        lambda: list(store.versions("")),
        lambda: store.head("key", "0" * 32),
    ]:
        with pytest.raises(StoreError, match="there is no such bucket"):
            call()


def test_a_bucket_is_made_with_lock_and_without_default_retention(seaweed, s3_client):
    store = seaweed.open("made-here")
    assert [store.ensure_bucket(), store.ensure_bucket()] == [True, False]
    lock = s3_client.get_object_lock_configuration(Bucket="made-here")
    assert lock["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    assert store.head("key", put(store, "key", retention=a_day())).retention is not None


def test_a_bucket_without_lock_is_refused(seaweed, s3_client):
    s3_client.create_bucket(Bucket="unlocked")
    with pytest.raises(LockUnsupportedError, match="unlocked"):
        seaweed.open("unlocked").ensure_bucket()


def test_damage_on_the_way_is_noticed(s3_store, monkeypatch):
    other = SimpleNamespace(sha256=lambda _body: hashlib.sha256(b"other bytes"))
    monkeypatch.setattr("sealtrail_transport.s3_store.hashlib", other)
    with pytest.raises(ChecksumMismatchError):
        put(s3_store, "key", b"bytes")
    assert list(s3_store.versions("")) == []
