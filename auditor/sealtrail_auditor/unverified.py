"""Reading what does not verify, as far as it can be read. Nothing vouches for any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.reading import ReadEntry
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import BATCHES
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.reading import DamagedBatch
    from sealtrail_transport.store import Store


def read_unverified(store: Store, batch: DamagedBatch) -> Iterator[ReadEntry]:
    """The entries of a damaged batch up to where it can't be read any more; those that are none are left out.

    Their sequences are counted from the span that the seal states: what a leaf says of itself may be forged.
    Where there is no batch, or no seal that names one, there are no entries.
    """
    finding = batch.finding
    if finding is None or not finding.key or not finding.version_id:
        return
    if not finding.key.startswith(batch.trail.folder + BATCHES):
        return
    try:
        stream = store.open(finding.key, finding.version_id)
    except ObjectMissingError:
        return
    with stream:
        try:
            for sequence, entry in enumerate(BatchReader(stream), start=batch.span.first):
                if sequence > batch.span.last:
                    return
                try:
                    leaf, payload = Leaf.parse(entry.leaf), decode_payload(entry.payload)
                except FormatError:
                    continue
                yield ReadEntry(sequence, leaf, payload, entry)
        except FormatError:
            return
