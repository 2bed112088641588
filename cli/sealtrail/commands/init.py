"""`sealtrail init`: keys, policy, log, archive and the beginning of each trail."""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail import stores
from sealtrail.archive_option import data_option, endpoint_option, profile_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import EMBEDDED, FOLDER, S3_SCHEME, DataFolder, Deployment
from sealtrail.durations import DURATION, format_duration
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.retention import choose_retention
from sealtrail.settings import setting
from sealtrail.setup import set_up
from sealtrail.trail_report import report_trails

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_TOPIC: Final = "events"


@click.command(
    epilog=examples(
        "sealtrail init",
        "sealtrail init --base audit.example.com --topic payments \\",
        "    --archive s3://acme-audit/trails --retention 7y",
    )
)
@setting(
    "--base",
    metavar="NAME",
    help="First part of each trail's origin, as audit.example.com.  [default: this machine's name]",
)
@setting("--topic", metavar="NAME", help=f"Topic that services publish to.  [default: {DEFAULT_TOPIC}]")
@setting("--partitions", type=click.IntRange(1, 1000), help="Trails, one per partition.  [default: 1]")
@setting(
    "--retention",
    type=DURATION,
    help="For how long nobody can delete what is archived, as 30d or 7y.  [default, embedded: 1d]",
)
@setting(
    "--archive",
    metavar="WHERE",
    help=f"s3://bucket[/prefix], {EMBEDDED}, or {FOLDER}, which has no lock.  [default: {EMBEDDED}]",
)
@endpoint_option
@profile_option
@data_option
@click.option("--yes", is_flag=True, help="Ask nothing: yes, the retention may exceed ten years.")
@output_options
def command(
    *,
    base: str | None,
    topic: str | None,
    partitions: int | None,
    retention: timedelta | None,
    archive: str | None,
    endpoint_url: str | None,
    profile: str | None,
    data: Path,
    yes: bool,
) -> None:
    """Set up a trail: keys, policy, log, archive.

    Makes a data folder with a signing key per partition, the policy that auditors need, and the log; makes
    the bucket with Object Lock if it is not there; and begins each trail. A second call changes nothing.
    """
    output = current_output()
    folder = DataFolder(data)
    wanted = {
        "base": base,
        "topic": topic,
        "partitions": partitions,
        "retention": retention,
        "archive": archive,
        "endpoint_url": endpoint_url,
        "profile": profile,
    }
    if folder.exists:
        deployment = folder.deployment()
        _refuse_changes(folder, deployment, wanted)
        report_trails(output, folder, made=False)
        return
    deployment = _choose(wanted, assume_yes=yes)
    if deployment.archive == EMBEDDED:
        output.say("Starting the embedded store …")
    set_up(folder, deployment)
    report_trails(output, folder, made=True)


def _refuse_changes(folder: DataFolder, deployment: Deployment, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        fixed = getattr(deployment, name)
        if value is None or value == fixed or name in {"endpoint_url", "profile"}:
            continue
        raise CommandError(
            f"{folder.root} has its trail already, with {name} {_text(fixed)}, and a trail keeps it: "
            f"for {_text(value)} start another one with --data"
        )


def _text(value: object) -> str:
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _choose(wanted: Mapping[str, Any], *, assume_yes: bool) -> Deployment:
    archive = wanted["archive"] or stores.embedded_archive()
    if archive not in {EMBEDDED, FOLDER} and not archive.startswith(S3_SCHEME):
        raise CommandError(f"--archive is s3://bucket[/prefix], {EMBEDDED} or {FOLDER}, not {archive}")
    deployment = Deployment(
        base=wanted["base"] or _machine_name(),
        topic=wanted["topic"] or DEFAULT_TOPIC,
        partitions=wanted["partitions"] or 1,
        retention=choose_retention(wanted["retention"], archive, assume_yes=assume_yes),
        archive=archive,
        endpoint_url=wanted["endpoint_url"],
        profile=wanted["profile"],
    )
    deployment.origins()  # raises OriginError for a base or topic that can't be
    return deployment


def _machine_name() -> str:
    """This machine's name as the base of an origin; `localhost` where it has none that fits."""
    return re.sub("[^a-z0-9.-]+", "-", socket.gethostname().lower()).strip("-.") or "localhost"
