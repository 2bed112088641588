"""`sealtrail replay`: archived events become records again, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.kafka_option import librdkafka_option
from sealtrail.query_options import query_options
from sealtrail.replay_target import TargetKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.replay_run import ReplayRun
    from sealtrail.replay_target import Target, TopicChoice
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_transport.kafka_settings import Property


@click.command(
    epilog=examples(
        "sealtrail replay --into kafka://broker:9092 --topic payments-restored --create-topic",
        "sealtrail replay s3://acme-audit --policy acme.policy --trail payments/0 "
        "--chained-from 2026-11-01 --into kafka://broker:9092 --topic inquiry --append --provenance",
        "sealtrail replay ./copy --policy auditor.policy --actor alice --into file:alice.jsonl",
        "sealtrail replay ./copy --policy auditor.policy --first 40 --last 60 --into - | jq -r .value",
    )
)
@archive_options
@query_options
@click.option(
    "--into",
    "target",
    metavar="TARGET",
    required=True,
    help="kafka://HOST:PORT[,…] or sqlite:FILE, for a log; file:FILE, for a new file of JSON lines; a name, "
    "for a new folder with a file for each value; or -, for JSON lines on standard output.",
)
@click.option("--topic", metavar="NAME", help="Topic of the log.")
@click.option(
    "--create-topic", is_flag=True, help="Make the topic if there is none; it then keeps all records."
)
@click.option(
    "--partition",
    metavar="N",
    type=click.IntRange(0),
    help="Partition of the topic.  [default: that of the trail]",
)
@click.option(
    "--append", is_flag=True, help="Add to a topic that holds other records, too. Needs --provenance."
)
@click.option("--provenance", is_flag=True, help="Add headers that say which entry a record was.")
@click.option(
    "--unverified",
    is_flag=True,
    help="Replay what does not verify, too; a header of each such record says so.",
)
@click.option("--base64", "in_base64", is_flag=True, help="In JSON lines, write text in Base64, too.")
@click.option(
    "--folder",
    metavar="FOLDER",
    help="Folder of the trail, where the archive holds several of one name, as payments/0/5be1a7c2/.",
)
@librdkafka_option
@output_options
def command(
    *,
    archive: ArchiveChoice,
    query: Query,
    target: str,
    topic: str | None,
    create_topic: bool,
    partition: int | None,
    append: bool,
    provenance: bool,
    unverified: bool,
    in_base64: bool,
    folder: str | None,
    librdkafka: Mapping[str, Property],
) -> None:
    """Put archived events back: into a log, or into files.

    Each record has the key, headers, value and timestamp of the one that was published, byte for byte, and
    stands in the same order in the same partition. Only what was verified is replayed; entries that sealtrail
    made itself are not. Without filters, every event is.

    A log gets each record once. After a crash, run the same command again: what the topic holds is compared
    with what the archive says, and the replay goes on behind it. So does a later run, with what was chained
    since. A topic that holds anything else is refused, unless --append.

    Ends with a verdict's code, having stopped there, if a batch does not verify.
    """
    from sealtrail.replay_run import ReplayRun
    from sealtrail.replay_target import TopicChoice, parse_target
    from sealtrail.trail_choice import choose_trails
    from sealtrail_auditor.reading import find_trails

    output = current_output()
    into = parse_target(target)
    if append and not provenance:
        raise click.UsageError(
            "--append needs --provenance: without it, nobody could tell later which records are this replay's"
        )
    choice = None
    if into.kind.is_log:
        if topic is None:
            raise CommandError("say with --topic which topic takes the replay")
        choice = TopicChoice(topic, create_topic, partition)
    _refuse_options_in_vain(into)
    policy = archive.read_policy()
    with archive.opened() as store:
        trails = find_trails(store, policy, choose_trails(policy, archive.trails))
        trails = [trail for trail in trails if folder in {None, trail.folder}]
        if not trails:
            raise CommandError("the archive holds nothing of these trails")
        run = ReplayRun(
            output, store, query, provenance=provenance, unverified=unverified, now=datetime.now(UTC)
        )
        if choice is not None:
            _into_log(run, trails, into, choice, librdkafka, append=append)
        else:
            _into_files(run, trails, into, in_base64=in_base64)
    place = f"topic {topic}" if into.kind.is_log else into.place or into.kind.value
    run.report(place, result_to_stderr=into.kind is TargetKind.STDOUT)
    click.get_current_context().exit(run.verdict.exit_code)


def _into_log(
    run: ReplayRun,
    trails: list[TrailFolder],
    target: Target,
    choice: TopicChoice,
    librdkafka: Mapping[str, Property],
    *,
    append: bool,
) -> None:
    from sealtrail.replay_target import opened_topic

    partitions = choice.partitions(trails)
    with opened_topic(target, choice, partitions, librdkafka) as opened:
        for caveat in opened.caveats:
            current_output().warn(f"{escape(caveat)}.")
        for trail, partition in zip(trails, partitions, strict=True):
            run.into_topic(trail, opened, partition, append=append)


def _into_files(run: ReplayRun, trails: list[TrailFolder], target: Target, *, in_base64: bool) -> None:
    from sealtrail.replay_target import opened_files

    with opened_files(target, in_base64=in_base64) as taker:
        for trail in trails:
            run.into_files(trail, taker)


def _refuse_options_in_vain(target: Target) -> None:
    """Refuse options that this target has no use for, and combinations that would promise too much."""
    from click.core import ParameterSource

    context, kind = click.get_current_context(), target.kind
    in_vain = {
        "topic": not kind.is_log,
        "create_topic": not kind.is_log,
        "partition": not kind.is_log,
        "append": not kind.is_log,
        "provenance": kind is TargetKind.FOLDER,
        "unverified": kind is TargetKind.FOLDER,  # a file of a value could not say so
        "in_base64": kind not in {TargetKind.LINES, TargetKind.STDOUT},
    }
    for name, is_vain in in_vain.items():
        if is_vain and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "--base64" if name == "in_base64" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is not for {kind.value}")
    if kind is TargetKind.STDOUT and current_output().json:
        raise click.UsageError("--into - writes JSON lines already: leave --json out")
