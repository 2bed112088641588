"""What S3 and botocore answer, as errors of the store: without a server, by botocore's Stubber."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore import exceptions as boto
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from sealtrail_transport.errors import (
    ChecksumMismatchError,
    ExtraMissingError,
    LockUnsupportedError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from sealtrail_transport.s3_access import S3Access, connect, open_s3
from sealtrail_transport.s3_errors import store_errors
from sealtrail_transport.s3_store import S3Store
from sealtrail_transport.store import LockMode, Retention

ACCESS = S3Access(endpoint_url="http://127.0.0.1:9", access_key="key", secret_key="secret", attempts=1)


@pytest.fixture(scope="module")
def client():
    return connect(ACCESS)


@pytest.fixture
def stub(client):
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def store(stub):
    return S3Store("audit", "/prod/", stub.client)


ANSWERS = [
    ("PreconditionFailed", 412, ObjectExistsError, "Said so"),
    ("ConditionalRequestConflict", 409, StoreUnavailableError, "Said so"),
    ("OperationAborted", 409, StoreUnavailableError, "Said so"),
    ("SlowDown", 503, StoreUnavailableError, "Said so"),
    ("Throttling", 400, StoreUnavailableError, "Said so"),
    ("InternalError", 500, StoreUnavailableError, "Said so"),
    ("SomethingNew", 599, StoreUnavailableError, "SomethingNew"),
    ("RequestTimeout", 400, StoreUnavailableError, "Said so"),
    ("BadDigest", 400, ChecksumMismatchError, "Said so"),
    ("XAmzContentSHA256Mismatch", 400, ChecksumMismatchError, "Said so"),
    ("AccessDenied", 403, StoreDeniedError, "do not allow it"),
    ("InvalidAccessKeyId", 403, StoreDeniedError, "access key is not known"),
    ("SignatureDoesNotMatch", 403, StoreDeniedError, "secret key does not fit"),
    ("ExpiredToken", 400, StoreDeniedError, "expired: sign in again"),
    ("RequestTimeTooSkewed", 403, StoreDeniedError, "clock is wrong"),
    ("SomethingNew", 403, StoreDeniedError, "SomethingNew"),
    ("NoSuchBucket", 404, StoreError, "there is no such bucket"),
    ("InvalidArgument", 400, StoreError, "InvalidArgument"),
    ("SomethingNew", 400, StoreError, "SomethingNew"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer[0]} {answer[1]}")
def test_an_answer_becomes_its_error(store, stub, answer):
    code, status, expected, said = answer
    stub.add_client_error("put_object", code, "Said\nso.", http_status_code=status)
    with pytest.raises(StoreError, match=said) as caught:
        store.put("key", b"", retention=None)
    assert type(caught.value) is expected
    assert str(caught.value).startswith("s3://audit/prod: can't write key: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404"])
def test_a_missing_version_is_missing(store, stub, code):
    stub.add_client_error("get_object", service_error_code=code, http_status_code=404)
    with pytest.raises(ObjectMissingError):
        store.open("key", "version")


def test_a_malformed_version_id_is_missing(store, stub):
    said = {"service_error_code": "InvalidArgument", "service_message": "Invalid version id specified"}
    stub.add_client_error("get_object", **said, http_status_code=400)
    with pytest.raises(ObjectMissingError):
        store.open("key", "version")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"service_error_meta": {"Region": "eu-west-1"}}, "region eu-west-1: set AWS_REGION"),
        ({"response_meta": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-3"}}}, "region eu-west-3"),
        ({}, "in another region: set AWS_REGION"),
    ],
)
@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed", "InvalidRegion"])
def test_a_bucket_elsewhere_names_its_region(store, stub, code, answer, said):
    stub.add_client_error("put_object", service_error_code=code, http_status_code=301, **answer)
    with pytest.raises(StoreDeniedError, match=said):
        store.put("key", b"", retention=None)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("ExpiredToken", StoreDeniedError),
        ("NoSuchVersion", ObjectMissingError),
        ("SlowDown", StoreUnavailableError),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_the_reason_of_a_failed_head_is_asked_for_by_a_get(store, stub, status, reason, expected):
    """A HEAD's answer has no body: its error is a bare status."""
    stub.add_client_error("head_object", service_error_code=str(status), http_status_code=status)
    stub.add_client_error("get_object", service_error_code=reason, http_status_code=400)
    with pytest.raises(expected):
        store.head("key", "version")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (boto.EndpointConnectionError(endpoint_url="http://there"), StoreUnavailableError),
        (boto.ConnectTimeoutError(endpoint_url="http://there"), StoreUnavailableError),
        (boto.ReadTimeoutError(endpoint_url="http://there"), StoreUnavailableError),
        (boto.ConnectionClosedError(endpoint_url="http://there"), StoreUnavailableError),
        (boto.HTTPClientError(error="broken"), StoreUnavailableError),
        (boto.ResponseStreamingError(error="broken"), StoreUnavailableError),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), StoreUnavailableError),
        (boto.NoCredentialsError(), StoreDeniedError),
        (boto.PartialCredentialsError(provider="env", cred_var="secret_key"), StoreDeniedError),
        (boto.CredentialRetrievalError(provider="sso", error_msg="no"), StoreDeniedError),
        (boto.UnauthorizedSSOTokenError(), StoreDeniedError),
        (boto.ProfileNotFound(profile="none"), StoreDeniedError),
        (boto.SSLError(endpoint_url="https://there", error="certificate verify failed"), StoreError),
        (boto.SSLError(endpoint_url="https://there", error="EOF occurred"), StoreUnavailableError),
        (boto.ParamValidationError(report="bucket?"), StoreError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_botocore_raises_becomes_a_store_error(error, expected):
    with pytest.raises(StoreError) as caught, store_errors("read key", "s3://audit"):
        raise error
    assert type(caught.value) is expected
    assert str(caught.value).startswith("s3://audit: can't read key: ")


def test_a_put_sends_lock_checksum_and_condition(store, stub):
    until = datetime(2033, 1, 2, 3, 4, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    expected = {
        "Bucket": "audit",
        "Key": "prod/a/b",
        "Body": b"body",
        "ContentType": "text/plain",
        "IfNoneMatch": "*",
        "ObjectLockMode": "COMPLIANCE",
        "ObjectLockRetainUntilDate": datetime(2033, 1, 2, 1, 4, 5, tzinfo=UTC),
        "ChecksumAlgorithm": "SHA256",
        # printf body | openssl dgst -sha256 -binary | base64
        "ChecksumSHA256": "Iw2DWNyOiJC0xY3utikS7i8gNXrpKlzIYbmOaP4xrLU=",
    }
    stub.add_response("put_object", {"VersionId": "v1"}, expected)
    retention = Retention(LockMode.COMPLIANCE, until)
    assert store.put("a/b", b"body", retention=retention, content_type="text/plain") == "v1"


def entry(key, version_id, second, *, latest=False, marker=False):
    line = {"Key": f"prod/{key}", "VersionId": version_id, "IsLatest": latest}
    line["LastModified"] = datetime(2026, 1, 1, 0, 0, second, 500_000, tzinfo=UTC)
    return line if marker else {**line, "Size": 4}


def test_versions_and_markers_of_a_page_are_merged(store, stub):
    page = {
        "Versions": [
            entry("a", "a2", 3),
            entry("a", "a1", 1),
            entry("b", "b1", 1),
            entry("c", "c2", 9, latest=True),
        ],
        "DeleteMarkers": [
            entry("a", "a4", 3, latest=True, marker=True),
            entry("a", "a3", 2, marker=True),
            entry("b", "b2", 1, latest=True, marker=True),
            entry("c", "c1", 9, marker=True),
        ],
    }
    stub.add_response("list_object_versions", page)
    lines = list(store.versions(""))
    assert [line.version_id for line in lines] == ["a4", "a2", "a3", "a1", "b2", "b1", "c2", "c1"]
    assert [line.key for line in lines] == ["a"] * 4 + ["b"] * 2 + ["c"] * 2
    assert {line.last_modified.microsecond for line in lines} == {0}


def test_pages_follow_each_other_and_stop_at_the_limit(store, stub):
    first = {"Versions": [entry("a", "a2", 1, latest=True)], "IsTruncated": True}
    first |= {"NextKeyMarker": "prod/a", "NextVersionIdMarker": "a2"}
    second = {"Versions": [entry("a", "a1", 1)], "IsTruncated": True, "NextKeyMarker": "prod/a"}
    ask = {"Bucket": "audit", "Prefix": "prod/p", "MaxKeys": 2}
    stub.add_response("list_object_versions", first, ask)
    stub.add_response("list_object_versions", second, {**ask, "KeyMarker": "prod/a", "VersionIdMarker": "a2"})
    assert [line.version_id for line in store.versions("p", limit=2)] == ["a2", "a1"]


def test_versions_of_after_that_a_server_repeats_are_left_out(store, stub):
    page = {"Versions": [entry("a", "a1", 1, latest=True), entry("b", "b1", 1, latest=True)]}
    stub.add_response(
        "list_object_versions",
        page,
        {"Bucket": "audit", "Prefix": ANY, "MaxKeys": 1000, "KeyMarker": "prod/a"},
    )
    assert [line.key for line in store.versions("", after="a")] == ["b"]


@pytest.mark.parametrize("next_marker", [{}, {"NextKeyMarker": "prod/a"}])
def test_a_listing_that_does_not_go_on_is_an_error(store, stub, next_marker):
    stub.add_response("list_object_versions", {"IsTruncated": True, **next_marker})
    with pytest.raises(StoreError, match="not where"):
        list(store.versions("", after="a"))


def test_a_body_that_breaks_off_is_unavailable(store, stub):
    body = StreamingBody(io.BytesIO(b"half"), content_length=8)
    stub.add_response("get_object", {"Body": body})
    with store.open("key", "version") as file, pytest.raises(StoreUnavailableError):
        file.read()


def test_a_lock_that_is_hidden_reads_as_none(store, stub):
    answer = {"ContentLength": 4, "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
    stub.add_response("head_object", answer)
    assert store.head("key", "version").retention is None
    stub.add_response(
        "head_object", {**answer, "ObjectLockMode": "HOPE", "ObjectLockRetainUntilDate": datetime.now(UTC)}
    )
    with pytest.raises(StoreError, match="HOPE"):
        store.head("key", "version")


ENABLED = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}


@pytest.mark.parametrize(
    ("lock", "versioning"), [(ENABLED, {"Status": "Suspended"}), ({}, {"Status": "Enabled"})]
)
def test_a_bucket_without_lock_or_versions_is_refused(store, stub, lock, versioning):
    stub.add_response("get_bucket_versioning", versioning)
    stub.add_response("get_object_lock_configuration", lock)
    with pytest.raises(LockUnsupportedError, match="audit"):
        store.ensure_bucket()


def test_a_bucket_of_somebody_else_is_denied(store, stub):
    stub.add_client_error("get_bucket_versioning", service_error_code="NoSuchBucket", http_status_code=404)
    stub.add_client_error("create_bucket", service_error_code="BucketAlreadyExists", http_status_code=409)
    with pytest.raises(StoreDeniedError, match="somebody else"):
        store.ensure_bucket()


def test_a_bucket_is_made_in_the_clients_region():
    client = connect(S3Access(region="eu-central-1", access_key="key", secret_key="secret"))
    expected = {
        "Bucket": "audit",
        "ObjectLockEnabledForBucket": True,
        "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"},
    }
    with Stubber(client) as stub:
        stub.add_client_error("get_bucket_versioning", service_error_code="NoSuchBucket")
        stub.add_response("create_bucket", {}, expected)
        assert S3Store("audit", "", client).ensure_bucket() is True


@pytest.mark.parametrize(
    "url", ["audit", "http://audit", "s3://", "s3:///key", "s3://audit?versions", "s3://audit#x"]
)
def test_a_url_that_names_no_bucket_is_refused(url):
    with pytest.raises(StoreError, match=r"s3://BUCKET"):
        open_s3(url, ACCESS)


@pytest.mark.parametrize(
    ("url", "said"),
    [("s3://audit", "s3://audit"), ("s3://audit/", "s3://audit"), ("s3://audit/a/b/", "s3://audit/a/b")],
)
def test_a_store_says_its_url(url, said):
    assert open_s3(url, ACCESS).url == said


def test_an_unknown_profile_and_a_bad_endpoint_are_one_line():
    with pytest.raises(StoreDeniedError, match="nobody"):
        connect(S3Access(profile="nobody"))
    with pytest.raises(StoreError, match="there"):
        connect(S3Access(endpoint_url="there"))


def test_without_boto3_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'sealtrail\[s3\]'"):
        open_s3("s3://audit", ACCESS)


def test_the_secret_is_not_shown():
    assert "secret" not in repr(ACCESS).replace("secret_key", "")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_endpoint_from_the_environment_means_path_style(monkeypatch, name):
    monkeypatch.setenv(name, "http://minio.example:9000")
    client = connect(S3Access(access_key="key", secret_key="secret"))
    assert client.meta.endpoint_url == "http://minio.example:9000"
    assert client.meta.config.s3["addressing_style"] == "path"


def test_the_region_is_the_one_that_amazons_tools_would_take(monkeypatch):
    def region(access=ACCESS):
        return connect(access).meta.region_name

    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert region() == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert region() == "eu-west-3"
    assert region(replace(ACCESS, region="us-west-1")) == "us-west-1"
