"""The note of a key change in the archive: it leads readers who trust one of the two keys to the other."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.layout import key_change_key
from sealtrail_transport.errors import LockUnsupportedError, ObjectExistsError
from sealtrail_transport.key_shelf import PlacedChange, key_changes
from sealtrail_transport.store import LockMode, Retention

if TYPE_CHECKING:
    from sealtrail_chainer.control_append import Stated
    from sealtrail_schemas.seal import Seal
    from sealtrail_transport.store import Store


def place_key_note(store: Store, folder: str, stated: Stated, seal: Seal) -> PlacedChange:
    """Put a key change under `keys/`, locked like the seal of its size, and read it back.

    One that is there already stays. A name that holds something else is written over with a new version: the
    oldest valid one counts.

    Raises:
        LineStoppedError: the name holds another change that both of its keys have signed.
        LockUnsupportedError: the store did not keep or lock what was put.
        StoreError: as `Store.put`; call again.
    """
    key = folder + key_change_key(stated.size)
    until = seal.retention.until
    retention = None if until is None else Retention(LockMode.COMPLIANCE, until)
    with suppress(ObjectExistsError):
        store.put(key, stated.note, retention=retention, content_type="text/plain")
    placed = _find(store, folder, key)
    if placed is None:
        store.put(key, stated.note, retention=retention, only_if_absent=False, content_type="text/plain")
        placed = _find(store, folder, key)
    if placed is None:
        raise LockUnsupportedError(f"{store.url} does not return the key change that was written to {key}")
    if placed.control != stated.control:
        raise LineStoppedError(
            StopCode.TWO_HISTORIES,
            f"{key} is another change of the trail's key than the one in entry {stated.control.sequence}",
            seal=key,
            version_id=placed.version_id,
        )
    if retention is not None:
        lock = store.head(key, placed.version_id).retention
        if lock is None or lock.mode is not LockMode.COMPLIANCE or lock.until < retention.until:
            raise LockUnsupportedError(f"{store.url} did not lock {key} until {retention.until.isoformat()}")
    return placed


def _find(store: Store, folder: str, key: str) -> PlacedChange | None:
    return next((placed for placed in key_changes(store, folder) if placed.key == key), None)
