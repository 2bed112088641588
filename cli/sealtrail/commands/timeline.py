"""`sealtrail timeline`: what somebody did, step by step."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.entry_filters import filter_options
from sealtrail.exits import CommandError
from sealtrail.help_text import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail.entry_filters import EntryFilters
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import DamagedBatch, Reading, TrailFolder, VerifiedBatch
    from sealtrail_auditor.timeline import Timeline
    from sealtrail_auditor.verdict import Verdict
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail timeline alice",
        "sealtrail timeline '*user/bert-jan' --from 2023-07-10T12:00:00Z --to 2023-07-10T12:15:00Z --all",
        "sealtrail timeline s3://acme-audit '*alice*' --policy acme.policy --html alice.html",
        "sealtrail timeline ./copy alice --actor bob --policy acme.policy --json",
    )
)
@archive_options
@click.argument("actor", metavar="ACTOR")
@click.option("--actor", "more_actors", metavar="ACTOR", multiple=True, help="Somebody else, too.")
@filter_options
@click.option("--all", "every_step", is_flag=True, help="One line for each step.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one page that opens anywhere, with a picture, instead of text.",
)
@output_options
def command(
    *,
    archive: ArchiveChoice,
    actor: str,
    more_actors: tuple[str, ...],
    filters: EntryFilters,
    every_step: bool,
    page: Path | None,
) -> None:
    r"""Retell what somebody did, step by step, in the order in which it happened.

    ACTOR is whom events name as their actor; * stands for any characters, \* for a *. All is read from
    verified batches, never from views. A step's time is the event's own word; the number behind # is its
    place in the trail, for `sealtrail show` and `sealtrail prove`.

    First come sessions (steps with one sign-in or credential from one address), then what stands out, guessed
    from the names of actions, then the steps. Many steps are condensed to at most 80 lines; --all has each.

    Ends with a verdict's code if seals or batches that were read are damaged; what could not be read is named
    at its place. Ends with 0 if there is no such step: stderr then says which actors resemble ACTOR.
    """
    from sealtrail.new_file import refuse_existing
    from sealtrail.trail_choice import choose_trails
    from sealtrail_auditor.query import Query, TextPattern
    from sealtrail_auditor.reading import find_trails
    from sealtrail_auditor.resembling import resembling

    output = current_output()
    if page is not None:
        refuse_existing(page)
    patterns = (actor, *more_actors)
    query = Query(
        patterns={"actor": tuple(map(TextPattern, patterns))},
        time=filters.time,
        chained=filters.chained,
        span=filters.span,
    )
    policy = archive.read_policy()
    with archive.opened() as store:
        trails = find_trails(store, policy, choose_trails(policy, archive.trails))
        if not trails:
            raise CommandError("the archive holds nothing of the trails of the policy")
        timeline, readings = _read(store, trails, query, output)
    verdict = _verdict(readings)
    alike = [] if timeline.steps else resembling(actor, timeline.names)
    if output.json:
        _print_json(timeline, verdict, alike)
    if not timeline.steps:
        _say_nobody(patterns, alike, timeline, output)
    elif page is not None:
        _write_page(page, timeline, query, output)
    elif not output.json:
        _print(timeline, output, every_step=every_step)
    _report_findings(readings, output)
    click.get_current_context().exit(verdict.exit_code)


def _read(
    store: Store, trails: list[TrailFolder], query: Query, output: Output
) -> tuple[Timeline, list[Reading]]:
    """Read the trails one after the other."""
    from sealtrail.progress import Meter
    from sealtrail.recognise_setting import current_recognisers
    from sealtrail_auditor.archive import total_batch_bytes
    from sealtrail_auditor.progress import ProgressMeter
    from sealtrail_auditor.reading import Reading
    from sealtrail_auditor.timeline import make_timeline

    total = sum(total_batch_bytes(store, trail.folder) for trail in trails) if output.live else 0
    readings: list[Reading] = []
    now = datetime.now(UTC)

    def batches() -> Iterator[VerifiedBatch | DamagedBatch]:
        for trail in trails:
            reading = Reading(
                store,
                trail,
                span=query.span,
                chained=query.chained,
                now=now,
                on_progress=progress.begin(trail.origin),
            )
            readings.append(reading)
            yield from reading

    with Meter(output, "reading") as meter:
        progress = ProgressMeter(lambda at: meter.show(at.bytes_done, at.bytes_total, at.entries), total)
        timeline = make_timeline(batches(), query, current_recognisers())
    return timeline, readings


def _verdict(readings: list[Reading]) -> Verdict:
    from sealtrail_auditor.verdict import Verdict

    return Verdict.worst(reading.findings.verdict for reading in readings)


def _print(timeline: Timeline, output: Output, *, every_step: bool) -> None:
    from sealtrail.timeline_text import timeline_lines

    console = output.out
    if not console.is_terminal:
        for line in timeline_lines(timeline, None, every_step=every_step):
            click.echo(line.plain)
        return
    for line in timeline_lines(timeline, console.width, every_step=every_step):
        console.print(line)


def _print_json(timeline: Timeline, verdict: Verdict, alike: list[str]) -> None:
    from sealtrail.timeline_json import timeline_json

    for members in timeline_json(timeline, verdict, alike):
        click.echo(json.dumps(members))


def _write_page(page: Path, timeline: Timeline, query: Query, output: Output) -> None:
    from sealtrail.new_file import new_file
    from sealtrail.query_text import describe_query
    from sealtrail_auditor.timeline_page import timeline_page

    with new_file(page) as file:
        file.writelines(timeline_page(timeline, asked=describe_query(query, timeline.origins)))
    output.say(f"Wrote {escape(str(page))}: one page that opens in any browser, without a network.")


def _say_nobody(patterns: tuple[str, ...], alike: list[str], timeline: Timeline, output: Output) -> None:
    from sealtrail.terminal_text import printable
    from sealtrail.wording import plural

    read = plural(timeline.entries, "verified entry", "verified entries")
    line = f"No step by {' or '.join(patterns)} in {read}."
    if alike:
        line += f" There are: {', '.join(alike)}"
    output.say(escape(printable(line)))


def _report_findings(readings: list[Reading], output: Output) -> None:
    from sealtrail.report_text import print_findings

    for reading in readings:
        if reading.findings.kept:
            print_findings(output.err, reading.findings.kept)
