"""What botocore raises, as the store port's errors: one line each that says what to do.

Codes are those of Amazon's "Error responses" page; servers that speak S3 mostly use the same ones.
"""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore import exceptions as boto

from sealtrail_transport.errors import (
    ChecksumMismatchError,
    LockUnsupportedError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_CODE: dict[str, type[StoreError]] = (
    dict.fromkeys(("PreconditionFailed", "412"), ObjectExistsError)
    | dict.fromkeys(
        ("NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "405"), ObjectMissingError
    )
    | dict.fromkeys(
        ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"), ChecksumMismatchError
    )
    | dict.fromkeys(("ObjectLockConfigurationNotFoundError",), LockUnsupportedError)
    | dict.fromkeys(
        (
            "ConditionalRequestConflict",  # another conditional put of this name was under way
            "OperationAborted",
            "RequestTimeout",
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "TooManyRequests",
            "429",
            "InternalError",
            "ServiceUnavailable",
        ),
        StoreUnavailableError,
    )
)

_CREDENTIALS = {
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "ExpiredToken": "the credentials have expired: sign in again",
    "ExpiredTokenException": "the credentials have expired: sign in again",
    "TokenRefreshRequired": "the credentials have expired: sign in again",
    "InvalidToken": "the session token is not valid",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "AccessDenied": "the credentials do not allow it",
    "Forbidden": "the credentials do not allow it",
    "403": "the credentials do not allow it",
    "401": "the credentials are missing or wrong",
}

_OTHER_REGION = {
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "InvalidRegion",
    "IllegalLocationConstraintException",
    "301",
}

_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.LoginError,
    boto.ProfileNotFound,
)

_AWAY = (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError, boto.MetadataRetrievalError)


@contextlib.contextmanager
def store_errors(what: str, where: str) -> Iterator[None]:
    """Turn what botocore raises into the store's errors.

    Args:
        what: what was tried, to go on after "can't": `write KEY`.
        where: the store's URL.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _answered(error, f"{where}: can't {what}") from error
    except boto.SSLError as error:
        # Other failures of TLS come while a server starts or ends, too.
        kind = StoreError if "certificate" in str(error) else StoreUnavailableError
        raise kind(f"{where}: can't {what}: no trusted TLS connection: {_line(error)}") from error
    except _NO_CREDENTIALS as error:
        raise StoreDeniedError(f"{where}: can't {what}: {_line(error)}") from error
    except _AWAY as error:
        raise StoreUnavailableError(f"{where}: can't {what}: {_line(error)}") from error
    except boto.BotoCoreError as error:
        raise StoreError(f"{where}: can't {what}: {_line(error)}") from error


def error_code(error: boto.ClientError) -> str:
    """Return the code in S3's answer; for an answer without a body, its HTTP status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(error: boto.ClientError, tried: str) -> StoreError:
    """The store's error for an answer that S3 gave."""
    code = error_code(error)
    said = _line(error.response.get("Error", {}).get("Message") or code)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind, reason = StoreError, f"{said} ({code})"
    if code in _BY_CODE:
        kind, reason = _BY_CODE[code], said
    elif code in _CREDENTIALS:
        kind, reason = StoreDeniedError, f"{_CREDENTIALS[code]} ({code})"
    elif code in _OTHER_REGION or status in {301, 307}:
        kind, reason = StoreDeniedError, f"that is in {_region(error)}: set AWS_REGION"
    elif code == "NoSuchBucket":
        reason = "there is no such bucket"
    elif code == "InvalidRequest" and "object lock" in said.lower():
        kind = LockUnsupportedError
    elif code == "InvalidArgument" and "version id" in said.lower():
        kind = ObjectMissingError
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = StoreUnavailableError
    elif status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        kind = StoreDeniedError
    return kind(f"{tried}: {reason}")


def _region(error: boto.ClientError) -> str:
    named = error.response.get("Error", {}).get("Region")
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = named or headers.get("x-amz-bucket-region")
    return f"region {region}" if region else "another region"


def _line(said: object) -> str:
    return " ".join(str(said).split()).rstrip(".")
