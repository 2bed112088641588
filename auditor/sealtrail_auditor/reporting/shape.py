"""The shape of report.json as plain data (docs/report.md tells the meanings), and the check against it.

A report may come from anywhere, so whoever reads one holds it against this first. Members are added in later
versions and never change their meaning; a reader passes over those that it does not know.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "sealtrail/report/v1"

_NUMBER: Final = re.compile("0|-?[1-9][0-9]{0,18}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class Value(Enum):
    """What a member that is no object or array holds."""

    TEXT = "text"
    LINES = "text of several lines"
    NUMBER = "an integer of up to 64 bits, as decimal text"
    TIME = "RFC 3339 in UTC with milliseconds"
    SMALL = "an integer"
    FLAG = "true or false"


class Maybe(NamedTuple):
    """A member that can be null."""

    shape: Any


class ListOf(NamedTuple):
    """An array of any length."""

    shape: Any


class MapOf(NamedTuple):
    """An object whose members have any names."""

    shape: Any


_SPAN: Final = {"first": Value.NUMBER, "last": Value.NUMBER}
_PAUSE: Final = {
    "from": Value.TIME,
    "to": Value.TIME,
    "length_ms": Value.NUMBER,
    "after": Value.NUMBER,
    "before": Value.NUMBER,
}
_COUNTS: Final = {
    "events": Value.NUMBER,
    "failed": Value.NUMBER,
    "first_time": Maybe(Value.TIME),
    "last_time": Maybe(Value.TIME),
}
_TABLE_END: Final = {
    "more_names": Value.NUMBER,
    "more_events": Value.NUMBER,
    "is_exact": Value.FLAG,
    "may_miss": Value.NUMBER,
}

SHAPE: Final[Mapping[str, Any]] = {
    "format": Value.TEXT,
    "title": Value.TEXT,
    "made_at": Value.TIME,
    "program": Value.TEXT,
    "auditor": {"name": Value.TEXT, "key": Value.TEXT, "fingerprint": Value.TEXT},
    "archive": {"address": Value.TEXT, "lock_knowledge": Value.TEXT},
    "policy": {
        "sha256": Value.TEXT,
        "keys": ListOf({"origin": Value.TEXT, "key": Value.TEXT, "fingerprint": Value.TEXT}),
        "more_keys": Value.NUMBER,
    },
    "scope": {
        "is_whole": Value.FLAG,
        "from": Maybe(Value.TIME),
        "to": Maybe(Value.TIME),
        "chained_from": Maybe(Value.TIME),
        "chained_to": Maybe(Value.TIME),
        "first_sequence": Maybe(Value.NUMBER),
        "last_sequence": Maybe(Value.NUMBER),
        "max_age_ms": Maybe(Value.NUMBER),
        "kept_heads": Value.NUMBER,
    },
    "verdict": Value.TEXT,
    "exit_code": Value.SMALL,
    "verdict_text": Value.TEXT,
    "findings": ListOf(
        {
            "code": Value.TEXT,
            "verdict": Value.TEXT,
            "title": Value.TEXT,
            "meaning": Value.TEXT,
            "advice": Value.TEXT,
            "places": ListOf(
                {
                    "origin": Maybe(Value.TEXT),
                    "key": Maybe(Value.TEXT),
                    "version_id": Maybe(Value.TEXT),
                    "first_sequence": Maybe(Value.NUMBER),
                    "last_sequence": Maybe(Value.NUMBER),
                    "objects": Value.NUMBER,
                    "expected": Value.TEXT,
                    "found": Value.TEXT,
                }
            ),
            "more_places": Value.NUMBER,
        }
    ),
    "checks": ListOf({"name": Value.TEXT, "question": Value.TEXT, "state": Value.TEXT, "says": Value.TEXT}),
    "controls": ListOf(
        {
            "framework": Value.TEXT,
            "clause": Value.TEXT,
            "subject": Value.TEXT,
            "state": Value.TEXT,
            "checks": ListOf(Value.TEXT),
        }
    ),
    "not_checked": ListOf(Value.TEXT),
    "entries": {
        "verified": Value.NUMBER,
        "batches": Value.NUMBER,
        "bytes": Value.NUMBER,
        "kinds": MapOf(Value.NUMBER),
    },
    "events": {
        "count": Value.NUMBER,
        "failed": Value.NUMBER,
        "outside": Value.NUMBER,
        "undated": Value.NUMBER,
        "unrecognised": Value.NUMBER,
        "incomplete": Value.NUMBER,
        "first_time": Maybe(Value.TIME),
        "last_time": Maybe(Value.TIME),
        "outcomes": MapOf(Value.NUMBER),
    },
    "over_time": Maybe(
        {
            "from": Value.TIME,
            "to": Value.TIME,
            "width_ms": Value.NUMBER,
            "bars": ListOf({"from": Value.TIME, "events": Value.NUMBER, "failed": Value.NUMBER}),
            "earlier": Value.NUMBER,
            "later": Value.NUMBER,
        }
    ),
    "actors": {"rows": ListOf({"actor": Maybe(Value.TEXT), **_COUNTS}), **_TABLE_END},
    "actions": {
        "rows": ListOf({"action": Maybe(Value.TEXT), "mark": Maybe(Value.TEXT), **_COUNTS}),
        **_TABLE_END,
    },
    "notable": {"rows": ListOf({"action": Value.TEXT, "mark": Value.TEXT, **_COUNTS}), **_TABLE_END},
    "failures": {
        "rows": ListOf(
            {
                "actor": Maybe(Value.TEXT),
                "action": Maybe(Value.TEXT),
                "outcome": Value.TEXT,
                "events": Value.NUMBER,
                "first_time": Maybe(Value.TIME),
                "last_time": Maybe(Value.TIME),
            }
        ),
        **_TABLE_END,
    },
    "gaps": {
        "rows": ListOf({"origin": Value.TEXT, "folder": Value.TEXT, "what": Value.TEXT, **_SPAN}),
        "more": Value.NUMBER,
    },
    "rejected": {
        "count": Value.NUMBER,
        "rows": ListOf(
            {
                "origin": Value.TEXT,
                "sequence": Value.NUMBER,
                "chained_at": Maybe(Value.TIME),
                "reason": Value.TEXT,
                "size": Value.NUMBER,
            }
        ),
    },
    "trails": ListOf(
        {
            "origin": Maybe(Value.TEXT),
            "folder": Value.TEXT,
            "fingerprint": Maybe(Value.TEXT),
            "verdict": Value.TEXT,
            "looked_at": Maybe(_SPAN),
            "size": Value.NUMBER,
            "root": Maybe(Value.TEXT),
            "head": Maybe(Value.LINES),
            "entries_verified": Value.NUMBER,
            "first_time": Maybe(Value.TIME),
            "last_time": Maybe(Value.TIME),
            "retention": {
                "batches": MapOf(Value.NUMBER),
                "shortest_until": Maybe(Value.TIME),
                "latest_until": Maybe(Value.TIME),
            },
            "pauses": {
                "longest_quiet": Maybe(_PAUSE),
                "longest_silence": Maybe(_PAUSE),
                "stops": Value.NUMBER,
                "longest_stops": ListOf(_PAUSE),
            },
        }
    ),
    "more_trails": Value.NUMBER,
}
"""All members of a report."""


def check_shape(members: object, shape: Any = SHAPE, path: str = "") -> None:
    """Hold a report against the shape.

    Raises:
        FormatError: a member is missing or of another form; the message says which.
    """
    match shape:
        case Maybe(inner):
            if members is not None:
                check_shape(members, inner, path)
        case ListOf(inner):
            _require(isinstance(members, list), path, "an array")
            for number, each in enumerate(members if isinstance(members, list) else ()):
                check_shape(each, inner, f"{path}[{number}]")
        case MapOf(inner):
            _require(isinstance(members, dict), path, "an object")
            for name, each in (members if isinstance(members, dict) else {}).items():
                check_shape(each, inner, f"{path}.{name}")
        case Value():
            _require(_is_value(members, shape), path, shape.value)
        case _:
            _check_members(members, shape, path)


def _check_members(members: object, shape: Mapping[str, Any], path: str) -> None:
    _require(isinstance(members, dict), path or "the report", "an object")
    for name, inner in shape.items():
        where = f"{path}.{name}".lstrip(".")
        if not isinstance(members, dict) or name not in members:
            raise FormatError(f"no report: member {where} is missing")
        check_shape(members[name], inner, where)


def _is_value(value: object, kind: Value) -> bool:
    match kind:
        case Value.FLAG:
            return isinstance(value, bool)
        case Value.SMALL:
            return isinstance(value, int) and not isinstance(value, bool)
        case Value.TEXT:
            return isinstance(value, str) and (value.isprintable())
        case Value.LINES:
            return isinstance(value, str) and value.replace("\n", "").isprintable()
        case Value.NUMBER:
            return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
        case Value.TIME:
            return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _require(holds: bool, path: str, expected: str) -> None:
    if not holds:
        raise FormatError(f"no report: member {path!a} is not {expected}")
