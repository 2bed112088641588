"""Examining the store: the probe, and what else may befall the bucket or be done by these credentials."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sealtrail.doctor_report import Examined, Group, Promise
from sealtrail.exits import ExitCode, one_line
from sealtrail.wording import NO_LOCK, NOT_WORM
from sealtrail_transport.check_result import Severity, Status
from sealtrail_transport.errors import StoreDeniedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sealtrail_transport.check_result import CheckResult
    from sealtrail_transport.s3_store import S3Store

ANSWERS: Final = Promise(
    Group.STORE,
    "ST-STORE-ANSWERS",
    "the store answers",
    "an answer",
    "mend the address, the network or the credentials, which come as for the AWS tools",
    exit_code=ExitCode.IO,
)
WORM: Final = Promise(
    Group.STORE,
    "ST-STORE-NOT-WORM",
    "nobody on this machine can get at the store's files",
    "a store elsewhere, under somebody else's administration",
    "for production, name an S3 bucket with Object Lock: sealtrail init --archive s3://…",
    Severity.WARNING,
)
LOCKS: Final = Promise(
    Group.STORE,
    "ST-STORE-NO-LOCK",
    "the store locks what is sealed",
    "Object Lock in COMPLIANCE mode",
    WORM.fix,
    Severity.WARNING,
)
NO_LIFECYCLE: Final = Promise(
    Group.STORE,
    "ST-STORE-LIFECYCLE",
    "no lifecycle rule removes what is sealed",
    "no rule that expires objects below the prefix",
    "remove the rule, or let it begin only after the retention that the operator owes",
    Severity.WARNING,
)
NOT_PUBLIC: Final = Promise(
    Group.PERMISSIONS,
    "ST-STORE-PUBLIC",
    "the bucket's policy lets nobody in without a name",
    "no statement that allows something to everybody, unconditionally",
    "name the principals in the bucket's policy",
    Severity.WARNING,
)


def _right(code: str, action: str) -> Promise:
    return Promise(
        Group.PERMISSIONS,
        f"ST-RIGHT-{code}",
        f"these credentials may not {action}",
        "less: neither chainer nor archiver needs it",
        "run the services with narrower credentials; an administrator's are right for this one look",
        Severity.WARNING,
    )


_RIGHTS: Final = {
    "ST-STORE-DELETED": _right("DELETE-VERSIONS", "delete versions that no lock holds"),
    "ST-STORE-DELETED-BYPASS": _right("BYPASS", "bypass locks in GOVERNANCE mode"),
    "ST-STORE-VERSIONING-SUSPENDED": _right("VERSIONING", "change the bucket's versioning"),
}
"""What the probe shows of the credentials, by its check: only who has the right sees the store refuse."""


@dataclass(frozen=True, slots=True)
class StoreExamination:
    """What was examined, and the probe's own account of itself but for its results."""

    examined: list[Examined]
    probe: dict[str, Any] | None = None


def examine_store(
    store: S3Store, *, embedded: bool, progress: Callable[[CheckResult], None] = lambda _: None
) -> StoreExamination:
    """Probe a store, and look at the settings of its bucket.

    Args:
        store: the bucket and prefix. The probe puts small objects with short locks below `doctor/` in it.
        embedded: it is the one under the data folder, whose credentials are its own.
        progress: told each result of the probe.
    """
    from sealtrail_transport.s3_probe import probe_store

    worm = [WORM.broken(NOT_WORM)] if embedded else []
    try:
        report = probe_store(
            store, now=lambda: datetime.now(UTC), entropy=secrets.token_bytes, progress=progress
        )
        results = [Examined(Group.STORE, result) for result in report.results]
        bucket = [] if embedded else [*_examine_rights(report.results), *_examine_bucket(store)]
    except StoreError as error:
        return StoreExamination([ANSWERS.broken(one_line(error))])
    about = {name: value for name, value in report.to_json().items() if name not in {"results", "counts"}}
    return StoreExamination([ANSWERS.kept("yes"), *worm, *results, *bucket], about)


def folder_store() -> list[Examined]:
    """What there is to say of an archive in a folder."""
    return [LOCKS.broken(NO_LOCK)]


def _examine_rights(results: Sequence[CheckResult]) -> Iterator[Examined]:
    """What the probe has shown of the credentials."""
    for result in results:
        right = _RIGHTS.get(result.code)
        if right is None or result.status is Status.NOT_CHECKED:
            continue
        is_denied = result.status is Status.NOT_PERMITTED
        yield right.kept(result.found) if is_denied else right.broken("they may")


def _examine_bucket(store: S3Store) -> Iterator[Examined]:
    """The bucket's lifecycle rules and policy, as far as these credentials may read them."""
    from sealtrail_transport.s3_bucket import expiring_rules, open_statements

    yield _judge(NO_LIFECYCLE, expiring_rules, store)
    yield _judge(NOT_PUBLIC, open_statements, store)


def _judge(promise: Promise, find: Callable[[S3Store], list[str] | None], store: S3Store) -> Examined:
    """Whether nothing is found that the promise excludes."""
    try:
        found = find(store)
    except StoreDeniedError as error:
        return promise.not_permitted(one_line(error))
    except StoreError as error:
        return promise.not_checked(one_line(error))
    if found is None:
        return promise.kept("there is none")
    return promise.broken(", ".join(found)) if found else promise.kept("none")
