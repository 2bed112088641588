"""Does an object store keep the promises that an archive rests on? Tried out on the store itself.

Everything happens below `<prefix>/doctor/probe-<16 hex digits>/`, so a bucket in use may be probed: no other
object is touched. Of the bucket's settings one is tried, and set right if need be: versioning, which Object
Lock forbids to suspend. What is put has a COMPLIANCE lock of one or two minutes and can't be deleted until
it ends, so a probe leaves some thirty small objects behind. A later one deletes them, if its credentials may.

    s3_probe_bucket.py   Object Lock, versioning, default retention, clocks
    s3_probe_locks.py    a lock holds, whoever asks
    s3_probe_puts.py     write-once, checksums, dates, listing, legal hold

It does not show whether the store keeps its promises for years, or against somebody who has its disks or its
administration. Uploads in parts are not tried, since sealtrail makes none.
"""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sealtrail_transport.errors import StoreError
from sealtrail_transport.s3_probe_bucket import (
    clocks_agree,
    no_default_retention,
    no_uploads_in_parts,
    object_lock_is_enabled,
    suspending_is_refused,
)
from sealtrail_transport.s3_probe_locks import (
    batch_delete_is_refused,
    batch_delete_with_bypass_is_refused,
    clearing_is_refused,
    clearing_with_bypass_is_refused,
    delete_is_refused,
    delete_with_bypass_is_refused,
    downgrading_is_refused,
    downgrading_with_bypass_is_refused,
    lock_can_be_extended,
    lock_is_readable,
    shortening_is_refused,
    shortening_with_bypass_is_refused,
)
from sealtrail_transport.s3_probe_puts import (
    legal_hold_works,
    listing_is_in_order,
    marker_reopens_a_name,
    mode_without_date_is_refused,
    one_writer_wins,
    past_date_is_refused,
    second_put_is_refused,
    wrong_checksum_is_refused,
)
from sealtrail_transport.s3_probe_report import ProbeReport
from sealtrail_transport.s3_probe_scratch import LONGER_LOCK_S, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sealtrail_transport.check_result import CheckResult
    from sealtrail_transport.s3_store import S3Store
    from sealtrail_transport.store import ObjectVersion

CHECKS: Final = (
    clocks_agree,
    object_lock_is_enabled,
    suspending_is_refused,
    no_default_retention,
    lock_is_readable,
    delete_is_refused,
    delete_with_bypass_is_refused,
    batch_delete_is_refused,
    batch_delete_with_bypass_is_refused,
    lock_can_be_extended,
    shortening_is_refused,
    shortening_with_bypass_is_refused,
    clearing_is_refused,
    clearing_with_bypass_is_refused,
    downgrading_is_refused,
    downgrading_with_bypass_is_refused,
    past_date_is_refused,
    mode_without_date_is_refused,
    second_put_is_refused,
    one_writer_wins,
    marker_reopens_a_name,
    wrong_checksum_is_refused,
    legal_hold_works,
    listing_is_in_order,
    no_uploads_in_parts,
)
"""Every check, in the order in which they run."""

IN_USE_S: Final = 600.0
"""What is younger may belong to a probe that is running; only what is older is cleared away."""

_SCRATCH: Final = re.compile(r"doctor/probe-[0-9a-f]{16}/.+")
_BATCH: Final = 1000  # S3's most in one DeleteObjects


def probe_store(
    store: S3Store,
    *,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    progress: Callable[[CheckResult], None] = lambda _result: None,
) -> ProbeReport:
    """Run every check of `CHECKS` on a store; a few seconds where it is near.

    A check that fails or is not permitted is a result; only a store that can't be talked to is an error.

    Args:
        store: the bucket and prefix to probe; the probe works below `doctor/` in it.
        now: tells the time, as a datetime aware of its zone. Locks are dated by the store's own clock.
        entropy: that many random bytes; names the scratch prefix.
        progress: called with each result as soon as there is one; `len(CHECKS)` are to come.

    Raises:
        StoreUnavailableError: the store does not answer, or stopped answering.
        StoreDeniedError: the credentials are missing or wrong, or the bucket is in another region.
        StoreError: there is no such bucket.
    """
    started_at = now()
    scratch = Scratch(store, now=now, entropy=entropy)
    scratch.look()
    removed = _remove_earlier(scratch)
    results = []
    for check in CHECKS:
        results.append(check.run(scratch))
        progress(results[-1])
    return ProbeReport(
        store=store.url,
        scratch=f"s3://{scratch.bucket}/{scratch.prefix}",
        started_at=started_at,
        results=tuple(results),
        removed=removed,
        left_behind=_tidy(scratch),
        unlocked_at=scratch.lock(length_s=LONGER_LOCK_S).until,
    )


def _remove_earlier(scratch: Scratch) -> int:
    """Delete what earlier probes left behind; returns how much."""
    last = scratch.time() - timedelta(seconds=IN_USE_S)
    lines = (
        line
        for line in scratch.archive.versions("doctor/probe-")
        if _SCRATCH.fullmatch(line.key) and line.last_modified < last
    )
    try:
        return _delete(scratch, lines)
    except StoreError:  # not this probe's business; if the store is away, the first check says so
        return 0


def _tidy(scratch: Scratch) -> int | None:
    """Delete what no lock holds of this probe's objects; returns how many stay, None if that is unknown."""
    folder = scratch.prefix.removeprefix(scratch.base)
    try:
        _delete(scratch, scratch.archive.versions(folder))
        return sum(1 for _ in scratch.archive.versions(folder))
    except StoreError:  # the results are in, and worth more than this number
        return None


def _delete(scratch: Scratch, lines: Iterable[ObjectVersion]) -> int:
    """Delete what can be deleted; returns how much that was. A hold of a probe that was cut off is lifted."""
    names = ((scratch.base + line.key, line.version_id) for line in lines)
    deleted = 0
    while batch := list(islice(names, _BATCH)):
        answer = scratch.delete_in_batch(batch)
        deleted += len(answer.body.get("Deleted", []))
        for error in answer.body.get("Errors", []):
            deleted += _lift_and_delete(scratch, error) if error["Key"].endswith("/hold") else 0
    return deleted


def _lift_and_delete(scratch: Scratch, refused: dict[str, Any]) -> int:
    place = {"Bucket": scratch.bucket, "Key": refused["Key"], "VersionId": refused["VersionId"]}
    scratch.ask(scratch.client.put_object_legal_hold, **place, LegalHold={"Status": "OFF"})
    return int(scratch.ask(scratch.client.delete_object, **place).is_done)
