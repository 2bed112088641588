"""Checks of the bucket itself: Object Lock, versioning, default retention, the store's clock, its uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_transport.check_result import Severity
from sealtrail_transport.errors import LockUnsupportedError
from sealtrail_transport.s3_errors import store_errors
from sealtrail_transport.s3_probe_check import check
from sealtrail_transport.s3_probe_errors import CheckFailedError, NotCheckedError, NotPermittedError
from sealtrail_transport.s3_probe_locks import OTHER_STORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail_transport.s3_probe_scratch import Scratch

CLOCK_WARNING_S: Final = 60
CLOCK_ERROR_S: Final = 3600


@check(
    "CLOCK",
    title="the store's clock and ours agree",
    expected=f"less than {CLOCK_WARNING_S} s apart",
    fix="set this machine's clock by NTP, and the store's: locks are dated by one and end by the other",
    severity=Severity.WARNING,
)
def clocks_agree(scratch: Scratch) -> str:
    """The Date header of an answer, in whole seconds, against the middle of its round trip."""
    if scratch.ahead is None:
        raise NotCheckedError("the store's answers carry no date")
    ahead_s = round(scratch.ahead.total_seconds())
    found = f"the store's is {abs(ahead_s)} s {'behind' if ahead_s < 0 else 'ahead'}"
    if abs(ahead_s) > CLOCK_ERROR_S:
        raise CheckFailedError(found, Severity.ERROR)
    if abs(ahead_s) > CLOCK_WARNING_S:
        raise CheckFailedError(found)
    return found


@check(
    "NO-OBJECT-LOCK",
    title="the bucket has Object Lock and versioning",
    expected="both are enabled",
    fix="make a new bucket with Object Lock (`sealtrail init` does), or enable it on this one",
)
def object_lock_is_enabled(scratch: Scratch) -> str:
    """Without it, nothing below can hold."""
    try:
        lock = _lock_configuration(scratch)
    except LockUnsupportedError as error:
        raise CheckFailedError("it has no Object Lock") from error
    versioning = _versioning(scratch)
    if lock.get("ObjectLockEnabled") != "Enabled" or versioning != "Enabled":
        raise CheckFailedError(
            f"Object Lock: {lock.get('ObjectLockEnabled', 'off')}; versioning: {versioning}"
        )
    return "both are"


@check(
    "VERSIONING-SUSPENDED",
    title="versioning can't be suspended",
    expected="refused, and versioning stays enabled",
    fix=OTHER_STORE,
)
def suspending_is_refused(scratch: Scratch) -> str:
    """Tried only on a bucket with Object Lock, which has to refuse; undone at once if it does not."""
    if _lock_configuration(scratch).get("ObjectLockEnabled") != "Enabled":
        raise NotCheckedError("the bucket has no Object Lock, so it could really be suspended")
    change = scratch.client.put_bucket_versioning
    answer = scratch.ask(change, Bucket=scratch.bucket, VersioningConfiguration={"Status": "Suspended"})
    if answer.is_denied:
        raise NotPermittedError(f"s3:PutBucketVersioning: {answer}", is_good=True)
    if not answer.is_done:
        return answer.refusal()
    try:
        state = scratch.ask(scratch.client.get_bucket_versioning, Bucket=scratch.bucket)
    finally:
        enabled = {"Status": "Enabled"}
        undone = scratch.ask(change, Bucket=scratch.bucket, VersioningConfiguration=enabled)
    if not undone.is_done:
        raise CheckFailedError(f"accepted, and enabling it again was {undone}: ENABLE VERSIONING NOW")
    if state.body.get("Status") == "Enabled":
        raise CheckFailedError("accepted, although nothing changed", Severity.WARNING)
    raise CheckFailedError("accepted; the probe has enabled it again")


@check(
    "DEFAULT-RETENTION",
    title="the bucket has no default retention",
    expected="none: every object carries its own lock",
    fix="remove it: it would also lock what is no evidence, such as views",
    severity=Severity.WARNING,
)
def no_default_retention(scratch: Scratch) -> str:
    """A default hides a writer that forgets the lock, and locks what should be free."""
    try:
        default = default_retention(scratch)
    except LockUnsupportedError as error:
        raise NotCheckedError("it has no Object Lock") from error
    if default:
        length = f"{default['Days']} days" if default.get("Days") else f"{default.get('Years', '?')} years"
        raise CheckFailedError(f"{default.get('Mode', 'some mode')} for {length}")
    return "none"


@check(
    "UPLOADS-IN-PARTS",
    title="nothing is being uploaded in parts below the prefix",
    expected="none: sealtrail never uploads in parts",
    fix="find out who writes there; abort what is stale, since parts are stored and paid for unseen",
    severity=Severity.INFO,
)
def no_uploads_in_parts(scratch: Scratch) -> str:
    """Every object of an archive is one put, with one checksum over all of it."""
    options: dict[str, Any] = {"Bucket": scratch.bucket, "Prefix": scratch.base}
    answer = scratch.ask(scratch.client.list_multipart_uploads, **options)
    if answer.is_denied:
        raise NotPermittedError(f"s3:ListBucketMultipartUploads: {answer}")
    if not answer.is_done:
        raise NotCheckedError(f"ListMultipartUploads: {answer}")
    uploads = answer.body.get("Uploads", [])
    if uploads:
        more = " or more" if answer.body.get("IsTruncated") else ""
        raise CheckFailedError(f"{len(uploads)}{more}, the first of {uploads[0]['Key']}")
    return "none"


def default_retention(scratch: Scratch) -> Mapping[str, Any] | None:
    """What a put without a lock would get; None where it gets none.

    Raises:
        LockUnsupportedError: the bucket has no Object Lock.
        StoreDeniedError: the credentials may not know.
    """
    rule: Mapping[str, Any] = _lock_configuration(scratch).get("Rule") or {}
    return rule.get("DefaultRetention") or None


def _lock_configuration(scratch: Scratch) -> Mapping[str, Any]:
    with store_errors("read the configuration of Object Lock", scratch.archive.url):
        answer = scratch.client.get_object_lock_configuration(Bucket=scratch.bucket)
    return answer.get("ObjectLockConfiguration", {})


def _versioning(scratch: Scratch) -> str:
    with store_errors("read the state of versioning", scratch.archive.url):
        return scratch.client.get_bucket_versioning(Bucket=scratch.bucket).get("Status", "off")
