"""The one error that stops the line: the trail's integrity is in doubt, and going on would make it worse."""

from __future__ import annotations

from enum import StrEnum


class StopCode(StrEnum):
    """Why the line stopped. Stable: operators' runbooks name these."""

    TOPIC_RECREATED = "topic-recreated"
    RAW_OVERTAKEN = "raw-overtaken"
    RAW_TRUNCATED = "raw-truncated"
    RAW_REPLACED = "raw-replaced"
    CHAINED_OVERTAKEN = "chained-overtaken"
    CHAINED_TRUNCATED = "chained-truncated"
    ACKNOWLEDGED_LOST = "acknowledged-lost"
    NO_GENESIS = "no-genesis"
    FOREIGN_GENESIS = "foreign-genesis"
    SEVERAL_TRAILS = "several-trails"
    PAYLOAD_MISMATCH = "payload-mismatch"
    STRAY_LOST = "stray-lost"
    TWO_HISTORIES = "two-histories"
    NEWER_FORMAT = "newer-format"
    CLOCK_APART = "clock-apart"


class LineStoppedError(Exception):
    """The trail's integrity is in doubt. Whoever catches this must not restart through it.

    Attributes:
        code: which promise is broken.
        evidence: what was seen, as plain names and values, to be written down.
    """

    def __init__(self, code: StopCode, message: str, **evidence: str | int) -> None:
        super().__init__(message)
        self.code = code
        self.evidence = evidence
