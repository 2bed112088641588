"""The options that `sealtrail chain` and `sealtrail archive` share.

@click.command
@service_options
def command(service: ServiceChoice) -> None: ...
"""

from __future__ import annotations

import functools
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail import logs
from sealtrail.archive_option import data_option, endpoint_option, profile_option
from sealtrail.data_folder import DataFolder
from sealtrail.kafka_option import librdkafka_option, log_option
from sealtrail.metrics_option import metrics_options
from sealtrail.settings import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sealtrail.data_folder import Deployment
    from sealtrail.metrics_option import MetricsChoice
    from sealtrail.service_log import LogFormat
    from sealtrail_transport.kafka_settings import Property


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """What the user said about a service.

    Attributes:
        folder: The data folder.
        drain: Work off what is there, then end.
        log: Another address of the log than `init` was told.
        endpoint_url: The same for the store.
        profile: Of the AWS configuration.
        librdkafka: Properties of librdkafka. Not shown: they hold passwords.
        group: The consumer group; None: one of the deployment's own.
        instance: This process's name in the group.
        health_file: A file to touch while all is well.
        metrics: Where to serve metrics, if anywhere.
        log_format: Of the lines on stderr.
    """

    folder: DataFolder
    drain: bool
    log: str | None
    endpoint_url: str | None
    profile: str | None
    librdkafka: Mapping[str, Property]
    group: str | None
    instance: str
    health_file: Path | None
    metrics: MetricsChoice
    log_format: LogFormat

    def deployment(self) -> Deployment:
        """What `init` fixed, reached as the user said. Raises CommandError."""
        deployment = self.folder.deployment()
        return replace(
            deployment,
            log=logs.choose_address(deployment.log, self.log),
            endpoint_url=self.endpoint_url or deployment.endpoint_url,
            profile=self.profile or deployment.profile,
        )


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a service; the command gets one `service`."""

    @functools.wraps(command)
    def with_choice(
        *,
        data: Path,
        drain: bool,
        log: str | None,
        endpoint_url: str | None,
        profile: str | None,
        librdkafka: Mapping[str, Property],
        group: str | None,
        instance: str | None,
        health_file: Path | None,
        metrics: MetricsChoice,
        log_format: LogFormat,
        **others: Any,
    ) -> Any:
        choice = ServiceChoice(
            folder=DataFolder(data),
            drain=drain,
            log=log,
            endpoint_url=endpoint_url,
            profile=profile,
            librdkafka=librdkafka,
            group=group,
            instance=instance or socket.gethostname(),
            health_file=health_file,
            metrics=metrics,
            log_format=log_format,
        )
        return command(service=choice, **others)

    for decorator in reversed(_DECORATORS):
        with_choice = decorator(with_choice)
    return with_choice


_DECORATORS: Final = (
    click.option("--drain", is_flag=True, help="Work off what is there, then end."),
    setting(
        "--instance",
        metavar="NAME",
        help="Name of this process in its consumer group: the same after a restart, and unlike any other's.  "
        "[default: this machine's name]",
    ),
    setting("--group", metavar="NAME", help="Consumer group.  [default: sealtrail-<service>/<base>/<topic>]"),
    setting(
        "--health-file",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Touch this file every second while nothing is waited for.",
    ),
    metrics_options,
    setting(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Form of the log lines on stderr.",
    ),
    log_option,
    librdkafka_option,
    endpoint_option,
    profile_option,
    data_option,
    click.option("--traceback", is_flag=True, expose_value=False, hidden=True, help="Show internal errors."),
)
