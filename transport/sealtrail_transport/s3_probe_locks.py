"""Checks that a lock in COMPLIANCE mode holds, whoever asks.

The rules are those of "Locking objects with Object Lock" in Amazon's S3 user guide. A refusal counts only
where the same credentials may do the same to what is not locked: otherwise their policy may have refused it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_transport.check_result import Severity
from sealtrail_transport.s3_probe_check import check
from sealtrail_transport.s3_probe_errors import CheckFailedError, NotCheckedError, NotPermittedError
from sealtrail_transport.s3_probe_scratch import LONGER_LOCK_S, Answer, Locked, describe

if TYPE_CHECKING:
    from sealtrail_transport.s3_probe_scratch import Scratch

OTHER_STORE: Final = "do not trust this store with an archive: use one, or a release of it, that passes"
_BYPASS: Final = {"BypassGovernanceRetention": True}
_STAYS: Final = "refused, and the version stays under its lock"
_UNCHANGED: Final = "refused, and the lock stays as it was"
_LISTED_ERROR: Final = "status 200 with an error for the locked version, which stays under its lock"


@check(
    "LOCK-HIDDEN",
    title="the lock of an object can be read by HEAD",
    expected="HEAD shows the mode and the date that the object was put with",
    fix="allow s3:GetObjectRetention, without which S3 leaves the lock out; else use another store",
)
def lock_is_readable(scratch: Scratch) -> str:
    """The archiver reads every lock back before it relies on it."""
    put = scratch.lock()
    version_id = scratch.put("readable", put)
    shown = scratch.store.head("readable", version_id).retention
    if shown != put:
        raise CheckFailedError(f"put: {describe(put)}; shown: {describe(shown)}")
    return describe(shown)


@check("DELETED", title="a locked version can't be deleted", expected=_STAYS, fix=OTHER_STORE)
def delete_is_refused(scratch: Scratch) -> str:
    """DeleteObject that names the version."""
    scratch.need_version_deletes()
    return _delete(scratch, "delete", {})


@check(
    "DELETED-BYPASS",
    title="a locked version can't be deleted with the bypass header",
    expected=_STAYS,
    fix=OTHER_STORE,
)
def delete_with_bypass_is_refused(scratch: Scratch) -> str:
    """The header x-amz-bypass-governance-retention opens GOVERNANCE only."""
    scratch.need_version_deletes()
    scratch.need_bypass()
    return _delete(scratch, "delete-bypass", _BYPASS)


@check(
    "DELETED-BATCH",
    title="a locked version can't be deleted in a batch",
    expected=_LISTED_ERROR,
    fix=OTHER_STORE,
)
def batch_delete_is_refused(scratch: Scratch) -> str:
    """DeleteObjects: the answer as a whole is a success, the refusal stands inside."""
    return _delete_in_batch(scratch, "batch", {})


@check(
    "DELETED-BATCH-BYPASS",
    title="a locked version can't be deleted in a batch with the bypass header",
    expected=_LISTED_ERROR,
    fix=OTHER_STORE,
)
def batch_delete_with_bypass_is_refused(scratch: Scratch) -> str:
    """Both ways around at once."""
    scratch.need_bypass()
    return _delete_in_batch(scratch, "batch-bypass", _BYPASS)


@check(
    "NOT-EXTENDED",
    title="a lock can be extended",
    expected="accepted, and HEAD shows the later date",
    fix="if retention has ever to grow, use another store: this one can't do it",
    severity=Severity.WARNING,
)
def lock_can_be_extended(scratch: Scratch) -> str:
    """The one change that COMPLIANCE allows."""
    return describe(_extend(scratch, scratch.put_locked("extend")).retention)


@check("SHORTENED", title="a lock can't be shortened", expected=_UNCHANGED, fix=OTHER_STORE)
def shortening_is_refused(scratch: Scratch) -> str:
    """To a date that is still to come, so that it is no question of past dates."""
    return _shorten(scratch, "shorten", {})


@check(
    "SHORTENED-BYPASS",
    title="a lock can't be shortened with the bypass header",
    expected=_UNCHANGED,
    fix=OTHER_STORE,
)
def shortening_with_bypass_is_refused(scratch: Scratch) -> str:
    """As before, with the header."""
    scratch.need_bypass()
    return _shorten(scratch, "shorten-bypass", _BYPASS)


@check("CLEARED", title="a lock can't be cleared", expected=_UNCHANGED, fix=OTHER_STORE)
def clearing_is_refused(scratch: Scratch) -> str:
    """An empty retention takes a lock in GOVERNANCE away."""
    return _weaken(scratch, _put_extended(scratch, "clear"), {}, {})


@check(
    "CLEARED-BYPASS",
    title="a lock can't be cleared with the bypass header",
    expected=_UNCHANGED,
    fix=OTHER_STORE,
)
def clearing_with_bypass_is_refused(scratch: Scratch) -> str:
    """As before, with the header that would be needed in GOVERNANCE."""
    scratch.need_bypass()
    return _weaken(scratch, _put_extended(scratch, "clear-bypass"), {}, _BYPASS)


@check("DOWNGRADED", title="a lock can't be downgraded to GOVERNANCE", expected=_UNCHANGED, fix=OTHER_STORE)
def downgrading_is_refused(scratch: Scratch) -> str:
    """The same date in the weaker mode, from which a bypass would go on."""
    return _downgrade(scratch, "downgrade", {})


@check(
    "DOWNGRADED-BYPASS",
    title="a lock can't be downgraded to GOVERNANCE with the bypass header",
    expected=_UNCHANGED,
    fix=OTHER_STORE,
)
def downgrading_with_bypass_is_refused(scratch: Scratch) -> str:
    """As before, with the header."""
    scratch.need_bypass()
    return _downgrade(scratch, "downgrade-bypass", _BYPASS)


def _delete(scratch: Scratch, key: str, options: dict[str, bool]) -> str:
    locked = scratch.put_locked(key)
    place = scratch.place(key, locked.version_id)
    return scratch.still_locked(locked, scratch.ask(scratch.client.delete_object, **place, **options))


def _delete_in_batch(scratch: Scratch, key: str, options: dict[str, bool]) -> str:
    """Delete a locked version together with a delete marker, which shows what these credentials may do."""
    locked = scratch.put_locked(key)
    scratch.put(f"{key}-marker")
    marker = scratch.put_marker(f"{key}-marker")
    locked_key, marker_key = scratch.prefix + key, scratch.prefix + f"{key}-marker"
    answer = scratch.delete_in_batch([(locked_key, locked.version_id), (marker_key, marker)], **options)
    if answer.is_denied:
        raise NotPermittedError(f"DeleteObjects: {answer}", is_good=True)
    if not answer.is_done:
        raise NotCheckedError(f"DeleteObjects: {answer} as a whole")
    errors = {
        error["Key"]: Answer(error.get("Code", "no reason given")) for error in answer.body.get("Errors", [])
    }
    found = scratch.still_locked(locked, errors.get(locked_key, Answer()))
    if marker_key in errors:
        said = f"s3:DeleteObjectVersion: {errors[marker_key]} for an unlocked one"
        raise NotPermittedError(said, is_good=True)
    return f"200, with an error inside: {found}"


def _extend(scratch: Scratch, locked: Locked) -> Locked:
    longer = scratch.lock(length_s=LONGER_LOCK_S)
    answer = _set_retention(scratch, locked, {"Mode": longer.mode.value, "RetainUntilDate": longer.until}, {})
    if answer.is_denied:
        raise NotPermittedError(f"s3:PutObjectRetention: {answer}, even to extend a lock")
    if not answer.is_done:
        raise CheckFailedError(f"extending it was {answer}")
    shown = scratch.store.head(locked.key, locked.version_id).retention
    if shown != longer:
        raise CheckFailedError(f"extended to {describe(longer)}; shown: {describe(shown)}")
    return Locked(locked.key, locked.version_id, longer)


def _put_extended(scratch: Scratch, key: str) -> Locked:
    """Put a locked object and extend its lock, which shows that these credentials may change locks."""
    locked = scratch.put_locked(key)
    try:
        return _extend(scratch, locked)
    except CheckFailedError as failure:
        raise NotCheckedError(f"whether locks can be changed at all was not seen: {failure}") from None


def _shorten(scratch: Scratch, key: str, options: dict[str, bool]) -> str:
    locked = _put_extended(scratch, key)
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": scratch.lock().until}
    return _weaken(scratch, locked, shorter, options)


def _downgrade(scratch: Scratch, key: str, options: dict[str, bool]) -> str:
    locked = _put_extended(scratch, key)
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": locked.retention.until}
    return _weaken(scratch, locked, weaker, options)


def _weaken(scratch: Scratch, locked: Locked, weaker: dict[str, Any], options: dict[str, bool]) -> str:
    return scratch.still_locked(locked, _set_retention(scratch, locked, weaker, options))


def _set_retention(
    scratch: Scratch, locked: Locked, retention: dict[str, Any], options: dict[str, bool]
) -> Answer:
    place = scratch.place(locked.key, locked.version_id)
    return scratch.ask(scratch.client.put_object_retention, **place, Retention=retention, **options)
