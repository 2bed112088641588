"""What stands in the way of a trail, without changing anything: recovery, as far as it comes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.errors import LineStoppedError
from sealtrail_chainer.raw_check import check_newest, check_raw_ends
from sealtrail_chainer.scan import scan
from sealtrail_chainer.true_chain import Linked
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.scan import Scanned
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


class NotThisWayError(Exception):
    """This way onward does not fit what stands in the way of the trail.

    Attributes:
        stop: what does stand in the way; None where nothing does.
    """

    def __init__(self, message: str, stop: LineStoppedError | None = None) -> None:
        super().__init__(message)
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How far a recovery comes: its anchor, what it reads of the chain, and with what it would stop."""

    anchor: Anchor | None
    scanned: Scanned | None
    stop: LineStoppedError | None


def diagnose(log: Log, store: Store, trail: Trail) -> Diagnosis:
    """Do what a chainer's recovery does, but for fencing and writing.

    Raises:
        LogUnavailableError, StoreUnavailableError: call again later.
        TopicMissingError: one of the topics is gone.
    """
    anchor: Anchor | None = None
    scanned: Scanned | None = None
    try:
        anchor = find_anchor(log, store, trail)
        if anchor is not None:
            scanned = scan(log, trail, anchor.state, anchor.chained_offset)
            check_raw_ends(log, trail, scanned.state)
            check_newest(log, trail, scanned)
    except LineStoppedError as stop:
        return Diagnosis(anchor, scanned, stop)
    return Diagnosis(anchor, scanned, None)


def last_sealed(store: Store, anchor: Anchor) -> Linked | None:
    """The last entry of the newest batch; None where that can't be read. Its offset is not known: -1.

    Raises:
        StoreError: as `Store.open`.
    """
    if anchor.seal is None or anchor.folder is None:
        return None
    seal = anchor.seal.opened.seal
    try:
        with store.open(anchor.folder + seal.batch.key, seal.batch.version_id) as stream:
            ((leaf_bytes, payload),) = deque(BatchReader(stream), maxlen=1)
        leaf = Leaf.parse(leaf_bytes)
    except (FormatError, ObjectMissingError, ValueError):
        return None
    hashed = entry_hash(leaf_bytes)
    return Linked(-1, leaf, leaf_bytes, payload, hashed) if hashed == anchor.state.last_hash else None
