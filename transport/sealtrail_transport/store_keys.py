"""What makes a key, and how a store's moments are cut: shared by the adapters of the store port."""

from __future__ import annotations

from datetime import UTC, datetime

from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import parse_view_key
from sealtrail_transport.errors import StoreError

VIEW_CONTENT_TYPE = "application/vnd.apache.parquet"
MAX_KEY_BYTES = 1024  # S3's limit, "Creating object key names" in its user guide


def whole_seconds(moment: datetime) -> datetime:
    """Return `moment` in UTC, cut to whole seconds: the precision in which S3 keeps and compares times."""
    return moment.astimezone(UTC).replace(microsecond=0)


def is_path_safe(key: str) -> bool:
    """Whether a key can be a file's path below a folder without leaving it or changing on the way."""
    if "\0" in key or any(part in {"", ".", ".."} for part in key.split("/")):
        return False
    try:
        return len(key.encode()) <= MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False


def check_key(key: str) -> str:
    """Return the key, or refuse it.

    Raises:
        StoreError: the key is empty, longer than 1024 bytes of UTF-8, absolute, holds NUL, or has an empty,
            `.` or `..` part.
    """
    if not is_path_safe(key):
        raise StoreError(f"{key!r} can't be the name of an object here")
    return key


def check_view_key(key: str) -> str:
    """Return the key of a view, or refuse it: nothing else is ever written without a lock over what is there.

    Raises:
        StoreError: it is none of a view.
    """
    try:
        parse_view_key(key)
    except FormatError as error:
        raise StoreError(str(error)) from None
    return check_key(key)
