"""How to reach a bucket: endpoint, region, profile; and opening it. boto3 is loaded only here, when asked to.

Credentials come as the AWS tools take them: environment, profile, instance role. Keys of its own has only the
embedded store, which made them itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sealtrail_transport.errors import ExtraMissingError, StoreError

if TYPE_CHECKING:
    from botocore.config import Config
    from types_boto3_s3 import S3Client

    from sealtrail_transport.s3_store import S3Store

_DEFAULT_REGION = "us-east-1"  # what servers other than Amazon's expect, or ignore


@dataclass(frozen=True, slots=True)
class S3Access:
    """Settings of the connection; what is None is found as the AWS tools find it.

    `attempts` counts all tries of one call, with botocore's backoff between them, before it is given up as
    StoreUnavailableError.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
    attempts: int = 3
    connections: int = 16


def open_s3(url: str, access: S3Access) -> S3Store:
    """Open the bucket and prefix that `s3://bucket/prefix` names. Nothing is asked of the server yet.

    Raises:
        ExtraMissingError: boto3 is not installed.
        StoreDeniedError: there is no such profile.
        StoreError: the URL or the endpoint is malformed.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise StoreError(f"{url} is not of the form s3://BUCKET or s3://BUCKET/PREFIX")
    client = connect(access)
    from sealtrail_transport.s3_store import S3Store

    return S3Store(parts.netloc, parts.path, client, opener=partial(open_s3, url, access))


def connect(access: S3Access) -> S3Client:
    """Make a boto3 client. Raises as `open_s3`."""
    try:
        import boto3
    except ImportError:
        raise ExtraMissingError("talking to S3 needs boto3: pip install 'sealtrail[s3]'") from None
    from sealtrail_transport.s3_errors import store_errors

    endpoint_url = _endpoint(access)
    # AWS_REGION is what all of Amazon's tools heed except boto3.
    region = access.region or os.environ.get("AWS_REGION")
    fallback_region = _DEFAULT_REGION if endpoint_url else None
    with store_errors("connect", endpoint_url or "S3"):
        session = boto3.Session(profile_name=access.profile)
        try:
            return session.client(
                "s3",
                endpoint_url=endpoint_url,
                region_name=region or session.region_name or fallback_region,
                aws_access_key_id=access.access_key,
                aws_secret_access_key=access.secret_key,
                config=_config(access, path_style=endpoint_url is not None),
            )
        except ValueError as error:
            raise StoreError(f"can't connect: {error}") from error


def _endpoint(access: S3Access) -> str | None:
    return access.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _config(access: S3Access, *, path_style: bool) -> Config:
    from botocore.config import Config

    # A put carries its SHA-256 in a signed header, so the payload need not be hashed again to be signed; what
    # is read is hashed by its reader.
    return Config(
        connect_timeout=access.connect_timeout_s,
        read_timeout=access.read_timeout_s,
        max_pool_connections=access.connections,
        retries={"mode": "standard", "total_max_attempts": access.attempts},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
        s3={"payload_signing_enabled": False, "addressing_style": "path" if path_style else "auto"},
    )
