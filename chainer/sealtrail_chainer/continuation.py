"""The anchors of a chained topic that is not, or does not hold, what the newest seal says.

Two kinds of entries vouch for such a topic: a continuation of the trail, and the genesis of its successor
(docs/format.md, "The true chain" and "Control").
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sealtrail_chainer.scan import chunks
from sealtrail_chainer.statement import statement_of
from sealtrail_chainer.true_chain import take_alone
from sealtrail_schemas.chain import breach
from sealtrail_schemas.control import Continuation
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.log import Log, LogRecord


def find_continuation(log: Log, trail: Trail, sealed: Sequence[Anchor]) -> Anchor | None:
    """The anchor of the first continuation in the chained partition that links to one of the newest seals.

    It has to be signed by the trail's key for its place, and to name the chained topic that is there. The
    anchor is the seal, with the continuation as the next record to be read; None where there is none.

    Raises:
        LogUnavailableError, TopicMissingError: as `Log.read`.
    """
    topic = log.topic(trail.chained_topic)
    bounds = log.bounds(trail.chained_topic, trail.partition)
    for chunk in chunks(log, trail, bounds.start, bounds.end):
        for record in chunk.records:
            for anchor in sealed:
                if _goes_on_from(anchor, record, topic.topic_id):
                    return replace(anchor, chained_offset=record.offset, chained_topic_id=topic.topic_id)
    return None


def _goes_on_from(anchor: Anchor, record: LogRecord, topic_id: bytes) -> bool:
    try:
        entry = take_alone(record)
    except FormatError:
        return False
    if entry.leaf.kind is not Kind.CONTROL or breach(anchor.state, entry.leaf) is not None:
        return False
    control = statement_of(entry, anchor.keys.at(anchor.state.size + 1))
    deed = control and control.deed
    return isinstance(deed, Continuation) and deed.chained_topic.id == topic_id
