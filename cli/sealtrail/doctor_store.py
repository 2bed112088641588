"""Examining the store: the probe, and what else may befall the bucket or be done by these credentials."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sealtrail.doctor_report import Examined, Group, Promise
from sealtrail.exits import ExitCode, one_line
from sealtrail.wording import NO_LOCK, NOT_WORM
from sealtrail_transport.errors import StoreError
from sealtrail_transport.s3_probe_report import Severity, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sealtrail_transport.s3_probe_report import CheckResult
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

_NO_SUCH: Final = frozenset(
    {"NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NotImplemented", "MethodNotAllowed"}
)
_DENIED: Final = frozenset({"AccessDenied", "Forbidden", "403"})


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
    bucket, _, prefix = store.url.removeprefix("s3://").partition("/")
    client = store.client
    rules = _ask(NO_LIFECYCLE, store, client.get_bucket_lifecycle_configuration, bucket)
    if isinstance(rules, Examined):
        yield rules
    else:
        expiring = [
            str(rule.get("ID", "unnamed")) for rule in rules.get("Rules", []) if _expires(rule, prefix)
        ]
        yield NO_LIFECYCLE.broken(", ".join(expiring)) if expiring else NO_LIFECYCLE.kept("none")
    policy = _ask(NOT_PUBLIC, store, client.get_bucket_policy, bucket)
    yield policy if isinstance(policy, Examined) else _judge_policy(policy.get("Policy"))


def _ask(
    promise: Promise, store: S3Store, call: Callable[..., Any], bucket: str
) -> Mapping[str, Any] | Examined:
    """One setting of the bucket; nothing where it is not set; or why it can't be seen."""
    from botocore.exceptions import ClientError

    from sealtrail_transport.s3_errors import error_code, store_errors

    try:
        with store_errors("read a setting of the bucket", store.url):
            try:
                answer: Mapping[str, Any] = call(Bucket=bucket)
            except ClientError as error:
                if error_code(error) in _NO_SUCH:
                    return {}
                if error_code(error) in _DENIED:
                    return promise.not_permitted(error_code(error))
                raise
    except StoreError as error:
        return promise.not_checked(one_line(error))
    return answer


def _expires(rule: Mapping[str, Any], prefix: str) -> bool:
    """Whether a rule is enabled, removes or hides objects, and may concern some below the prefix."""
    within = rule.get("Filter", {})
    named = rule.get("Prefix") or within.get("Prefix") or within.get("And", {}).get("Prefix") or ""
    concerned = named.startswith(prefix) or prefix.startswith(named)
    removes = "Expiration" in rule or "NoncurrentVersionExpiration" in rule
    return rule.get("Status") == "Enabled" and removes and concerned


def _judge_policy(text: str | None) -> Examined:
    """Whether a bucket policy allows something to everybody ("Policy elements" in Amazon's IAM guide)."""
    if not text:
        return NOT_PUBLIC.kept("there is none")
    try:
        statements = json.loads(text)["Statement"]
        each = statements if isinstance(statements, list) else [statements]
        open_ones = [str(one.get("Sid") or one.get("Action")) for one in each if _is_open(one)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return NOT_PUBLIC.not_checked("the bucket's policy can't be read")
    return NOT_PUBLIC.broken(", ".join(open_ones)) if open_ones else NOT_PUBLIC.kept("none")


def _is_open(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    everybody = named == "*" or (isinstance(named, list) and "*" in named)
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")
