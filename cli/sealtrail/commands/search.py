"""`sealtrail search`: entries by what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.help_text import examples
from sealtrail.query_options import query_options
from sealtrail.view_folder import view_folder_option, view_store

if TYPE_CHECKING:
    from pathlib import Path

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.hit_text import HitWriter
    from sealtrail_auditor.query import Query


@click.command(
    epilog=examples(
        "sealtrail search --actor alice --outcome denied",
        "sealtrail search --action 'secretsmanager:GetSecret*' --from 2023-07-10T12:00:00Z "
        "--to 2023-07-10T12:15:00Z",
        "sealtrail search s3://acme-audit --policy acme.policy --where userIdentity.type=Root --prove --json",
        "sealtrail search ./copy --policy auditor.policy --text 203.0.113.7 --full --csv > hits.csv",
    )
)
@archive_options
@query_options
@view_folder_option
@click.option("--prove", is_flag=True, help="Hold each hit against its batch, verified.")
@click.option(
    "--full", is_flag=True, help="Search verified batches instead of views: slow, and nothing hides."
)
@click.option(
    "--columns",
    metavar="NAMES",
    help="Columns of the hits, with commas between: sequence,time,actor,value. docs/search.md has them all.",
)
@click.option("--limit", metavar="N", type=click.IntRange(1), help="End after this many hits.")
@click.option("--count", is_flag=True, help="Only say how many hits there are.")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@output_options
def command(
    *,
    archive: ArchiveChoice,
    query: Query,
    view_folder: Path | None,
    prove: bool,
    full: bool,
    columns: str | None,
    limit: int | None,
    count: bool,
    as_csv: bool,
) -> None:
    """Search an archive for entries, by what they say.

    Several values of one option are alternatives; what different options say must all hold. Without any, all
    entries are hits.

    Views are searched, which is quick: only the columns and rows that can hold a hit are read. Views are no
    evidence. One that does not name its sealed batch is left out, and said so; but what somebody has changed
    or hidden within one shows only in the batch. So --prove holds each hit against its batch, and --full
    reads verified batches and nothing else. Batches without a view are named: `sealtrail index` makes it.

    Ends with 10 if a batch does not bear a hit out, with another verdict's code if seals or batches that were
    read are damaged, and with 0 however many hits there are.
    """
    from sealtrail.found_trails import find_chosen
    from sealtrail.hit_text import ALL_BUT_CONTENT, TABLE_COLUMNS
    from sealtrail.search_run import SearchRun

    output = current_output()
    if as_csv and output.json:
        raise click.UsageError("--csv or --json, not both")
    if prove and full:
        raise click.UsageError("--prove is for hits from views; --full reads verified batches alone")
    chosen = _columns(columns) or (ALL_BUT_CONTENT if as_csv or output.json else TABLE_COLUMNS)
    policy = archive.read_policy()
    with archive.opened() as store:
        trails = find_chosen(store, policy, archive.trails)
        several = len(trails.folders) > 1
        writer = None if count else _writer(chosen, as_csv=as_csv, with_trail=several, prove=prove)
        run = SearchRun(output, writer, trails, limit=limit)
        for trail in trails.folders:
            run.search(
                store,
                trail,
                query,
                columns=() if count else chosen,
                now=datetime.now(UTC),
                views=view_store(store, view_folder),
                prove=prove,
                full=full,
            )
    run.report()
    click.get_current_context().exit(run.verdict.exit_code)


def _columns(names: str | None) -> tuple[str, ...]:
    from sealtrail_schemas.view import COLUMNS

    known = [column.name for column in COLUMNS]
    chosen = tuple(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))
    for name in chosen:
        if name not in known:
            raise click.UsageError(f"--columns: there is no column {name!a}; there are {', '.join(known)}")
    return chosen


def _writer(columns: tuple[str, ...], *, as_csv: bool, **table: Any) -> HitWriter:
    from sealtrail.hit_text import CsvWriter, JsonWriter, TableWriter

    output = current_output()
    if output.json:
        return JsonWriter(columns)
    if as_csv:
        return CsvWriter(columns)
    return TableWriter(output, columns, with_trail=table["with_trail"], with_proof=table["prove"])
