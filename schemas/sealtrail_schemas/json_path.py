"""Paths into JSON: `userIdentity.arn`, `resources[0].ARN`, `labels["app.kubernetes.io/name"]`.

A step is a member's name or, in brackets, the number of an item, from 0. A name with other characters than
letters, digits, `_`, `-`, `$`, `@` and `:` is put in brackets and double quotes. `$.` (JSONPath, RFC 9535) or
`.` may stand in front; what else JSONPath knows, these do not.
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from sealtrail_schemas.errors import MappingError

JsonPath: TypeAlias = tuple[str | int, ...]
"""The steps of a path, from the outside in: names of members and numbers of items."""

MISSING: Final = object()
"""What `at_path` answers where nothing is there; None is JSON's null."""

_NAME: Final = r"[\w$@:-]+"
_STEP: Final = re.compile(rf'\.({_NAME})|\[([0-9]{{1,9}})\]|\[("(?:[^"\\]|\\.)*")\]')


def parse_json_path(text: str) -> JsonPath:
    """Parse a path.

    Raises:
        MappingError: it is none.
    """
    rest = text[1:] if text.startswith(("$.", "$[")) else text
    if not rest.startswith((".", "[")):
        rest = f".{rest}"
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise MappingError(f"{text!a} is no path into JSON: write it as userIdentity.arn or items[0].id")
        name, number, quoted = match.groups()
        steps.append(name if name is not None else int(number) if number is not None else _unquote(quoted))
        position = match.end()
    return tuple(steps)


def at_path(document: object, path: JsonPath) -> object:
    """What lies at a path in decoded JSON, or MISSING."""
    found = document
    for step in path:
        if isinstance(step, str):
            if not isinstance(found, dict) or step not in found:
                return MISSING
            found = found[step]
        else:
            if not isinstance(found, list) or step >= len(found):
                return MISSING
            found = found[step]
    return found


def scalar_text(value: object) -> str | None:
    """Text, a number, true, false or null as the text that stands for it; None for anything else."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def equals_text(value: object, text: str) -> bool:
    """Whether a value at a path is what somebody wrote as `text`: `1.50` is the number 1.5, too."""
    if scalar_text(value) == text:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return float(text) == value
    except ValueError:
        return False


def split_equation(text: str) -> tuple[JsonPath, str]:
    """Split `PATH=VALUE` at the first `=` that does not belong to the path.

    Raises:
        MappingError: it is not of that form.
    """
    start = 0
    while (place := text.find("=", start)) > 0:
        try:
            return parse_json_path(text[:place]), text[place + 1 :]
        except MappingError:
            start = place + 1
    raise MappingError(f"{text!a} is not of the form PATH=VALUE, as userIdentity.type=Root")


def _unquote(quoted: str) -> str:
    try:
        name = json.loads(quoted)
    except ValueError:
        raise MappingError(f"{quoted} is no name in double quotes") from None
    assert isinstance(name, str)  # noqa: S101 - what stands in double quotes is text
    return name
