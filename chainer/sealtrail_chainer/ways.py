"""The ways onward from a stopped line that leave a control entry: where that entry goes, or where it is.

Each function reads log and store and answers for `append_control`: a `Place` where the entry is
missing, `Stated` where it is found. So it shows what would be done, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.continuation import find_continuation
from sealtrail_chainer.control_append import Place, Stated
from sealtrail_chainer.diagnosis import NotThisWayError, diagnose
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.scan import scan
from sealtrail_chainer.sealed_entry import last_sealed
from sealtrail_chainer.statement import note_of, statement_of
from sealtrail_chainer.succession import newest_sealed
from sealtrail_chainer.true_chain import take_alone
from sealtrail_schemas.body import TopicRef
from sealtrail_schemas.control import Continuation, Gap, KeyChange
from sealtrail_transport.key_shelf import key_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.scan import Scanned
    from sealtrail_chainer.trail import Trail
    from sealtrail_chainer.true_chain import Linked
    from sealtrail_schemas.control import Deed
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store

CONTINUED: Final = frozenset(
    {
        StopCode.TOPIC_RECREATED,
        StopCode.CHAINED_OVERTAKEN,
        StopCode.CHAINED_TRUNCATED,
        StopCode.ACKNOWLEDGED_LOST,
        StopCode.PAYLOAD_MISMATCH,
        StopCode.STRAY_LOST,
    }
)
"""What a continuation leaves behind. Of topics made anew, the chained one only."""

_UNSEEN: Final = {StopCode.ACKNOWLEDGED_LOST, StopCode.STRAY_LOST}
"""What another process than the one that it stopped may not see."""


def look_for_continuation(log: Log, store: Store, trail: Trail, known: StopCode | None) -> Stated | Place:
    """Where a continuation goes: behind the newest seal; where the chain can be read to its end, behind that.

    `known` is why the line stopped, by its evidence: not every cause can be seen again.

    Raises:
        NotThisWayError: nothing stops the trail, or something that a continuation does not mend.
        LogUnavailableError, StoreUnavailableError: call again later.
    """
    diagnosis = diagnose(log, store, trail)
    anchor, scanned, stop = diagnosis.anchor, diagnosis.scanned, diagnosis.stop
    if scanned is None and stop is not None:
        return _behind_seal(log, store, trail, stop)
    if known not in CONTINUED or anchor is None or scanned is None:
        raise NotThisWayError(_nothing(trail) if stop is None else str(stop), stop)
    # A topic that was cut off below the seal may have grown past it again, by this very continuation.
    found = _behind(log, trail, newest_sealed(store, trail)) or _find(
        store, anchor, scanned, lambda deed: isinstance(deed, Continuation) and deed.stop == known
    )
    if found is not None:
        return found
    if known not in _UNSEEN:
        raise NotThisWayError(_nothing(trail) if stop is None else str(stop), stop)
    deed = Continuation(_chained_topic(log, trail), known)
    return Place(scanned.state, scanned.state.next_source_offset, deed)


def look_for_gap(log: Log, store: Store, trail: Trail) -> Stated | Place:
    """Where the statement of a gap in the raw partition goes: at the chain's end.

    Raises:
        NotThisWayError: there is no gap.
        LineStoppedError: the chain can't be read.
        LogUnavailableError, StoreUnavailableError: call again later.
    """
    anchor, scanned = _read_chain(log, store, trail)
    wanted = scanned.state.next_source_offset
    kept = log.bounds(trail.raw_topic, trail.partition).start
    if kept > wanted:
        raw = log.topic(trail.raw_topic)
        return Place(scanned.state, kept, Gap(TopicRef(raw.name, raw.topic_id), wanted, kept))
    found = _find(store, anchor, scanned, lambda deed: isinstance(deed, Gap))
    if found is None:
        raise NotThisWayError(
            f"{trail.raw_topic} holds all that is to be chained of {trail.origin}, from offset {wanted} on: "
            "there is no gap"
        )
    return found


def look_for_key_change(log: Log, store: Store, trail: Trail, new: Verifier) -> Stated | Place:
    """Where the change from the trail's key to a new one goes: at the chain's end.

    Raises:
        NotThisWayError: the trail's key was changed to another one.
        LineStoppedError: the chain can't be read.
        LogUnavailableError, StoreUnavailableError: call again later.
    """
    old = trail.verifier
    anchor, scanned = _read_chain(log, store, trail)
    found = _placed_change(store, anchor, old) or _find(
        store, anchor, scanned, lambda deed: isinstance(deed, KeyChange) and deed.old == old
    )
    if found is None:
        return Place(scanned.state, scanned.state.next_source_offset, KeyChange(old, new))
    deed = found.control.deed
    if isinstance(deed, KeyChange) and deed.new != new:
        raise NotThisWayError(
            f"the key of {trail.origin} was changed to {deed.new.fingerprint} by entry "
            f"{found.control.sequence}, not to {new.fingerprint}: restore that key"
        )
    return found


def _behind_seal(log: Log, store: Store, trail: Trail, stop: LineStoppedError) -> Stated | Place:
    """The continuation behind the newest seal, whose place the chained topic does not lead to any more."""
    anchor = newest_sealed(store, trail)
    if stop.code not in CONTINUED or stop.evidence.get("topic") == trail.raw_topic:
        raise NotThisWayError(str(stop), stop)
    if anchor is None:
        raise NotThisWayError(f"nothing of {trail.origin} is sealed, so there is nothing to go on from", stop)
    if log.topic(trail.raw_topic).topic_id != anchor.raw_topic_id:
        raise NotThisWayError(
            f"topic {trail.raw_topic} was made anew, too: its id is not the trail's",
            LineStoppedError(StopCode.TOPIC_RECREATED, str(stop), topic=trail.raw_topic),
        )
    deed = Continuation(_chained_topic(log, trail), stop.code)
    return _behind(log, trail, anchor) or Place(anchor.state, anchor.state.next_source_offset, deed)


def _behind(log: Log, trail: Trail, sealed: Anchor | None) -> Stated | None:
    """The continuation in the chained topic that links to a seal."""
    found = sealed and find_continuation(log, trail, [sealed])
    if not found:
        return None
    chunk = log.read(trail.chained_topic, trail.partition, found.chained_offset, max_records=1, max_bytes=1)
    return _stated(take_alone(chunk.records[0]), found.keys.at(found.state.size + 1))


def _read_chain(log: Log, store: Store, trail: Trail) -> tuple[Anchor, Scanned]:
    anchor = find_anchor(log, store, trail)
    if anchor is None:
        raise NotThisWayError(f"{trail.origin} has not begun: run `sealtrail init`")
    return anchor, scan(log, trail, anchor.state, anchor.chained_offset)


def _find(store: Store, anchor: Anchor, scanned: Scanned, fits: Callable[[Deed], bool]) -> Stated | None:
    """The newest statement that fits: among the entries read, or as the last one that was sealed."""
    for entry in reversed(scanned.controls):
        stated = _stated(entry, anchor.keys.newest)
        if stated is not None and fits(stated.control.deed):
            return stated
    last = last_sealed(store, anchor)
    stated = None if last is None else _stated(last, anchor.keys.at(anchor.state.size))
    return stated if stated is not None and fits(stated.control.deed) else None


def _stated(entry: Linked, verifier: Verifier) -> Stated | None:
    control, note = statement_of(entry, verifier), note_of(entry)
    return None if control is None or note is None else Stated(control, note)


def _placed_change(store: Store, anchor: Anchor, old: Verifier) -> Stated | None:
    """The change of that key, where it lies under `keys/` already."""
    for placed in key_changes(store, anchor.folder) if anchor.folder else ():
        if placed.control in anchor.keys.changes and placed.old == old:
            return Stated(placed.control, placed.note)
    return None


def _chained_topic(log: Log, trail: Trail) -> TopicRef:
    topic = log.topic(trail.chained_topic)
    return TopicRef(topic.name, topic.topic_id)


def _nothing(trail: Trail) -> str:
    return f"nothing stops {trail.origin}"
