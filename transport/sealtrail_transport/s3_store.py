"""The store on S3, or on anything that speaks S3 with versions and Object Lock; it needs boto3.

`sealtrail_transport.s3_access.open_s3` opens one without importing boto3 before it is needed.
"""

from __future__ import annotations

import base64
import hashlib
import io
from heapq import merge
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore import exceptions as boto

from sealtrail_transport.errors import LockUnsupportedError, StoreDeniedError, StoreError
from sealtrail_transport.s3_errors import error_code, store_errors
from sealtrail_transport.store import LockKnowledge, LockMode, ObjectInfo, ObjectVersion, Retention
from sealtrail_transport.store_keys import VIEW_CONTENT_TYPE, check_view_key, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from _typeshed import WriteableBuffer
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client

    from sealtrail_transport.store import Store

UNVERSIONED = "null"
_PAGE_KEYS = 1000  # S3's most
_READ_BUFFER_BYTES = 256 * 1024


class S3Store:
    """A bucket and prefix on S3.

    Retries inside botocore can repeat a put whose answer was lost, and the second then meets the first:
    ObjectExistsError may mean our own object.

    Args:
        bucket: the bucket's name.
        prefix: put before every key, with a `/` between; may be empty.
        client: a boto3 S3 client, as `s3_access.connect` makes it.
        opener: opens the same again in another process, which can't have the client.
    """

    def __init__(
        self, bucket: str, prefix: str, client: S3Client, *, opener: Callable[[], Store] | None = None
    ) -> None:
        prefix = prefix.strip("/")
        self._bucket = bucket
        self._base = f"{prefix}/" if prefix else ""
        self._client = client
        self._opener = opener
        self._url = f"s3://{bucket}/{prefix}".rstrip("/")

    @property
    def lock_knowledge(self) -> LockKnowledge:
        """ENFORCED: the bucket is asked. Whether its server keeps what it says is another question."""
        return LockKnowledge.ENFORCED

    @property
    def url(self) -> str:
        """`s3://bucket/prefix`."""
        return self._url

    @property
    def opener(self) -> Callable[[], Store] | None:
        """See `Reopenable.opener`."""
        return self._opener

    @property
    def client(self) -> S3Client:
        """The boto3 client, for what the store port has no words for."""
        return self._client

    def ensure_bucket(self) -> bool:
        """See `StoreAdmin.ensure_bucket`. The bucket gets no default retention: every object carries its own.

        Raises:
            StoreDeniedError: the name belongs to somebody else, or the credentials do not allow it.
        """
        with store_errors(f"look at the bucket {self._bucket}", self._url):
            try:
                # Asked first: of a missing bucket MinIO only says that it has no lock.
                versioning = self._client.get_bucket_versioning(Bucket=self._bucket)
            except boto.ClientError as error:
                if error_code(error) != "NoSuchBucket":
                    raise
                self._create_bucket()
                return True
            lock = self._client.get_object_lock_configuration(Bucket=self._bucket)
        enabled = lock.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled")
        if enabled != "Enabled" or versioning.get("Status") != "Enabled":
            raise LockUnsupportedError(
                f"the bucket {self._bucket} has no Object Lock: choose or create another"
            )
        return False

    def put(
        self,
        key: str,
        body: bytes,
        *,
        retention: Retention | None,
        only_if_absent: bool = True,
        content_type: str = "application/octet-stream",
    ) -> str:
        """See `Store.put`."""
        options: dict[str, Any] = {"IfNoneMatch": "*"} if only_if_absent else {}
        if retention is not None:
            options["ObjectLockMode"] = retention.mode.value
            options["ObjectLockRetainUntilDate"] = whole_seconds(retention.until)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with store_errors(f"write {key}", self._url):
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=self._base + key,
                Body=body,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",  # some servers heed the digest only together with its name
                ChecksumSHA256=digest,
                **options,
            )
        return answer.get("VersionId", UNVERSIONED)

    def put_view(self, key: str, body: bytes) -> str:
        """See `Store.put_view`."""
        return self.put(
            check_view_key(key), body, retention=None, only_if_absent=False, content_type=VIEW_CONTENT_TYPE
        )

    def versions(
        self, prefix: str, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectVersion]:
        """See `Store.versions`; errors come while iterating.

        S3 lists a page's versions and its markers apart, each newest first, with times in whole seconds. So
        versions are in S3's order, and a marker that is not the latest may stand too high within its second.
        """
        page_keys = _PAGE_KEYS if limit is None else min(limit, _PAGE_KEYS)
        return islice(self._listed(prefix, after, page_keys), limit)

    def head(self, key: str, version_id: str) -> ObjectInfo:
        """See `Store.head`.

        Without the right `s3:GetObjectRetention` S3 leaves the lock out of its answer without a word: a lock
        that is missing here is either missing or hidden from these credentials.
        """
        with store_errors(f"describe {key}", self._url):
            try:
                answer = self._client.head_object(
                    Bucket=self._bucket, Key=self._base + key, VersionId=version_id
                )
            except boto.ClientError:
                # The answer to a HEAD has no body, so no reason: missing, denied, expired? A GET says it.
                self.open(key, version_id).close()
                raise
        return ObjectInfo(
            key=key,
            version_id=version_id,
            size=answer["ContentLength"],
            last_modified=whole_seconds(answer["LastModified"]),
            retention=_retention(answer),
            legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        )

    def open(self, key: str, version_id: str) -> BinaryIO:
        """See `Store.open`."""
        with store_errors(f"read {key}", self._url):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._base + key, VersionId=version_id)
        return io.BufferedReader(_Body(answer["Body"], key, self._url), _READ_BUFFER_BYTES)

    def read_range(self, key: str, version_id: str, *, start: int, length: int) -> bytes:
        """See `Store.read_range`. The range is asked for as RFC 9110, section 14, writes it."""
        asked = f"bytes={start}-{start + length - 1}"
        with store_errors(f"read {key}", self._url):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._base + key, VersionId=version_id, Range=asked
                )
            except boto.ClientError as error:
                if error_code(error) in {"InvalidRange", "416"}:  # it begins behind the end
                    return b""
                raise
        with io.BufferedReader(_Body(answer["Body"], key, self._url), _READ_BUFFER_BYTES) as body:
            if answer["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PARTIAL_CONTENT:
                _skip(body, start)  # a server that does not know ranges sends all
            return body.read(length)

    def _listed(self, prefix: str, after: str | None, page_keys: int) -> Iterator[ObjectVersion]:
        start = {} if after is None else {"KeyMarker": self._base + after}
        while True:
            with store_errors(f"list {prefix or 'the archive'}", self._url):
                options: dict[str, Any] = {"Prefix": self._base + prefix, "MaxKeys": page_keys, **start}
                page = self._client.list_object_versions(Bucket=self._bucket, **options)
            yield from (line for line in self._merged(page) if after is None or line.key > after)
            if not page.get("IsTruncated"):
                return
            markers = {
                "KeyMarker": page.get("NextKeyMarker"),
                "VersionIdMarker": page.get("NextVersionIdMarker"),
            }
            go_on = {name: marker for name, marker in markers.items() if marker}
            if go_on in ({}, start):
                raise StoreError(f"{self._url}: the store's listing says that it goes on, but not where")
            start = go_on

    def _create_bucket(self) -> None:
        region = self._client.meta.region_name
        options: dict[str, Any] = {}
        if region not in {"us-east-1", "aws-global"}:  # these two must not be named
            options["CreateBucketConfiguration"] = {"LocationConstraint": region}
        try:
            self._client.create_bucket(Bucket=self._bucket, ObjectLockEnabledForBucket=True, **options)
        except boto.ClientError as error:
            if error_code(error) == "BucketAlreadyExists":
                raise StoreDeniedError(
                    f"the bucket {self._bucket} is somebody else's: choose another"
                ) from error
            raise

    def _merged(self, page: Mapping[str, Any]) -> Iterator[ObjectVersion]:
        versions = [self._line(item, is_marker=False) for item in page.get("Versions", [])]
        markers = [self._line(item, is_marker=True) for item in page.get("DeleteMarkers", [])]
        return merge(
            markers,
            versions,
            key=lambda line: (line.key, not line.is_latest, -line.last_modified.timestamp()),
        )

    def _line(self, item: Mapping[str, Any], *, is_marker: bool) -> ObjectVersion:
        return ObjectVersion(
            key=str(item["Key"])[len(self._base) :],
            version_id=item["VersionId"],
            is_delete_marker=is_marker,
            is_latest=item["IsLatest"],
            size=item.get("Size", 0),
            last_modified=whole_seconds(item["LastModified"]),
        )


def _retention(answer: Mapping[str, Any]) -> Retention | None:
    mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
    if mode is None or until is None:
        return None
    if mode not in LockMode.__members__:
        raise StoreError(f"the store knows a lock mode {mode!r} that sealtrail does not")
    return Retention(LockMode(mode), whole_seconds(until))


def _skip(stream: BinaryIO, count: int) -> None:
    while count and (skipped := stream.read(min(count, _READ_BUFFER_BYTES))):
        count -= len(skipped)


class _Body(io.RawIOBase):
    """The body of an answer; a connection that breaks raises StoreUnavailableError."""

    def __init__(self, body: StreamingBody, key: str, url: str) -> None:
        self._body = body
        self._key = key
        self._url = url

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with store_errors(f"read {self._key}", self._url), memoryview(buffer) as view:
            chunk = self._body.read(len(view))
            view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._body.close()
        super().close()
