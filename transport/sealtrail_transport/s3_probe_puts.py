"""Checks of what can be put: once, undamaged, with a sound lock; of holds; and of what the listing shows."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from sealtrail_transport.check_result import Severity
from sealtrail_transport.errors import (
    ObjectExistsError,
    StoreError,
    StoreUnavailableError,
)
from sealtrail_transport.s3_errors import store_errors
from sealtrail_transport.s3_probe_bucket import default_retention
from sealtrail_transport.s3_probe_check import check
from sealtrail_transport.s3_probe_errors import CheckFailedError, NotCheckedError, NotPermittedError
from sealtrail_transport.s3_probe_locks import OTHER_STORE
from sealtrail_transport.s3_probe_scratch import BODY
from sealtrail_transport.store_keys import whole_seconds

if TYPE_CHECKING:
    from sealtrail_transport.s3_probe_scratch import Answer, Scratch

_WRITERS: Final = 16
_MOST_PAGES: Final = 100  # far above what there is: a listing may go in circles
_NOTHING: Final = "refused, and nothing is written"


@check(
    "LOCK-DATE-PAST",
    title="a lock that ends in the past is refused",
    expected=_NOTHING,
    fix=OTHER_STORE,
)
def past_date_is_refused(scratch: Scratch) -> str:
    """A date that is wrong has to be noticed when it is put, not when the object is gone."""
    yesterday = whole_seconds(scratch.time() - timedelta(days=1))
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": yesterday}
    return _put_is_refused(scratch, "past-date", BODY, lock)


@check(
    "LOCK-DATE-MISSING",
    title="a lock without a date is refused",
    expected=_NOTHING,
    fix=OTHER_STORE,
)
def mode_without_date_is_refused(scratch: Scratch) -> str:
    """Not tried where a store that breaks this rule might take the bucket's default, which may be years."""
    if default_retention(scratch):
        raise NotCheckedError("the bucket's default retention might be taken instead")
    return _put_is_refused(scratch, "no-date", BODY, {"ObjectLockMode": "COMPLIANCE"})


@check(
    "DAMAGE-ACCEPTED",
    title="bytes that do not fit their SHA-256 are refused",
    expected=_NOTHING,
    fix=OTHER_STORE,
)
def wrong_checksum_is_refused(scratch: Scratch) -> str:
    """Damage on the way must not become a locked object."""
    lock = scratch.lock()
    options = {"ObjectLockMode": lock.mode.value, "ObjectLockRetainUntilDate": lock.until}
    return _put_is_refused(scratch, "damaged", BODY[::-1], options)


@check(
    "OVERWRITTEN",
    title="a put with If-None-Match: * on a name that is taken is refused",
    expected="refused (412), and there is one version",
    fix=OTHER_STORE,
)
def second_put_is_refused(scratch: Scratch) -> str:
    """What makes every name of an archive write-once."""
    first = scratch.put("once")
    try:
        scratch.put("once")
    except ObjectExistsError:
        versions = [line.version_id for line in scratch.store.versions("once")]
        if versions != [first]:
            raise CheckFailedError(f"refused, and yet there are {len(versions)} versions") from None
        return "refused (412)"
    raise CheckFailedError("accepted as a second version")


@check(
    "RACE",
    title=f"of {_WRITERS} puts with If-None-Match: * at once, exactly one wins",
    expected="one is accepted, the others are refused (412 or 409), and there is one version",
    fix=OTHER_STORE,
)
def one_writer_wins(scratch: Scratch) -> str:
    """Two archivers on one trail meet like this. A lost answer may leave no winner, but still one version."""

    def try_to_win(_writer: int) -> bool:
        try:
            scratch.put("race")
        except (ObjectExistsError, StoreUnavailableError) as error:
            if not isinstance(error.__cause__, ClientError):
                raise
            return False
        return True

    with ThreadPoolExecutor(_WRITERS) as pool:
        winners = sum(pool.map(try_to_win, range(_WRITERS)))
    versions = len(list(scratch.store.versions("race")))
    if not winners and not versions:
        raise NotCheckedError("no writer got through")
    found = f"accepted: {winners}; versions: {versions}"
    if winners > 1 or versions != 1:
        raise CheckFailedError(found)
    return found


@check(
    "MARKER-REOPENS",
    title="a put with If-None-Match: * under a delete marker",
    expected="either answer; the first version stays listed, as the oldest",
    fix="nothing: S3 looks at the current version only, so sealtrail lists all and takes the oldest valid",
    severity=Severity.INFO,
)
def marker_reopens_a_name(scratch: Scratch) -> str:
    """Why no reader may believe in "latest"."""
    first = scratch.put("marker")
    scratch.put_marker("marker")
    try:
        scratch.put("marker")
    except ObjectExistsError:
        found, is_refused = "refused (412)", True
    else:
        found, is_refused = "accepted as a second version", False
    versions = [line.version_id for line in scratch.store.versions("marker") if not line.is_delete_marker]
    if not versions or versions[-1] != first:
        raise CheckFailedError(f"{found}, and the first version is no longer the oldest", Severity.ERROR)
    if not is_refused:
        raise CheckFailedError(found)
    return found


@check(
    "LISTING",
    title="versions and delete markers are listed in order",
    expected="all of them, by key, the newest first, and each once from page to page",
    fix=OTHER_STORE,
)
def listing_is_in_order(scratch: Scratch) -> str:
    """Readers find the oldest version of a name, and whatever was laid over it, in this listing."""
    oldest = scratch.put("listing/a")
    newer = scratch.put("listing/a", only_if_absent=False)
    other = scratch.put("listing/b")
    _compare_listing(scratch, newer, oldest, other)
    try:
        marker = scratch.put_marker("listing/a")
    except NotPermittedError as refusal:
        raise NotPermittedError(f"versions are in order; {refusal}", is_good=True) from None
    _compare_listing(scratch, marker, newer, oldest, other)
    return "three versions and a marker, at once and line by line"


@check(
    "HOLD",
    title="a legal hold keeps a version until it is lifted",
    expected="HEAD shows the hold; the version can't be deleted under it, and can after it",
    fix="do not rely on legal holds in this store; retention does not depend on them",
    severity=Severity.WARNING,
)
def legal_hold_works(scratch: Scratch) -> str:
    """Tried without a lock, which would hide what the hold does; so not under a default retention."""
    if default_retention(scratch):
        raise NotCheckedError("the bucket's default retention would hide it")
    version_id = scratch.store.put("hold", BODY, retention=None)
    place = scratch.place("hold", version_id)
    put_hold, delete = scratch.client.put_object_legal_hold, scratch.client.delete_object
    answer = scratch.ask(put_hold, **place, LegalHold={"Status": "ON"})
    if answer.is_denied:
        raise NotPermittedError(f"s3:PutObjectLegalHold: {answer}", is_good=True)
    if not answer.is_done:
        raise CheckFailedError(f"a hold was {answer}")
    try:
        is_shown = scratch.store.head("hold", version_id).legal_hold
        under_hold = scratch.ask(delete, **place)
    finally:
        lifted = scratch.ask(put_hold, **place, LegalHold={"Status": "OFF"})
    return _judge_hold(
        is_shown=is_shown, under_hold=under_hold, lifted=lifted, after=scratch.ask(delete, **place)
    )


def _judge_hold(*, is_shown: bool, under_hold: Answer, lifted: Answer, after: Answer) -> str:
    if under_hold.is_done:
        raise CheckFailedError("a version under a hold was deleted")
    if not is_shown:
        raise CheckFailedError("HEAD does not show the hold")
    if not lifted.is_done:
        raise CheckFailedError(f"lifting the hold was {lifted}")
    if after.is_denied:
        raise NotPermittedError(
            "s3:DeleteObjectVersion: the hold was shown; more can't be seen", is_good=True
        )
    if not after.is_done:
        raise CheckFailedError(f"after the hold, deleting was {after}")
    return f"shown; under it deleting was {under_hold.refusal()}, after it accepted"


def _put_is_refused(scratch: Scratch, key: str, digested: bytes, lock: dict[str, Any]) -> str:
    """Put BODY with the SHA-256 of `digested` and a lock: refused, after a sound put that was not."""
    scratch.put(f"sound-{key}")
    answer = scratch.ask(
        scratch.client.put_object,
        **scratch.place(key),
        Body=BODY,
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=base64.b64encode(hashlib.sha256(digested).digest()).decode(),
        **lock,
    )
    if answer.is_done:
        raise CheckFailedError(str(answer))
    if list(scratch.store.versions(key, limit=1)):
        raise CheckFailedError(f"{answer}, and yet something was written")
    return answer.refusal()


def _compare_listing(scratch: Scratch, *expected: str) -> None:
    """Compare the version ids below `listing/` with what was put, listed at once and line by line."""
    at_once = [line.version_id for line in scratch.store.versions("listing/")]
    for how, listed in {"at once": at_once, "line by line": _listed_in_pages(scratch)}.items():
        if sorted(listed) != sorted(expected):
            there = len(set(expected) & set(listed))
            raise CheckFailedError(
                f"{how}: {len(listed)} lines, with {there} of the {len(expected)} expected"
            )
        if listed != list(expected):
            raise CheckFailedError(f"{how}: all are listed, but out of order")


def _listed_in_pages(scratch: Scratch) -> list[str]:
    pages = scratch.client.get_paginator("list_object_versions").paginate
    prefix = f"{scratch.prefix}listing/"
    try:
        with store_errors("list line by line", scratch.archive.url):
            listed = pages(Bucket=scratch.bucket, Prefix=prefix, PaginationConfig={"PageSize": 1})
            return [
                line["VersionId"]
                for page in islice(listed, _MOST_PAGES)
                for line in (*page.get("DeleteMarkers", []), *page.get("Versions", []))
            ]
    except StoreUnavailableError:
        raise
    except StoreError as error:
        raise CheckFailedError(str(error)) from error
