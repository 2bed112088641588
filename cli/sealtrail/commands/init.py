"""`sealtrail init`: keys, policy, log, archive and the beginning of each trail."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.markup import escape

from sealtrail import logs, stores
from sealtrail.archive_option import data_option, endpoint_option, profile_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import EMBEDDED, FOLDER, S3_SCHEME, SQLITE, DataFolder, Deployment
from sealtrail.durations import DURATION, format_duration
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.kafka_option import librdkafka_option
from sealtrail.kafka_setup import TopicWishes, extend_topics, prepare_topics
from sealtrail.retention import choose_retention
from sealtrail.settings import setting
from sealtrail.setup import add_trails, set_up
from sealtrail.succession_run import SuccessionChoice, init_successor
from sealtrail.trail_report import report_trails
from sealtrail_transport.kafka_address import parse_kafka_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail.console import Output
    from sealtrail.kafka_setup import PreparedTopics
    from sealtrail_transport.kafka_settings import Property

DEFAULT_TOPIC: Final = "events"


@click.command(
    epilog=examples(
        "sealtrail init",
        "sealtrail init --base audit.example.com --topic payments --log kafka://broker:9092 \\",
        "    --archive s3://acme-audit/trails --retention 7y",
        'sealtrail init --data .sealtrail-2 --succeed .sealtrail --reason "raw topic restored" --dry-run',
    )
)
@setting(
    "--base",
    metavar="NAME",
    help="First part of each trail's origin, as audit.example.com.  [default: this machine's name]",
)
@setting("--topic", metavar="NAME", help=f"Topic that services publish to.  [default: {DEFAULT_TOPIC}]")
@setting(
    "--partitions",
    type=click.IntRange(1, 1000),
    help="Trails, one per partition.  [default: as many as the topic has; 1 if it is made]",
)
@setting(
    "--log",
    metavar="ADDRESS",
    help=f"kafka://HOST:PORT[,…], or {SQLITE}, which is embedded.  [default: {SQLITE}]",
)
@click.option("--create-raw", is_flag=True, help="Kafka: make the topic if there is none of that name.")
@setting(
    "--replication",
    type=click.IntRange(1, 100),
    help="Kafka: replicas of topics that are made.  [default: 3, or as many as there are brokers]",
)
@setting(
    "--retention",
    type=DURATION,
    help="For how long nobody can delete what is archived, as 30d or 7y.  [default, embedded: 1d]",
)
@setting(
    "--archive",
    metavar="WHERE",
    help=f"s3://bucket[/prefix], {EMBEDDED}, or {FOLDER}, which has no lock.  [default: {EMBEDDED}; with "
    "Kafka there is none]",
)
@click.option(
    "--succeed",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Go on from the trails of this data folder, which had to stop.",
)
@click.option("--new-keys", is_flag=True, help="With --succeed: take no key over.")
@click.option("--reason", metavar="TEXT", help="With --succeed: why, in one line. It is stated in the trail.")
@click.option("--dry-run", is_flag=True, help="With --succeed: only say what would be done.")
@endpoint_option
@profile_option
@data_option
@librdkafka_option
@click.option(
    "--yes", is_flag=True, help="Ask nothing: yes, go on from those; yes, the retention may exceed ten years."
)
@output_options
def command(
    *,
    data: Path,
    yes: bool,
    create_raw: bool,
    replication: int | None,
    succeed: Path | None,
    new_keys: bool,
    reason: str | None,
    dry_run: bool,
    librdkafka: Mapping[str, Property],
    **wanted: Any,
) -> None:
    """Set up a trail: keys, policy, log, archive.

    Makes a data folder with a signing key per partition, the policy that auditors need, and the log; makes
    the bucket with Object Lock if it is not there; and begins each trail. A second call changes nothing.

    In a Kafka cluster it makes the chained topic, which no retention empties, and refuses one that would
    break a promise. Called again after partitions were added to the topic, it begins their trails.

    With --succeed, each new trail names in its first entry the trail that it goes on from, with its newest
    seal, so that auditors can follow. It takes base, topic, archive and keys over from the old data folder,
    and chains into a topic of its own. It reads on in the raw topic behind what the old trail has sealed;
    where that topic was made anew or its offsets are in doubt, from the start of what is left. Stop the old
    services before; they do not start again.
    """
    output = current_output()
    folder = DataFolder(data)
    if succeed is not None:
        choice = SuccessionChoice(
            DataFolder(succeed), new_keys, reason, dry_run, yes, create_raw, replication, librdkafka
        )
        init_successor(output, folder, choice, wanted)
        return
    if new_keys or reason or dry_run:
        raise CommandError("--new-keys, --reason and --dry-run are for --succeed")
    if folder.exists:
        deployment = folder.deployment()
        _refuse_changes(folder, deployment, wanted)
        reached = _reached_by(deployment, wanted)
        added = _add_trails(output, folder, reached, wanted["partitions"], librdkafka)
        report_trails(output, folder, made=False, added=added)
        return
    deployment = _choose(wanted, assume_yes=yes)
    if deployment.is_kafka:
        wishes = TopicWishes(
            deployment.topic, deployment.chained_topic, wanted["partitions"], create_raw, replication
        )
        prepared = prepare_topics(logs.kafka_settings(deployment.log, librdkafka), wishes)
        _warn(output, prepared)
        deployment = replace(deployment, partitions=prepared.partitions)
    elif create_raw or replication:
        raise CommandError("--create-raw and --replication are for topics in Kafka: name it with --log")
    if deployment.archive == EMBEDDED:
        output.say("Starting the embedded store …")
    set_up(folder, deployment, librdkafka)
    report_trails(output, folder, made=True)


def _add_trails(
    output: Output,
    folder: DataFolder,
    deployment: Deployment,
    partitions: int | None,
    librdkafka: Mapping[str, Property],
) -> list[str]:
    """Begin the trails of partitions that came since; returns their origins."""
    if not deployment.is_kafka:
        return []
    prepared = extend_topics(logs.kafka_settings(deployment.log, librdkafka), deployment, partitions)
    _warn(output, prepared)
    if prepared.partitions == deployment.partitions:
        return []
    return add_trails(folder, deployment, prepared.partitions, librdkafka)


def _warn(output: Output, prepared: PreparedTopics) -> None:
    for finding in prepared.warnings:
        output.warn(escape(f"{finding.message}. Better: {finding.fix}"))


def _reached_by(deployment: Deployment, wanted: Mapping[str, Any]) -> Deployment:
    """The deployment with log and store under the addresses that were named this time."""
    return replace(
        deployment,
        log=logs.choose_address(deployment.log, wanted["log"]),
        endpoint_url=wanted["endpoint_url"] or deployment.endpoint_url,
        profile=wanted["profile"] or deployment.profile,
    )


def _refuse_changes(folder: DataFolder, deployment: Deployment, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        fixed = getattr(deployment, name)
        if value is None or value == fixed or name in {"endpoint_url", "profile"}:
            continue
        if deployment.is_kafka and (name == "partitions" or (name == "log" and value != SQLITE)):
            continue  # partitions can be added, and a cluster be reached under other names
        raise CommandError(
            f"{folder.root} has its trail already, with {name} {_text(fixed)}, and a trail keeps it: "
            f"for {_text(value)} start another one with --data"
        )


def _text(value: object) -> str:
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _choose(wanted: Mapping[str, Any], *, assume_yes: bool) -> Deployment:
    log = wanted["log"] or SQLITE
    archive = wanted["archive"] or stores.embedded_archive()
    if log != SQLITE:
        parse_kafka_address(log)
        if not wanted["archive"] or archive == EMBEDDED:
            raise CommandError(
                f"say with --archive where to seal to, as s3://bucket[/prefix] or {FOLDER}: the embedded "
                "store serves one process, not services"
            )
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
        log=log,
    )
    deployment.origins()  # raises OriginError for a base or topic that can't be
    return deployment


def _machine_name() -> str:
    """This machine's name as the base of an origin; `localhost` where it has none that fits."""
    return re.sub("[^a-z0-9.-]+", "-", socket.gethostname().lower()).strip("-.") or "localhost"
