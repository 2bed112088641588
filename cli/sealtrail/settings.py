"""Settings: one name each, as an option, in the environment and in sealtrail.toml.

    --batch-age 30s      SEALTRAIL_BATCH_AGE=30s      batch_age = "30s"

The option wins over the environment, the environment over the file, the file over the default; click resolves
that. Secrets are no settings: credentials of a bucket come from where the AWS tools have them. The table
[kafka] holds settings of librdkafka, those with passwords included (sealtrail.kafka_option); the table
[recognise] says how to read JSON that sealtrail does not know (sealtrail.recognise_setting).
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail.exits import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SETTINGS_FILE: Final = "sealtrail.toml"
KAFKA_TABLE: Final = "kafka"
RECOGNISE_TABLE: Final = "recognise"

SETTINGS: Final = (
    "data",
    "base",
    "topic",
    "partitions",
    "log",
    "replication",
    "retention",
    "archive",
    "endpoint_url",
    "profile",
    "policy",
    "max_age",
    "heartbeat_after",
    "batch_entries",
    "batch_bytes",
    "batch_age",
    "batch_codec",
    "trim_after",
    "views",
    "group",
    "instance",
    "health_file",
    "metrics",
    "stalled_after",
    "log_format",
)
"""What sealtrail.toml may hold, beside the tables [kafka] and [recognise]."""

_FLAGS: Final = ("views",)


def setting(*declarations: str, **attributes: Any) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """`click.option` for a setting: it can be given in the environment and in sealtrail.toml, too.

    Raises:
        ValueError: the name is not in `SETTINGS`.
    """
    name = next(text for text in declarations if text.startswith("--")).strip("-").replace("-", "_")
    if name not in SETTINGS:
        raise ValueError(f"{name} is no setting: add it to SETTINGS")
    attributes.setdefault("show_default", True)
    return click.option(*declarations, envvar=f"SEALTRAIL_{name.upper()}", show_envvar=True, **attributes)


def read_settings(path: str | None) -> Mapping[str, Any]:
    """Read a settings file; `sealtrail.toml` of this folder where none is named and there is one.

    Returns:
        Settings by name, as text; and, if there are those tables, `kafka`: properties of librdkafka by name,
        and `recognise`: mappings.

    Raises:
        CommandError: it is no TOML, or holds what is no setting.
    """
    file = Path(path or SETTINGS_FILE)
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: not TOML: {error}") from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", exit_code=ExitCode.IO) from None
    kafka, recognise = found.pop(KAFKA_TABLE, None), found.pop(RECOGNISE_TABLE, None)
    for name, value in found.items():
        _check(file, name, value)
    # An option's value is text until its type has read it, wherever it comes from.
    settings: dict[str, Any] = {name: str(value) for name, value in found.items()}
    if kafka is not None:
        settings[KAFKA_TABLE] = dict(_properties(file, kafka))
    if recognise is not None:
        from sealtrail.recognise_setting import read_mappings

        settings[RECOGNISE_TABLE] = read_mappings(file, recognise)
    return settings


def _properties(file: Path, table: object, prefix: str = "") -> Iterator[tuple[str, str | float]]:
    """The properties of the table [kafka]: a name with dots in it is one table in another to TOML."""
    if not isinstance(table, dict):
        raise CommandError(f"{file}: {KAFKA_TABLE} is a table: put [{KAFKA_TABLE}] above its lines")
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _properties(file, value, f"{prefix}{name}.")
        elif isinstance(value, str | int | float):
            yield prefix + name, value
        else:  # what it is may be a secret
            raise CommandError(f"{file}: [{KAFKA_TABLE}] {prefix}{name} is text, a number, true or false")


def _check(file: Path, name: str, value: object) -> None:
    if name not in SETTINGS:
        near = difflib.get_close_matches(name, SETTINGS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"settings are {', '.join(SETTINGS)}"
        raise CommandError(f"{file}: there is no setting {name!r}: {hint}")
    if name in _FLAGS and isinstance(value, bool):
        return
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise CommandError(f"{file}: {name} is text or a whole number, not {value!r}")
