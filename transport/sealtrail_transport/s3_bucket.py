"""Settings of a bucket that bear on what is sealed in it: its lifecycle rules and its policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from sealtrail_transport.errors import StoreDeniedError, StoreError
from sealtrail_transport.s3_errors import error_code, store_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sealtrail_transport.s3_store import S3Store

_NO_SUCH: Final = frozenset(
    {"NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NotImplemented", "MethodNotAllowed"}
)
_DENIED: Final = frozenset({"AccessDenied", "Forbidden", "403"})


def expiring_rules(store: S3Store) -> list[str]:
    """The lifecycle rules, by name, that may remove or hide objects below the store's prefix.

    Raises:
        StoreDeniedError: the credentials may not read them; the message is the store's code.
        StoreError: they can't be read.
    """
    prefix = _place(store)[1]
    rules = _ask(store, store.client.get_bucket_lifecycle_configuration).get("Rules", [])
    return [str(rule.get("ID", "unnamed")) for rule in rules if _expires(rule, prefix)]


def open_statements(store: S3Store) -> list[str] | None:
    """The statements of the bucket's policy that allow something to everybody; None where there is no policy.

    See "Policy elements" in Amazon's IAM guide.

    Raises:
        StoreDeniedError: the credentials may not read it; the message is the store's code.
        StoreError: it can't be read.
    """
    text = _ask(store, store.client.get_bucket_policy).get("Policy")
    if not text:
        return None
    try:
        statements = json.loads(text)["Statement"]
        each = statements if isinstance(statements, list) else [statements]
        return [str(one.get("Sid") or one.get("Action")) for one in each if _is_open(one)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError("the bucket's policy can't be read") from None


def _ask(store: S3Store, call: Callable[..., Any]) -> Mapping[str, Any]:
    """One setting of the bucket; nothing where it is not set."""
    with store_errors("read a setting of the bucket", store.url):
        try:
            answer: Mapping[str, Any] = call(Bucket=_place(store)[0])
        except ClientError as error:
            if error_code(error) in _NO_SUCH:
                return {}
            if error_code(error) in _DENIED:
                raise StoreDeniedError(error_code(error)) from error
            raise
    return answer


def _place(store: S3Store) -> tuple[str, str]:
    """The bucket and the prefix."""
    bucket, _, prefix = store.url.removeprefix("s3://").partition("/")
    return bucket, prefix


def _expires(rule: Mapping[str, Any], prefix: str) -> bool:
    """Whether a rule is enabled, removes or hides objects, and may concern some below the prefix."""
    within = rule.get("Filter", {})
    named = rule.get("Prefix") or within.get("Prefix") or within.get("And", {}).get("Prefix") or ""
    concerned = named.startswith(prefix) or prefix.startswith(named)
    removes = "Expiration" in rule or "NoncurrentVersionExpiration" in rule
    return rule.get("Status") == "Enabled" and removes and concerned


def _is_open(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    everybody = named == "*" or (isinstance(named, list) and "*" in named)
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")
