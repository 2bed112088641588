"""`sealtrail status`: how far each trail has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail import evidence, logs, stores
from sealtrail.archive_option import data_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import DataFolder
from sealtrail.exits import ExitCode
from sealtrail.folder_lock import Holder, current_holder
from sealtrail.help_text import examples
from sealtrail.kafka_option import librdkafka_option, log_option
from sealtrail.trail_status import TrailStatus, trail_status
from sealtrail.wording import age, describe_archive, plural, utc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail_transport.kafka_settings import Property


@click.command(epilog=examples("sealtrail status", "sealtrail status --json"))
@log_option
@librdkafka_option
@data_option
@output_options
def command(log: str | None, librdkafka: Mapping[str, Property], data: Path) -> None:
    """Show what is published, chained and sealed.

    It does not matter whether the pipeline runs; if it does not, an embedded store is started for as long as
    this takes. These are the words of log and store: only `sealtrail verify` checks them. Exits with 3
    when a line has stopped because a trail's integrity is in doubt.
    """
    output = current_output()
    folder = DataFolder(data)
    deployment = folder.deployment()
    deployment = replace(deployment, log=logs.choose_address(deployment.log, log))
    holder = current_holder(folder)
    with (
        logs.open_log(folder, deployment, librdkafka) as opened,
        stores.opened_for_reading(folder, command="status") as store,
    ):
        trails = [trail_status(opened, store, trail) for trail in folder.policy_trails()]
    now = datetime.now(UTC)
    for trail in trails:
        _report(output, trail, now, holder)
    kept = evidence.find(folder)
    if deployment.is_kafka:
        output.result(f"Log           {escape(deployment.log)}")
    else:
        output.result(f"Pipeline      {_pipeline(holder)}")
    output.result(f"Archive       {escape(describe_archive(deployment))}")
    for file in kept:
        output.warn(f"The line stopped; the evidence is in {escape(str(file))}")
    if kept or any(trail.stopped for trail in trails):
        click.get_current_context().exit(ExitCode.LINE_STOPPED)


def _report(output: Output, trail: TrailStatus, now: datetime, holder: Holder | None) -> None:
    sealed_at, locked_until = trail.newest_seal_at, trail.locked_until
    output.record(
        origin=trail.origin,
        published=trail.published,
        chained=trail.chained,
        unchained=trail.unchained,
        sealed=trail.sealed,
        unsealed=trail.unsealed,
        newest_seal_at=sealed_at and utc(sealed_at),
        locked_until=locked_until and utc(locked_until),
        stopped=trail.stopped,
        pipeline_pid=holder and holder.pid,
    )
    output.result(f"Trail         [bold]{escape(trail.origin)}[/]")
    output.result(f"  published   {plural(trail.published, 'event')}")
    output.result(
        f"  chained     {plural(trail.chained, 'entry', 'entries')}{_waiting(trail.unchained, 'event')}"
    )
    output.result(
        f"  sealed      {plural(trail.sealed, 'entry', 'entries')}{_waiting(trail.unsealed, 'entry')}"
    )
    if sealed_at:
        lock = f"locked until {utc(locked_until)}" if locked_until else "not locked"
        output.result(f"  newest seal {age(now - sealed_at)} ago, {lock}")
    if trail.stopped:
        output.result(f"  [bold red]stopped[/]     {escape(trail.stopped)}")
    output.result("")


def _waiting(count: int, thing: str) -> str:
    things = {"event": "events wait", "entry": "entries wait"}
    return f", {plural(count, f'{thing} waits', things[thing])}" if count else ""


def _pipeline(holder: Holder | None) -> str:
    if holder is None:
        return "does not run: `sealtrail up` starts it"
    return f"sealtrail {escape(holder.command)} runs (process {holder.pid})"
