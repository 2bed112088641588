"""`sealtrail index`: the views of what is archived already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.help_text import examples
from sealtrail.view_folder import view_folder_option, view_store

if TYPE_CHECKING:
    from pathlib import Path

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail.indexing import Indexed


@click.command(
    epilog=examples(
        "sealtrail index",
        "sealtrail index s3://audit-archive --policy auditor.policy",
        "sealtrail index ./copy --policy auditor.policy --views ./views",
    )
)
@archive_options
@view_folder_option
@click.option("--rebuild", is_flag=True, help="Make all views anew, also those that are there.")
@output_options
def command(archive: ArchiveChoice, view_folder: Path | None, rebuild: bool) -> None:
    """Write the views of what is archived, for `sealtrail search`.

    A view is a Parquet file of readable columns. Each is made from a batch that was verified against its seal
    before. It goes into the archive, outside of what is locked, or to --views FOLDER where you may not write
    there, or have a copy that `fetch` made. Views that name their sealed batch, and were made with the
    mappings of the settings, are left as they are.

    Ends with the verdict on what was read: batches that do not verify get no view.
    """
    from sealtrail.found_trails import find_chosen
    from sealtrail.indexing import index_trail
    from sealtrail.progress import Meter
    from sealtrail.recognise_setting import current_recognisers
    from sealtrail_archiver.views import require_pyarrow
    from sealtrail_auditor.verdict import Verdict

    require_pyarrow()
    output, recognisers = current_output(), current_recognisers()
    policy = archive.read_policy()
    with archive.opened() as store:
        target = view_store(store, view_folder, make=True)
        trails = find_chosen(store, policy, archive.trails)
        verdicts = [trails.verdict]
        for trail in trails.folders:
            with Meter(output, "indexing") as meter:
                done = index_trail(
                    store,
                    trail,
                    target=target,
                    recognisers=recognisers,
                    now=datetime.now(UTC),
                    rebuild=rebuild,
                    on_progress=meter.show,
                )
            _report(done, output)
            verdicts.append(done.findings.verdict)
    trails.warn(output)
    click.get_current_context().exit(Verdict.worst(verdicts).exit_code)


def _report(done: Indexed, output: Output) -> None:
    from sealtrail.report_text import print_findings
    from sealtrail.wording import plural

    trail = done.trail
    output.record(
        trail=trail.origin,
        folder=trail.folder,
        written=done.written,
        kept=done.kept,
        damaged=[[span.first, span.last] for span in done.damaged],
        findings=[finding.to_json() for finding in done.findings.kept],
    )
    output.result(
        f"{escape(trail.origin)}: {plural(done.written, 'view')} written, {done.kept:,} kept "
        f"in {escape(trail.folder)}"
    )
    if done.damaged:
        output.warn(f"entries {escape(str(done.damaged))} got no view: their batches do not verify.")
        print_findings(output.err, done.findings.kept)
