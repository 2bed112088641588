"""The table [recognise] of sealtrail.toml: how to read JSON that sealtrail does not know.

    [recognise]                           one mapping, named `settings`, for any JSON
    actor = "user.email"

    [recognise.okta]                      or several, each with a name and, if need be, a test
    test = "eventType"
    actor = ["actor.alternateId", "actor.id"]
    outcome = "outcome.result"

Mappings are tried in the order in which they stand, the one without a name last, and all of them before what
sealtrail knows by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from sealtrail.exits import CommandError
from sealtrail.settings import RECOGNISE_TABLE
from sealtrail_schemas.errors import MappingError
from sealtrail_schemas.recognise import DEFAULT, Recogniser
from sealtrail_schemas.recognise_json import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sealtrail_schemas.recognise_json import JsonMapping

_UNNAMED: Final = "settings"


def read_mappings(file: Path, table: object) -> tuple[JsonMapping, ...]:
    """The mappings of the table [recognise].

    Args:
        file: the settings file, for messages.
        table: what it holds under that name.

    Raises:
        CommandError: they are none.
    """
    if not isinstance(table, dict):
        raise CommandError(f"{file}: {RECOGNISE_TABLE} is a table: put [{RECOGNISE_TABLE}] above its lines")
    named: dict[str, Mapping[str, object]] = {k: v for k, v in table.items() if isinstance(v, dict)}
    if unnamed := {key: value for key, value in table.items() if key not in named}:
        if _UNNAMED in named:
            raise CommandError(
                f"{file}: [{RECOGNISE_TABLE}] is the mapping {_UNNAMED}: name the other one anew"
            )
        named[_UNNAMED] = unnamed
    try:
        return tuple(parse_mapping(name, mapping) for name, mapping in named.items())
    except MappingError as error:
        raise CommandError(f"{file}: [{RECOGNISE_TABLE}] {error}") from None


def current_mappings() -> tuple[JsonMapping, ...]:
    """The mappings of the settings of the command that runs; none outside of a command."""
    context = click.get_current_context(silent=True)
    settings = (context and context.default_map) or {}
    found: tuple[JsonMapping, ...] = settings.get(RECOGNISE_TABLE, ())
    return found


def current_recognisers() -> tuple[Recogniser, ...]:
    """The recognisers of the command that runs: those of its settings, then sealtrail's own."""
    return (*current_mappings(), *DEFAULT)
