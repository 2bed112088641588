"""Recognises any JSON by a mapping that somebody wrote for it: `actor = "userIdentity.arn"`.

A mapping says for each thing that a recogniser finds on which paths to look for it; the first path that leads
to text or a number is taken.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import MappingError
from sealtrail_schemas.json_path import (
    MISSING,
    JsonPath,
    at_path,
    equals_text,
    parse_json_path,
    scalar_text,
    split_equation,
)
from sealtrail_schemas.recognised import Recognised, text, time_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail_schemas.recognised import Message

TEST: Final = "test"
FIELDS: Final = ("time", "actor", "action", "resource", "outcome", "event_type", "event_id")
"""What a mapping may say, beside its test."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MAX_TIME_MS: Final = 253_402_300_800_000  # the year 10000
_SECONDS_BELOW: Final = 100_000_000_000  # as milliseconds it is 1973, as seconds the year 5138

_OUTCOMES: Final = (
    dict.fromkeys(
        ("success", "succeeded", "successful", "ok", "allow", "allowed", "granted", "true"), "success"
    )
    | dict.fromkeys(("denied", "deny", "forbidden", "unauthorized", "refused", "rejected"), "denied")
    | dict.fromkeys(("failure", "failed", "fail", "error", "false"), "failure")
)


@dataclass(frozen=True, slots=True)
class JsonMapping:
    """A recogniser made from a mapping.

    Attributes:
        name: tells mappings apart; the recogniser is shown as `json:<name>`.
        paths: for each field the paths to look on, in the order of `FIELDS`.
        test: a path and the text that must be there, or None where anything will do; None: no test.
        source: the mapping as it was written, as canonical text.
    """

    name: str
    paths: tuple[tuple[str, tuple[JsonPath, ...]], ...]
    test: tuple[JsonPath, str | None] | None
    source: str

    @property
    def identity(self) -> str:
        """Name and fingerprint: views made with another mapping of the same name can be told from it."""
        return f"json:{self.name}:{sha256(self.source.encode()).hexdigest()[:8]}"

    def __call__(self, message: Message) -> Recognised | None:
        """Read a message; None where the test fails, or nothing but a time is found."""
        document = message.document
        if not isinstance(document, dict | list) or not self._passes(document):
            return None
        found = {field: _first(document, field, paths) for field, paths in self.paths}
        if not any(value is not None for field, value in found.items() if field != "time"):
            return None
        at = found.pop("time", None)
        return Recognised(
            recogniser=f"json:{self.name}",
            time_ms=at if isinstance(at, int) else None,
            **{field: value for field, value in found.items() if isinstance(value, str)},
        )

    def _passes(self, document: object) -> bool:
        if self.test is None:
            return True
        path, wanted = self.test
        value = at_path(document, path)
        return value is not MISSING and (wanted is None or equals_text(value, wanted))


def parse_mapping(name: str, table: Mapping[str, object]) -> JsonMapping:
    """Make a mapping from names and paths, as a settings file has them.

    Args:
        name: of the mapping.
        table: for some of `FIELDS` a path or a list of paths; for `test` a path, or PATH=VALUE.

    Raises:
        MappingError: it is none; the message is one line.
    """
    if not _NAME.fullmatch(name):
        raise MappingError(f"a mapping's name is of a-z, 0-9, _ and -, not {name!a}")
    unknown = [key for key in table if key not in {*FIELDS, TEST}]
    if unknown:
        raise MappingError(
            f"mapping {name}: there is no {unknown[0]!a}; there are {', '.join(FIELDS)}, {TEST}"
        )
    if not set(table) - {"time", TEST}:
        raise MappingError(f"mapping {name} finds nothing: give it one of {', '.join(FIELDS[1:])}")
    paths = tuple((field, _paths(name, field, table[field])) for field in FIELDS if field in table)
    return JsonMapping(name, paths, _test(name, table.get(TEST)), json.dumps(dict(table), sort_keys=True))


def _paths(name: str, field: str, given: object) -> tuple[JsonPath, ...]:
    texts = given if isinstance(given, list) else [given]
    paths = tuple(parse_json_path(each) for each in texts if isinstance(each, str))
    if not paths or len(paths) < len(texts):
        raise MappingError(f"mapping {name}: {field} is a path or a list of paths")
    return paths


def _test(name: str, given: object) -> tuple[JsonPath, str | None] | None:
    if given is None:
        return None
    if not isinstance(given, str):
        raise MappingError(f"mapping {name}: {TEST} is a path, or PATH=VALUE")
    try:
        return parse_json_path(given), None
    except MappingError:
        return split_equation(given)


def _first(document: object, field: str, paths: tuple[JsonPath, ...]) -> str | int | None:
    for path in paths:
        value = at_path(document, path)
        if value is None or value is MISSING:
            continue
        found = _moment(value) if field == "time" else text(scalar_text(value))
        if found is not None:
            return _outcome(found) if field == "outcome" and isinstance(found, str) else found
    return None


def _moment(value: object) -> int | None:
    """RFC 3339, or a number of seconds since the Unix epoch; from 100,000,000,000 on, of milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return time_ms(value)
    if not abs(value) < _MAX_TIME_MS:  # NaN is none either
        return None
    return int(value * 1000) if abs(value) < _SECONDS_BELOW else int(value)


def _outcome(found: str) -> str:
    """One of `success`, `failure`, `denied`, `unknown`; a number is read as a status of HTTP (RFC 9110)."""
    word = found.lower()
    if word in _OUTCOMES:
        return _OUTCOMES[word]
    if re.fullmatch("[1-5][0-9][0-9]", word):
        return "denied" if word in {"401", "403"} else "success" if word < "400" else "failure"
    return "unknown"
