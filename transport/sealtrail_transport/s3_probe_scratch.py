"""Where the probe tries things: a prefix of its own, objects with short locks, and the store's own clock.

Everything that is put here carries an explicit lock of a minute or two, so that a default retention of the
bucket, which may be years, never takes hold of it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from sealtrail_transport.check_result import Severity
from sealtrail_transport.errors import ObjectMissingError, StoreDeniedError
from sealtrail_transport.s3_errors import error_code, store_errors
from sealtrail_transport.s3_probe_errors import CheckFailedError, NotCheckedError, NotPermittedError
from sealtrail_transport.s3_store import S3Store
from sealtrail_transport.store import LockMode, Retention
from sealtrail_transport.store_keys import whole_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sealtrail_transport.store import ObjectInfo

LOCK_S: Final = 60.0
"""How long a lock of the probe lasts: longer than any check takes."""

LONGER_LOCK_S: Final = 2 * LOCK_S
"""How long it lasts once it was extended."""

BODY: Final = b"written by sealtrail's store probe; of no value once its lock has ended\n"
_DENIED: Final = frozenset({"AccessDenied", "Forbidden", "403"})
_TROUBLE: Final = frozenset(
    {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store answered to one request: a body, or the code and HTTP status of an error."""

    code: str = ""
    status: int = HTTPStatus.OK
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether the store says that it did what was asked."""
        return not self.code

    @property
    def is_denied(self) -> bool:
        """Whether it refused for want of a right; some refuse what is locked with the same words."""
        return self.code in _DENIED

    def refusal(self) -> str:
        """The refusal in words. Raises NotCheckedError where the store was in trouble instead."""
        is_server_error = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if self.code in _TROUBLE or (is_server_error and self.status != HTTPStatus.NOT_IMPLEMENTED):
            raise NotCheckedError(f"the store was in trouble ({self.code}), which is no refusal")
        return str(self)

    def __str__(self) -> str:
        return "accepted" if self.is_done else f"refused ({self.code})"


@dataclass(frozen=True, slots=True)
class Locked:
    """A version under lock, as HEAD has shown it."""

    key: str
    version_id: str
    retention: Retention


class Scratch:
    """The scratch prefix `doctor/probe-<16 hex digits>/` of a store.

    The name can't be mistaken for a trail of a topic that is called `doctor`: its second part is no number.

    Args:
        archive: the store that is probed.
        now: tells the time, as an aware datetime.
        entropy: that many random bytes.

    Attributes:
        archive: The store that is probed.
        store: The scratch prefix as a store.
        client: The boto3 client of both.
        bucket: The bucket's name.
        base: The store's prefix in the bucket, ending in a slash; may be empty.
        prefix: The scratch prefix in the bucket, ending in a slash.
        ahead: By how much the store's clock is ahead of ours; None until `look`, and where it does not say.
    """

    def __init__(
        self, archive: S3Store, *, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> None:
        self.archive = archive
        self.client = archive.client
        self.bucket, _, base = archive.url.removeprefix("s3://").partition("/")
        self.base = f"{base}/" if base else ""
        self.prefix = f"{self.base}doctor/probe-{entropy(8).hex()}/"
        self.store = S3Store(self.bucket, self.prefix, self.client)
        self.ahead: timedelta | None = None
        self._now = now

    def look(self) -> None:
        """Make the first request, which shows whether the store answers at all, and read its clock.

        Raises:
            StoreUnavailableError: it does not answer.
            StoreDeniedError: the credentials are missing or wrong.
            StoreError: there is no such bucket.
        """
        before = self._now()
        with store_errors("probe the store", self.archive.url):
            try:
                answer = self.client.list_object_versions(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
                headers = answer["ResponseMetadata"]["HTTPHeaders"]
            except ClientError as error:
                if error_code(error) not in _DENIED:
                    raise
                headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        between = before + (self._now() - before) / 2
        with suppress(ValueError, TypeError):
            date = parsedate_to_datetime(headers.get("date", ""))
            self.ahead = date + timedelta(seconds=0.5) - between  # the header is cut to whole seconds

    def time(self) -> datetime:
        """The time by the store's clock, since locks end by that."""
        return self._now() + (self.ahead or timedelta())

    def lock(self, *, mode: LockMode = LockMode.COMPLIANCE, length_s: float = LOCK_S) -> Retention:
        """A lock that ends so many seconds from now."""
        return Retention(mode, whole_seconds(self.time() + timedelta(seconds=length_s)))

    def place(self, key: str, version_id: str | None = None) -> dict[str, Any]:
        """Bucket, key and version of something in the scratch prefix, as boto3 takes them."""
        place = {"Bucket": self.bucket, "Key": self.prefix + key}
        return place if version_id is None else {**place, "VersionId": version_id}

    def ask(self, call: Callable[..., Any], **options: Any) -> Answer:
        """Make one request that may be refused. Raises StoreUnavailableError when there is no answer."""
        with store_errors("go on probing", self.archive.url):
            try:
                return Answer(body=call(**options))
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                return Answer(error_code(error) or f"status {status}", status)

    def put(self, key: str, lock: Retention | None = None, *, only_if_absent: bool = True) -> str:
        """Put an object as the archiver does, under a short COMPLIANCE lock; returns its version id."""
        return self.store.put(key, BODY, retention=lock or self.lock(), only_if_absent=only_if_absent)

    def put_locked(self, key: str) -> Locked:
        """Put an object under a short COMPLIANCE lock, and see by HEAD that it has it.

        Raises:
            NotCheckedError: it has not, so there is nothing to attack.
        """
        retention = self.lock()
        version_id = self.put(key, retention)
        if self.store.head(key, version_id).retention != retention:
            raise NotCheckedError("the lock that was put can't be read by HEAD")
        return Locked(key, version_id, retention)

    def put_marker(self, key: str) -> str:
        """Put a delete marker, which no lock ever holds; returns its version id."""
        answer = self.ask(self.client.delete_object, **self.place(key))
        if answer.is_denied:
            raise NotPermittedError(f"s3:DeleteObject: {answer} where it puts a delete marker", is_good=True)
        if not answer.is_done or "VersionId" not in answer.body:
            raise NotCheckedError(f"a plain delete, which should put a marker, was {answer}")
        return str(answer.body["VersionId"])

    def delete_in_batch(self, versions: Iterable[tuple[str, str]], **options: Any) -> Answer:
        """Delete versions, each named by its whole key and version id, with one DeleteObjects."""
        objects = [{"Key": key, "VersionId": version_id} for key, version_id in versions]
        return self.ask(
            self.client.delete_objects, Bucket=self.bucket, Delete={"Objects": objects}, **options
        )

    def still_locked(self, locked: Locked, answer: Answer) -> str:
        """Judge an attack on a version by what is left of it; returns what was found where all is.

        Raises:
            CheckFailedError: it is gone, or its lock is weaker; as a warning: only the answer is wrong.
            NotCheckedError: the lock ended before the attack was over.
        """
        seen = self._seen(locked)
        if self.time() >= locked.retention.until:
            raise NotCheckedError(f"the store took so long that the lock of {LOCK_S:.0f} s ended meanwhile")
        if seen is None:
            raise CheckFailedError(f"{answer}, and the locked version is gone")
        if seen.retention != locked.retention:
            raise CheckFailedError(f"{answer}, and the lock is now {describe(seen.retention)}")
        if answer.is_done:
            raise CheckFailedError("accepted, although nothing changed", Severity.WARNING)
        return answer.refusal()

    def need_version_deletes(self) -> None:
        """See that these credentials may delete a version that is not locked.

        Where they may not, that a locked one can't be deleted says nothing about the lock.
        """
        answer = self._deleting_a_version
        if not answer.is_done:
            raise NotPermittedError(f"s3:DeleteObjectVersion: {answer} for an unlocked one", is_good=True)

    def need_bypass(self) -> None:
        """See that these credentials may bypass a lock in GOVERNANCE mode, which allows it."""
        answer = self._bypassing_governance
        if not answer.is_done:
            raise NotPermittedError(
                f"s3:BypassGovernanceRetention: {answer} in mode GOVERNANCE", is_good=True
            )

    @cached_property
    def _deleting_a_version(self) -> Answer:
        self.put("may-delete", only_if_absent=False)  # it may be tried again after a refusal
        marker = self.put_marker("may-delete")
        return self.ask(self.client.delete_object, **self.place("may-delete", marker))

    @cached_property
    def _bypassing_governance(self) -> Answer:
        lock = self.lock(mode=LockMode.GOVERNANCE, length_s=LONGER_LOCK_S)
        version_id = self.put("may-bypass", lock)
        return self.ask(
            self.client.put_object_retention,
            **self.place("may-bypass", version_id),
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": self.lock().until},
            BypassGovernanceRetention=True,
        )

    def _seen(self, locked: Locked) -> ObjectInfo | None:
        try:
            return self.store.head(locked.key, locked.version_id)
        except (ObjectMissingError, StoreDeniedError):  # S3 may deny what is missing; HEAD was allowed before
            return None


def describe(retention: Retention | None) -> str:
    """A lock in words."""
    return f"{retention.mode} until {retention.until:%Y-%m-%dT%H:%M:%SZ}" if retention else "none"
