"""Which command leads onward from which stop. docs/operations.md says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sealtrail_chainer.errors import StopCode
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.origin import split_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTINUE: Final = "continue --dry-run"
RECORD_GAP: Final = "record-gap --dry-run"
SUCCEED: Final = "init --succeed"

_WAYS: Final = {
    StopCode.TOPIC_RECREATED: CONTINUE,
    StopCode.RAW_OVERTAKEN: RECORD_GAP,
    StopCode.RAW_TRUNCATED: SUCCEED,
    StopCode.RAW_REPLACED: SUCCEED,
    StopCode.CHAINED_OVERTAKEN: CONTINUE,
    StopCode.CHAINED_TRUNCATED: CONTINUE,
    StopCode.ACKNOWLEDGED_LOST: CONTINUE,
    StopCode.SEVERAL_TRAILS: SUCCEED,
    StopCode.PAYLOAD_MISMATCH: CONTINUE,
    StopCode.STRAY_LOST: CONTINUE,
    StopCode.TWO_HISTORIES: SUCCEED,
}
"""The others need no entry in the trail: their cause can be mended."""


def way_onward(origin: str, code: str, seen: Mapping[str, Any]) -> str | None:
    """The command to look at behind a stop of a trail, without the program's name; None where there is none.

    `seen` is the evidence: of topics made anew, only the chained one can be gone on from in the same trail.
    """
    if code == StopCode.TOPIC_RECREATED and seen.get("topic") == _raw_topic(origin):
        return SUCCEED
    return next((way for stop, way in _WAYS.items() if stop == code), None)


def _raw_topic(origin: str) -> str | None:
    try:
        return split_origin(origin).topic
    except FormatError:
        return None
