"""Opening the batch that a seal names, or saying that it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.locks import format_time
from sealtrail_transport.errors import ObjectMissingError
from sealtrail_transport.store import LockKnowledge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_schemas.seal import Seal
    from sealtrail_transport.store import ObjectVersion, Store


class FoundBatch(NamedTuple):
    """A version that may be the sealed batch; the caller closes `stream`.

    Attributes:
        version_id: Of the version.
        stream: Its bytes.
        is_other: It is another one than the seal names, in a store whose version ids can be believed: unless
            its bytes are the sealed ones, it never was the batch.
    """

    version_id: str
    stream: BinaryIO
    is_other: bool


def open_sealed_batch(
    store: Store, seal: Seal, key: str, versions: Sequence[ObjectVersion]
) -> FoundBatch | None:
    """Open the version that the seal names, or else the oldest that may have its bytes.

    Copies that were not made by `sealtrail fetch` have lost their version ids, so what is there is held
    against the sealed SHA-256.

    Args:
        store: The archive.
        seal: The batch's seal.
        key: The batch's key, relative to the archive.
        versions: The versions under that key, oldest first.
    """
    believes_ids = store.lock_knowledge is not LockKnowledge.NONE
    candidates = [version.version_id for version in versions if version.size == seal.batch.length]
    if not believes_ids and not candidates:
        candidates = [version.version_id for version in versions]
    for version_id in (seal.batch.version_id, *candidates):
        try:
            stream = store.open(key, version_id)
        except ObjectMissingError:
            continue
        return FoundBatch(version_id, stream, believes_ids and version_id != seal.batch.version_id)
    return None


def is_listed(store: Store, seal: Seal, versions: Sequence[ObjectVersion]) -> bool:
    """Whether the listing shows the version that the seal names, in its length; its bytes may be others."""
    believes_ids = store.lock_knowledge is not LockKnowledge.NONE
    return any(
        version.size == seal.batch.length
        and (not believes_ids or version.version_id == seal.batch.version_id)
        for version in versions
    )


def lost_batch(seal: Seal, key: str, *, has_others: bool) -> Finding:
    """Say that the batch of a seal is gone; `has_others`: its name holds other content."""
    until = format_time(seal.retention.until) if seal.retention.until else "no date"
    return Finding(
        FindingCode.BATCH_SUBSTITUTED if has_others else FindingCode.BATCH_MISSING,
        key=key,
        version_id=seal.batch.version_id,
        span=Span(seal.first.sequence, seal.last.sequence),
        expected=f"a batch of {seal.batch.length} bytes, kept until {until}",
        found="other content under its name" if has_others else "no object",
    )
