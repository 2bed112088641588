"""`sealtrail doctor`: whether broker and store keep the promises that sealtrail gives in their name."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail import logs, stores
from sealtrail.archive_option import data_option, endpoint_option, profile_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import DataFolder
from sealtrail.doctor_run import examine_archive, examine_deployment
from sealtrail.doctor_text import print_diagnosis
from sealtrail.help_text import examples
from sealtrail.kafka_option import librdkafka_option, log_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail.data_folder import Deployment
    from sealtrail_transport.check_result import CheckResult
    from sealtrail_transport.kafka_settings import Property


@click.command(
    epilog=examples(
        "sealtrail doctor",
        "sealtrail doctor --strict --json",
        "sealtrail doctor s3://audit-archive --endpoint-url https://minio.example.com",
    )
)
@click.argument("address", metavar="[ARCHIVE]", required=False)
@click.option("--strict", is_flag=True, help="Let warnings, and what could not be checked, count as errors.")
@log_option
@librdkafka_option
@endpoint_option
@profile_option
@data_option
@output_options
def command(
    *,
    address: str | None,
    strict: bool,
    log: str | None,
    librdkafka: Mapping[str, Property],
    endpoint_url: str | None,
    profile: str | None,
    data: Path,
) -> None:
    """Examine whether broker and store keep sealtrail's promises.

    Looks at the deployment of the data folder: probes the store, compares the topics with the trails, tries
    transactions, and looks at keys, policy and permissions. With ARCHIVE, s3://bucket[/prefix], it probes
    that store alone and needs no data folder: do that before `sealtrail init`.

    The probe puts some thirty small objects with locks of a minute or two below doctor/ in the archive, and
    touches no other. It also tries to suspend the bucket's versioning, which Object Lock forbids, and undoes
    that where it is not refused. Nothing is written to the topics.

    Run it with the credentials of a service to see whether they are narrow enough, and once with wider ones
    to see the store itself refuse.

    Exits with 0 when no promise is broken, 3 when a trail's integrity is in doubt, 13 when a promise is
    broken, 5 when log or store can't be reached; of several, with the first of 3, 13 and 5. Warnings, and
    what could not be checked, count as 13 with --strict and else not. What these credentials may not try is
    told, and never counts.
    """
    output = current_output()
    with _progress(output) as progress:
        if address is None:
            folder = DataFolder(data)
            deployment = _reached(folder.deployment(), log, endpoint_url, profile)
            diagnosis = examine_deployment(folder, deployment, librdkafka, strict=strict, progress=progress)
        else:
            store = stores.open_address(address, endpoint_url=endpoint_url, profile=profile)
            diagnosis = examine_archive(store, strict=strict, progress=progress)
    if output.json:
        click.echo(json.dumps(diagnosis.to_json()))
    else:
        print_diagnosis(output.out, diagnosis, briefly=output.quiet)
    click.get_current_context().exit(diagnosis.exit_code)


def _reached(
    deployment: Deployment, log: str | None, endpoint_url: str | None, profile: str | None
) -> Deployment:
    """What `init` fixed, reached as the user said."""
    return replace(
        deployment,
        log=logs.choose_address(deployment.log, log),
        endpoint_url=endpoint_url or deployment.endpoint_url,
        profile=profile or deployment.profile,
    )


@contextmanager
def _progress(output: Output) -> Iterator[Callable[[CheckResult], None]]:
    """Show which check is done, where somebody watches."""
    if not output.live:
        yield lambda _result: None
        return
    done = 0
    with output.err.status("examining") as status:

        def show(result: CheckResult) -> None:
            nonlocal done
            done += 1
            status.update(f"probing the store: {done} checks, {escape(result.title)}")

        yield show
