"""`sealtrail export`: one file for analysts' tools."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.query_options import query_options

if TYPE_CHECKING:
    from typing import BinaryIO

    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail_auditor.export import Export, ExportedFile
    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_auditor.verdict import Verdict
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail export -o events.parquet",
        "sealtrail export s3://acme-audit --policy acme.policy --from 2026-11-01 --to 2026-12-01 "
        "-o november.parquet",
        "sealtrail export ./copy --policy auditor.policy --actor '*/alice' -o alice.csv",
    )
)
@archive_options
@query_options
@click.option(
    "--output",
    "-o",
    "target",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the rows go: a name that ends in .parquet or .csv.",
)
@output_options
def command(*, archive: ArchiveChoice, query: Query, target: Path) -> None:
    """Write the entries of an archive to one file for analysts' tools.

    One row for each entry that fits, always from verified batches; without filters, for every entry. The
    columns are those of a view, with the trail's origin in front: docs/replay.md has them. In CSV, a cell
    that a spreadsheet would take for a formula begins with an apostrophe; Parquet holds all as it is.

    Beside the file, a manifest (FILE with .manifest.json for its end) has its SHA-256, the filters, what
    could not be exported, and the signed checkpoint of each trail under which all rows lie.

    Ends with a verdict's code if batches that were read do not verify; the others are exported.
    """
    from sealtrail.export_file import format_of
    from sealtrail.new_file import new_file, refuse_existing
    from sealtrail.trail_choice import choose_trails
    from sealtrail_auditor.reading import find_trails
    from sealtrail_auditor.verdict import Verdict

    format_of(target)
    output = current_output()
    manifest_path = target.with_suffix(".manifest.json")
    refuse_existing(manifest_path)
    policy = archive.read_policy()
    with archive.opened() as store:
        trails = find_trails(store, policy, choose_trails(policy, archive.trails))
        if not trails:
            raise CommandError("the archive holds nothing of the trails of the policy")
        now = datetime.now(UTC)
        with new_file(target) as file, new_file(manifest_path) as manifest_file:
            exports, exported = _export(store, trails, query, target=target, now=now, file=file)
            manifest_file.write(_manifest(exported, exports, query, now))
    verdict = Verdict.worst(export.findings.verdict for export in exports)
    _report(exports, exported, target=target, manifest_path=manifest_path, verdict=verdict, output=output)
    click.get_current_context().exit(verdict.exit_code)


def _export(
    store: Store,
    trails: list[TrailFolder],
    query: Query,
    *,
    target: Path,
    now: datetime,
    file: BinaryIO,
) -> tuple[list[Export], ExportedFile]:
    from sealtrail.export_file import write_export
    from sealtrail.progress import Meter
    from sealtrail.recognise_setting import current_recognisers
    from sealtrail_auditor.archive import total_batch_bytes
    from sealtrail_auditor.export import Export

    output = current_output()
    total = sum(total_batch_bytes(store, trail.folder) for trail in trails) if output.live else 0
    with Meter(output, "exporting") as meter:
        exports = [
            Export(
                store,
                trail,
                query,
                recognisers=current_recognisers(),
                now=now,
                on_progress=lambda entries, length: meter.show(length, total, entries),
            )
            for trail in trails
        ]
        return exports, write_export(file, target, exports)


def _manifest(exported: ExportedFile, exports: list[Export], query: Query, now: datetime) -> bytes:
    from sealtrail import __version__
    from sealtrail.recognise_setting import current_recognisers
    from sealtrail.wording import utc
    from sealtrail_auditor.export import make_manifest
    from sealtrail_auditor.query_json import query_json
    from sealtrail_schemas.canonical_json import dumps_canonical

    return dumps_canonical(
        make_manifest(
            exported,
            exports,
            query=query_json(query, current_recognisers()),
            program=f"sealtrail {__version__}",
            made_at=utc(now),
        )
    )


def _report(
    exports: list[Export],
    exported: ExportedFile,
    *,
    target: Path,
    manifest_path: Path,
    verdict: Verdict,
    output: Output,
) -> None:
    from sealtrail.report_text import print_findings
    from sealtrail.wording import plural

    rows = sum(export.rows for export in exports)
    output.record(
        export=str(target),
        manifest=str(manifest_path),
        rows=rows,
        length=exported.length,
        sha256=exported.sha256.hex(),
        verdict=verdict.value,
        damaged={export.trail.folder: [list(span) for span in export.damaged] for export in exports},
        expired={export.trail.folder: [list(span) for span in export.expired] for export in exports},
    )
    output.result(
        f"Wrote {plural(rows, 'row')} from verified batches to {escape(str(target))}, "
        f"and what they rest on to {escape(str(manifest_path))}."
    )
    for export in exports:
        origin = escape(export.trail.origin)
        if export.damaged:
            output.warn(f"{origin}: damaged or missing, not exported: {export.damaged}.")
        if export.expired:
            output.warn(f"{origin}: gone, since their retention has passed: {export.expired}.")
        if export.findings.kept:
            print_findings(output.err, export.findings.kept)
