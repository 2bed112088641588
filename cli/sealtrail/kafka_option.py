"""Settings of librdkafka, for every command that talks to Kafka.

    -X security.protocol=SASL_SSL      SEALTRAIL_KAFKA_SECURITY_PROTOCOL=SASL_SSL

    [kafka]                            in sealtrail.toml
    security.protocol = "SASL_SSL"

The option wins over the environment, the environment over the file. Secrets are taken from the last two only:
everybody on a machine can read the arguments of its processes. No message repeats a value.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from sealtrail.exits import CommandError
from sealtrail.settings import KAFKA_TABLE, setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sealtrail_transport.kafka_settings import Property

ENVIRONMENT_PREFIX: Final = "SEALTRAIL_KAFKA_"

_SECRET_PARTS: Final = ("password", "passphrase", "secret", "key.pem", "oauthbearer.config")


def merge_properties(
    flags: Sequence[str], environment: Mapping[str, str], table: Mapping[str, Property]
) -> dict[str, Property]:
    """All properties of librdkafka that were set, each from the place that wins.

    Args:
        flags: `NAME=VALUE`, as given with -X.
        environment: all variables; those that begin with `SEALTRAIL_KAFKA_` count.
        table: names and values of the settings file.

    Raises:
        CommandError: a flag is not of that form, or names a secret.
    """
    properties = dict(table)
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower().replace("_", ".")
            properties[name] = value
    for flag in flags:
        name, equals, value = flag.partition("=")
        if not equals or not name:
            raise CommandError("-X takes NAME=VALUE, as -X security.protocol=SASL_SSL")
        if is_secret(name):
            raise CommandError(
                f"-X {name}: everybody on this machine can read a command's arguments. Set it in the "
                f"environment as {variable_of(name)}, or under [{KAFKA_TABLE}] in the settings file"
            )
        properties[name] = value
    return properties


def is_secret(name: str) -> bool:
    """Whether a property of librdkafka holds a password or a private key."""
    return any(part in name.lower() for part in _SECRET_PARTS)


def variable_of(name: str) -> str:
    """The environment's name of a property: `sasl.password` is SEALTRAIL_KAFKA_SASL_PASSWORD."""
    return ENVIRONMENT_PREFIX + name.upper().replace(".", "_")


def _merge(ctx: click.Context, param: click.Parameter, flags: tuple[str, ...]) -> dict[str, Property]:  # noqa: ARG001 - a callback's signature
    table = (ctx.default_map or {}).get(KAFKA_TABLE, {})
    return merge_properties(flags, os.environ, table)


librdkafka_option: Final = click.option(
    "-X",
    "librdkafka",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_merge,
    help=f"Setting of librdkafka; also {ENVIRONMENT_PREFIX}<NAME>, and [{KAFKA_TABLE}] in the settings file, "
    "where secrets belong. May be repeated.",
)
log_option: Final = setting(
    "--log",
    metavar="ADDRESS",
    help="Where the log is reached from here: kafka://HOST:PORT[,…].  [default: as `init` was told]",
)
