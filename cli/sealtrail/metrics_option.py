"""The options of metrics and health.

@click.command
@metrics_options
def command(metrics: MetricsChoice) -> None: ...
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail.durations import DURATION
from sealtrail.settings import setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

LOOPBACK: Final = "127.0.0.1"

_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\s:\[\]/]*):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class MetricsChoice:
    """What the user said about metrics.

    Attributes:
        address: Host and port to serve them on; None: they are not served.
        stalled_after: For how long a backlog may lie still before the service is called unhealthy.
    """

    address: tuple[str, int] | None
    stalled_after: timedelta


def parse_address(text: str) -> tuple[str, int]:
    """Read `[HOST]:PORT`: without a host it is on loopback; an IPv6 address stands in brackets.

    Raises:
        ValueError: it is none.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if not match or int(match[2]) > 65_535:
        raise ValueError(f"{text!r} is no address: host and port, as :9464, 0.0.0.0:9464 or [::1]:9464")
    return match[1].strip("[]") or LOOPBACK, int(match[2])


class _AddressType(click.ParamType[tuple[str, int]]):
    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        try:
            return parse_address(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def metrics_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets `metrics`."""

    @functools.wraps(command)
    def with_choice(*, metrics: tuple[str, int] | None, stalled_after: timedelta, **others: Any) -> Any:
        return command(metrics=MetricsChoice(metrics, stalled_after), **others)

    return _METRICS(_STALLED_AFTER(with_choice))


_METRICS: Final = setting(
    "--metrics",
    metavar="[HOST]:PORT",
    type=_AddressType(),
    help="Serve /metrics and /healthz there; without a host, on loopback; port 0 is any that is free.  "
    "[default: not served]",
)
_STALLED_AFTER: Final = setting(
    "--stalled-after",
    type=DURATION,
    default="1m",
    help="Let /healthz say 503 when a backlog has not moved for so long.",
)
